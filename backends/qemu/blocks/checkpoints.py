"""Checkpoints: moments since which a disk's image records what is written."""

import time

from ... import errors
from ...constants import domain as const
from ...moment_queries import CHECKPOINT, CheckpointQueries, checkpoint_ref, find, redefined_checkpoint
from .. import definitions
from ..base import QemuBase, call, fail, not_running
from ..guests import Guests
from ..lifecycle import monitor_of
from ..plans import Plan
from ..snapshots.deleting import forget
from . import bitmaps, chains, trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...records import DomainCheckpointRef, DomainRef
    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ...xml.resources.checkpoint import Checkpoint
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..qmp import Monitor

REDEFINE = const.DOMAIN_CHECKPOINT_CREATE_REDEFINE
VALIDATE = const.DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE
QUIESCE = const.DOMAIN_CHECKPOINT_CREATE_QUIESCE
SIZE = const.DOMAIN_CHECKPOINT_XML_SIZE
SHOWN = const.DOMAIN_CHECKPOINT_XML_SECURE | const.DOMAIN_CHECKPOINT_XML_NO_DOMAIN | SIZE
CHILDREN, CHILDREN_ONLY = const.DOMAIN_CHECKPOINT_DELETE_CHILDREN, const.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY
METADATA_ONLY = const.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY
#: The bitmap in which sizes are counted together.
COUNTING = "vsh-tmp-size"


class CheckpointCalls(QemuBase, CheckpointQueries):
    """Checkpoints."""

    @call("qemuCheckpointCreateXML", REDEFINE | VALIDATE | QUIESCE)
    def domain_checkpoint_create_xml(self, dom: "DomainRef", xml_desc: str, flags: int = 0) -> "DomainCheckpointRef":
        from ...xml.resources.checkpoint import Checkpoint

        redefine = bool(flags & REDEFINE)
        if not self._guest(dom).active:
            raise fail(errors.OPERATION_UNSUPPORTED, "cannot create checkpoint for inactive domain")
        rules = definitions.StoredRules()
        model = Checkpoint.read_text(xml_desc, rules, int(time.time()), redefine, validate=True)
        if flags & QUIESCE:
            from ..snapshots.calls import freeze

            freeze(self, dom)
        try:
            with self._lock(dom):
                guest = self._active(dom)
                if redefine:
                    _redefine(self.driver, guest, model, bool(flags & VALIDATE))
                else:
                    plan, actions = begin(self.driver, guest, model)
                    with monitor_of(self.driver, guest) as monitor:
                        carry_out(self.driver, guest, plan, monitor, actions)
        finally:
            if flags & QUIESCE:
                self.domain_fsthaw(dom, [], 0)
        return checkpoint_ref(dom, model.name)

    @call("qemuCheckpointGetXMLDesc", SHOWN)
    def domain_checkpoint_get_xml_desc(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> str:
        guest = self._guest(checkpoint.dom)
        model: Checkpoint = find(guest.checkpoints, CHECKPOINT, checkpoint.name, self.origin).model
        if flags & SIZE:
            if not guest.active:
                raise not_running()
            with self._lock(checkpoint.dom), monitor_of(self.driver, guest) as monitor:
                _measure(definitions.read_live(self.driver.store, guest.uuid), model, monitor)
        return model.format(
            secure=bool(flags & const.DOMAIN_CHECKPOINT_XML_SECURE),
            domain=not flags & const.DOMAIN_CHECKPOINT_XML_NO_DOMAIN,
        )

    @call("qemuCheckpointDelete", CHILDREN | CHILDREN_ONLY | METADATA_ONLY)
    def domain_checkpoint_delete(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> None:
        with self._lock(checkpoint.dom):
            guest = self._guest(checkpoint.dom)
            moment = find(guest.checkpoints, CHECKPOINT, checkpoint.name, self.origin)
            metadata = bool(flags & METADATA_ONLY)
            if not metadata and not guest.active:
                raise fail(errors.OPERATION_UNSUPPORTED, "cannot delete checkpoint for inactive domain")
            doomed = [*moment.descendants()][::-1] if flags & (CHILDREN | CHILDREN_ONLY) else []
            doomed += [] if flags & CHILDREN_ONLY else [moment]
            told = {"names": [one.name for one in doomed], "metadata": [str(int(metadata))]}
            plan = Plan(self.driver, guest.uuid, "forget", told)
            plan.write()
            try:
                settle_deletion(self.driver, plan)
            finally:
                plan.clear()


def _redefine(driver: "QemuDriver", guest: "Guest", model: "Checkpoint", validate: bool) -> None:
    tree = guest.checkpoints
    before = tree.current
    made = redefined_checkpoint(tree, model, guest.uuid)
    if validate:
        with monitor_of(driver, guest) as monitor:
            known = bitmaps.all_of(monitor)
        live = definitions.read_live(driver.store, guest.uuid)
        for disk in live.devices.disks:
            for entry in model.disks:
                if entry.name == disk.target and entry.bitmap and not bitmaps.recorded(disk, entry.bitmap, known):
                    raise inconsistent(entry.bitmap, disk.target or "")
    if before is None or model.parent == before.name:
        tree.current = made
    tree.link(made)
    trees.write(driver.store, CHECKPOINT, guest.name, tree, made, before if before is not made else None)


def inconsistent(bitmap: str, target: str) -> errors.VirtError:
    text = f"missing or broken bitmap '{bitmap}' for disk '{target}'"
    return fail(errors.CHECKPOINT_INCONSISTENT, text)


def begin(driver: "QemuDriver", guest: "Guest", model: "Checkpoint") -> "tuple[Plan, list[bitmaps.Action]]":
    """The plan of a new checkpoint, and what QEMU has to do for it at one moment. Raises VirtError."""
    tree = guest.checkpoints
    model.domain = definitions.read_live(driver.store, guest.uuid, inactive=True)
    model.align()
    live = {disk.target: disk for disk in definitions.read_live(driver.store, guest.uuid).devices.disks}
    actions, told = [], []
    for entry in model.disks:
        if entry.checkpoint != "bitmap":
            continue
        disk = live[entry.name]
        format = chains.format_of(disk)
        if format != "qcow2":
            text = f"checkpoint for disk {entry.name} unsupported for storage type {format}"
            raise fail(errors.CONFIG_UNSUPPORTED, text)
        actions.append(bitmaps.add(chains.nodes(disk)[0], entry.bitmap or ""))
        told += [chains.nodes(disk)[0], entry.bitmap or "", str(disk.source.path)]
    tree.assign(model)
    model.parent = tree.current.name if tree.current else None
    rows = {"name": [model.name], "xml": [model.format(secure=True)], "bitmaps": told}
    return Plan(driver, guest.uuid, "checkpoint", rows), actions


def carry_out(
    driver: "QemuDriver", guest: "Guest", plan: Plan, monitor: "Monitor", actions: "list[bitmaps.Action]"
) -> None:
    """Make a checkpoint, and whatever else is to be done at that very moment. Raises VirtError, and there is none."""
    plan.write()
    try:
        monitor.execute("transaction", actions=actions)
        _keep(driver, guest, plan)
    except BaseException:
        _undo(driver, guest, plan, monitor)
        raise
    plan.clear()


def _keep(driver: "QemuDriver", guest: "Guest", plan: Plan) -> None:
    from ...xml.resources.checkpoint import Checkpoint

    model = Checkpoint.read_text(plan.told["xml"][0], definitions.StoredRules(), 0, True, False)
    tree = trees.load(driver.store, CHECKPOINT, guest.name)
    if model.name not in tree:
        tree.link(tree.assign(model))
    before, tree.current = tree.current, tree[model.name]
    others = [before] if before is not tree.current else []
    trees.write(driver.store, CHECKPOINT, guest.name, tree, tree.current, *others)


def _undo(driver: "QemuDriver", guest: "Guest", plan: Plan, monitor: "Monitor | None") -> None:
    """Leave nothing of a checkpoint that came to nothing."""
    told = plan.told["bitmaps"]
    if plan.told["name"][0] not in guest.checkpoints:
        for node, name, path in zip(told[::3], told[1::3], told[2::3], strict=True):
            if monitor is not None:
                bitmaps.drop(monitor, node, name)
            else:
                _drop_offline(driver, path, name)
    plan.clear()


def _drop_offline(driver: "QemuDriver", path: str, name: str) -> None:
    if driver.host.stat(path) is not None:
        kept = chains.info(driver.host, path, "qcow2").get("format-specific", {}).get("data", {}).get("bitmaps", ())
        if any(bitmap["name"] == name for bitmap in kept):
            chains.qemu_img(driver.host, "bitmap", "--remove", "-f", "qcow2", path, name)


def settle_creation(driver: "QemuDriver", plan: Plan) -> None:
    """End a checkpoint that somebody began: it is one if its file is there."""
    guest = Guests(driver.store).by_uuid.get(plan.uuid)
    if guest is None:
        plan.clear()
    elif guest.active:
        with monitor_of(driver, guest) as monitor:
            _undo(driver, guest, plan, monitor)
    else:
        _undo(driver, guest, plan, None)


def settle_deletion(driver: "QemuDriver", plan: Plan) -> None:
    """Delete what is to be deleted and still there: every step may be done again."""
    guest = Guests(driver.store).by_uuid.get(plan.uuid)
    for name in plan.told["names"] if guest is not None else ():
        assert guest is not None
        tree = trees.load(driver.store, CHECKPOINT, guest.name)
        if name in tree:
            if plan.told["metadata"] != ["1"]:
                _remove_bitmaps(driver, guest, tree[name].model)
            forget(driver, guest, CHECKPOINT, tree, name)
    plan.clear()


def _remove_bitmaps(driver: "QemuDriver", guest: "Guest", model: "Checkpoint") -> None:
    wanted = {entry.name: entry.bitmap for entry in model.disks if entry.checkpoint == "bitmap" and entry.bitmap}
    store = driver.store
    if not guest.active:
        for disk in definitions.read_definition(store, guest.name).devices.disks if guest.persistent else ():
            if disk.target in wanted:
                _drop_offline(driver, str(disk.source.path), str(wanted[disk.target]))
        return
    with monitor_of(driver, guest) as monitor:
        known = bitmaps.all_of(monitor)
        for disk in definitions.read_live(store, guest.uuid).devices.disks:
            name = wanted.get(disk.target)
            for layer in chains.layers(disk) if name else ():
                if name in known.get(chains.nodes(layer)[0], {}):
                    _remove_bitmap(monitor, disk, layer, name)


def _remove_bitmap(monitor: "Monitor", disk: "Disk", layer: "chains.Layer", name: str) -> None:
    """Remove a bitmap from one of a disk's images, which may be there to be read alone."""
    from ..argv.disks import image

    node = chains.nodes(layer)[0]
    fixed = layer is not disk
    if fixed:
        monitor.do("blockdev-reopen", {"options": [image(disk, layer, readonly=False)[1]]})
    try:
        monitor.do("block-dirty-bitmap-remove", {"node": node, "name": name})
    finally:
        if fixed:
            monitor.do("blockdev-reopen", {"options": [image(disk, layer, readonly=True)[1]]})


def _measure(live: "Domain", model: "Checkpoint", monitor: "Monitor") -> None:
    """Write into a checkpoint how many bytes have been written since, to each disk."""
    known = bitmaps.all_of(monitor)
    disks = {disk.target: disk for disk in live.devices.disks}
    for entry in model.disks:
        disk = disks.get(entry.name)
        if disk is None or not entry.bitmap or entry.checkpoint != "bitmap":
            continue
        sources = bitmaps.recorded(disk, entry.bitmap, known)
        if sources:
            node = chains.nodes(disk)[0]
            monitor.execute("transaction", actions=bitmaps.collect(disk, COUNTING, sources))
            entry.size = str(bitmaps.all_of(monitor)[node][COUNTING]["count"])
            bitmaps.drop(monitor, node, COUNTING)
