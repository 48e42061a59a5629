"""Whether values have the shapes that the tables of calls promise, and arguments for calls nobody prepared."""

from typing import Any

from vsh.backends import events, procedures, records
from vsh.backends.params import BOOLEAN, DOUBLE, STRING, TypedParams
from vsh.backends.streams import Stream

#: Bounds of XDR's whole numbers.
INTEGERS = {
    "int": (-(2**31), 2**31 - 1),
    "uint": (0, 2**32 - 1),
    "hyper": (-(2**63), 2**63 - 1),
    "uhyper": (0, 2**64 - 1),
    "char": (-128, 127),
    "uchar": (0, 255),
    "short": (-(2**15), 2**15 - 1),
    "ushort": (0, 2**16 - 1),
}
GROUPS = ("connect", "domain", "interface", "network", "node", "nwfilter", "secret", "storage")
#: Calls of the session, which callers never make (contract, rule 7).
SESSION = ("auth_", "connect_open", "connect_close", "connect_supports_feature", "connect_set_identity")


def calls(group: str) -> list[procedures.Procedure]:
    """The calls of a group that callers may make."""
    found = [procedures.lookup(name) for name in procedures.table(group)]
    return [p for p in found if not p.event and "register" not in p.name and not p.name.startswith(SESSION)]


def fault(value: object, spelling: str) -> str:
    """What is wrong with `value` for the type `spelling`; "" if nothing."""
    base = procedures.base_type(spelling)
    if spelling.endswith("?") and value is None:
        return ""
    limit = spelling.partition("[")[2].rstrip("]?")
    if base == "param":
        return params_fault(value)
    if limit and base not in ("bytes", "chars", "octets"):
        if type(value) is not list:
            return f"{value!r} is no list"
        if len(value) > int(limit):
            return f"{len(value)} elements, at most {limit} allowed"
        return next((found for element in value if (found := fault(element, base))), "")
    if base in INTEGERS:
        low, high = INTEGERS[base]
        return "" if type(value) is int and low <= value <= high else f"{value!r} is no {base}"
    if base in ("string", "chars"):
        return "" if type(value) is str else f"{value!r} is no text"
    if base == "uuid":
        return "" if type(value) is bytes and len(value) == 16 else f"{value!r} is no UUID"
    if base in ("bytes", "octets"):
        return "" if type(value) is bytes else f"{value!r} is not bytes"
    if base == "double":
        return "" if type(value) is float else f"{value!r} is no float"
    if type(value) is not records.of_struct(base):
        return f"{value!r} is no {records.class_name(base)}"
    return fields_fault(value, procedures.struct(base))


def fields_fault(record: Any, fields: "list[procedures.Field]") -> str:
    """What is wrong with a record; "" if nothing."""
    if len(record) != len(fields):
        return f"{record!r} has not the fields {[field.name for field in fields]}"
    for field, value in zip(fields, record, strict=True):
        if found := fault(value, field.type):
            return f"{field.name}: {found}"
    return ""


def params_fault(value: object) -> str:
    """What is wrong with typed parameters; "" if nothing."""
    if type(value) is not TypedParams:
        return f"{value!r} is not TypedParams"
    for name, kind, item in value.items:
        wanted = {DOUBLE: float, BOOLEAN: bool, STRING: str}.get(kind, int)
        if type(name) is not str or type(item) is not wanted:
            return f"parameter {name!r} of type {kind}: {item!r}"
    return ""


def result_fault(procedure: procedures.Procedure, value: object) -> str:
    """What is wrong with a call's result; "" if nothing."""
    if procedure.stream:
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Stream)):
            return f"{value!r} is not (value, Stream)"
        value = value[0]
    if procedure.files == "F":
        return "" if isinstance(value, list) else f"{value!r} is no list of file descriptors"
    if not procedure.results:
        return "" if value is None else f"{value!r} is not None"
    if len(procedure.results) == 1:
        return fault(value, procedure.results[0].type)
    if type(value).__name__ != records.class_name(procedure.name):
        return f"{value!r} is no {records.class_name(procedure.name)}"
    return fields_fault(value, procedure.results)


def event_fault(kind: str, event: object) -> str:
    """What is wrong with an event's record; "" if nothing."""
    if type(event).__name__ != records.class_name(kind):
        return f"{event!r} is no {records.class_name(kind)}"
    return fields_fault(event, events.fields(kind))


def arguments(procedure: procedures.Procedure, known: "dict[str, object]") -> "tuple[object, ...]":
    """Arguments of the right types for a call; those whose type or name is in `known` have that value."""
    return tuple(_argument(field, known) for field in procedure.parameters)


def _argument(field: procedures.Field, known: "dict[str, object]") -> object:
    base = procedures.base_type(field.type)
    if field.name in known:
        return known[field.name]
    if base in known:
        return [known[base]] if "[" in field.type else known[base]
    if base == "param":
        return TypedParams()
    if "[" in field.type and base not in ("bytes", "chars", "octets"):
        return []
    if field.type.endswith("?"):
        return None
    if base in INTEGERS:
        return 0
    if base in ("string", "chars"):
        return "vsh"
    if base in ("bytes", "octets"):
        return [] if field.name == "files" else b"\x01"
    if base == "uuid":
        return bytes(16)
    if base == "double":
        return 0.0
    return records.of_struct(base)(*(_argument(inner, known) for inner in procedures.struct(base)))
