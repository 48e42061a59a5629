"""A domain's snapshots and checkpoints as files: lib/snapshot/DOMAIN/NAME.xml, lib/checkpoint/DOMAIN/NAME.xml, as
libvirt keeps them."""

from ... import errors
from ...moments import Moment, Moments
from ..places import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..store import Store


def folder(store: "Store", kind: str, domain: str) -> str:
    """Where a domain's moments of a kind ("snapshot", "checkpoint") are. Raises VirtError for a name that is none."""
    return f"{store.places.lib}/{kind}/{file_name(domain, '')}"


def load(store: "Store", kind: str, domain: str) -> Moments:
    """A domain's tree; files that describe nothing are passed over."""
    tree = Moments()
    found = []
    for data in store.host.read_all(folder(store, kind, domain), ".xml").values():
        try:
            found.append(_read(kind, data))
        except (errors.VirtError, UnicodeDecodeError):
            continue
    for model, current in sorted(found, key=lambda one: (one[0].created, one[0].name)):
        moment = tree.assign(model)
        if current:
            tree.current = moment
    for moment in tree.values():
        tree.link(moment)
    return tree


def _read(kind: str, data: bytes) -> "tuple[Any, bool]":
    from ...xml.parse import parse
    from ...xml.resources.checkpoint import Checkpoint
    from ...xml.resources.snapshot import Snapshot
    from ..definitions import StoredRules

    root = parse(data.decode("utf-8"), f"(domain_{kind})", f"domain{kind}")
    type = Snapshot if kind == "snapshot" else Checkpoint
    active = root.find("active")
    return type.build(root, StoredRules(), 0, True), active is not None and active.text() == "1"


def write(store: "Store", kind: str, domain: str, tree: Moments, *moments: "Moment | None") -> None:
    """Write some of a domain's tree down."""
    place = folder(store, kind, domain)
    store.host.make_folders([place])
    for moment in moments:
        if moment is not None:
            text = _text(kind, moment, moment is tree.current)
            store.host.write(f"{place}/{file_name(moment.name, '.xml')}", text.encode("utf-8", "surrogateescape"))


def _text(kind: str, moment: Moment, current: bool) -> str:
    if kind == "snapshot":
        return str(moment.model.format("", secure=True, current=current))
    return str(moment.model.format(secure=True, current=current))


def remove(store: "Store", kind: str, domain: str, *names: str) -> None:
    """Forget moments; without any, all."""
    place = folder(store, kind, domain)
    store.host.remove(*(f"{place}/{file_name(name, '.xml')}" for name in names) if names else [place])
