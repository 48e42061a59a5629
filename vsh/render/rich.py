"""Results for people at a terminal: tables with coloured states, highlighted XML, progress with rate and time."""

import sys
import time

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table as Grid
from rich.text import Text as Styled

from vsh.commands.results import Pairs, Table, Text

from . import colourless
from .plain import PlainRenderer
from .text import harmless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.commands.declare import Command
    from vsh.commands.errors import CommandError

    from .select import Selection

#: The colour of a word that tells a state; elsewhere words keep the terminal's own colour.
STATES = {
    **dict.fromkeys(("running", "active", "up", "yes", "enabled", "enable", "available", "completed"), "green"),
    **dict.fromkeys(("idle", "paused", "pmsuspended", "saved", "in shutdown", "building"), "yellow"),
    **dict.fromkeys(("crashed", "error", "failed", "inaccessible", "broken", "degraded"), "bold red"),
    **dict.fromkeys(("shut off", "inactive", "down", "no", "disabled", "disable", "-", "no state"), "dim"),
}
#: Larger XML is shown without colours, which take about a second per MB.
HIGHLIGHTED = 1_000_000


class RichRenderer(PlainRenderer):
    """What the plain renderer writes, dressed for a terminal; control characters in it are made visible."""

    def __init__(self, quiet: bool, timing: bool, selection: "Selection | None" = None):
        super().__init__(quiet, timing, selection)
        # Without file=, so that they follow sys.stdout and sys.stderr, which the prompt replaces.
        self.out = Console(color_system=None if colourless() else "auto", highlight=False)
        self.err = Console(color_system=None if colourless() else "auto", highlight=False, stderr=True)
        self.bar = Bar(self.err)
        self.watched = self.err.is_terminal and not quiet

    def write(self, result: "Any") -> None:
        if isinstance(result, Table):
            if result.rows or not self.quiet:
                self.out.print(table(result, headers=not self.quiet))
        elif isinstance(result, Pairs):
            self.out.print(pairs(result), soft_wrap=True)
        elif isinstance(result, Text):
            text = harmless(result.text)
            if text.lstrip().startswith("<") and len(text) <= HIGHLIGHTED:
                lines = Syntax("", "xml", theme="ansi_dark").highlight(text)
                if added := len(lines.plain) - len(text):
                    lines.right_crop(added)
                self.out.print(lines, end="", soft_wrap=True)
            else:
                self.out.print(Styled(text, STATES.get(text.strip(), "")), end="", soft_wrap=True)
        else:
            self.out.out(harmless(result.plain(self.quiet)), end="", highlight=False)

    def error(self, command: "Command | None", error: "CommandError") -> None:
        if not self.err.is_terminal:
            super().error(command, error)
            return
        sys.stdout.flush()
        self.bar.end()
        for line in (error.summary, error.cause.message if error.cause else ""):
            if line:
                self.err.print(Styled.assemble(("error: ", "bold red"), harmless(line)), soft_wrap=True)
        if error.hint:
            self.err.print(Styled.assemble(("hint: ", "bold cyan"), harmless(error.hint)), soft_wrap=True)

    def progress(self, label: str, remaining: int, total: int) -> None:
        if not label:
            self.bar.end()
        elif self.err.is_terminal:
            self.bar.show(label, remaining, total)
        else:
            super().progress(label, remaining, total)

    def after(self, seconds: float) -> None:
        self.bar.end()
        super().after(seconds)


def table(result: Table, headers: bool) -> Grid:
    """A table as wide as it needs to be; where the terminal is narrower, cells go on below."""
    grid = Grid(box=SIMPLE_HEAD, show_header=headers, header_style="bold", show_edge=False, pad_edge=True)
    for place, header in enumerate(result.headers):
        numbers = bool(result.rows) and all(row[place].strip().isdecimal() for row in result.rows)
        grid.add_column(Styled(harmless(header)), justify="right" if numbers else "left", overflow="fold")
    for row in result.rows:
        grid.add_row(*(_cell(cell) for cell in row))
    return grid


def pairs(result: Pairs) -> Styled:
    """Keys and values as two columns."""
    width = max((len(key) for key, _ in result.rows), default=0)
    lines = [
        Styled.assemble((harmless(f"{key:<{width}}"), "bold"), "  ", _cell(value)) for key, value in result.rows
    ]
    return Styled("\n").join(lines)


def _cell(text: str) -> Styled:
    text = harmless(text.replace("\n", "\\n").replace("\t", "\\t"))
    return Styled(text, STATES.get(text, ""))


class Bar:
    """One line on the terminal that tells how far a long call is, how fast it goes and how long it will take."""

    def __init__(self, console: Console):
        self.console = console
        self.label = ""
        self.begun = self.drawn = 0.0
        self.first = 0

    def show(self, label: str, remaining: int, total: int) -> None:
        """Draw the line, at most ten times a second; the end is always drawn."""
        if total == 0 and remaining == 0:
            return
        now = time.monotonic()
        done = max(0, total - remaining)
        if label != self.label:
            self.end()
            self.label, self.begun, self.first = label, now, done
        elif remaining and now - self.drawn < 0.1:
            return
        self.drawn = now
        elapsed = now - self.begun
        rate = (done - self.first) / elapsed if elapsed > 0.2 else 0.0
        share = done / total if total else 0.0
        words = [f"{min(99, int(share * 100)) if remaining else 100:3d} %"]
        if total > 100:  # else the call tells hundredths, not bytes
            words.append(f"{size(done)} of {size(total)}")
            words += [f"{size(int(rate))}/s"] if rate else []
        words.append(clock(remaining / rate) + " left" if rate and remaining else clock(elapsed))
        tail = "  ".join(words)
        room = min(40, self.console.width - len(label) - len(tail) - 6)
        line = Styled.assemble((f"{harmless(label)}: ", "bold"))
        if room >= 8:
            full = int(room * (share if remaining else 1))
            line.append("━" * full, "green").append("─" * (room - full), "dim").append("  ")
        line.append(tail).truncate(max(1, self.console.width - 1))
        self.console.file.write("\r\x1b[2K")
        self.console.print(line, end="")
        self.console.file.flush()

    def end(self) -> None:
        """Leave the line behind as it is."""
        if self.label:
            self.label = ""
            self.console.file.write("\n")
            self.console.file.flush()


def size(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def clock(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
