"""What may come next on a command line: for `complete`, the completion scripts of shells, and the prompt.

The contract of `complete` is virsh's: names of commands for the first word; after it names of options, without those
already used, for an empty word and for one that begins with a dash; values for the word of an option that takes one.
With `values`, an empty word is completed with the values that may stand there too, and `--option=` with the option's.
"""

import os
import threading
import time

from .backends import api
from .backends.errors import VirtError
from .commands.declare import Alias, Opt
from .commands.errors import CommandError
from .commands.index import COMMANDS, find
from .parser import END, OneCommand, words_of_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .commands.context import Context

#: Seconds that completion may take; VSH_COMPLETE_TIMEOUT sets others.
DEADLINE = 0.3
#: Options of these names take a file on the user's side; those with a completer of their own speak for themselves.
FILES = ("file", "xml", "xmlfile", "backupxml", "checkpointxml", "dir")


class Candidate:
    """What may take the place of the last word, as it would be typed, and what it means."""

    __slots__ = ("meaning", "text")

    def __init__(self, text: str, meaning: str = ""):
        self.text = text
        self.meaning = meaning


def candidates(line: str, context: "Context | None", values: bool = False) -> "list[Candidate]":
    """The candidates for the last word of `line`, which is empty after a blank.

    `context` is the shell that completers of values get; without it they are not asked. Raises whatever they raise.
    """
    before, text = split(line)
    one = command_of(before)
    if one.command is None:
        near = [found for name in COMMANDS if name.startswith(text) and (found := find(name))]
        return [Candidate(command.name, command.summary) for command in near if not command.hidden]
    if one.expecting is not None:
        return _values(one.expecting, one, text, context)
    if text.startswith("-") and not one.bare_only:
        name, equals, value = text[2:].partition("=")
        option = next((o for o in one.command.options if o.name == name), None)
        if equals and option and values:
            return [Candidate(f"--{name}={c.text}", c.meaning) for c in _values(option, one, value, context)]
        return _options(one, text, values)
    fitting = _values(one.slots[0], one, text, context) if one.slots and (text or values) else []
    return fitting if text else fitting + _options(one, text, values)


def split(line: str) -> "tuple[list[str | None], str]":
    """The words of a line before the last, which may be unfinished, and that one."""
    words: list[str | None] = []
    for end in ("", '"', "\\"):
        try:
            words = list(words_of_line(line + end))
            break
        except CommandError:
            continue
    finished = not line or (line[-1] in " \t\n;" and not line.endswith("\\ "))
    last = None if finished or not words else words.pop()
    return words, last or ""


def command_of(words: "Iterable[str | None]") -> OneCommand:
    """The last of the commands that `words` spell, as far as it goes; words that do not fit are passed over."""
    one = OneCommand()
    rest = iter(words)
    for word in rest:
        if word is END:
            one = OneCommand()
            continue
        try:
            one.add(word, rest)
        except CommandError:
            pass
    return one


def _options(one: OneCommand, text: str, values: bool) -> "list[Candidate]":
    assert one.command is not None
    open_ = [
        option
        for option in one.command.options
        if not isinstance(option, Alias) and (option.kind == "argv" or option.name not in one.given)
    ]
    named = {f"--{option.name}": option.help for option in open_}
    return [Candidate(n, help) for n, help in named.items() if n.startswith(text) and (values or n != text)]


def _values(option: Opt, one: OneCommand, text: str, context: "Context | None") -> "list[Candidate]":
    if option.complete is not None:
        if context is None:
            return []
        given = {name: value for name, value in one.given.items() if isinstance(value, str)}
        found: Iterable[str] = option.complete(context, given)
        return [Candidate(escaped(name)) for name in found if name.startswith(text)]
    return [Candidate(escaped(path)) for path in _paths(text)] if option.name in FILES else []


def _paths(text: str) -> "list[str]":
    folder, slash, name = text.rpartition("/")
    try:
        with os.scandir(os.path.expanduser(folder + slash) or ".") as entries:
            found = sorted(
                f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
                for entry in entries
                if entry.name.startswith(name) and (name or not entry.name.startswith("."))
            )
    except OSError:
        return []
    return found


def escaped(text: str) -> str:
    """A word as it is typed: blanks and what else the shell's grammar takes apart with a backslash before it."""
    return "".join(f"\\{char}" if char in " \t;'\"\\" else char for char in text)


class Quiet:
    """The shell as completers see it: connected when first needed, only to look, and asking nobody for anything."""

    def __init__(self, uri: "str | None"):
        self._uri = uri
        self._connection: api.Connection | None = None

    @property
    def connection(self) -> api.Connection:
        """The connection, made now if there is none.

        Raises VirtError.
        """
        if self._connection is None or not self._connection.alive:
            self._connection = api.glance(self._uri)
        return self._connection

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()


def quickly(line: str, context: "Context", values: bool, seconds: float) -> "list[Candidate]":
    """The candidates that can be had within so many seconds: when values take longer or fail, the names alone.

    Without `values`, and so by virsh's contract, there are none where there is no host. Raises VirtError then.
    """
    found: list[Candidate] = []
    refused: list[VirtError] = []

    def work() -> None:
        try:
            if not values:
                assert context.connection
        except VirtError as error:
            refused.append(error)
            return
        try:
            found.extend(candidates(line, context, values))
        except Exception:  # whatever is wrong, a user who pressed TAB wants no message
            pass

    worker = threading.Thread(target=work, name="vsh-complete", daemon=True)
    worker.start()
    worker.join(max(0.0, seconds))
    if refused:
        raise refused[0]
    return found if found and not worker.is_alive() else candidates(line, None, values)


def deadline() -> float:
    """How many seconds are left for completion since the program began."""
    try:
        seconds = float(os.environ.get("VSH_COMPLETE_TIMEOUT", ""))
    except ValueError:
        seconds = DEADLINE
    return seconds - time.process_time()
