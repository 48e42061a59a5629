"""JSON text as libvirt writes it."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def parse(text: str) -> "Any":
    """The value that `text` spells; None where it is not JSON."""
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return None


def compact(value: "Any") -> str:
    """The shortest text for a value."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def indented(value: "Any", margin: str = "") -> str:
    """One member a line; an empty object or list has an empty line in it."""
    if isinstance(value, dict):
        lines = [f"{compact(key)}: {indented(one, margin + '  ')}" for key, one in value.items()]
        ends = "{}"
    elif isinstance(value, list):
        lines = [indented(one, margin + "  ") for one in value]
        ends = "[]"
    else:
        return compact(value)
    inner = ",\n".join(f"{margin}  {line}" for line in lines)
    return f"{ends[0]}\n{inner}\n{margin}{ends[1]}"
