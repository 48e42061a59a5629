"""`--columns`, `--sort` and `--filter`: what of a table is shown, by the names that its data has.

A column goes by its key in the data (`state`, `capacity_bytes`) or by its header (`Capacity`). Values compare as the
data has them: numbers as numbers, `null` as nothing; `=`, `!=` and `~` also take texts as the table shows them.
"""

from vsh.commands.errors import CommandError
from vsh.commands.results import Done, Message, Notice, Result, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Row = tuple[Any, dict[str, Any]]
    #: Name, operator, value.
    Condition = tuple[str, str, str]

#: Longer ones first, so that `>=` is not taken for `>`.
OPERATORS: "dict[str, Callable[[Any, Any], bool]]" = {
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "~": lambda a, b: b in a,
}


class Column:
    """One column: its name for users, its key in the records, its place among the headers (-1: only in the data)."""

    def __init__(self, name: str, header: str, place: int = -1):
        self.name = name
        self.header = header
        self.place = place


class Selection:
    """What the options ask for; filters as `condition` reads them."""

    def __init__(self, columns: str, sort: str, filters: "list[Condition]"):
        self.columns = _names(columns)
        self.sort = [(name.removeprefix("-"), name.startswith("-")) for name in _names(sort)]
        self.filters = filters

    def apply(self, command: str, result: Result) -> Result:
        """The part of a table that is wanted; what only says what was done stays as it is.

        Raises CommandError for another result, and for a column that the table lacks.
        """
        if isinstance(result, Table):
            return self._table(result)
        if isinstance(result, (Done, Message, Notice)):
            return result
        raise CommandError(
            f"--columns, --sort and --filter need a table, and '{command}' gives none",
            hint="with --format json, ndjson, yaml or csv they work on all lists and objects",
        )

    def data(self, command: str, result: Result) -> "Any":
        """The same of a result's data: of a list of objects, or of one object."""
        if isinstance(result, Table):
            chosen = self._table(result)
            return chosen.data()
        data = result.data()
        if data is None or isinstance(result, (Done, Message, Notice)):
            return data
        records = data if isinstance(data, list) else [data]
        if not all(isinstance(record, dict) for record in records):
            raise CommandError(f"--columns, --sort and --filter need objects, and '{command}' gives none")
        found = _columns((), records)
        rows = self._rows(found, [((), record) for record in records])
        picked = self._picked(found, bool(records))
        answer = [{column.name: _value(column, record, ()) for column in picked} for _, record in rows]
        return answer if isinstance(data, list) else next(iter(answer), None)

    def _table(self, table: Table) -> Table:
        paired = len(table.records) == len(table.rows)
        records = list(table.records) if paired else [{} for _ in table.rows]
        found = _columns(table.headers, records)
        rows = self._rows(found, list(zip(table.rows, records, strict=True)))
        picked = self._picked(found, bool(records))
        if not self.columns:
            return Table(table.headers, [cells for cells, _ in rows], [record for _, record in rows])
        return Table(
            [column.header for column in picked],
            [[_cell(column, record, cells) for column in picked] for cells, record in rows],
            [{column.name: _value(column, record, cells) for column in picked} for cells, record in rows],
        )

    def _picked(self, found: "dict[str, Column]", known: bool) -> "list[Column]":
        """The wanted columns; of a table without rows it is not `known` which ones its data would have."""
        if not self.columns:
            return list(_distinct(found))
        if not known:
            found = {name: Column(name, name) for name in self.columns} | found
        return [_find(found, name) for name in self.columns]

    def _rows(self, found: "dict[str, Column]", rows: "list[Row]") -> "list[Row]":
        if not rows:
            return rows
        for name, sign, wanted in self.filters:
            column = _find(found, name)
            rows = [row for row in rows if _matches(column, row, sign, wanted)]
        for name, backwards in reversed(self.sort):
            column = _find(found, name)
            rows.sort(key=lambda row: _order(_value(column, row[1], row[0])), reverse=backwards)
            if backwards:  # nothing stays last
                rows.sort(key=lambda row: _value(column, row[1], row[0]) is None)
        return rows


def _names(text: str) -> "list[str]":
    return [name.strip() for name in text.split(",") if name.strip()]


def condition(text: str) -> "Condition":
    """What --filter was given.

    Raises CommandError.
    """
    at = next((i for i, char in enumerate(text) if char in "=!<>~"), -1)
    sign = next((sign for sign in OPERATORS if at > 0 and text.startswith(sign, at)), "")
    if not sign:
        raise CommandError(f"filter '{text}' is not NAME=VALUE, nor with one of {' '.join(OPERATORS)}")
    return text[:at].strip(), sign, text[at + len(sign) :].strip()


def _columns(headers: "Any", records: "list[dict[str, Any]]") -> "dict[str, Column]":
    """All columns, by every name they go by: the headers' in their order, then those that only the data has."""
    keys = list(dict.fromkeys(key for record in records for key in record))
    found: dict[str, Column] = {}
    for place, header in enumerate(headers):
        plain = header.lower().replace(" ", "_").replace("(", "").replace(")", "")
        key = next((k for k in keys if k == plain), "") or next((k for k in keys if k.startswith(f"{plain}_")), "")
        column = Column(key or plain, header, place)
        found[column.name] = column
        found.setdefault(plain, column)
        found.setdefault(header.lower(), column)
    for key in keys:
        if key not in found or found[key].name != key:
            found[key] = Column(key, key)
    return found


def _distinct(found: "dict[str, Column]") -> "dict[Column, None]":
    return dict.fromkeys(found.values())


def _find(found: "dict[str, Column]", name: str) -> Column:
    column = found.get(name) or found.get(name.lower())
    if column is None:
        valid = ", ".join(column.name for column in _distinct(found))
        raise CommandError(f"there is no column '{name}': use {valid}")
    return column


def _value(column: Column, record: "dict[str, Any]", cells: "Any") -> "Any":
    if column.name in record or column.place < 0:
        return record.get(column.name)
    return cells[column.place]


def _cell(column: Column, record: "dict[str, Any]", cells: "Any") -> str:
    if column.place >= 0:
        text: str = cells[column.place]
        return text
    return text_of(record.get(column.name))


def text_of(value: "Any") -> str:
    """A value of the data as one cell of text; lists and objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        from json import dumps

        return dumps(value, ensure_ascii=False)
    return str(value)


def _matches(column: Column, row: "Row", sign: str, wanted: str) -> bool:
    """Whether a row meets a condition by its value in the data (shut_off) or, of a text, as it is shown (shut off)."""
    cells, record = row
    value = _value(column, record, cells)
    holds = _holds(value, sign, wanted)
    if not isinstance(value, str) or column.place < 0 or sign not in ("=", "!=", "~"):
        return holds
    shown = _holds(cells[column.place], sign, wanted)
    return holds and shown if sign == "!=" else holds or shown


def _holds(value: "Any", sign: str, wanted: str) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and sign != "~":
        try:
            return OPERATORS[sign](value, float(wanted))
        except ValueError:
            pass
    if value is None and sign in "<=>=":
        return sign == "=" and not wanted
    return OPERATORS[sign](text_of(value), wanted)


def _order(value: "Any") -> "tuple[int, float, str]":
    """Numbers by size, then texts with the numbers in them by size (vm2 before vm10), then nothing."""
    if value is None:
        return (2, 0, "")
    if isinstance(value, (int, float)):
        return (0, value, "")
    from re import sub

    return (1, 0, sub(r"\d+", lambda number: number[0].zfill(20), text_of(value).lower()))
