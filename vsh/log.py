"""What the shell does, told at virsh's debug levels and kept in its log.

`-d` or VIRSH_DEBUG gives the least level that is told (0 debug, 1 info, 2 notice, 3 warning, 4 error); `-l` or
VIRSH_LOG_FILE a file that keeps it, and all errors, in virsh's form.
"""

import os
import time

from .commands.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from .commands.declare import Command
    from .parser import Parsed
    from .render import Renderer

DEBUG, INFO, NOTICE, WARNING, ERROR = range(5)
NAMES = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR")
#: Options whose value is looked up on the host, and whether they go by UUID too.
LOOKED_UP = {"domain": True, "network": True, "pool": True, "nwfilter": True, "interface": False}


class Log:
    """Tells messages of `level` and above on `stream`, and writes them into the file at `path`, if there is one.

    Raises CommandError when the file cannot be written.
    """

    def __init__(self, program: str, level: int, path: "str | None", stream: "TextIO"):
        self.program = program
        self.level = level
        self.stream = stream
        self._file = -1
        if path:
            try:
                self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise CommandError("failed to open the log file. check the log file path") from error

    def tell(self, level: int, text: str) -> None:
        """A message for who debugs."""
        if level >= self.level:
            self.keep(level, text)
            self.stream.write(text + "\n")
            self.stream.flush()

    def keep(self, level: int, text: str) -> None:
        """Write a message into the file alone."""
        if self._file < 0:
            return
        line = f"[{time.strftime('%Y.%m.%d %H:%M:%S')} {self.program} {os.getpid()}] {NAMES[level]} {text}\n"
        try:
            os.write(self._file, line.encode("utf-8", "surrogateescape"))
        except OSError as error:
            os.close(self._file)
            self._file = -1
            raise CommandError(f"failed to write the log file: {error.strerror}") from error

    def failure(self, error: CommandError) -> None:
        """Keep what a user is told of an error."""
        for text in (error.summary, error.cause.message if error.cause else ""):
            if text:
                self.keep(ERROR, text)

    def given(self, parsed: "list[Parsed]") -> None:
        """Tell what was parsed: a line for each option, in the order of typing; secrets are left out."""
        for one in parsed:
            options = {option.name: option for option in one.command.options}
            for name, value in one.given.items():
                kind = "bool" if options[name].kind == "bool" else "optdata"
                for text in value if isinstance(value, list) else [value]:
                    shown = "(none)" if text is True else "***" if options[name].secret else text
                    self.tell(INFO, f"{one.command.name}: {name}({kind}): {shown}")

    def lookups(self, one: "Parsed") -> None:
        """Tell what will be looked up for a command, and how it is tried first."""
        for name, by_uuid in LOOKED_UP.items():
            text = one.given.get(name)
            if not isinstance(text, str):
                continue
            self.tell(INFO, f"{one.command.name}: found option <{name}>: {text}")
            if name == "domain" and text.isdecimal():
                self.tell(DEBUG, f"{one.command.name}: <domain> looks like ID")
            else:
                way = "UUID" if by_uuid and len(text) == 36 else "NAME"
                self.tell(DEBUG, f"{one.command.name}: <{name}> trying as {name} {way}")


class LoggedErrors:
    """A renderer whose errors also go into a log."""

    def __init__(self, renderer: "Renderer", log: Log):
        self._renderer = renderer
        self._log = log
        self.watched = renderer.watched
        self.show = renderer.show
        self.progress = renderer.progress
        self.after = renderer.after

    def error(self, command: "Command | None", error: CommandError) -> None:
        self._log.failure(error)
        self._renderer.error(command, error)
