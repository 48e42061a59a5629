"""Snapshots and checkpoints: which ones a domain has.

None can be made yet.
"""

from .. import errors
from ..constants import domain as const
from .base import TestBase, call, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainCheckpointRef, DomainRef, DomainSnapshotRef

#: Filters of the lists: VIR_DOMAIN_SNAPSHOT_LIST_*, VIR_DOMAIN_CHECKPOINT_LIST_*.
SNAPSHOTS = (const.DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL << 1) - 1
CHECKPOINTS = (const.DOMAIN_CHECKPOINT_LIST_NO_LEAVES << 1) - 1


class MomentCalls(TestBase):
    """Snapshots and checkpoints."""

    @call("testDomainSnapshotNum", SNAPSHOTS)
    def domain_snapshot_num(self, dom: "DomainRef", flags: int = 0) -> int:
        return len(self._guest(dom).snapshots)

    @call("testDomainSnapshotListNames", SNAPSHOTS)
    def domain_snapshot_list_names(self, dom: "DomainRef", flags: int = 0) -> list[str]:
        return list(self._guest(dom).snapshots)

    @call("testDomainListAllSnapshots", SNAPSHOTS)
    def domain_list_all_snapshots(self, dom: "DomainRef", flags: int = 0) -> "list[DomainSnapshotRef]":
        self._guest(dom)
        return []

    @call("testDomainHasCurrentSnapshot")
    def domain_has_current_snapshot(self, dom: "DomainRef", flags: int = 0) -> int:
        self._guest(dom)
        return 0

    @call("testDomainSnapshotCurrent")
    def domain_snapshot_current(self, dom: "DomainRef", flags: int = 0) -> "DomainSnapshotRef":
        self._guest(dom)
        raise fail(errors.NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot")

    @call("testDomainSnapshotLookupByName")
    def domain_snapshot_lookup_by_name(self, dom: "DomainRef", name: str, flags: int = 0) -> "DomainSnapshotRef":
        self._guest(dom)
        raise fail(errors.NO_DOMAIN_SNAPSHOT, f"no domain snapshot with matching name '{name}'")

    @call("testDomainListAllCheckpoints", CHECKPOINTS)
    def domain_list_all_checkpoints(self, dom: "DomainRef", flags: int = 0) -> "list[DomainCheckpointRef]":
        self._guest(dom)
        return []

    @call("testDomainCheckpointLookupByName")
    def domain_checkpoint_lookup_by_name(self, dom: "DomainRef", name: str, flags: int = 0) -> "DomainCheckpointRef":
        self._guest(dom)
        raise fail(errors.NO_DOMAIN_CHECKPOINT, f"no domain checkpoint with matching name '{name}'")
