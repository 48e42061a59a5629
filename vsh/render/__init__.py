"""How results reach the user.

Only this package writes them.
"""

import os
import sys

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

    #: Whether progress is shown unasked.
    watched: bool

    def show(self, command: "Command", result: "Any") -> None:
        """Write a result; of a generator, each as it comes.

        What a generator raises is the caller's. Raises CommandError for --columns, --sort or --filter that the result
        cannot follow.
        """

    def error(self, command: "Command | None", error: "CommandError") -> None:
        """Write a failure of `command`, or of something outside commands."""

    def progress(self, label: str, remaining: int, total: int) -> None:
        """Show how far a long call is: `remaining` bytes of `total`; without a `label`, that it was given up."""

    def after(self, seconds: float) -> None:
        """End the output of one command, which took so long."""


def renderer(options: "Options", program: str = "vsh") -> Renderer:
    """The renderer that the options ask for.

    Without --format it is rich on a capable terminal and plain elsewhere; under the name virsh it is always plain,
    since programs drive virsh through terminals and read what it prints.
    """
    selection = None
    if options.columns or options.sort or options.filters:
        from .select import Selection

        selection = Selection(options.columns, options.sort, options.filters)
    if options.format in ("", "plain"):
        if not options.format and program != "virsh" and capable():
            from .rich import RichRenderer

            return RichRenderer(options.quiet, options.timing, selection)
        from .plain import PlainRenderer

        return PlainRenderer(options.quiet, options.timing, selection)
    from .data import FORMATS

    return FORMATS[options.format](options.quiet, selection)


def capable() -> bool:
    """Whether standard output is a terminal that can do more than print lines, and is not said to lack Unicode."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    return "." not in locale or "utf" in locale.lower()


def colourless() -> bool:
    """Whether the user wants no colours (no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))
