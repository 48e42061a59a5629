"""XDR (RFC 4506) for the type spellings of `procedures`, compiled on use into closures over `struct`.

A reader takes the bytes of a payload and an offset and returns the value and the offset behind it; a writer appends a
value to a bytearray. Readers never look behind the payload and never make more than it holds; whatever is malformed
raises VirtError(RPC), apart from `struct.error` for what ends too early, which `codec` turns into one.
"""

from struct import Struct

from .. import errors, params, procedures, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Reader = Callable[[bytes, int], tuple[Any, int]]
    Writer = Callable[[bytearray, Any], None]
    Values = Sequence[Any]

#: REMOTE_STRING_MAX.
STRING_MAX = 4194304
#: Types of fixed size, as `struct` writes them. All small integers travel in four bytes, of which C reads the last.
FIXED = {
    "int": "i",
    "uint": "I",
    "hyper": "q",
    "uhyper": "Q",
    "double": "d",
    "char": "xxxb",
    "uchar": "xxxB",
    "ushort": "xxH",
    "uuid": "16s",
}
_uint = Struct(">I")
_int = Struct(">i")


def malformed(what: str) -> errors.VirtError:
    """The error for a payload that breaks the protocol."""
    return errors.VirtError(errors.RPC, f"Unable to decode message payload: {what}", domain=errors.FROM_RPC)


def unfit(what: str) -> errors.VirtError:
    """The error for a value that the protocol cannot carry."""
    return errors.VirtError(errors.RPC, f"Unable to encode message payload: {what}", domain=errors.FROM_RPC)


# Types one by one


def reader(spelling: str) -> "Reader":
    """The reader of one type."""
    found = _readers.get(spelling)
    if found is None:
        found = _readers[spelling] = _make_reader(spelling)
    return found


def writer(spelling: str) -> "Writer":
    """The writer of one type."""
    found = _writers.get(spelling)
    if found is None:
        found = _writers[spelling] = _make_writer(spelling)
    return found


def _make_reader(spelling: str) -> "Reader":
    base, limit = _array(spelling)
    if spelling[-1] == "?":
        return _read_optional(reader(spelling[:-1]))
    if base == "bytes":
        return lambda data, at: _read_opaque(data, at, limit)
    if base in ("chars", "octets"):
        return _read_chars(limit, spelling[-1] == "}", base == "chars")
    if base == "param":
        return _read_params(limit)
    if spelling[-1] == "]":
        return _read_array(reader(base), limit)
    if base in FIXED:
        fixed = Struct(">" + FIXED[base])
        return lambda data, at: (fixed.unpack_from(data, at)[0], at + fixed.size)
    cls = records.of_struct(base)
    return sequence_reader([f.type for f in procedures.struct(base)], lambda values: tuple.__new__(cls, values))


def _make_writer(spelling: str) -> "Writer":
    base, limit = _array(spelling)
    if spelling[-1] == "?":
        return _write_optional(writer(spelling[:-1]))
    if base == "bytes":
        return lambda out, value: _write_opaque(out, value, limit)
    if base in ("chars", "octets"):
        return _write_chars(limit, spelling[-1] == "}", base == "chars")
    if base == "param":
        return _write_params(limit)
    if spelling[-1] == "]":
        return _write_array(writer(base), limit)
    if base in FIXED:
        single = sequence_writer([base])
        return lambda out, value: single(out, (value,))
    return sequence_writer([f.type for f in procedures.struct(base)])


def _array(spelling: str) -> tuple[str, int]:
    """`domain[16384]` gives domain and 16384, `int` int and 0."""
    base, _, rest = spelling.replace("{", "[").partition("[")
    return base.rstrip("?"), int(rest.rstrip("]}") or 0)


# Fields in a row: neighbours of fixed size are packed by one Struct


def _runs(spellings: "Sequence[str]") -> "Iterator[tuple[str, int]]":
    """Each run of fixed types as (struct format, number of values), every other type as (spelling, 0)."""
    codes: list[str] = []
    for spelling in spellings:
        if spelling in FIXED:
            codes.append(FIXED[spelling])
            continue
        if codes:
            yield ">" + "".join(codes), len(codes)
            codes = []
        yield spelling, 0
    if codes:
        yield ">" + "".join(codes), len(codes)


def sequence_reader(spellings: "Sequence[str]", make: "Callable[[Any], Any]") -> "Reader":
    """The reader of fields in a row; `make` gets a list or tuple of their values."""
    runs = list(_runs(spellings))
    if len(runs) == 1 and runs[0][1]:
        only = Struct(runs[0][0])
        unpack, size = only.unpack_from, only.size
        return lambda data, at: (make(unpack(data, at)), at + size)
    steps = [_read_run(text) if count else _read_one(reader(text)) for text, count in runs]

    def read(data: bytes, at: int) -> "tuple[Any, int]":
        values: list[Any] = []
        for step in steps:
            got, at = step(data, at)
            values += got
        return make(values), at

    return read


def _read_run(text: str) -> "Reader":
    run = Struct(text)
    unpack, size = run.unpack_from, run.size
    return lambda data, at: (unpack(data, at), at + size)


def _read_one(read: "Reader") -> "Reader":
    def one(data: bytes, at: int) -> "tuple[Any, int]":
        value, at = read(data, at)
        return (value,), at

    return one


def sequence_writer(spellings: "Sequence[str]") -> "Callable[[bytearray, Values], None]":
    """The writer of fields in a row."""
    steps: list[tuple[int, int, Callable[[bytearray, Any], None]]] = []
    start = 0
    for text, count in _runs(spellings):
        steps.append((start, count, _write_run(text) if count else writer(text)))
        start += count or 1

    def write(out: bytearray, values: "Values") -> None:
        if len(values) != start:
            raise unfit(f"{len(values)} values for {start} fields")
        for first, count, step in steps:
            step(out, values[first : first + count] if count else values[first])

    return write


def _write_run(text: str) -> "Callable[[bytearray, Values], None]":
    run = Struct(text)
    uuids = "16s" in text

    def write(out: bytearray, values: "Values") -> None:
        if uuids and any(isinstance(v, bytes) and len(v) != 16 for v in values):
            raise unfit("a uuid is not 16 bytes long")
        out += run.pack(*values)

    return write


# Strings and bytes: length, content, padding to four bytes


def read_string(data: bytes, at: int) -> tuple[str, int]:
    """Text; bytes that are not UTF-8 are kept as surrogates."""
    (size,) = _uint.unpack_from(data, at)
    end = at + 4 + size
    if size > STRING_MAX or end > len(data):
        raise malformed("a string is longer than its message or than allowed")
    return data[at + 4 : end].decode("utf-8", "surrogateescape"), end + (-size & 3)


def write_string(out: bytearray, value: str) -> None:
    _write_opaque(out, value.encode("utf-8", "surrogateescape"), STRING_MAX)


def _read_opaque(data: bytes, at: int, limit: int) -> tuple[bytes, int]:
    (size,) = _uint.unpack_from(data, at)
    end = at + 4 + size
    if size > limit or end > len(data):
        raise malformed("bytes are longer than their message or than allowed")
    return data[at + 4 : end], end + (-size & 3)


def _write_opaque(out: bytearray, value: bytes, limit: int) -> None:
    size = len(value)
    if size > limit:
        raise unfit(f"{size} bytes where {limit} are allowed")
    out += _uint.pack(size)
    out += value
    out += bytes(-size & 3)


def _read_chars(limit: int, fixed: bool, text: bool) -> "Reader":
    """Arrays of `char`, which travel in four bytes each."""

    def read(data: bytes, at: int) -> "tuple[Any, int]":
        size = limit
        if not fixed:
            (size,) = _uint.unpack_from(data, at)
            at += 4
        end = at + 4 * size
        if size > limit or end > len(data):
            raise malformed("an array of characters is longer than its message or than allowed")
        raw = data[at + 3 : end : 4]
        return (raw.partition(b"\0")[0].decode("utf-8", "surrogateescape") if text else raw), end

    return read


def _write_chars(limit: int, fixed: bool, text: bool) -> "Writer":
    def write(out: bytearray, value: "Any") -> None:
        raw = value.encode("utf-8", "surrogateescape") + b"\0" if text else value
        if len(raw) > limit:
            raise unfit(f"{len(raw)} characters where {limit} are allowed")
        if fixed:
            raw = raw.ljust(limit, b"\0")
        else:
            out += _uint.pack(len(raw))
        wide = bytearray(4 * len(raw))
        wide[3::4] = raw
        out += wide

    return write


# What is made of other types


def _read_optional(read: "Reader") -> "Reader":
    def optional(data: bytes, at: int) -> "tuple[Any, int]":
        (marker,) = _uint.unpack_from(data, at)
        if marker == 1:
            return read(data, at + 4)
        if marker:
            raise malformed(f"{marker} marks an optional value")
        return None, at + 4

    return optional


def _write_optional(write: "Writer") -> "Writer":
    def optional(out: bytearray, value: "Any") -> None:
        out += _uint.pack(value is not None)
        if value is not None:
            write(out, value)

    return optional


def _read_array(read: "Reader", limit: int) -> "Reader":
    def array(data: bytes, at: int) -> "tuple[Any, int]":
        (count,) = _uint.unpack_from(data, at)
        if count > limit:
            raise malformed(f"{count} items where {limit} are allowed")
        at += 4
        items = []
        for _ in range(count):
            item, at = read(data, at)
            items.append(item)
        return items, at

    return array


def _write_array(write: "Writer", limit: int) -> "Writer":
    def array(out: bytearray, value: "Any") -> None:
        if len(value) > limit:
            raise unfit(f"{len(value)} items where {limit} are allowed")
        out += _uint.pack(len(value))
        for item in value:
            write(out, item)

    return array


# Typed parameters: name, type, value; the type selects how the value travels (remote_typed_param_value)

_PARAM_VALUES = ("int", "uint", "hyper", "uhyper", "double", "int", "string")


def _read_param(data: bytes, at: int) -> "tuple[tuple[str, int, Any], int]":
    name, at = read_string(data, at)
    (kind,) = _int.unpack_from(data, at)
    if not 1 <= kind <= len(_PARAM_VALUES):
        raise malformed(f"{kind} is not a type of parameter")
    value, at = reader(_PARAM_VALUES[kind - 1])(data, at + 4)
    return (name, kind, bool(value) if kind == params.BOOLEAN else value), at


def _write_param(out: bytearray, item: "tuple[str, int, Any]") -> None:
    name, kind, value = item
    write_string(out, name)
    if not 1 <= kind <= len(_PARAM_VALUES):
        raise unfit(f"{kind} is not a type of parameter")
    out += _int.pack(kind)
    writer(_PARAM_VALUES[kind - 1])(out, value)


def _read_params(limit: int) -> "Reader":
    read = _read_array(_read_param, limit)

    def several(data: bytes, at: int) -> "tuple[params.TypedParams, int]":
        items, at = read(data, at)
        return params.TypedParams(items), at

    return several


def _write_params(limit: int) -> "Writer":
    write = _write_array(_write_param, limit)
    return lambda out, value: write(out, value.items)


_readers: "dict[str, Reader]" = {"string": read_string}
_writers: "dict[str, Writer]" = {"string": write_string}
