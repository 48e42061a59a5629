"""What a command sees of the shell that runs it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol, TypeVar

    from vsh.backends import api
    from vsh.backends.streams import Stream

    T = TypeVar("T")
else:
    Protocol = object


class Context(Protocol):
    """The shell, as commands use it.

    The shell implements it; commands never print and never open connections.
    """

    #: Whether commands come one by one from a user or a script on standard input; False in one-shots and batches.
    interactive: bool
    #: The name the shell was started under: vsh or virsh.
    program: str

    @property
    def connection(self) -> "api.Connection":
        """The open connection; commands declared with connects=False must not touch it."""

    @property
    def terminal(self) -> bool:
        """Whether standard input is a terminal."""

    @property
    def escape(self) -> str:
        """The console's escape character as the user wrote it: `^]` or a single character."""

    @property
    def watched(self) -> bool:
        """Whether somebody at a terminal would like to see how far long calls are, without having asked for it."""

    def warn(self, text: str, hint: str = "", bare: bool = False) -> None:
        """Tell the user about something that does not end the command; `hint` and `bare` are CommandError's."""

    def progress(self, label: str, remaining: int, total: int) -> None:
        """Show how far a long call is: `remaining` bytes of `total`, which is 0 while it is not known."""

    def reconnect(self, uri: "str | None", readonly: bool) -> None:
        """Replace the connection.

        Raises CommandError.
        """

    def connect(self, uri: str) -> "api.Connection":
        """A second connection, to another host; the caller closes it.

        Raises CommandError and VirtError.
        """

    def interact(self, stream: "Stream") -> None:
        """Join the terminal to `stream` until the escape character or its end."""

    def edit(self, text: str, accept: "Callable[[str], T]") -> "T":
        """Open the user's editor on `text` and give what comes of it to `accept`; what that returns.

        It may raise errors.EditAgain to have the editor opened once more on the edited text, or errors.Discarded. On
        any other failure the edited text stays in its file, and the user is told where. Raises CommandError when the
        editor fails.
        """

    def choose(self, question: str, answers: "Mapping[str, str]") -> "str | None":
        """Ask for one of the keys of `answers`, whose values explain them; None where no terminal is there to ask."""

    def ask_secret(self, question: str) -> str:
        """What the user answers to `question`, unseen on a terminal."""

    def complete(self, words: "Sequence[str]", values: bool) -> "Sequence[str]":
        """What may take the place of the last of `words`, a command line being typed (see vsh.complete)."""

    def document(self, name: str) -> str:
        """The completion script of the shell `name`, or the manual page, "man"."""

    def read(self, page: str) -> bool:
        """Show a manual page to the user; False where no program for that is there."""
