"""Snapshots."""

import time

from .. import errors
from ..constants import domain as const
from ..moment_queries import SNAPSHOT, SnapshotQueries, find, redefined, snapshot_ref
from .base import TestBase, call, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..moments import Moment
    from ..records import DomainRef, DomainSnapshotRef
    from ..xml.resources.snapshot import Snapshot
    from .guests import Guest

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


class SnapshotCalls(TestBase, SnapshotQueries):
    """Snapshots."""

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
            made = redefined(guest.snapshots, model, guest.now.uuid)
        else:
            made = taken(guest, model)
            if halt and guest.active:
                self._stop(guest, const.DOMAIN_SHUTOFF_FROM_SNAPSHOT, const.DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT)
        if not redefine or flags & const.DOMAIN_SNAPSHOT_CREATE_CURRENT:
            guest.snapshots.current = made
        guest.snapshots.link(made)
        return snapshot_ref(guest.ref if halt else dom, made.name)

    @call("testDomainSnapshotDelete", BELOW)
    def domain_snapshot_delete(self, snap: "DomainSnapshotRef", flags: int = 0) -> None:
        guest = self._guest(snap.dom)
        itself = not flags & const.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY
        guest.snapshots.drop(find(guest.snapshots, SNAPSHOT, snap.name, self.origin), bool(flags & BELOW), itself)


def taken(guest: "Guest", model: "Snapshot") -> "Moment":
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
