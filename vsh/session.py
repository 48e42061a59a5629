"""One run of the shell: its connection, and the commands that are run on it."""

import errno
import os
import sys
import time

from .backends import api
from .backends.errors import (
    INVALID_CONN,
    NO_CONNECT,
    RPC,
    SYSTEM_ERROR,
    XML_DETAIL,
    XML_INVALID_SCHEMA,
    Outdated,
    VirtError,
)
from .commands.errors import CommandError, failing
from .parser import Parsed, parse_argv, parse_line, tells_secret
from .render import Renderer, renderer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeVar

    from .backends.streams import Stream
    from .commands.context import Context
    from .log import Log
    from .options import Options

    T = TypeVar("T")

#: Errors after which the connection may be gone.
FATAL = (SYSTEM_ERROR, RPC, NO_CONNECT, INVALID_CONN)
#: Errors of XML whose place can be told.
FAULTS = (XML_DETAIL, XML_INVALID_SCHEMA)
#: What a disk says that takes no more of our output.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
INFO = 1  # virsh's debug level


class Session:
    """Runs parsed commands for one user; implements commands.context.Context."""

    def __init__(self, options: "Options", program: str = "vsh", interactive: bool = False):
        self.options = options
        self.program = program
        self.interactive = interactive
        self.escape = options.escape
        self.readonly = options.readonly
        self.uri = options.uri
        self.ended = False
        self.render: Renderer = renderer(options, program)
        self.log: Log | None = None
        self._connection: api.Connection | None = None
        if options.no_agent:
            os.environ["VSH_NO_AGENT"] = "1"
        self._lost = False

    # -- what commands see ---------------------------------------------------------------------------------------

    @property
    def connection(self) -> api.Connection:
        """The open connection."""
        assert self._connection is not None
        return self._connection

    @property
    def connected(self) -> bool:
        """Whether there is a connection that is not known to be gone."""
        return self._connection is not None and self._connection.alive

    @property
    def terminal(self) -> bool:
        """Whether standard input is a terminal."""
        return sys.stdin is not None and sys.stdin.isatty()

    @property
    def watched(self) -> bool:
        """Whether progress is shown unasked; see commands.context.Context."""
        return self.render.watched

    def warn(self, text: str, hint: str = "", bare: bool = False) -> None:
        """Tell the user about something that does not end the command; see commands.context.Context."""
        self.render.error(None, CommandError(text, hint=hint, bare=bare))

    def progress(self, label: str, remaining: int, total: int) -> None:
        """Show how far a long call is."""
        self.render.progress(label, remaining, total)

    def reconnect(self, uri: "str | None", readonly: bool) -> None:
        """Replace the connection.

        Raises CommandError.
        """
        # Back on the same URI, a read-only session stays read-only; a URI named anew starts read-write.
        self._open(uri, readonly or (uri is None and self.readonly))

    def connect(self, uri: str) -> api.Connection:
        """A second connection; see commands.context.Context."""
        connection = api.open(uri, False, self._ask)
        self._keepalive(connection)
        return connection

    def interact(self, stream: "Stream") -> None:
        """Join the terminal to `stream` until the escape character or its end."""
        from .terminal import interact

        interact(stream, self.escape)

    def edit(self, text: str, accept: "Callable[[str], T]") -> "T":
        """Open the user's editor on `text`; see commands.context.Context."""
        from .editor import edit

        return edit(text, accept, self.warn)

    def choose(self, question: str, answers: "Mapping[str, str]") -> "str | None":
        """Ask for one of the keys of `answers`; None where there is no terminal."""
        if not self.terminal:
            return None
        from .terminal import choose

        return choose(question, answers)

    def ask_secret(self, question: str) -> str:
        """What the user answers, unseen on a terminal."""
        from .terminal import ask_secret

        return ask_secret(question)

    def complete(self, words: "Sequence[str]", values: bool) -> "list[str]":
        """What may take the place of the last of `words`."""
        from .complete import Quiet, deadline, quickly

        quiet: Context = Quiet(self.uri)  # type: ignore[assignment]
        with failing("failed to connect to the hypervisor"):
            return [one.text for one in quickly(" ".join(words), quiet, values, deadline())]

    def document(self, name: str) -> str:
        """A completion script, or the manual page, `man`."""
        if name == "man":
            from .manual import page

            return page()
        from .shells import script

        return script(name)

    def read(self, page: str) -> bool:
        """Show a manual page with man(1); False where there is none."""
        from .manual import show

        return not self.options.format and show(page)

    # -- running -------------------------------------------------------------------------------------------------

    def one_shot(self) -> int:
        """Run the command line in `options.rest`: one argument is a line of commands, more are one command.

        The exit status.
        """
        if self.options.several:
            from .fanout import fan_out

            return fan_out(self.options, self.program)
        rest = self.options.rest
        try:
            self.open_log()
            parsed = self.parse(rest)
            self.start()
        except CommandError as error:
            self.render.error(None, error)
            self.close()
            return 1
        try:
            return 0 if self.run(parsed) and rest != [""] else 1  # virsh takes no words at all for a failure
        finally:
            self.close()

    def parse(self, rest: list[str]) -> list[Parsed]:
        """The commands of a command line: one argument is a line of them, more are one. Raises CommandError."""
        parsed: list[Parsed] = []
        try:
            parsed = parse_line(rest[0]) if len(rest) == 1 else parse_argv(rest)
        finally:
            if self.log:
                if len(rest) == 1:
                    self.log.tell(INFO, f'commands: "{"***" if tells_secret(parsed) else rest[0]}"')
                self.log.given(parsed)
        return parsed

    def open_log(self) -> None:
        """Begin to log, if that is wanted.

        Raises CommandError when the file cannot be written.
        """
        path, level = self.options.log or os.environ.get("VIRSH_LOG_FILE"), self.options.debug
        told = os.environ.get("VIRSH_DEBUG")
        if level is None and told is not None:
            from .backends.xml.values import c_int

            try:
                level = c_int(told, low=0, high=4)
            except ValueError:
                for _ in range(2):  # virsh looks at it twice
                    self.warn("VIRSH_DEBUG not set with a valid numeric value")
        if path or level is not None:
            from .log import Log, LoggedErrors

            stream = sys.stdout if self.options.format in ("", "plain") else sys.stderr
            self.log = Log(self.program, 4 if level is None else level, path, stream)
            self.render = LoggedErrors(self.render, self.log)

    def start(self) -> None:
        """Show what the options gave rise to, and connect at once where a URI was given with -c.

        Raises CommandError.
        """
        for text in self.options.warnings:
            self.warn(text)
        if self.uri is not None and self.options.rest[:1] != ["complete"]:  # which never waits for a connection
            self._open(None, self.readonly)

    def run(self, parsed: list[Parsed]) -> bool:
        """Run commands in order; a failure does not stop the rest.

        Whether the last one succeeded.
        """
        succeeded = True
        for one in parsed:
            before = time.time()
            succeeded = self._run_one(one)
            if one.command.name in ("quit", "exit"):
                self.ended = True
                break
            self.render.after(time.time() - before)
        return succeeded

    def run_line(self, line: str) -> bool:
        """Run a line of the prompt or of a script on standard input."""
        try:
            parsed = parse_line(line)
        except CommandError as error:
            self.render.error(None, error)
            return False
        if self.log:
            self.log.given(parsed)
        return self.run(parsed)

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run_one(self, one: Parsed) -> bool:
        try:
            if one.command.connects:
                self._usable()
            if self.log:
                self.log.lookups(one)
            self.render.show(one.command, self._called(one))
            return True
        except CommandError as error:
            failure = error
        except VirtError as error:
            failure = CommandError("", error)
        except KeyboardInterrupt:
            self.render.progress("", 0, 0)
            raise
        except BrokenPipeError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise  # the output's, which entry.main tells; those of drivers are VirtErrors
            sys.stdout.flush()  # where it is this that fails, it fails again
            if self.options.debug is not None:
                from traceback import print_exc

                print_exc()
            failure = CommandError(
                f"internal error: {type(error).__name__}: {error}",
                hint="run again with --debug=0 to see where it happened",
            )
        if failure.cause is not None and failure.cause.code in FAULTS and not failure.hint:
            failure.hint = _explained(one, failure.cause)
        self._lost = self._lost or (failure.cause is not None and failure.cause.code in FATAL)
        self.render.error(one.command, failure)
        return False

    def _called(self, one: Parsed) -> "Any":
        """What a command returns, by what names led to before if they still do."""
        connection = self._connection
        if connection is None:
            return one.command.call(self, one.given)
        connection.presume()
        try:
            try:
                result = one.command.call(self, one.given)
            except (CommandError, VirtError):
                connection.settle()
                raise
            connection.settle()
            return result
        except Outdated:
            return one.command.call(self, one.given)

    def _usable(self) -> None:
        if self._connection is None or (self._lost and not self._connection.alive):
            again = self._connection is not None
            self._open(None, self.readonly)
            if again:
                self.warn("Reconnected to the hypervisor")
        self._lost = False
        if not self.connection.alive:
            raise CommandError("no valid connection")

    def _open(self, uri: "str | None", readonly: bool) -> None:
        again = self._lost
        self.close()
        try:
            connection = api.open(uri if uri is not None else self.uri, readonly, self._ask)
        except VirtError as error:
            line = "Failed to reconnect to the hypervisor" if again else "failed to connect to the hypervisor"
            raise CommandError(line, error) from error
        self._keepalive(connection)
        if any(name.startswith(("LIBVIRT_DEBUG", "LIBVIRT_LOG_")) for name in os.environ):
            from .trace import traced

            connection = traced(connection)
        self._connection = connection
        self.readonly = readonly
        self.uri = uri if uri is not None else self.uri
        self._lost = False
        connection.session.on_close(self._closed)
        if self.interactive:
            connection.session.start_background()
        for notice in connection.session.notices:
            self.warn(notice)

    def _ask(self, question: str, hidden: bool) -> "str | None":
        """What the user answers; only a hidden answer needs a terminal."""
        if hidden:
            if not self.terminal:
                return None
            from getpass import getpass

            return getpass(f"{question}: ")
        sys.stdout.write(f"{question}: ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        return line.removesuffix("\n") if line else None

    def _keepalive(self, connection: api.Connection) -> None:
        interval, count = self.options.keepalive_interval, self.options.keepalive_count
        try:
            if interval != 0:
                connection.session.set_keepalive(5 if interval is None else interval, 6 if count is None else count)
        except VirtError as error:
            if self.log:
                self.log.tell(INFO, "Failed to setup keepalive on connection")
            if interval is not None or count is not None:
                connection.close()
                self.warn("Cannot setup keepalive on connection as requested, disconnecting")
                raise CommandError("failed to connect to the hypervisor", error) from error

    def _closed(self, reason: str) -> None:
        assert self._connection is not None
        self._lost = True
        self.warn(f"Disconnected from {self._connection.uri.text} due to {reason}")


def _explained(one: Parsed, error: VirtError) -> str:
    """What is wrong with the file that a command was given."""
    from .commands.files import read_file
    from .commands.schema import explained

    path = one.given.get("file") or one.given.get("xmlfile")
    try:
        return explained(error, read_file(path) if isinstance(path, str) else "")
    except CommandError:
        return ""
