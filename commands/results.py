"""What commands return: data with two faces.

`data()` gives plain values for JSON and the other formats: bytes, seconds, names of states, units in key names.
`plain(quiet)` gives virsh's text, without headers and informational lines when `quiet`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Result:
    """Base of all results."""

    def data(self) -> "Any":
        """Values for machines: dicts, lists, strings, numbers, booleans and None."""
        raise NotImplementedError

    def plain(self, quiet: bool) -> str:
        """Virsh's text, line ends included."""
        raise NotImplementedError


class Text(Result):
    """Text that is the answer itself; `data` for machines where that is not just the text under `key`."""

    def __init__(self, text: str, data: "Any" = None, key: str = "text"):
        self.text = text
        self._data = {key: text.rstrip("\n")} if data is None else data

    def data(self) -> "Any":
        return self._data

    def plain(self, quiet: bool) -> str:
        return self.text


class Message(Result):
    """What was done, as a line that `quiet` drops; `facts` is the same for machines."""

    def __init__(self, line: str, **facts: "Any"):
        self.line = line
        self.facts = facts

    def data(self) -> "Any":
        return self.facts

    def plain(self, quiet: bool) -> str:
        return "" if quiet else self.line + "\n"


class Done(Result):
    """What was done, for machines; people are told nothing."""

    def __init__(self, **facts: "Any"):
        self.facts = facts

    def data(self) -> "Any":
        return self.facts

    def plain(self, quiet: bool) -> str:
        return ""


class Notice(Result):
    """Text that `quiet` drops, such as a line that virsh does not end; machines get `data`, or nothing."""

    def __init__(self, text: str, data: "Any" = None):
        self.text = text
        self._data = data

    def data(self) -> "Any":
        return self._data

    def plain(self, quiet: bool) -> str:
        return "" if quiet else self.text


class Pairs(Result):
    """`Key:   value` lines; `width` is virsh's column for the command.

    Rows whose value is None are only in the data.
    """

    def __init__(self, rows: "Sequence[tuple[str, str]]", data: "dict[str, Any]", width: int = 15):
        self.rows = rows
        self.width = width
        self._data = data

    def data(self) -> "Any":
        return self._data

    def plain(self, quiet: bool) -> str:
        return "".join(f"{key:<{self.width}} {value}\n" for key, value in self.rows)


class Table(Result):
    """Rows under headers, laid out as virsh's tables are; `records` are the same rows for machines."""

    def __init__(self, headers: "Sequence[str]", rows: "Sequence[Sequence[str]]", records: "Sequence[dict[str, Any]]"):
        self.headers = headers
        self.rows = rows
        self.records = records

    def data(self) -> "Any":
        return list(self.records)

    def plain(self, quiet: bool) -> str:
        lines = [[visible(cell) for cell in row] for row in ([] if quiet else [self.headers]) + list(self.rows)]
        cells = [[(cell, width_of(cell)) for cell in line] for line in lines]
        widths = [max((line[i][1] for line in cells), default=0) for i in range(len(self.headers))]
        out = []
        for line in cells:
            padded = [cell + " " * (width - own + 2) for (cell, own), width in zip(line, widths, strict=True)]
            padded[-1] = line[-1][0]
            out.append(" " + " ".join(padded) + "\n")
        if not quiet:
            out.insert(1, "-" * sum(width + 3 for width in widths) + "\n")
        return "".join(out)


def visible(text: str) -> str:
    """`text` with control characters, backslash-x and unprintables as \\xNN, as virsh's tables print them."""
    if text.isascii() and text.isprintable() and "\\x" not in text:
        return text
    out = []
    for i, char in enumerate(text):
        if (char == "\\" and text[i + 1 : i + 2] == "x") or not char.isprintable():
            out.append("".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape")))
        else:
            out.append(char)
    return "".join(out)


def width_of(text: str) -> int:
    """How many columns a terminal gives `text`: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(char) in ("Mn", "Me", "Cf") else 2 if east_asian_width(char) in ("W", "F") else 1 for char in text
    )
