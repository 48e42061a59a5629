"""Going back to a snapshot.

A running domain is ended and started anew. What a snapshot keeps outside of its disks' images stays as it is: the
domain gets new images above those that it had then.
"""

import time

from ... import errors
from ...constants import domain as const
from ...moment_queries import SNAPSHOT, find
from ...xml.resources.snapshot import SnapshotDisk
from .. import definitions, ending, ownership
from ..base import QemuBase, call, fail
from ..blocks import chains, references, trees
from ..guests import Guests
from ..plans import Plan
from . import internal, overlays
from .overlays import Overlay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...moments import Moment
    from ...records import DomainSnapshotRef
    from ...xml.domain import Domain
    from ...xml.resources.snapshot import Snapshot
    from ..driver import QemuDriver
    from ..guests import Guest

RUNNING, PAUSED = const.DOMAIN_SNAPSHOT_REVERT_RUNNING, const.DOMAIN_SNAPSHOT_REVERT_PAUSED
FORCE, NEW_NVRAM = const.DOMAIN_SNAPSHOT_REVERT_FORCE, const.DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM
#: What a plan is at once there is no way back but forward.
STOPPED = "stopped"


class RevertCalls(QemuBase):
    """Going back to a snapshot."""

    @call("qemuSnapshotRevert", RUNNING | PAUSED | FORCE | NEW_NVRAM)
    def domain_revert_to_snapshot(self, snap: "DomainSnapshotRef", flags: int = 0) -> None:
        with self._lock(snap.dom):
            guest = self._guest(snap.dom)
            if guest.record is not None and guest.record.jobs:
                raise fail(errors.OPERATION_INVALID, "domain has active block job")
            moment = find(guest.snapshots, SNAPSHOT, snap.name, self.origin)
            _check(guest, moment.model, flags)
            _refuse_needed(self.driver, guest, moment.model)
            plan = Plan(self.driver, guest.uuid, "revert", _told(self.driver, guest, moment.model, flags))
            plan.write()
            _carry_out(self.driver, guest, plan)


def _check(guest: "Guest", model: "Snapshot", flags: int) -> None:
    """Raises OPERATION_INVALID, SNAPSHOT_REVERT_RISKY."""
    live = model.live
    if not guest.persistent and not live and not flags & (RUNNING | PAUSED):
        text = "transient domain needs to request run or pause to revert to inactive snapshot"
        raise fail(errors.OPERATION_INVALID, text)
    risk = ""
    if model.domain is None:
        risk = f"snapshot '{model.name}' lacks domain '{guest.name}' rollback info"
    elif flags & FORCE:
        return
    elif guest.managed_save and not live:
        risk = "snapshot without memory state, removal of existing managed saved state strongly recommended to avoid"
        risk += " corruption"
    if risk:
        raise fail(errors.SNAPSHOT_REVERT_RISKY, risk)


def _refuse_needed(driver: "QemuDriver", guest: "Guest", model: "Snapshot") -> None:
    """Raises OPERATION_UNSUPPORTED when another snapshot, or another domain, needs what is now in an image to which
    something else is to be brought back, or when QEMU will not do so: it does not with bitmaps."""
    names = internal.targets(model)
    images = set(internal.paths(driver.store, model.domain, names)) if model.domain is not None else set()
    if images and (guest.checkpoints or any(internal.has_bitmaps(driver.host, path) for path in images)):
        text = "cannot go back to an internal snapshot of disks that have checkpoints"
        raise fail(errors.OPERATION_UNSUPPORTED, text, hint="delete the checkpoints first")
    for use in references.uses(driver) if images else ():
        if use.owner == guest.uuid and (use.snapshot is None or use.snapshot.name == model.name):
            continue
        external = use.snapshot is not None and any(entry.snapshot == "external" for entry in use.snapshot.disks)
        needed = images.intersection(use.files if external or use.owner != guest.uuid else use.files[1:])
        if needed:
            who = f"snapshot '{use.snapshot.name}'" if use.snapshot is not None else "another domain"
            text = f"{who} needs image '{sorted(needed)[0]}' as it is"
            raise fail(errors.OPERATION_UNSUPPORTED, text)


def _told(driver: "QemuDriver", guest: "Guest", model: "Snapshot", flags: int) -> "dict[str, list[str]]":
    """The plan: the domain as it is to be defined and as it is to run, and what is done to which images."""
    assert model.domain is not None
    config = model.domain.copy()
    inactive = (model.inactive or model.domain).copy()
    config.name = inactive.name = guest.name
    for domain in (config, inactive):
        definitions.locate(driver.store, domain)
    names = internal.targets(model)
    told: dict[str, list[str]] = {"name": [model.name], "images": internal.paths(driver.store, config, names)}
    taken: set[str] = set()
    for entry in model.disks:
        if entry.snapshot == "external":
            disk = next(disk for disk in config.devices.disks if disk.target == entry.name)
            if disk.type == "network":
                text = f"going back to an external snapshot of network disk '{disk.target}' is not supported"
                raise fail(errors.OPERATION_UNSUPPORTED, text)
            base = str(disk.source.path)
            path = _free_name(driver, base, taken)
            made = Overlay(str(entry.name), "file", path, "qcow2", base, 0, ours=True)
            told[f"overlay {made.target}"] = made.row()
            told[f"format {made.target}"] = [disk.driver.type or "raw"]
    new = Overlay.of_plan(Plan(driver, guest.uuid, "revert", told))
    for domain in (config, inactive):
        overlays.put_on(domain, new, whole=False)
    told["config"] = [config.format(inactive=True, secure=True)]
    told["inactive"] = [inactive.format(inactive=True, secure=True)]
    paused = flags & PAUSED or (model.state == "paused" and not flags & RUNNING)
    told["start"] = ["paused" if paused else "running"] if model.live or flags & (RUNNING | PAUSED) else []
    told["variables"] = [str(int(bool(flags & NEW_NVRAM)))]
    told["loadvm"] = [model.name] if model.live and model.memory == "internal" else []
    told["memory"] = [str(model.memory_file)] if model.live and model.memory == "external" else []
    return told


def _free_name(driver: "QemuDriver", base: str, taken: "set[str]") -> str:
    """A new file's name beside `base`: with the time for a suffix, as libvirt names it."""
    folder, _, file = base.rpartition("/")
    number = int(time.time())
    while True:
        path = f"{folder}/{file.rpartition('.')[0] or file}.{number}"
        if path not in taken and driver.host.stat(path) is None:
            taken.add(path)
            return path
        number += 1


def _carry_out(driver: "QemuDriver", guest: "Guest", plan: Plan) -> None:
    """Go back, from wherever the plan is. Raises VirtError; what failed before the end of the guest changed nothing."""
    host, told = driver.host, plan.told
    new = Overlay.of_plan(plan)
    if not plan.phase:
        try:
            if not told["loadvm"]:
                internal.check(host, told["images"], told["name"][0])
            for overlay in new:
                _create(driver, overlay, told[f"format {overlay.target}"][0])
        except BaseException:
            _forget(driver, plan)
            raise
        if guest.active:
            ending.stop(driver, guest, const.DOMAIN_SHUTOFF_FROM_SNAPSHOT, returns=bool(told["start"]))
        plan.write(STOPPED)
    if not told["loadvm"]:
        internal.apply_offline(host, told["images"], told["name"][0])
    if guest.persistent:
        definitions.write_definition(driver.store, definitions.read_text(told["inactive"][0]))
    _make_current(driver, guest, told["name"][0], new)
    try:
        if told["start"]:
            _start(driver, guest, plan)
    finally:
        plan.clear()


def _create(driver: "QemuDriver", overlay: Overlay, format: str) -> None:
    args = ["-q", "-f", overlay.format, "-b", overlay.base, "-F", format, overlay.path]
    chains.qemu_img(driver.host, "create", *args)
    ownership.hand_over(driver, overlay.path)


def _forget(driver: "QemuDriver", plan: Plan) -> None:
    driver.host.remove(*(overlay.path for overlay in Overlay.of_plan(plan)))
    plan.clear()


def _make_current(driver: "QemuDriver", guest: "Guest", name: str, new: "list[Overlay]") -> None:
    """Let a snapshot be the current one, and remove what was written since the one that was."""
    store = driver.store
    tree = trees.load(store, SNAPSHOT, guest.name)
    before, tree.current = tree.current, tree[name]
    left = _left(before, new)
    moment = tree[name]
    model: Snapshot = moment.model
    if new and moment.children:
        model.revert_disks = [_entry(overlay) for overlay in new]
    elif new:
        made = {overlay.target: _entry(overlay) for overlay in new}
        model.disks = [made.get(str(entry.name), entry) for entry in model.disks]
    if before is not None and before is not moment:
        before.model.revert_disks = []
    trees.write(store, SNAPSHOT, guest.name, tree, moment, before if before is not moment else None)
    if left and before is not None:
        kept = references.used(driver, but=(guest.uuid, before.name) if before is not moment else None)
        driver.host.remove(*(path for path in left if path not in kept))


def _left(before: "Moment | None", new: "list[Overlay]") -> "list[str]":
    """The images that hold nothing but what was written since the snapshot that has been current."""
    if before is None:
        return []
    model: Snapshot = before.model
    entries = model.revert_disks or (model.disks if not before.children else [])
    paths = [entry.path for entry in entries if entry.snapshot == "external" and entry.type == "file" and entry.path]
    return [path for path in paths if path not in {overlay.path for overlay in new}]


def _entry(overlay: Overlay) -> SnapshotDisk:
    entry = SnapshotDisk(name=overlay.target, snapshot="external", type=overlay.type, format=overlay.format)
    chains.set_source(entry.source, overlay.type, overlay.path)
    return entry


def _start(driver: "QemuDriver", guest: "Guest", plan: Plan) -> None:
    from ..images import Image
    from ..launching import start

    told = plan.told
    model: Domain = definitions.read_text(told["config"][0])
    paused = told["start"] == ["paused"]
    transient, new = not guest.persistent, told["variables"] == ["1"]
    kept = told["memory"] or told["loadvm"]
    begun = const.DOMAIN_RUNNING_FROM_SNAPSHOT if kept else const.DOMAIN_RUNNING_BOOTED
    if told["memory"]:
        state = told["memory"][0], Image.read(driver.host, told["memory"][0])
        start(driver, model, paused, transient, state, begun=begun, new_variables=new)
    else:
        name = (told["loadvm"] or [""])[0]
        start(driver, model, paused, transient, loadvm=name, begun=begun, new_variables=new)


def settle(driver: "QemuDriver", plan: Plan) -> None:
    """End a way back that somebody began: from where the domain was ended it goes on, before that nothing was done."""
    guest = Guests(driver.store).by_uuid.get(plan.uuid)
    if guest is None:  # a transient one, of which nothing is left
        name = definitions.read_text(plan.told["config"][0]).name
        driver.host.remove(trees.folder(driver.store, SNAPSHOT, name))
        plan.clear()
    elif guest.active and plan.phase:
        plan.clear()
    elif plan.told["name"][0] not in guest.snapshots or not plan.phase:
        _forget(driver, plan)
    else:
        _carry_out(driver, guest, plan)
