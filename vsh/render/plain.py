"""Virsh's output, byte for byte."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.commands.declare import Command
    from vsh.commands.errors import CommandError

    from .select import Selection


class PlainRenderer:
    """Lines as virsh prints them; on a terminal, errors are followed by a line that says what to do."""

    watched = False

    def __init__(self, quiet: bool, timing: bool, selection: "Selection | None" = None):
        self.quiet = quiet
        self.timing = timing
        self.selection = selection

    def show(self, command: "Command", result: "Any") -> None:
        if result is None:
            return
        for one in result if hasattr(result, "__next__") else (result,):
            self.write(self.selection.apply(command.name, one) if self.selection else one)
            sys.stdout.flush()

    def write(self, result: "Any") -> None:
        """Write one result."""
        sys.stdout.write(result.plain(self.quiet))

    def error(self, command: "Command | None", error: "CommandError") -> None:
        # Standard output first, so that `2>&1` keeps the order of events.
        sys.stdout.flush()
        lines = [error.summary, error.cause.message if error.cause else ""]
        if sys.stderr.isatty():
            from .text import harmless

            lines = [harmless(line) for line in lines]
        before = "" if error.bare else "error: "
        sys.stderr.write("".join(f"{before}{line}\n" for line in lines if line))
        if error.hint and sys.stderr.isatty():
            sys.stderr.write(f"hint: {error.hint}\n")
        sys.stderr.flush()

    def progress(self, label: str, remaining: int, total: int) -> None:
        if total == 0 and remaining == 0:
            return
        percent = 100 if remaining == 0 else min(99, int(100.0 - remaining * 100.0 / total)) if total else 0
        sys.stderr.write(f"\r{label}: [{percent:3d} %]")
        sys.stderr.flush()

    def after(self, seconds: float) -> None:
        if self.timing:
            sys.stdout.write(f"\n(Time: {seconds * 1000:.3f} ms)\n\n")
        elif not self.quiet:
            sys.stdout.write("\n")
        sys.stdout.flush()
