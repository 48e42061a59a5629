"""The user's editor on a text: VISUAL, else EDITOR, else vi."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from shlex import quote
from typing import TypeVar

from .backends.errors import INTERNAL_ERROR, SYSTEM_ERROR, VirtError, virt_error
from .commands.errors import CommandError, Discarded, EditAgain
from .commands.files import read_file

T = TypeVar("T")
#: A command of other characters goes through the shell.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_.:@")


def edit(text: str, accept: Callable[[str], T], warn: Callable[[str], None]) -> T:
    """See commands.context.Context.edit.

    The text is in a file that only the user can read, until `accept` has taken it.
    """
    path = write(text)
    keep = False
    try:
        while True:
            run_editor(path)
            try:
                return accept(read_back(path))
            except EditAgain:
                continue
    except Discarded:
        raise
    except BaseException:
        keep = _holds_other_than(path, text)
        raise
    finally:
        if keep:
            warn(f"the edited text is kept in '{path}'")
        else:
            _remove(path)


def write(text: str) -> str:
    """Put `text` into a new file below TMPDIR or /tmp; its path.

    Raises CommandError.
    """
    try:
        descriptor, path = tempfile.mkstemp(".xml", "vsh", os.environ.get("TMPDIR") or "/tmp")
    except OSError as error:
        raise CommandError(f"g_mkstemp_full: failed to create temporary file: {error.strerror}") from error
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
    except OSError as error:
        _remove(path)
        raise CommandError(f"write: {path}: failed to write to temporary file: {error.strerror}") from error
    return path


def run_editor(path: str) -> None:
    """Wait until the user leaves the editor.

    Raises CommandError when it cannot be started or ends with a failure.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    argv = [editor, path] if PLAIN.issuperset(editor) else ["sh", "-c", f"{editor} {quote(path)}"]
    said = " ".join(argv) if argv[0] == editor else f"sh -c '{argv[2]}'"
    sys.stdout.flush()
    # Ctrl-C is the editor's while it runs; a handler, unlike SIG_IGN, is not inherited by it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        status = subprocess.call(argv)
    except OSError as error:
        raise CommandError(f"cannot execute binary {editor}: {error.strerror}", hint="set VISUAL or EDITOR") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if status:
        how = f"exit status {status}" if status > 0 else f"fatal signal {-status}"
        raise CommandError("", virt_error(INTERNAL_ERROR, f"Child process ({said}) unexpected {how}"))


def read_back(path: str) -> str:
    """What the user left in the file.

    Raises CommandError.
    """
    try:
        return read_file(path)
    except CommandError as error:
        reason = error.summary.rpartition(": ")[2]
        cause = VirtError(SYSTEM_ERROR, error.summary, hint=error.hint)
        raise CommandError(f"{path}: failed to read temporary file: {reason}", cause) from error


def _holds_other_than(path: str, text: str) -> bool:
    try:
        return read_file(path) != text
    except CommandError:
        return os.path.exists(path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
