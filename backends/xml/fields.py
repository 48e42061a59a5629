"""The kinds of fields; see engine.py for what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import CONFIG_UNSUPPORTED, OVERFLOW, XML_ERROR
from .engine import Context, Field, Model, fail
from .nested import Child, Children, LazyChild, Part, Texts
from .values import (
    LLONG_MAX,
    c_int,
    format_cpuset,
    format_mac,
    format_uuid,
    parse_cpuset,
    parse_mac,
    parse_uuid,
    sanitize_path,
    scaled,
    signed,
    unsigned,
)

if TYPE_CHECKING:
    from .node import Node
    from .serialize import Out

#: Shapes of values: digits alone, a device of the host, and libvirt's absFilePath; other systems have drives
DIGITS = ("[0-9]+", "a number")
DEVICE = (r"[a-zA-Z0-9_.\\:/-]+", "a device's name")
FILE = (r"(/|[a-zA-Z]:\\).+", "an absolute path")


def number(value: int, form: str) -> str:
    """`value` by a format spec, in which "0x" in front stands for itself."""
    return f"0x{value:{form[2:]}}" if form.startswith("0x") else format(value, form)


class Text(Field[str | None]):
    """A string; a path whose slashes are put in order where it is `tidy`."""

    hollow = True

    def __init__(self, path: str, *, default: str | None = None, tidy: bool = False, **options: Any):
        super().__init__(path, default=default, **options)
        self.tidy = tidy

    def load(self, text: str, node: Node, context: Context) -> str | None:
        return sanitize_path(text) if self.tidy else text

    def dump(self, value: str | None) -> str:
        return value or ""


class Name(Field[str]):
    """A string that is always there once parsed."""

    hollow = True

    def __init__(self, path: str, **options: Any):
        super().__init__(path, default="", **options)

    def load(self, text: str, node: Node, context: Context) -> str:
        return text


class Enum(Field[str]):
    """One of `names`; "" where there is none. Names in `zero` are accepted and mean the same as none."""

    def __init__(
        self,
        path: str,
        names: Iterable[str],
        *,
        default: str = "",
        zero: Iterable[str] = (),
        absent: object = "",
        **options: Any,
    ):
        super().__init__(path, default=default, absent=absent, **options)
        self.names = (*names, *(self.newer if isinstance(self.newer, tuple) else ()))
        self.zero = tuple(zero)

    def load(self, text: str, node: Node, context: Context) -> str:
        if text in self.zero:
            return ""
        if text not in self.names:
            raise ValueError(text)
        return text


class _Number(Field[int]):
    read_number: ClassVar[Callable[..., int]]

    def __init__(
        self,
        path: str,
        *,
        default: int = 0,
        base: int = 10,
        bits: int = 32,
        form: str = "d",
        low: int | None = None,
        wraps: bool = False,
        **options: Any,
    ):
        super().__init__(path, default=default, **options)
        self.wraps = wraps
        self.base = base
        self.bits = bits
        self.form = form
        self.low = low

    def load(self, text: str, node: Node, context: Context) -> int:
        if self.wraps:
            return c_int(text, self.base, low=1 - (1 << self.bits), high=(1 << self.bits) - 1) % (1 << self.bits)
        value = type(self).read_number(text, self.base, self.bits)
        if self.low is not None and value < self.low and not self.invalid:
            where = f"Invalid value for attribute '{self.attribute}' in element '{node.tag}'"
            if self.low == 1 and value == 0:
                raise fail(XML_ERROR, f"{where}: Zero is not permitted")
            raise fail(XML_ERROR, f"{where}: '{text}'. Expected non-negative value")
        if self.low is not None and value < self.low:
            raise ValueError(text)
        return value

    def dump(self, value: int) -> str:
        return number(value, self.form)


class UInt(_Number):
    """A number from 0; `default` (0 unless given) writes nothing. `form` is a format spec, with "0x" in front
    for hexadecimal; where it `wraps`, -1 is the greatest number, as strtoul has it.
    """

    expected = ". Expected non-negative integer value"
    read_number = staticmethod(unsigned)


class Int(_Number):
    """A number with a sign; `low=0` refuses negative ones."""

    expected = ". Expected integer value"
    read_number = staticmethod(signed)


class OptInt(Field[int | None]):
    """A number whose absence differs from 0."""

    def __init__(
        self, path: str, *, sign: bool = False, base: int = 10, bits: int = 32, form: str = "d", **options: Any
    ):
        super().__init__(path, default=None, **options)
        self.parse_number = signed if sign else unsigned
        self.expected = ". Expected integer value" if sign else ". Expected non-negative integer value"
        self.base, self.bits, self.form = base, bits, form

    def load(self, text: str, node: Node, context: Context) -> int | None:
        return self.parse_number(text, self.base, self.bits)

    def dump(self, value: int | None) -> str:
        return number(value or 0, self.form)


class Size(Field[int]):
    """An amount of memory in KiB, written with its unit; `scale=1` keeps bytes. `unit` is the path of the unit,
    usually "@unit".

    libvirt's complaints name the XPath they came from: `xpath` when that is not "./PATH".
    """

    def __init__(
        self,
        path: str,
        *,
        scale: int = 1024,
        unit: str = "",
        xpath: str = "",
        limit: int = LLONG_MAX,
        default: int = 0,
        **options: Any,
    ):
        super().__init__(path, default=default, **options)
        self.scale = scale
        self.unit = unit
        self.limit = limit
        self.xpath = xpath or f"./{path}"

    def places(self) -> Iterator[str]:
        yield self.path if self.attribute else f"{self.path}/."
        yield f"{self.parent}/@unit".removeprefix("/")

    def read(self, model: Model, node: Node, context: Context) -> None:
        if self.skipped(model, node, context):
            return
        holder = node.find(self.parent)
        text = (holder.get(self.attribute) if self.attribute else holder.text()) if holder is not None else None
        if holder is not None:
            self.judge(text or None, holder)
        if not text or holder is None:
            if self.required:
                raise fail(XML_ERROR, f"missing element or attribute '{self.xpath}'")
            return
        try:
            number = unsigned(text, 10, 64)
        except ValueError:
            raise fail(XML_ERROR, f"Invalid value '{text}' for element or attribute '{self.xpath}'") from None
        size = scaled(number, holder.get("unit"), self.scale, self.limit)
        if self.scale > 1:
            size = -(-size // 1024)
            if size >= -(-self.limit // 1024):
                raise fail(OVERFLOW, "size value too large")
        model.__dict__[self.name] = size

    def place(self, target: Out, value: int) -> None:
        if self.attribute:
            target.set(self.attribute, str(value))
            target.set("unit", "KiB")
        else:
            target.set("unit", "KiB" if self.scale > 1 else "bytes")
            target.write(str(value))


class Choice(Field[bool | None]):
    words: ClassVar[tuple[str, str]]

    def __init__(self, path: str, *, default: bool | None = None, absent: object = None, **options: Any):
        super().__init__(path, default=default, absent=absent, **options)

    def load(self, text: str, node: Node, context: Context) -> bool | None:
        return (True, False)[self.words.index(text)]

    def dump(self, value: bool | None) -> str:
        return self.words[0 if value else 1]


class YesNo(Choice):
    words = ("yes", "no")


class YesOrNo(YesNo):
    """yes, or anything else for no."""

    def load(self, text: str, node: Node, context: Context) -> bool | None:
        return text == "yes"


class OnOff(Choice):
    words = ("on", "off")


class Flag(Field[bool]):
    """An empty element that is there or not."""

    def __init__(self, path: str, **options: Any):
        super().__init__(path, default=False, **options)

    def read(self, model: Model, node: Node, context: Context) -> None:
        if not self.skipped(model, node, context) and node.find(self.parent) is not None:
            model.__dict__[self.name] = True

    def place(self, target: Out, value: bool) -> None:
        target.join()


class Uuid(Field[bytes]):
    """16 bytes; b"" where there is none."""

    hollow = True

    expected = ". Expected UUID"

    def __init__(self, path: str, **options: Any):
        super().__init__(path, default=b"", **options)

    def load(self, text: str, node: Node, context: Context) -> bytes:
        return parse_uuid(text)

    def dump(self, value: bytes) -> str:
        return format_uuid(value)


class Mac(Field[bytes]):
    """6 bytes; b"" where there is none."""

    def __init__(self, path: str, **options: Any):
        super().__init__(path, default=b"", invalid=(XML_ERROR, "unable to parse mac address '%s'"), **options)

    def load(self, text: str, node: Node, context: Context) -> bytes:
        mac = parse_mac(text)
        if mac[0] & 1:
            raise fail(XML_ERROR, f"expected unicast mac address, found multicast '{text}'")
        return mac

    def dump(self, value: bytes) -> str:
        return format_mac(value)


class CpuSet(Field[frozenset[int] | None]):
    """A set of CPUs or nodes, "0-3,7"; an empty one is refused in the words of `empty`."""

    def __init__(self, path: str, *, empty: str = "", **options: Any):
        super().__init__(path, default=None, **options)
        self.empty = empty

    def load(self, text: str, node: Node, context: Context) -> frozenset[int] | None:
        chosen = parse_cpuset(text)
        if not chosen and self.empty:
            raise fail(CONFIG_UNSUPPORTED, f"Invalid value of '{self.empty}': {text}")
        return chosen or None

    def dump(self, value: frozenset[int] | None) -> str:
        return format_cpuset(value or frozenset())


def one_of(name: str, *values: str) -> Callable[[Any], bool]:
    """A `when`: the field `name` has one of `values`."""
    return lambda model: getattr(model, name) in values


__all__ = [
    "DEVICE",
    "DIGITS",
    "FILE",
    "Child",
    "Children",
    "Choice",
    "CpuSet",
    "Enum",
    "Flag",
    "Int",
    "LazyChild",
    "Mac",
    "Name",
    "OnOff",
    "OptInt",
    "Part",
    "Size",
    "Text",
    "Texts",
    "UInt",
    "Uuid",
    "YesNo",
    "one_of",
]
