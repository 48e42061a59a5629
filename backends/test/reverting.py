"""Going back to a snapshot."""

from .. import errors
from ..constants import domain as const
from ..moment_queries import SNAPSHOT, find
from .base import TestBase, call, fail
from .definition import Definition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainSnapshotRef
    from ..xml.resources.snapshot import Snapshot
    from .guests import Guest

PAUSED = const.DOMAIN_SNAPSHOT_REVERT_PAUSED
RUN = const.DOMAIN_SNAPSHOT_REVERT_RUNNING | PAUSED


class RevertCalls(TestBase):
    """Going back to a snapshot."""

    @call("testDomainRevertToSnapshot", RUN | const.DOMAIN_SNAPSHOT_REVERT_FORCE)
    def domain_revert_to_snapshot(self, snap: "DomainSnapshotRef", flags: int = 0) -> None:
        """A domain that runs is stopped first.

        One whose snapshot was taken while it was off stays off even if it shall run: as with libvirt's driver, only the
        events say that it runs.
        """
        guest = self._guest(snap.dom)
        moment = find(guest.snapshots, SNAPSHOT, snap.name, self.origin)
        model: Snapshot = moment.model
        if not guest.persistent and not model.live and not flags & RUN:
            text = "transient domain needs to request run or pause to revert to inactive snapshot"
            raise fail(errors.OPERATION_INVALID, text)
        if model.domain is None:
            text = f"snapshot '{snap.name}' lacks domain '{guest.now.name}' rollback info"
            raise fail(errors.SNAPSHOT_REVERT_RISKY, text)
        definition = Definition(model.domain.name, model.domain.uuid, model.domain.copy())
        if guest.active:
            guest.stop(const.DOMAIN_SHUTOFF_FROM_SNAPSHOT)
            self._lifecycle(guest, const.DOMAIN_EVENT_STOPPED, const.DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT)
        assign(guest, definition)
        if model.live:
            guest.start(self.driver.next_id(), const.DOMAIN_RUNNING_FROM_SNAPSHOT)
        pause = bool(flags & PAUSED) or (model.state == "paused" and not flags & RUN)
        if model.live and pause:
            guest.set_state(const.DOMAIN_PAUSED, const.DOMAIN_PAUSED_FROM_SNAPSHOT)
        if model.live or flags & RUN:
            self._lifecycle(guest, const.DOMAIN_EVENT_STARTED, const.DOMAIN_EVENT_STARTED_FROM_SNAPSHOT)
            if pause:
                self._lifecycle(guest, const.DOMAIN_EVENT_SUSPENDED, const.DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT)
        guest.snapshots.current = moment


def assign(guest: "Guest", definition: Definition) -> None:
    """Give a domain another definition: for now, or for later while it runs."""
    if guest.active:
        guest.later = definition
    else:
        guest.now = definition
