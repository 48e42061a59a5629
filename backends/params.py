"""Typed parameters: libvirt's ordered lists of named values that keep their wire type."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Value = int | float | bool | str

#: virTypedParameterType, in wire order from 1.
INT, UINT, LLONG, ULLONG, DOUBLE, BOOLEAN, STRING = range(1, 8)


class TypedParams:
    """An ordered mapping of name to value; duplicates and wire types are kept in `items`, a list of (name, type,
    value).

    Values are int, float (DOUBLE), bool (BOOLEAN) or str. `params[name]` is the first value of that name (KeyError when
    there is none).
    """

    __slots__ = ("items",)

    def __init__(self, items: "Iterable[tuple[str, int, Value]]" = ()):
        self.items = list(items)

    def __getitem__(self, name: str) -> "Value":
        for key, _, value in self.items:
            if key == name:
                return value
        raise KeyError(name)

    def get(self, name: str, default: "Value | None" = None) -> "Value | None":
        """The first value called `name`, or `default`."""
        return next((value for key, _, value in self.items if key == name), default)

    def __contains__(self, name: object) -> bool:
        return any(key == name for key, _, _ in self.items)

    def __iter__(self) -> "Iterator[str]":
        return iter(key for key, _, _ in self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedParams) and self.items == other.items

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"TypedParams({self.items!r})"

    def add(self, name: str, kind: int, value: "Value") -> "TypedParams":
        """Append one parameter; returns self, so that calls chain."""
        self.items.append((name, kind, value))
        return self
