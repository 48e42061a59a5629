"""External snapshots of disks: a new image above what a disk had, which stays as it is from then on."""

from ... import errors
from ...xml.engine import Context, View
from ...xml.parse import parse
from ...xml.protection import Encryption
from ...xml.serialize import Out
from ...xml.storage import BackingStore, Source
from .. import definitions, ownership
from ..base import fail
from ..blocks import bitmaps, blockstate, chains, opening
from ..lifecycle import monitor_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ...xml.resources.snapshot import Snapshot
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..plans import Plan
    from ..qmp import Monitor

#: What a plan is at when all new images are there: from then on they are no loss, whoever stands on them.
MADE = "made"
#: how names of overlays in a plan begin; the disk's target follows
_ROW = "overlay "


class Overlay:
    """A disk's new image: `base` is what is below it; `index` its nodes' number, 0 for a guest that does not run;
    `ours` says that we make the file; `encryption` is as XML says it, "" for none."""

    def __init__(
        self, target: str, type: str, path: str, format: str, base: str, index: int, ours: bool, encryption: str = ""
    ):
        self.target, self.type, self.path, self.format, self.base = target, type, path, format, base
        self.index, self.ours, self.encryption = index, ours, encryption

    def row(self) -> "list[str]":
        told = [self.type, self.path, self.format, self.base, str(self.index), str(int(self.ours))]
        return [*told, self.encryption]

    @classmethod
    def of_plan(cls, plan: "Plan") -> "list[Overlay]":
        found = []
        for name, values in plan.told.items():
            if name.startswith(_ROW):
                target = name.removeprefix(_ROW)
                type, path, format, base, index, ours, encryption = values
                found.append(cls(target, type, path, format, base, int(index), ours == "1", encryption))
        return found

    def above(self, disk: "Disk", whole: bool = True) -> "Disk":
        """The disk as it is on top of this image; `whole` says what is below, else only what was known is."""
        made = disk.copy()
        made.type, made.source, made.auth, made.encryption = self.type, Source(type=self.type), None, None
        chains.set_source(made.source, self.type, self.path)
        if self.encryption:
            node = parse(self.encryption, "(encryption)", "encryption")
            made.source.encryption = Encryption.from_node(node, Context(definitions.StoredRules(), True))
        made.driver.type = self.format
        made.index = self.index
        known = disk.backing_store
        if whole or known is not None or chains.source_of(disk).encryption is not None:
            below = BackingStore(type=disk.type, index=disk.index, format=disk.driver.type or "raw", inner=known)
            below.source = chains.source_of(disk)
            made.backing_store = below
        else:
            made.backing_store = None
        return made


def wanted(snapshot: "Snapshot", domain: "Domain", first: int, reuse: bool) -> "dict[str, list[str]]":
    """What a plan says of a snapshot's new images; nodes are numbered from `first`, 0 for none."""
    rows = {}
    disks = {disk.target: disk for disk in domain.devices.disks}
    for entry in snapshot.disks:
        if entry.snapshot == "external":
            base = chains.name_of(disks[entry.name])
            ours = entry.type == "file" and not reuse
            how = _told(entry.source.encryption) if entry.source.encryption is not None else ""
            made = Overlay(entry.name or "", entry.type, entry.path or "", entry.format, base, first, ours, how)
            rows[f"{_ROW}{made.target}"] = made.row()
            first += bool(first)
    return rows


def _told(encryption: "Encryption") -> str:
    out = Out("encryption")
    encryption.emit(out, View(False, True))
    return out.render()


def put_on(model: "Domain", overlays: "list[Overlay]", whole: bool = True) -> bool:
    """Let a definition's disks stand on new images, where they do not and stand on what these are above; whether that
    changed anything."""
    changed = False
    disks = model.devices.disks
    for overlay in overlays:
        for place, disk in enumerate(disks):
            if disk.target == overlay.target and chains.name_of(disk) == overlay.base:
                disks[place], changed = overlay.above(disk, whole), True
    return changed


def take_offline(driver: "QemuDriver", guest: "Guest", plan: "Plan") -> None:
    """Make new images for a domain that does not run, and let its definition stand on them. Raises VirtError."""
    model = definitions.read_definition(driver.store, guest.name)
    disks = {disk.target: disk for disk in model.devices.disks}
    overlays = Overlay.of_plan(plan)
    for overlay in overlays:
        if overlay.ours:
            below = ["-b", overlay.base, "-F", disks[overlay.target].driver.type or "raw"]
            chains.qemu_img(driver.host, "create", "-q", "-f", overlay.format, *below, overlay.path)
            ownership.hand_over(driver, overlay.path)
    plan.write(MADE)
    put_on(model, overlays, whole=False)
    definitions.write_definition(driver.store, model)


def take_live(driver: "QemuDriver", guest: "Guest", plan: "Plan", monitor: "Monitor") -> None:
    """Put new images above those of a running domain, all at one moment. Raises VirtError."""
    model = definitions.read_live(driver.store, guest.uuid)
    model.id = guest.id
    disks = {disk.target: disk for disk in model.devices.disks}
    sizes = {node["node-name"]: node["image"]["virtual-size"] for node in named_nodes(monitor)}
    known = bitmaps.all_of(monitor)
    actions = []
    for overlay in Overlay.of_plan(plan):
        disk = disks[overlay.target]
        if overlay.ours:
            driver.host.write(overlay.path, b"", 0o600)
            ownership.hand_over(driver, overlay.path, guest.record)
        base = chains.nodes(disk)[0]
        opening.unlock(driver, monitor, model, above := overlay.above(disk), above)
        node = add_image(monitor, disk, overlay, sizes[base] if overlay.ours or overlay.type == "block" else None)
        actions.append({"type": "blockdev-snapshot", "data": {"node": base, "overlay": node}})
        actions += bitmaps.carried_over(base, node, known) if overlay.format == "qcow2" else []
    plan.write(MADE)
    monitor.execute("transaction", actions=actions)
    _record(driver, guest, Overlay.of_plan(plan), live=True)


def add_image(monitor: "Monitor", disk: "Disk", overlay: Overlay, size: "int | None") -> str:
    """Let QEMU open an image, after making it where `size` says how large; its node's name."""
    from ..argv.disks import image

    above = overlay.above(disk)
    storage, format = image(above, above, readonly=False, backed=False)
    monitor.do("blockdev-add", storage)
    if size is not None:
        more = {"backing-file": overlay.base, "backing-fmt": disk.driver.type or "raw"}
        options = opening.making(above, storage["node-name"], size, more)
        run_job(monitor, "blockdev-create", {"options": options})
    monitor.do("blockdev-add", format)
    return str(format["node-name"])


def named_nodes(monitor: "Monitor") -> "list[dict[str, Any]]":
    """QEMU's block nodes that have names, without what is below them."""
    found: list[dict[str, Any]] = monitor.do("query-named-block-nodes", {"flat": True})
    return found


def run_job(monitor: "Monitor", command: str, arguments: "dict[str, object]") -> None:
    """Have QEMU do a job, and wait for its end. Raises OPERATION_FAILED with what QEMU says."""
    from ..jobs import await_job, dismiss

    name = f"vsh-{command}"
    dismiss(monitor, name)  # what somebody left who was killed
    monitor.do(command, {"job-id": name, **arguments})
    failed = await_job(monitor, name)
    if failed:
        raise fail(errors.OPERATION_FAILED, f"{command}: {failed}")


def _record(driver: "QemuDriver", guest: "Guest", overlays: "list[Overlay]", live: bool) -> None:
    """Write down that disks stand on new images: where they run, and in the definition."""
    store = driver.store
    if live:
        model = definitions.read_live(store, guest.uuid)
        if put_on(model, overlays):
            model.id = guest.id
            definitions.write_live(store, model)
    if guest.persistent:
        model = definitions.read_definition(store, guest.name)
        if put_on(model, overlays):
            definitions.write_definition(store, model)


def settle(driver: "QemuDriver", guest: "Guest", plan: "Plan") -> bool:
    """End what was begun: True when the domain stands on the new images, False when nothing is left of them."""
    overlays = Overlay.of_plan(plan)
    live = all(overlay.index for overlay in overlays)
    if live and guest.active:
        with monitor_of(driver, guest) as monitor:
            used = {block.get("inserted", {}).get("node-name") for block in monitor.execute("query-block")}
            stands = all(chains.nodes_of(overlay.index)[0] in used for overlay in overlays)
            if not stands:
                forget_nodes(monitor, overlays)
    elif live:
        # Whether QEMU got to it before it ended is not known; from above all is seen that the guest wrote.
        stands = plan.phase == MADE
    else:
        model = definitions.read_definition(driver.store, guest.name)
        sources = {disk.target: chains.name_of(disk) for disk in model.devices.disks}
        stands = all(sources.get(overlay.target) == overlay.path for overlay in overlays)
    if stands:
        _record(driver, guest, overlays, live and guest.active)
    else:
        driver.host.remove(*(overlay.path for overlay in overlays if overlay.ours))
    return stands


def forget_nodes(monitor: "Monitor", overlays: "list[Overlay]") -> None:
    """Close images that are not in use."""
    from ..qmp import CommandFailed

    for overlay in overlays:
        nodes = chains.nodes_of(overlay.index)
        for node in nodes:
            try:
                monitor.do("blockdev-del", {"node-name": node})
            except CommandFailed:
                pass  # it was not there yet
        if overlay.encryption:
            blockstate.forget(monitor, "object-del", "id", chains.secret_of(nodes[0]))
