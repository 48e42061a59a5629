"""Records and references: what calls return, and what they take instead of handles.

A record is an immutable named tuple, one class for each structure of the protocol and for each call with several
results (`domain_get_state` returns a `DomainGetState(state, reason)`); a reference (`DomainRef(name, uuid, id)`) is a
record that compares and hashes by identity alone: uuid where the kind has one, else key or name. `id` is advisory, -1
for an inactive domain.

Classes are made from the tables of `procedures` when they are first named, so that a one-shot command pays for those it
uses; records.pyi, generated, tells type checkers about all of them.
"""

from . import procedures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Structures that stand for an object of the hypervisor.
REFS = {
    "domain": "DomainRef",
    "network": "NetworkRef",
    "network_port": "NetworkPortRef",
    "interface": "InterfaceRef",
    "storage_pool": "StoragePoolRef",
    "storage_vol": "StorageVolRef",
    "node_device": "NodeDeviceRef",
    "secret": "SecretRef",
    "nwfilter": "NwfilterRef",
    "nwfilter_binding": "NwfilterBindingRef",
    "domain_snapshot": "DomainSnapshotRef",
    "domain_checkpoint": "DomainCheckpointRef",
}


class Record(tuple):  # type: ignore[type-arg]
    """Base of all records."""

    __slots__ = ()
    _fields: "tuple[str, ...]" = ()

    def __new__(cls, *values: object, **named: object) -> "Record":
        values += tuple(named.pop(field) for field in cls._fields[len(values) :] if field in named)
        if len(values) != len(cls._fields) or named:
            raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}")
        return tuple.__new__(cls, values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{f}={v!r}' for f, v in zip(self._fields, self, strict=True))})"

    def _asdict(self) -> "dict[str, Any]":
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, **changes: object) -> "Record":
        return type(self)(**{**self._asdict(), **changes})


class Ref(Record):
    """Base of all references."""

    __slots__ = ()
    _identity: "tuple[int, ...]" = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(self[i] == other[i] for i in self._identity)  # type: ignore[index]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self).__name__, *(self[i] for i in self._identity)))


def class_name(name: str) -> str:
    """`domain_get_info` gives DomainGetInfo; a structure that stands for an object, its reference (`domain`:
    DomainRef)."""
    return REFS.get(name) or "".join(word.capitalize() for word in name.split("_"))


def make(name: str, fields: "tuple[str, ...]", base: "type[Record]" = Record) -> "Any":
    """The record class `name` with these fields, made once."""
    known = globals().get(name)
    if known is not None:
        return known
    body: dict[str, object] = {"__slots__": (), "_fields": fields, "__module__": __name__}
    for i, field in enumerate(fields):
        body[field] = property(lambda self, i=i: self[i])
    if base is Ref:
        key = "uuid" if "uuid" in fields else "key" if "key" in fields else fields[0]
        body["_identity"] = tuple(i for i, f in enumerate(fields) if f in (key, "dom", "net"))
    globals()[name] = made = type(name, (base,), body)
    return made


def of_struct(name: str) -> "Any":
    """The class of a structure.

    Raises KeyError when there is no such structure.
    """
    fields = tuple(field.name for field in procedures.struct(name))
    return make(class_name(name), fields, Ref if name in REFS else Record)


def __getattr__(name: str) -> "Any":
    if name[:1].isupper():
        for struct, ref in REFS.items():
            if ref == name:
                return of_struct(struct)
        words = "".join("_" + c.lower() if c.isupper() else c for c in name)[1:]
        if "Event" in name:
            from . import events

            for kind in (*events.KINDS, events.MONITOR):
                if class_name(kind) == name:  # Not by `words`: that loses the last underscore of block_job_2.
                    return make(name, tuple(field.name for field in events.fields(kind)))
        try:
            return make(name, tuple(field.name for field in procedures.lookup(words).results))
        except KeyError:
            pass
        try:
            return of_struct(words)
        except KeyError:
            pass
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
