"""What hypervisors tell under dotted names ("block.0.rd.bytes"), as data: nested, with the unit in the key."""

from vsh.backends.params import BOOLEAN, TypedParams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Rule = tuple[str, Callable[[Any], Any]]

NANOSECONDS: "Rule" = ("seconds", lambda number: number / 1e9)
MILLISECONDS: "Rule" = ("seconds", lambda number: number / 1e3)
SECONDS: "Rule" = ("seconds", lambda number: number)
BYTES: "Rule" = ("bytes", lambda number: number)
KIB: "Rule" = ("bytes", lambda number: number * 1024)
MIB_PER_SECOND: "Rule" = ("bytes_per_second", lambda number: number << 20)
#: Parts of names that say what the rules make untrue.
RENAMED = {"times": "time", "megabytes_per_second": "bytes_per_second"}


def name_of(*names: str) -> "Rule":
    """A number that stands for one of `names`; one that is not known yet stays."""
    return "", lambda number: names[number] if 0 <= number < len(names) else number


def nested(params: TypedParams, rules: "Mapping[str, Rule]") -> "dict[str, Any]":
    """The parameters as a tree: each part of a name is a key in snake case.

    Members that are numbered ("net.0.name") become a list of objects that have their `number`; the list stands in place
    of a group that has nothing but them and their count, else in it under "each". `rules` say by name, # for numbers,
    what unit ends the key and how the value is told.
    """
    tree: dict[str, Any] = {}
    for name, kind, given in params.items:
        value = bool(given) if kind == BOOLEAN else given
        parts = name.split(".")
        unit, told = rules.get(".".join("#" if part.isdecimal() else part for part in parts), ("", lambda same: same))
        place = tree
        for part in parts[:-1]:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):  # a name that is the beginning of another
                inner = place[part] = {"value": inner}
            place = inner
        last = RENAMED.get(parts[-1], parts[-1]) if unit else parts[-1]
        if unit and not last.endswith(unit):
            last += f"_{unit}"
        if isinstance(place.get(last), dict):
            place[last].setdefault("value", told(value))
        else:
            place.setdefault(last, told(value))  # of a name that repeats, the first
    found: dict[str, Any] = _listed(tree)
    return found


def _listed(tree: "dict[str, Any]") -> "Any":
    """The tree with lists of what is numbered."""
    plain = {_key(name): _listed(inner) if isinstance(inner, dict) else inner for name, inner in tree.items()}
    numbered = {int(name): plain.pop(name) for name in tree if name.isdecimal()}
    each = [{"number": n, **(one if isinstance(one, dict) else {"value": one})} for n, one in sorted(numbered.items())]
    if not plain.keys() - {"count"} and (each or "count" in plain):
        return each
    return plain | {"each": each} if each else plain


def _key(part: str) -> str:
    """A part of a name in snake case: `last-update` and `backingIndex` too."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in part).replace("-", "_")
