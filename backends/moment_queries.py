"""What is asked about trees of snapshots and checkpoints, whatever driver keeps them."""

from . import driver, errors, records
from .common import refuse_flags, uuid_text
from .constants import domain as const
from .moments import Moment, Moments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .records import DomainCheckpointRef, DomainRef, DomainSnapshotRef
    from .xml.resources.checkpoint import Checkpoint
    from .xml.resources.snapshot import Snapshot

SNAPSHOT, CHECKPOINT = "snapshot", "checkpoint"
#: Filters of the lists: VIR_DOMAIN_SNAPSHOT_LIST_*, VIR_DOMAIN_CHECKPOINT_LIST_*.
FILTERS = (const.DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL << 1) - 1
CHECKPOINT_FILTERS = (const.DOMAIN_CHECKPOINT_LIST_NO_LEAVES << 1) - 1
STATES = const.DOMAIN_SNAPSHOT_LIST_INACTIVE | const.DOMAIN_SNAPSHOT_LIST_ACTIVE | const.DOMAIN_SNAPSHOT_LIST_DISK_ONLY
PLACES = const.DOMAIN_SNAPSHOT_LIST_INTERNAL | const.DOMAIN_SNAPSHOT_LIST_EXTERNAL
METADATA = const.DOMAIN_SNAPSHOT_LIST_METADATA | const.DOMAIN_SNAPSHOT_LIST_NO_METADATA


class MomentQueries(driver.Connection):
    """The calls that only look at trees; drivers say what tree a domain has, and what they call themselves."""

    #: what libvirt's functions of this driver begin with
    prefix = ""
    #: whose errors they are (errors.FROM_*)
    origin = 0

    def _tree(self, kind: str, dom: "DomainRef") -> Moments:
        """A domain's "snapshot"s or "checkpoint"s (SNAPSHOT, CHECKPOINT); raises NO_DOMAIN."""
        raise NotImplementedError


def asked(calls: MomentQueries, function: str, kind: str, dom: "DomainRef", flags: int, supported: int = 0) -> Moments:
    """A domain's tree after the check of flags that libvirt's `function` makes. Raises VirtError."""
    refuse_flags(calls.prefix + function, flags, supported, calls.origin)
    return calls._tree(kind, dom)


def find(tree: Moments, kind: str, name: str, origin: int) -> Moment:
    """One of a tree; raises NO_DOMAIN_SNAPSHOT or NO_DOMAIN_CHECKPOINT."""
    found = tree.get(name)
    if found is None:
        code = errors.NO_DOMAIN_SNAPSHOT if kind == SNAPSHOT else errors.NO_DOMAIN_CHECKPOINT
        raise errors.virt_error(code, f"no domain {kind} with matching name '{name}'", domain=origin)
    return found


def _one(calls: MomentQueries, function: str, snap: "DomainSnapshotRef", flags: int, supported: int = 0) -> Moment:
    return find(asked(calls, function, SNAPSHOT, snap.dom, flags, supported), SNAPSHOT, snap.name, calls.origin)


def _below(calls: MomentQueries, function: str, snap: "DomainSnapshotRef", flags: int) -> list[Moment]:
    tree = asked(calls, function, SNAPSHOT, snap.dom, flags, FILTERS)
    return listed(tree, find(tree, SNAPSHOT, snap.name, calls.origin), flags)


class SnapshotQueries(MomentQueries):
    """What is asked about snapshots."""

    def domain_snapshot_num(self, dom: "DomainRef", flags: int = 0) -> int:
        return len(listed(asked(self, "DomainSnapshotNum", SNAPSHOT, dom, flags, FILTERS), None, flags))

    def domain_snapshot_list_names(self, dom: "DomainRef", flags: int = 0) -> list[str]:
        tree = asked(self, "DomainSnapshotListNames", SNAPSHOT, dom, flags, FILTERS)
        return [snapshot.name for snapshot in listed(tree, None, flags)]

    def domain_list_all_snapshots(self, dom: "DomainRef", flags: int = 0) -> "list[DomainSnapshotRef]":
        tree = asked(self, "DomainListAllSnapshots", SNAPSHOT, dom, flags, FILTERS)
        return [snapshot_ref(dom, found.name) for found in listed(tree, None, flags)]

    def domain_snapshot_num_children(self, snap: "DomainSnapshotRef", flags: int = 0) -> int:
        return len(_below(self, "DomainSnapshotNumChildren", snap, flags))

    def domain_snapshot_list_children_names(self, snap: "DomainSnapshotRef", flags: int = 0) -> list[str]:
        return [child.name for child in _below(self, "DomainSnapshotListChildrenNames", snap, flags)]

    def domain_snapshot_list_all_children(
        self, snapshot: "DomainSnapshotRef", flags: int = 0
    ) -> "list[DomainSnapshotRef]":
        below = _below(self, "DomainSnapshotListAllChildren", snapshot, flags)
        return [snapshot_ref(snapshot.dom, found.name) for found in below]

    def domain_has_current_snapshot(self, dom: "DomainRef", flags: int = 0) -> int:
        return int(asked(self, "DomainHasCurrentSnapshot", SNAPSHOT, dom, flags).current is not None)

    def domain_snapshot_current(self, dom: "DomainRef", flags: int = 0) -> "DomainSnapshotRef":
        current = asked(self, "DomainSnapshotCurrent", SNAPSHOT, dom, flags).current
        if current is None:
            text = "the domain does not have a current snapshot"
            raise errors.virt_error(errors.NO_DOMAIN_SNAPSHOT, text, domain=self.origin)
        return snapshot_ref(dom, current.name)

    def domain_snapshot_lookup_by_name(self, dom: "DomainRef", name: str, flags: int = 0) -> "DomainSnapshotRef":
        tree = asked(self, "DomainSnapshotLookupByName", SNAPSHOT, dom, flags)
        return snapshot_ref(dom, find(tree, SNAPSHOT, name, self.origin).name)

    def domain_snapshot_get_parent(self, snap: "DomainSnapshotRef", flags: int = 0) -> "DomainSnapshotRef":
        parent = _one(self, "DomainSnapshotGetParent", snap, flags).model.parent
        if not parent:
            text = f"snapshot '{snap.name}' does not have a parent"
            raise errors.virt_error(errors.NO_DOMAIN_SNAPSHOT, text, domain=self.origin)
        return snapshot_ref(snap.dom, parent)

    def domain_snapshot_is_current(self, snap: "DomainSnapshotRef", flags: int = 0) -> int:
        tree = asked(self, "DomainSnapshotIsCurrent", SNAPSHOT, snap.dom, flags)
        return int(find(tree, SNAPSHOT, snap.name, self.origin) is tree.current)

    def domain_snapshot_has_metadata(self, snap: "DomainSnapshotRef", flags: int = 0) -> int:
        _one(self, "DomainSnapshotHasMetadata", snap, flags)
        return 1

    def domain_snapshot_get_xml_desc(self, snap: "DomainSnapshotRef", flags: int = 0) -> str:
        found = _one(self, "DomainSnapshotGetXMLDesc", snap, flags, const.DOMAIN_SNAPSHOT_XML_SECURE)
        return str(found.model.format(uuid_text(snap.dom.uuid), secure=bool(flags)))


class CheckpointQueries(MomentQueries):
    """What is asked about checkpoints, but for their documents."""

    def domain_list_all_checkpoints(self, dom: "DomainRef", flags: int = 0) -> "list[DomainCheckpointRef]":
        tree = asked(self, "DomainListAllCheckpoints", CHECKPOINT, dom, flags, CHECKPOINT_FILTERS)
        return [checkpoint_ref(dom, found.name) for found in tree.listed(None, flags)]

    def domain_checkpoint_list_all_children(
        self, checkpoint: "DomainCheckpointRef", flags: int = 0
    ) -> "list[DomainCheckpointRef]":
        dom = checkpoint.dom
        tree = asked(self, "DomainCheckpointListAllChildren", CHECKPOINT, dom, flags, CHECKPOINT_FILTERS)
        below = tree.listed(find(tree, CHECKPOINT, checkpoint.name, self.origin), flags)
        return [checkpoint_ref(dom, found.name) for found in below]

    def domain_checkpoint_lookup_by_name(self, dom: "DomainRef", name: str, flags: int = 0) -> "DomainCheckpointRef":
        tree = asked(self, "DomainCheckpointLookupByName", CHECKPOINT, dom, flags)
        return checkpoint_ref(dom, find(tree, CHECKPOINT, name, self.origin).name)

    def domain_checkpoint_get_parent(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> "DomainCheckpointRef":
        tree = asked(self, "DomainCheckpointGetParent", CHECKPOINT, checkpoint.dom, flags)
        parent = find(tree, CHECKPOINT, checkpoint.name, self.origin).model.parent
        if not parent:
            text = f"checkpoint '{checkpoint.name}' does not have a parent"
            raise errors.virt_error(errors.NO_DOMAIN_CHECKPOINT, text, domain=self.origin)
        return checkpoint_ref(checkpoint.dom, parent)


def snapshot_ref(dom: "DomainRef", name: str) -> "DomainSnapshotRef":
    """The reference to a snapshot."""
    made: DomainSnapshotRef = records.DomainSnapshotRef(name, dom)
    return made


def checkpoint_ref(dom: "DomainRef", name: str) -> "DomainCheckpointRef":
    """The reference to a checkpoint."""
    made: DomainCheckpointRef = records.DomainCheckpointRef(name, dom)
    return made


def listed(tree: Moments, start: "Moment | None", flags: int) -> list[Moment]:
    """The snapshots below `start`, or all, that pass the filters VIR_DOMAIN_SNAPSHOT_LIST_*."""
    if flags & METADATA == const.DOMAIN_SNAPSHOT_LIST_NO_METADATA:
        return []
    return [moment for moment in tree.listed(start, flags) if _passes(moment.model, flags)]


def _passes(model: "Snapshot", flags: int) -> bool:
    """Whether a snapshot has one of the states and places asked for, if any are."""
    state = {
        "shutoff": const.DOMAIN_SNAPSHOT_LIST_INACTIVE,
        "disk-snapshot": const.DOMAIN_SNAPSHOT_LIST_DISK_ONLY,
    }.get(model.state, const.DOMAIN_SNAPSHOT_LIST_ACTIVE)
    place = const.DOMAIN_SNAPSHOT_LIST_EXTERNAL if model.external else const.DOMAIN_SNAPSHOT_LIST_INTERNAL
    return (not flags & STATES or bool(flags & state)) and (not flags & PLACES or bool(flags & place))


def redefined(tree: Moments, model: "Snapshot", uuid: bytes) -> Moment:
    """A snapshot of the domain `uuid` whose history comes from elsewhere, new or in place of the one of its name.

    Raises VirtError, and the tree is as before.
    """
    tree.refuse_cycle(model)
    other = tree.get(model.name)
    if model.domain and model.domain.uuid != uuid:
        text = f"definition for snapshot {model.name} must use uuid {uuid_text(uuid)}"
        raise errors.virt_error(errors.INVALID_ARG, text, domain=errors.FROM_DOMAIN_SNAPSHOT)
    if other:
        _refuse_change(other.model, model)
    outside = model.state == "disk-snapshot" or model.external
    model.align("external" if outside else "internal", uniform=True, known=other.model.domain if other else None)
    if other is None:
        return tree.assign(model)
    model.domain = model.domain or other.model.domain
    tree.unlink(other)
    other.model = model
    return other


def _refuse_change(old: "Snapshot", new: "Snapshot") -> None:
    """Refuse a snapshot that redefines another of a different kind; raises INVALID_ARG."""
    detail = ""
    if old.live != new.live:
        detail = f"cannot change between online and offline snapshot state in snapshot {new.name}"
    elif (old.state == "disk-snapshot") != (new.state == "disk-snapshot"):
        detail = f"cannot change between disk only and full system in snapshot {new.name}"
    if detail:
        raise errors.virt_error(errors.INVALID_ARG, detail, domain=errors.FROM_DOMAIN_SNAPSHOT)


def redefined_checkpoint(tree: Moments, model: "Checkpoint", uuid: bytes) -> Moment:
    """The same for a checkpoint."""
    tree.refuse_cycle(model)
    if model.domain is None:
        model.name_bitmaps()
    elif model.domain.uuid != uuid:
        text = f"definition for checkpoint {model.name} must use uuid {uuid_text(uuid)}"
        raise errors.virt_error(errors.INVALID_ARG, text, domain=errors.FROM_DOMAIN_CHECKPOINT)
    else:
        model.align()
    other = tree.get(model.name)
    if other is None:
        return tree.assign(model)
    tree.unlink(other)
    other.model = model
    return other
