"""The prompt on a terminal."""

import os

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, InMemoryHistory

from .interactive import prompt_of
from .session import Session


def history_path() -> str:
    """Where virsh keeps its history too."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/"), ".cache")
    return os.path.join(cache, "libvirt", "virsh", "history")


def repl(session: Session) -> None:
    """Read and run lines until `quit` or Ctrl-D.

    Ctrl-C ends the line or the command, and keeps the shell.
    """
    prompt: PromptSession[str] = PromptSession(history=_history(), enable_open_in_editor=False)
    while not session.ended:
        try:
            line = prompt.prompt(prompt_of(session))
        except KeyboardInterrupt:
            continue
        except EOFError:
            break
        if not line:
            continue
        try:
            session.run_line(line)
        except KeyboardInterrupt:
            print()
    print()


def _history() -> FileHistory | InMemoryHistory:
    path = history_path()
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return FileHistory(path)
    except OSError:
        return InMemoryHistory()
