"""How results reach the user.

Only this package writes them.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from vsh.commands.declare import Command
    from vsh.commands.errors import CommandError
    from vsh.options import Options
else:
    Protocol = object


class Renderer(Protocol):
    """Writes results to standard output and errors to standard error."""

    def show(self, command: "Command", result: "Any") -> None:
        """Write a result; of a generator, each as it comes.

        What a generator raises is the caller's.
        """

    def error(self, command: "Command | None", error: "CommandError") -> None:
        """Write a failure of `command`, or of something outside commands."""

    def progress(self, label: str, remaining: int, total: int) -> None:
        """Show how far a long call is: `remaining` bytes of `total`."""

    def after(self, seconds: float) -> None:
        """End the output of one command, which took so long."""


def renderer(options: "Options") -> Renderer:
    """The renderer that the options ask for."""
    if options.format == "json":
        from .json import JsonRenderer

        return JsonRenderer()
    from .plain import PlainRenderer

    return PlainRenderer(options.quiet, options.timing)
