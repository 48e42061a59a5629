"""Typed parameters as virsh prints them, and as data."""

from vsh.backends.params import BOOLEAN, DOUBLE

from .results import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.params import TypedParams, Value


def text_of(kind: int, value: "Value") -> str:
    """A value of virTypedParameterType `kind` in virsh's spelling."""
    if kind == BOOLEAN:
        return "yes" if value else "no"
    return f"{value:f}" if kind == DOUBLE else str(value)


class Params(Result):
    """`name : value` lines; the data is {name: value} under libvirt's names, with `facts` before them."""

    def __init__(self, params: "TypedParams", **facts: "Any"):
        self.params = params
        self.facts = facts

    def data(self) -> "Any":
        return self.facts | dict_of(self.params)

    def plain(self, quiet: bool) -> str:
        return "".join(f"{name:<15}: {text_of(kind, value)}\n" for name, kind, value in self.params.items)


def dict_of(params: "TypedParams") -> "dict[str, Value]":
    """The parameters for machines, under libvirt's names; of a name that repeats, the first."""
    return {name: value for name, _, value in reversed(params.items)}
