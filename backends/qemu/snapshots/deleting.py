"""Deleting snapshots.

What is internal is taken out of the images. What was written since an external snapshot is in an image above the one
that the snapshot kept: the upper is merged into the lower, which nothing but the snapshot needed as it was. Where
something else needs one of the two as it is (another branch, another domain, an internal snapshot), both stay, and only
the snapshot goes.
"""

from ... import errors
from ...constants import domain as const
from ...moment_queries import SNAPSHOT, find
from .. import definitions
from ..base import QemuBase, call, fail
from ..blocks import chains, references, trees
from ..guests import Guests
from ..plans import Plan
from . import internal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...moments import Moment, Moments
    from ...records import DomainSnapshotRef
    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ...xml.resources.snapshot import Snapshot
    from ..driver import QemuDriver
    from ..guests import Guest

CHILDREN = const.DOMAIN_SNAPSHOT_DELETE_CHILDREN
CHILDREN_ONLY = const.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY
METADATA_ONLY = const.DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY


class DeleteCalls(QemuBase):
    """Deleting snapshots."""

    @call("qemuDomainSnapshotDelete", CHILDREN | CHILDREN_ONLY | METADATA_ONLY)
    def domain_snapshot_delete(self, snap: "DomainSnapshotRef", flags: int = 0) -> None:
        with self._lock(snap.dom):
            guest = self._guest(snap.dom)
            moment = find(guest.snapshots, SNAPSHOT, snap.name, self.origin)
            metadata = bool(flags & METADATA_ONLY)
            if not metadata and guest.record is not None and guest.record.jobs:
                raise fail(errors.OPERATION_INVALID, "domain has active block job")
            doomed = [*moment.descendants()][::-1] if flags & (CHILDREN | CHILDREN_ONLY) else []
            doomed += [] if flags & CHILDREN_ONLY else [moment]
            told = {"names": [one.name for one in doomed], "metadata": [str(int(metadata))]}
            if not metadata:
                told["memory"] = [one.model.memory_file for one in doomed if one.model.memory == "external"]
            plan = Plan(self.driver, guest.uuid, "delete", told)
            plan.write()
            try:
                settle(self.driver, plan)
            finally:
                plan.clear()  # what could not be done is told, and the snapshot is still there


def settle(driver: "QemuDriver", plan: Plan) -> None:
    """Delete what is to be deleted and still there: every step may be done again."""
    guest = Guests(driver.store).by_uuid.get(plan.uuid)
    if guest is not None:
        try:
            for name in plan.told["names"]:
                tree = trees.load(driver.store, SNAPSHOT, guest.name)
                if name in tree:
                    if plan.told["metadata"] != ["1"]:
                        _discard(driver, guest, tree[name])
                    forget(driver, guest, SNAPSHOT, trees.load(driver.store, SNAPSHOT, guest.name), name)
        finally:
            # Memory goes last, since a snapshot without it could not be gone back to.
            kept = {one.model.memory_file for one in trees.load(driver.store, SNAPSHOT, guest.name).values()}
            driver.host.remove(*(path for path in plan.told.get("memory", ()) if path not in kept))
    plan.clear()


def forget(driver: "QemuDriver", guest: "Guest", kind: str, tree: "Moments", name: str) -> None:
    """Take a moment out of its tree's files; its children become its parent's."""
    moment = tree[name]
    children, parent, was = [*moment.children], moment.parent, tree.current
    tree.drop(moment, below=False, itself=True)
    changed = parent if was is moment else None
    trees.write(driver.store, kind, guest.name, tree, *children, changed)
    trees.remove(driver.store, kind, guest.name, name)


def _discard(driver: "QemuDriver", guest: "Guest", moment: "Moment") -> None:
    """Remove what a snapshot keeps of disks. Raises VirtError."""
    model: Snapshot = moment.model
    domain = model.domain
    if domain is None:
        return
    names = internal.targets(model)
    if names:
        internal.drop(driver, guest, names, moment.name, internal.paths(driver.store, domain, names))
    disks = {disk.target: disk for disk in definitions.locate(driver.store, domain).devices.disks}
    for entry in model.disks if not model.revert_disks else ():
        if entry.snapshot == "external" and entry.path and entry.name in disks:
            _merge(driver, guest, moment, disks[entry.name], entry.path)


def _merge(driver: "QemuDriver", guest: "Guest", moment: "Moment", base: "Disk", upper: str) -> None:
    """Merge the image above the one that a snapshot kept into it, if nobody else needs that."""
    uses = references.uses(driver)
    if not any(upper in use.files for use in uses):
        if upper not in references.used(driver, but=(guest.uuid, moment.name)):
            driver.host.remove(upper)
        return
    lower = chains.name_of(base)
    for use in uses:
        if lower not in use.files and upper not in use.files:
            continue
        place = use.files.index(lower) if lower in use.files else -1
        # Below another image than the upper one, or itself what somebody stands on.
        needed = place > 0 and use.files[place - 1] != upper
        needed |= not place and _keeps(use, moment, base, "external")
        needed |= use.files[0] == upper and use.snapshot is not None and _keeps(use, moment, base, "internal")
        if use.owner != guest.uuid or use.saved or needed:
            return
    if guest.active and any(upper in references.chain(driver.host, disk) for disk in _live(driver, guest)):
        from ..blocks.merging import merge_live

        merge_live(driver, guest, str(base.target), upper)
    else:
        _merge_offline(driver, base, upper)
    _stand_on(driver, guest, {upper}, base)
    if upper not in references.used(driver, but=(guest.uuid, moment.name)):
        driver.host.remove(upper)


def _keeps(use: "references.Use", moment: "Moment", base: "Disk", how: str) -> bool:
    """Whether the user of an image, as its uppermost, needs what is in it: a domain, or a snapshot other than `moment`
    that keeps a state of it, `how` it does so."""
    if use.snapshot is None:
        return True
    entries = {entry.name: entry.snapshot for entry in use.snapshot.disks}
    return use.snapshot.name != moment.name and entries.get(base.target) == how


def _live(driver: "QemuDriver", guest: "Guest") -> "list[Disk]":
    disks: list[Disk] = definitions.read_live(driver.store, guest.uuid).devices.disks
    return disks


def _merge_offline(driver: "QemuDriver", base: "Disk", upper: str) -> None:
    host, lower, format = driver.host, str(base.source.path), base.driver.type or "raw"
    if base.type == "network":
        text = f"the image above that of network disk '{base.target}' can be merged into it only while the domain runs"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    chains.qemu_img(host, "commit", "-q", "-b", lower, upper)
    above = {use.files[use.files.index(upper) - 1] for use in references.uses(driver) if upper in use.files[1:]}
    for path in sorted(above):
        chains.qemu_img(host, "rebase", "-q", "-u", "-F", format, "-b", lower, path)


def _stand_on(driver: "QemuDriver", guest: "Guest", gone: "set[str]", base: "Disk") -> None:
    """Let all documents of a domain that name images which are no more name the one that has what was in them."""

    def changed(domain: "Domain | None") -> bool:
        disks = definitions.locate(store, domain).devices.disks if domain is not None else []
        left_out = [chains.leave_out(disk, gone, base) for disk in disks]
        return any(left_out)

    store = driver.store
    if guest.persistent:
        model = definitions.read_definition(store, guest.name)
        if changed(model):
            definitions.write_definition(store, model)
    tree = trees.load(store, SNAPSHOT, guest.name)
    for other in tree.values():
        touched = [changed(domain) for domain in (other.model.domain, other.model.inactive)]
        if any(touched):
            trees.write(store, SNAPSHOT, guest.name, tree, other)
