"""The prompt on a terminal: history, completion as one types, and the current command's usage below."""

import re
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.completion.base import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

from .commands.errors import CommandError
from .commands.virsh.help import synopsis
from .complete import Quiet, candidates, command_of, split
from .history import LineHistory, history_path
from .interactive import prompt_of
from .parser import parse_line, tells_secret
from .render import colourless
from .session import Session

if TYPE_CHECKING:
    from .commands.context import Context

#: A word of the shell's grammar, its quotes open or closed.
WORD = r"""(?:\\.|"(?:\\.|[^"])*(?:"|$)|'[^']*(?:'|$)|[^\s;"'])+"""


def repl(session: Session, limit: int | None) -> None:
    """Read and run lines until `quit` or Ctrl-D, with a history of `limit` lines, or none.

    Ctrl-C ends the line or the command, and keeps the shell.
    """
    history = None if limit is None else LineHistory(history_path(), limit, _secret)
    prompt: PromptSession[str] = PromptSession(
        history=history,
        completer=LineCompleter(session),
        complete_in_thread=True,
        complete_while_typing=True,
        bottom_toolbar=lambda: usage(prompt.default_buffer.document.text_before_cursor),
        style=Style.from_dict({"bottom-toolbar": "noreverse italic"}),
        color_depth=ColorDepth.DEPTH_1_BIT if colourless() else None,
        enable_open_in_editor=False,
    )
    # Terminals that do not answer do without the toolbar, and need no warning.
    prompt.app.renderer.cpr_not_supported_callback = lambda: None
    while not session.ended:
        try:
            with patch_stdout(raw=True):  # what other threads have to say goes above the prompt
                line = prompt.prompt(prompt_of(session))
        except KeyboardInterrupt:
            continue
        except EOFError:
            break
        try:
            if line.strip():
                session.run_line(line)
        except KeyboardInterrupt:
            print()
    if history:
        history.trim()
    print()


class LineCompleter(Completer):
    """Offers what may come next, with what it means; works in a thread of its own."""

    def __init__(self, session: Session):
        self.session = session
        self.quiet = Quiet(session.uri)
        self.lock = Lock()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        line = document.text_before_cursor
        if not complete_event.completion_requested and not line.strip():
            return
        try:
            with self.lock:
                found = candidates(line, self._context(), values=True)
        except Exception:  # no host, no answer: nothing to offer
            found = candidates(line, None, values=True)
        for one in found:
            yield Completion(one.text, -len(_raw(line)), display_meta=one.meaning)

    def _context(self) -> "Context":
        """The session where it is connected, since the embedded host is its own; else a connection that asks nobody."""
        return self.session if self.session.connected else self.quiet  # type: ignore[return-value]


def _raw(line: str) -> str:
    """The last word as it was typed, with its quotes and backslashes."""
    *_, last = [None, *re.finditer(WORD, line)]
    return last[0] if last and last.end() == len(line) else ""


def usage(line: str) -> FormattedText | None:
    """The usage of the command being typed, what it takes next in bold; None while there is none."""
    before, _ = split(line)
    one = command_of(before)
    if one.command is None:
        return None
    current = one.expecting or (one.slots[0] if one.slots else None)
    parts = [("", f" {one.command.name}")]
    for option in one.command.options:
        if text := synopsis(one.command, option):
            parts.append(("bold" if option is current else "", f" {text}"))
    return FormattedText(parts)


def _secret(line: str) -> bool:
    try:
        return tells_secret(parse_line(line))
    except CommandError:
        return False
