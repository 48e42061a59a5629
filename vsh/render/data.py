"""Results for programs: JSON, NDJSON, YAML and CSV, all of one schema.

A result is the object `{"schema_version": 1, "command": NAME, "result": ...}` on standard output: on a line of its own
(json), with one object for each element of a list (ndjson), or as a document (yaml). csv has the result alone: a line
of names, then a line for each object. A failure is `{"schema_version": 1, "command": NAME, "error": {"message",
"cause", "code", "domain", "hint"}}` on standard error, where `code` and `domain` are libvirt's numbers or null; with
csv it is JSON.

A command that ran on several hosts gives `{"schema_version": 1, "command": NAME, "hosts": {HOST: {"result": ...} or
{"error": ...}}}`; ndjson and csv have the host in each line.
"""

import json
import sys

from .select import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

    from vsh.commands.declare import Command
    from vsh.commands.errors import CommandError

    from .select import Selection

SCHEMA_VERSION = 1


class JsonRenderer:
    """One object for each result; commands that answer piece by piece (`event`) give one for each piece."""

    watched = False

    def __init__(self, quiet: bool, selection: "Selection | None" = None):
        self.quiet = quiet
        self.selection = selection

    def show(self, command: "Command", result: "Any") -> None:
        if result is None:
            return
        for one in result if hasattr(result, "__next__") else (result,):
            data = self.selection.data(command.name, one) if self.selection else one.data()
            if data is not None:
                self.result(command.name, data)
                sys.stdout.flush()

    def error(self, command: "Command | None", error: "CommandError") -> None:
        sys.stdout.flush()
        self.write(sys.stderr, envelope(command.name if command else None, error=self.face(error)))
        sys.stderr.flush()

    def face(self, error: "CommandError") -> "dict[str, Any]":
        """A failure as data."""
        cause = error.cause
        return {
            "message": error.summary or (cause.message if cause else ""),
            "cause": cause.message if cause else None,
            "code": cause.code if cause else None,
            "domain": cause.domain if cause else None,
            "hint": error.hint or None,
        }

    def hosts(self, command: str, answers: "dict[str, dict[str, Any]]") -> None:
        """Write what one command said on several hosts: name -> an object with "result", "error" or both."""
        self.write(sys.stdout, envelope(command, hosts=answers))

    def result(self, command: str, data: "Any") -> None:
        """Write the data of one result."""
        self.write(sys.stdout, envelope(command, result=data))

    def write(self, stream: "TextIO", value: "dict[str, Any]") -> None:
        """Write one object."""
        text = json.dumps(value, ensure_ascii=False)
        if not is_unicode(text):
            text = json.dumps(value)  # bytes that are not UTF-8 as \\udcXX
        stream.write(text + "\n")

    def progress(self, label: str, remaining: int, total: int) -> None:
        pass

    def after(self, seconds: float) -> None:
        pass


class NdjsonRenderer(JsonRenderer):
    """One object for each element of a list."""

    def result(self, command: str, data: "Any") -> None:
        for one in data if isinstance(data, list) else [data]:
            self.write(sys.stdout, envelope(command, result=one))


class YamlRenderer(JsonRenderer):
    """One document for each result."""

    def write(self, stream: "TextIO", value: "dict[str, Any]") -> None:
        import yaml

        yaml.safe_dump(value, stream, sort_keys=False, allow_unicode=True, explicit_start=True, width=120)


class CsvRenderer(JsonRenderer):
    """Objects as lines under the names of their keys, those of inner objects as `outer.inner`.

    Lists are JSON in one cell. A table that differs in its names from the one before begins with a line of its own;
    --quiet leaves these lines out.
    """

    def __init__(self, quiet: bool, selection: "Selection | None" = None):
        super().__init__(quiet, selection)
        self.names: list[str] = []

    def result(self, command: str, data: "Any") -> None:
        import csv

        values = data if isinstance(data, list) else [data]
        rows = [dict(flat(one if isinstance(one, dict) else {"value": one})) for one in values]
        names = list(dict.fromkeys(name for row in rows for name in row))
        lines = csv.writer(sys.stdout, lineterminator="\n")
        if rows and names != self.names and not self.quiet:
            lines.writerow(names)
        self.names = names
        lines.writerows([text_of(row.get(name)) for name in names] for row in rows)


def envelope(command: "str | None", **face: "Any") -> "dict[str, Any]":
    """What every format but csv wraps results and errors in."""
    return {"schema_version": SCHEMA_VERSION, "command": command, **face}


def flat(value: "dict[str, Any]", prefix: str = "") -> "Iterator[tuple[str, Any]]":
    """The pairs of an object and of the objects in it, these under `outer.inner`."""
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def is_unicode(text: str) -> bool:
    """Whether `text` holds no bytes that were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


FORMATS = {"json": JsonRenderer, "ndjson": NdjsonRenderer, "yaml": YamlRenderer, "csv": CsvRenderer}
