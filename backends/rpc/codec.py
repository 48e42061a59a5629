"""Whole payloads: arguments, results and events of the contract's calls, errors, and holes in streams.

Both directions are here, since a daemon is a client's mirror. Values are those of the contract: sizes and counts that
only the wire carries are added and dropped here.
"""

from struct import error as StructError

from .. import errors, params, procedures, records
from . import xdr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ..procedures import Field, Procedure

#: remote_error.
ERROR = (
    *("code:int", "domain:int", "message:string?", "level:int", "dom:domain?"),
    *("str1:string?", "str2:string?", "str3:string?", "int1:int", "int2:int", "net:network?"),
)
#: virNetStreamHole: length and flags.
HOLE = ("length:hyper", "flags:uint")


class Payload:
    """The codec of fields in a row; compiled, each direction when it is first used."""

    __slots__ = ("_make", "_read", "_write", "name", "spellings")

    def __init__(self, name: str, fields: "Sequence[Field]", make: "Callable[[list[Any]], Any]" = list):
        """`make` turns the list of decoded values into what `decode` returns."""
        self.name = name
        self.spellings = [field.type for field in fields]
        self._make = make
        self._read: xdr.Reader | None = None
        self._write: Callable[[bytearray, Sequence[Any]], None] | None = None

    def decode(self, data: bytes) -> "Any":
        """The values of a payload.

        Raises VirtError(RPC) unless `data` is exactly that.
        """
        if self._read is None:
            self._read = xdr.sequence_reader(self.spellings, self._make)
        try:
            values, at = self._read(data, 0)
        except StructError:
            raise xdr.malformed(f"{self.name} ends too early") from None
        if at != len(data):
            raise xdr.malformed(f"{self.name} {'ends too early' if at > len(data) else 'goes on behind its end'}")
        return values

    def encode(self, values: "Sequence[Any]") -> bytes:
        """The payload for `values`.

        Raises VirtError(RPC) for what the protocol cannot carry: numbers out of range, texts too long.
        """
        if self._write is None:
            self._write = xdr.sequence_writer(self.spellings)
        out = bytearray()
        try:
            self._write(out, values)
        except (StructError, UnicodeEncodeError) as error:
            raise xdr.unfit(f"{self.name}: {error}") from None
        return bytes(out)


#: VIR_TYPED_PARAM_STRING_OKAY, and the calls that libvirt's clients set it in: without it daemons leave out
#: parameters that are text.
STRINGS_OKAY = 4
TELL_STRINGS = (
    "domain_block_stats_flags",
    "domain_get_blkio_parameters",
    "domain_get_block_io_tune",
    "domain_get_cpu_stats",
    "domain_get_interface_parameters",
    "domain_get_launch_security_info",
    "domain_get_memory_parameters",
    "domain_get_numa_parameters",
    "domain_get_perf_events",
    "domain_get_scheduler_parameters_flags",
    "node_get_memory_parameters",
    "node_get_sev_info",
)


class Codec:
    """How the arguments and results of one call travel.

    `wire_args` and `wire_results` have everything on the wire; the methods speak in the contract's values.
    """

    __slots__ = ("_order", "_results", "_strings", "procedure", "wire_args", "wire_results")

    def __init__(self, procedure: "Procedure"):
        self.procedure = procedure
        self.wire_args = Payload(procedure.name, procedure.wire_args)
        self.wire_results = Payload(procedure.name, procedure.wire_results)
        self._results = Payload(procedure.name, procedure.wire_results, _maker(procedure))
        names = [f.name for f in procedure.parameters if f.name != "files"]
        #: The place of each of the wire's fields among the parameters, for sizes and `flags` stand apart there.
        order = [names.index(f.name) if f.size is None else -1 for f in procedure.wire_args]
        self._order = order if order != list(range(len(names))) else []
        self._strings = STRINGS_OKAY if procedure.name in TELL_STRINGS else 0

    def encode_args(self, values: "Sequence[Any]") -> bytes:
        """`values` are those of `procedure.parameters`, without file descriptors."""
        if self._strings:
            values = [*values[:-1], values[-1] | self._strings]
        if self._order:
            sizes = self.procedure.wire_args
            values = [values[at] if at >= 0 else sizes[i].size for i, at in enumerate(self._order)]
        return self.wire_args.encode(values)

    def decode_args(self, data: bytes) -> "list[Any]":
        """The arguments for an adapter's method."""
        values: list[Any] = self.wire_args.decode(data)
        if self._order:
            values = [values[self._order.index(at)] for at in range(max(self._order) + 1)]
        if self._strings:
            values[-1] &= ~self._strings
        return values

    def decode_results(self, data: bytes) -> "Any":
        """None, a value or a record."""
        return self._results.decode(data)

    def encode_results(self, value: "Any") -> bytes:
        """`value` is what an adapter's method returned."""
        kept = [] if not self.procedure.results else [value] if len(self.procedure.results) == 1 else list(value)
        count = next((len(v) for v in kept if isinstance(v, list | params.TypedParams)), 0)
        given = iter(kept)
        return self.wire_results.encode([next(given) if f.size is None else count for f in self.procedure.wire_results])


def _maker(procedure: "Procedure") -> "Callable[[list[Any]], Any]":
    """What makes a call's result of the values on the wire."""
    kept = [i for i, f in enumerate(procedure.wire_results) if f.size is None]
    if len(kept) < 2:
        return (lambda values: values[kept[0]]) if kept else lambda values: None
    cls = records.make(records.class_name(procedure.name), tuple(f.name for f in procedure.results))
    if len(kept) == len(procedure.wire_results):
        return lambda values: tuple.__new__(cls, values)
    return lambda values: tuple.__new__(cls, [values[i] for i in kept])


_codecs: dict[str, Codec] = {}


def codec(procedure: "Procedure") -> Codec:
    """The codec of a procedure."""
    found = _codecs.get(procedure.name)
    if found is None:
        found = _codecs[procedure.name] = Codec(procedure)
    return found


# Events


def decode_event(kind: str, data: bytes) -> "tuple[int, Any]":
    """The callback id (-1 where the message has none) and the record of an event of `kind`."""
    from .. import events

    procedure = events.message(kind)
    callback_id, values = -1, []
    for field, value in zip(procedure.wire_args, codec(procedure).wire_args.decode(data), strict=True):
        if field.name == "callback_id":
            callback_id = value
        elif field.name == "msg":
            values += value
        else:
            values.append(value)
    names = tuple(field.name for field in events.fields(kind))
    return callback_id, tuple.__new__(records.make(records.class_name(kind), names), values)


def decode_older_event(kind: str, data: bytes) -> "Any":
    """The record of an event of `kind` whose message has no callback id, as old daemons send it; 0 for what was added
    later."""
    from .. import events

    procedure = events.older(kind)
    assert procedure is not None
    names = tuple(field.name for field in events.fields(kind))
    told = zip(procedure.wire_args, codec(procedure).wire_args.decode(data), strict=True)
    values = {field.name: value for field, value in told}
    return tuple.__new__(records.make(records.class_name(kind), names), [values.get(name, 0) for name in names])


def encode_event(kind: str, callback_id: int, record: "Sequence[Any]") -> bytes:
    """The message that tells a client of an event."""
    from .. import events

    procedure = events.message(kind)
    values: list[Any] = []
    at = 0
    for field in procedure.wire_args:
        if field.name == "callback_id":
            values.append(callback_id)
            continue
        size = len(procedures.struct(field.type)) if field.name == "msg" else 0
        values.append(record[at : at + size] if size else record[at])
        at += size or 1
    return codec(procedure).wire_args.encode(values)


# Errors and holes

_error = Payload("error", [procedures.Field(text) for text in ERROR])
_hole = Payload("hole", [procedures.Field(text) for text in HOLE])


def decode_error(data: bytes) -> errors.VirtError:
    """The error a reply carries.

    Raises VirtError(RPC) when it is malformed.
    """
    code, domain, message, level, dom, str1, str2, str3, int1, int2, net = _error.decode(data)
    # A daemon that does not know a procedure says so in words alone.
    unknown = code == errors.RPC and domain in (errors.FROM_REMOTE, errors.FROM_RPC)
    if unknown and level == 2 and (message or "").startswith("unknown procedure"):
        code = errors.NO_SUPPORT
    more = {"dom": dom, "net": net, "str1": str1, "str2": str2, "str3": str3, "int1": int1, "int2": int2}
    return errors.VirtError(code, message or "Unknown error", domain=domain, level=level, **more)


def encode_error(error: errors.VirtError) -> bytes:
    """The payload of a reply that says `error`."""
    e = error
    values = (e.code, e.domain, e.message, e.level, e.dom, e.str1, e.str2, e.str3, e.int1, e.int2, e.net)
    return _error.encode(values)


def decode_hole(data: bytes) -> int:
    """The length in bytes of a hole in a stream."""
    length, flags = _hole.decode(data)
    if length < 0 or flags:
        raise xdr.malformed(f"a hole of {length} bytes with flags {flags}")
    size: int = length
    return size


def encode_hole(length: int) -> bytes:
    return _hole.encode((length, 0))
