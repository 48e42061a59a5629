"""Snapshots."""

import time

from .. import errors, records
from ..common import uuid_text
from ..constants import domain as const
from .base import TestBase, call, fail
from .moments import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef, DomainSnapshotRef
    from ..xml.resources.snapshot import Snapshot
    from .guests import Guest

#: Filters of the lists: VIR_DOMAIN_SNAPSHOT_LIST_*.
FILTERS = (const.DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL << 1) - 1
STATES = const.DOMAIN_SNAPSHOT_LIST_INACTIVE | const.DOMAIN_SNAPSHOT_LIST_ACTIVE | const.DOMAIN_SNAPSHOT_LIST_DISK_ONLY
PLACES = const.DOMAIN_SNAPSHOT_LIST_INTERNAL | const.DOMAIN_SNAPSHOT_LIST_EXTERNAL
METADATA = const.DOMAIN_SNAPSHOT_LIST_METADATA | const.DOMAIN_SNAPSHOT_LIST_NO_METADATA
CREATE = (
    const.DOMAIN_SNAPSHOT_CREATE_REDEFINE
    | const.DOMAIN_SNAPSHOT_CREATE_CURRENT
    | const.DOMAIN_SNAPSHOT_CREATE_HALT
    | const.DOMAIN_SNAPSHOT_CREATE_QUIESCE
    | const.DOMAIN_SNAPSHOT_CREATE_ATOMIC
    | const.DOMAIN_SNAPSHOT_CREATE_LIVE
    | const.DOMAIN_SNAPSHOT_CREATE_VALIDATE
)
BELOW = const.DOMAIN_SNAPSHOT_DELETE_CHILDREN | const.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY


class SnapshotCalls(TestBase):
    """Snapshots."""

    @call("testDomainSnapshotNum", FILTERS)
    def domain_snapshot_num(self, dom: "DomainRef", flags: int = 0) -> int:
        return len(listed(self._guest(dom), None, flags))

    @call("testDomainSnapshotListNames", FILTERS)
    def domain_snapshot_list_names(self, dom: "DomainRef", flags: int = 0) -> list[str]:
        return [snapshot.name for snapshot in listed(self._guest(dom), None, flags)]

    @call("testDomainListAllSnapshots", FILTERS)
    def domain_list_all_snapshots(self, dom: "DomainRef", flags: int = 0) -> "list[DomainSnapshotRef]":
        return [ref(dom, found.name) for found in listed(self._guest(dom), None, flags)]

    @call("testDomainSnapshotNumChildren", FILTERS)
    def domain_snapshot_num_children(self, snap: "DomainSnapshotRef", flags: int = 0) -> int:
        guest = self._guest(snap.dom)
        return len(listed(guest, find(guest, snap.name), flags))

    @call("testDomainSnapshotListChildrenNames", FILTERS)
    def domain_snapshot_list_children_names(self, snap: "DomainSnapshotRef", flags: int = 0) -> list[str]:
        guest = self._guest(snap.dom)
        return [child.name for child in listed(guest, find(guest, snap.name), flags)]

    @call("testDomainSnapshotListAllChildren", FILTERS)
    def domain_snapshot_list_all_children(
        self, snapshot: "DomainSnapshotRef", flags: int = 0
    ) -> "list[DomainSnapshotRef]":
        guest = self._guest(snapshot.dom)
        below = listed(guest, find(guest, snapshot.name), flags)
        return [ref(snapshot.dom, found.name) for found in below]

    @call("testDomainHasCurrentSnapshot")
    def domain_has_current_snapshot(self, dom: "DomainRef", flags: int = 0) -> int:
        return int(self._guest(dom).snapshots.current is not None)

    @call("testDomainSnapshotCurrent")
    def domain_snapshot_current(self, dom: "DomainRef", flags: int = 0) -> "DomainSnapshotRef":
        guest = self._guest(dom)
        if guest.snapshots.current is None:
            raise fail(errors.NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot")
        return ref(dom, guest.snapshots.current.name)

    @call("testDomainSnapshotLookupByName")
    def domain_snapshot_lookup_by_name(self, dom: "DomainRef", name: str, flags: int = 0) -> "DomainSnapshotRef":
        return ref(dom, find(self._guest(dom), name).name)

    @call("testDomainSnapshotGetParent")
    def domain_snapshot_get_parent(self, snap: "DomainSnapshotRef", flags: int = 0) -> "DomainSnapshotRef":
        parent = find(self._guest(snap.dom), snap.name).model.parent
        if not parent:
            raise fail(errors.NO_DOMAIN_SNAPSHOT, f"snapshot '{snap.name}' does not have a parent")
        return ref(snap.dom, parent)

    @call("testDomainSnapshotIsCurrent")
    def domain_snapshot_is_current(self, snap: "DomainSnapshotRef", flags: int = 0) -> int:
        guest = self._guest(snap.dom)
        return int(find(guest, snap.name) is guest.snapshots.current)

    @call("testDomainSnapshotHasMetadata")
    def domain_snapshot_has_metadata(self, snap: "DomainSnapshotRef", flags: int = 0) -> int:
        find(self._guest(snap.dom), snap.name)
        return 1

    @call("testDomainSnapshotGetXMLDesc", const.DOMAIN_SNAPSHOT_XML_SECURE)
    def domain_snapshot_get_xml_desc(self, snap: "DomainSnapshotRef", flags: int = 0) -> str:
        model = find(self._guest(snap.dom), snap.name).model
        return str(model.format(uuid_text(snap.dom.uuid), secure=bool(flags)))

    @call("testDomainSnapshotCreateXML", CREATE)
    def domain_snapshot_create_xml(self, dom: "DomainRef", xml_desc: str, flags: int = 0) -> "DomainSnapshotRef":
        from ..xml.config import TestConfig
        from ..xml.resources.snapshot import Snapshot

        guest = self._guest(dom)
        if guest.checkpoints:
            raise fail(errors.OPERATION_UNSUPPORTED, "cannot create snapshot while checkpoint exists")
        halt = bool(flags & const.DOMAIN_SNAPSHOT_CREATE_HALT)
        if halt and not guest.persistent:
            raise fail(errors.OPERATION_INVALID, "cannot halt after transient domain snapshot")
        redefine = bool(flags & const.DOMAIN_SNAPSHOT_CREATE_REDEFINE)
        validate = bool(flags & const.DOMAIN_SNAPSHOT_CREATE_VALIDATE)
        model = Snapshot.read_text(xml_desc, TestConfig(), int(time.time()), redefine, validate)
        if redefine:
            made = redefined(guest, model)
        else:
            made = taken(guest, model)
            if halt and guest.active:
                self._stop(guest, const.DOMAIN_SHUTOFF_FROM_SNAPSHOT, const.DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT)
        if not redefine or flags & const.DOMAIN_SNAPSHOT_CREATE_CURRENT:
            guest.snapshots.current = made
        guest.snapshots.link(made)
        return ref(guest.ref if halt else dom, made.name)

    @call("testDomainSnapshotDelete", BELOW)
    def domain_snapshot_delete(self, snap: "DomainSnapshotRef", flags: int = 0) -> None:
        guest = self._guest(snap.dom)
        itself = not flags & const.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY
        guest.snapshots.drop(find(guest, snap.name), bool(flags & BELOW), itself)


def ref(dom: "DomainRef", name: str) -> "DomainSnapshotRef":
    """The reference to a snapshot."""
    made: DomainSnapshotRef = records.DomainSnapshotRef(name, dom)
    return made


def find(guest: "Guest", name: str) -> Moment:
    """A domain's snapshot; raises NO_DOMAIN_SNAPSHOT."""
    snapshot = guest.snapshots.get(name)
    if snapshot is None:
        raise fail(errors.NO_DOMAIN_SNAPSHOT, f"no domain snapshot with matching name '{name}'")
    return snapshot


def listed(guest: "Guest", start: "Moment | None", flags: int) -> list[Moment]:
    """The snapshots below `start`, or all, that pass the filters VIR_DOMAIN_SNAPSHOT_LIST_*."""
    if flags & METADATA == const.DOMAIN_SNAPSHOT_LIST_NO_METADATA:
        return []
    return [moment for moment in guest.snapshots.listed(start, flags) if passes(moment.model, flags)]


def passes(model: "Snapshot", flags: int) -> bool:
    """Whether a snapshot has one of the states and places asked for, if any are."""
    state = {
        "shutoff": const.DOMAIN_SNAPSHOT_LIST_INACTIVE,
        "disk-snapshot": const.DOMAIN_SNAPSHOT_LIST_DISK_ONLY,
    }.get(model.state, const.DOMAIN_SNAPSHOT_LIST_ACTIVE)
    place = const.DOMAIN_SNAPSHOT_LIST_EXTERNAL if model.external else const.DOMAIN_SNAPSHOT_LIST_INTERNAL
    return (not flags & STATES or bool(flags & state)) and (not flags & PLACES or bool(flags & place))


def taken(guest: "Guest", model: "Snapshot") -> Moment:
    """A snapshot of a domain as it stands."""
    if any(disk.snapshot == "manual" for disk in model.disks):
        raise fail(errors.OPERATION_UNSUPPORTED, "'manual' snapshot mode is not supported by the test driver")
    from ..xml.resources.snapshot import STATES

    model.domain = guest.now.copy().model
    model.state = STATES[guest.state - 1]
    if model.memory != "external":
        model.memory = "no" if model.state == "shutoff" else "internal"
    model.align("external" if model.memory == "external" else "internal", uniform=model.memory != "external")
    made = guest.snapshots.assign(model)
    current = guest.snapshots.current
    model.parent = current.name if current else None
    return made


def redefined(guest: "Guest", model: "Snapshot") -> Moment:
    """A snapshot whose history comes from elsewhere, new or in place of the one of its name."""
    guest.snapshots.refuse_cycle(model)
    other = guest.snapshots.get(model.name)
    if model.domain and model.domain.uuid != guest.now.uuid:
        text = f"definition for snapshot {model.name} must use uuid {uuid_text(guest.now.uuid)}"
        raise fail(errors.INVALID_ARG, text, errors.FROM_DOMAIN_SNAPSHOT)
    if other:
        refuse_change(other.model, model)
    outside = model.state == "disk-snapshot" or model.external
    model.align("external" if outside else "internal", uniform=True, known=other.model.domain if other else None)
    if other is None:
        return guest.snapshots.assign(model)
    model.domain = model.domain or other.model.domain
    guest.snapshots.unlink(other)
    other.model = model
    return other


def refuse_change(old: "Snapshot", new: "Snapshot") -> None:
    """Refuse a snapshot that redefines another of a different kind; raises INVALID_ARG."""
    detail = ""
    if old.live != new.live:
        detail = f"cannot change between online and offline snapshot state in snapshot {new.name}"
    elif (old.state == "disk-snapshot") != (new.state == "disk-snapshot"):
        detail = f"cannot change between disk only and full system in snapshot {new.name}"
    if detail:
        raise fail(errors.INVALID_ARG, detail, errors.FROM_DOMAIN_SNAPSHOT)
