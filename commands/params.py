"""Typed parameters as virsh prints them, and as data."""

from vsh.backends.errors import INVALID_ARG, VirtError
from vsh.backends.params import BOOLEAN, DOUBLE

from .errors import CommandError
from .results import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from vsh.backends.api import Connection
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


#: Of these, libvirt's public functions refuse flags that exclude each other before any driver sees them.
CHECKED = ("memory", "blkio", "block I/O throttle")


class getting:
    """Give a VirtError raised inside the block, which asks for `what` parameters, virsh's line.

    virsh asks for their number first, and says so when that fails. There libvirt's test driver never fails, and others
    only look at the device itself, one of `devices`, when they are asked for the values.
    """

    def __init__(self, connection: "Connection", what: str, *devices: str, number: str = ""):
        """`number` is what virsh calls them when it asks for the number, `what` unless given."""
        self.connection = connection
        self.what = what
        self.devices = devices
        self.number = number or what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", tb: "TracebackType | None"
    ) -> None:
        if isinstance(error, VirtError):
            named = error.code == INVALID_ARG and any(f"'{device}'" in error.message for device in self.devices)
            refused = self.what in CHECKED and "mutually exclusive" in error.message
            if named or (not refused and self._counts()):
                raise CommandError(f"Unable to get {self.what} parameters", error) from error
            raise CommandError(f"Unable to get number of {self.number} parameters", error) from error

    def _counts(self) -> bool:
        try:
            return self.connection.connect_get_type() == "TEST"
        except VirtError:
            return False
