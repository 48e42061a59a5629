"""The driver's small files: lines of fields between tabs, readable by people and without any import by us."""

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_PLAIN = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def dump(rows: "list[list[str]]") -> bytes:
    """The file that says `rows`."""
    return "".join("\t".join(map(_escape, row)) + "\n" for row in rows).encode("utf-8", "surrogateescape")


def load(data: bytes) -> "list[list[str]]":
    """The rows of a file."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if b"\\" not in data:
        return [line.split("\t") for line in lines if line]
    return [[_unescape(field) for field in line.split("\t")] for line in lines if line]


def _escape(field: str) -> str:
    for character, escape in _ESCAPES:
        field = field.replace(character, escape)
    return field


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    head, *rest = field.split("\\")
    out = [head]
    pieces = iter(rest)
    for piece in pieces:
        if piece:
            out.append(_PLAIN.get(piece[0], piece[0]) + piece[1:])
        else:  # a backslash escaped: what follows it is plain
            out.append("\\" + next(pieces, ""))
    return "".join(out)
