"""How a command fails."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from vsh.backends.errors import VirtError


class CommandError(Exception):
    """A command's failure: `summary`, virsh's line, and `cause`, the call that failed; either may be absent.

    Without both the command failed after saying all it had to say. `hint` says what to do. What is `bare` stands
    without `error: ` before it among virsh's lines: there a library speaks.
    """

    def __init__(self, summary: str = "", cause: "VirtError | None" = None, hint: str = "", bare: bool = False):
        super().__init__(summary or (cause.message if cause else ""))
        self.summary = summary
        self.cause = cause
        self.hint = hint or (cause.hint if cause else "")
        self.bare = bare


class EditAgain(Exception):
    """Raised by who uses an edited text (Context.edit): the user wants to go on editing."""


class Discarded(CommandError):
    """The user threw an edited text away."""


class failing:
    """Give a VirtError raised inside the block the summary line that virsh prints before it."""

    def __init__(self, summary: str):
        self.summary = summary

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", tb: "TracebackType | None"
    ) -> None:
        from vsh.backends.errors import VirtError

        if isinstance(error, VirtError):
            raise CommandError(self.summary, error) from error
