"""One JSON object for each result, on a line of its own.

`{"schema_version": 1, "command": NAME, "result": ...}` on standard output; a failure is `{"schema_version": 1,
"command": NAME, "error": {"message", "cause", "code", "domain", "hint"}}` on standard error, where `code` and
`domain` are libvirt's numbers or null.
"""

import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.commands.declare import Command
    from vsh.commands.errors import CommandError

SCHEMA_VERSION = 1


class JsonRenderer:
    """Results and errors as JSON.

    Commands that answer piece by piece (`event`) give one object for each piece.
    """

    def show(self, command: "Command", result: "Any") -> None:
        if result is None:
            return
        for one in result if hasattr(result, "__next__") else (result,):
            data = one.data()
            if data is not None:
                self._write(sys.stdout, command, result=data)

    def error(self, command: "Command | None", error: "CommandError") -> None:
        sys.stdout.flush()
        cause = error.cause
        self._write(
            sys.stderr,
            command,
            error={
                "message": error.summary or (cause.message if cause else ""),
                "cause": cause.message if cause else None,
                "code": cause.code if cause else None,
                "domain": cause.domain if cause else None,
                "hint": error.hint or None,
            },
        )

    def progress(self, label: str, remaining: int, total: int) -> None:
        pass

    def after(self, seconds: float) -> None:
        pass

    def _write(self, stream: "Any", command: "Command | None", **face: "Any") -> None:
        envelope = {"schema_version": SCHEMA_VERSION, "command": command.name if command else None, **face}
        stream.write(json.dumps(envelope, ensure_ascii=False) + "\n")
        stream.flush()
