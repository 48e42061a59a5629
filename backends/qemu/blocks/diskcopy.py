"""Copying a running domain's disk to another image."""

from ... import errors
from ...constants import domain as const
from ...xml.storage import BackingStore
from .. import ownership, tls
from ..base import fail
from ..lifecycle import monitor_of
from ..store import system_error
from . import blockstate, chains, jobcontrol, opening
from .blockstate import COPY, Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.disks import Disk, Mirror
    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..qmp import Monitor
    from ..store import Running


def copy(
    driver: "QemuDriver",
    guest: "Guest",
    model: "Domain",
    disk: "Disk",
    mirror: "Mirror",
    options: "dict[str, Any]",
    flags: int,
) -> None:
    jobcontrol.refuse_busy(guest, disk)
    shallow = bool(flags & const.DOMAIN_BLOCK_COPY_SHALLOW)
    reuse = bool(flags & const.DOMAIN_BLOCK_COPY_REUSE_EXT)
    if guest.persistent and not flags & const.DOMAIN_BLOCK_COPY_TRANSIENT_JOB:
        raise fail(errors.OPERATION_INVALID, "domain is not transient")
    mirror.format = mirror.format or chains.format_of(disk)
    _check_destination(driver, disk, mirror, shallow, reuse)
    record = guest.record
    assert record is not None
    model.id = record.id
    tls.choose_one(driver, mirror.source)
    record.nodes += 1
    mirror.index = record.nodes
    mirror.job = COPY
    if mirror.type == "file":
        mirror.file, mirror.old_format = mirror.source.path, mirror.format
    mirror.backing_store = disk.backing_store if shallow else BackingStore()
    target = mirror.layer()
    job = Job(f"copy-{disk.target}-{chains.nodes(disk)[0]}", COPY, str(disk.target), disk.index, 0)
    arguments = {
        "device": chains.nodes(disk)[0],
        "target": chains.nodes(target)[0],
        "sync": "top" if shallow else "full",
        **options,
    }
    disk.mirror = mirror
    with monitor_of(driver, guest) as monitor:
        made = mirror.type == "file" and not reuse
        try:
            opening.unlock(driver, monitor, model, disk, target)
            _open_target(driver, record, monitor, disk, target, made, fresh=not reuse)
            jobcontrol.begin(driver, guest, monitor, job, "blockdev-mirror", arguments, model)
        except BaseException:
            for node in chains.nodes(target):
                blockstate.forget(monitor, "blockdev-del", "node-name", node)
            opening.lock(monitor, target)
            driver.host.remove(*([str(mirror.source.path)] if made else []))
            raise


def _check_destination(driver: "QemuDriver", disk: "Disk", mirror: "Mirror", shallow: bool, reuse: bool) -> None:
    if mirror.type not in ("file", "block", "network"):
        raise fail(errors.OPERATION_UNSUPPORTED, f"copies to storage of type '{mirror.type}' are not supported")
    if shallow and mirror.format == "raw" and disk.backing_store is not None and disk.backing_store.type:
        raise fail(errors.INVALID_ARG, f"shallow copy of disk '{disk.target}' into a raw file is not possible")
    if mirror.type == "network":
        return  # QEMU says what is there
    path = str(mirror.source.path)
    stat = driver.host.stat(path)
    if stat is None and (reuse or mirror.type == "block"):
        missing = FileNotFoundError(2, "No such file or directory")
        raise system_error(missing, f"missing destination file for disk {disk.target}: {path}")
    if stat is not None and not stat.block and stat.size and not reuse:
        text = f"external destination file for disk {disk.target} already exists and is not a block device: {path}"
        raise fail(errors.CONFIG_UNSUPPORTED, text)


def _open_target(
    driver: "QemuDriver",
    record: "Running",
    monitor: "Monitor",
    disk: "Disk",
    target: BackingStore,
    made: bool,
    fresh: bool,
) -> None:
    """Let QEMU open what is copied to, after making the file if it is `made`, and the image if it is `fresh`."""
    from ..argv.disks import image
    from ..snapshots.overlays import named_nodes, run_job

    storage, format = image(disk, target, readonly=False)
    (size,) = [n["image"]["virtual-size"] for n in named_nodes(monitor) if n["node-name"] == chains.nodes(disk)[0]]
    if made:
        path = str(target.source.path)
        driver.host.write(path, b"", 0o600)
        ownership.hand_over(driver, path, record)
        if target.format == "raw" and target.source.encryption is None:
            run_job(monitor, "blockdev-create", {"options": {"driver": "file", "filename": path, "size": size}})
    monitor.do("blockdev-add", storage)
    lower = chains.below(target)
    more = {}
    if lower is not None and lower.type:
        more = {"backing-file": chains.name_of(lower), "backing-fmt": lower.format}
    options = opening.making(target, storage["node-name"], size, more) if fresh else None
    if options is not None:
        run_job(monitor, "blockdev-create", {"options": options})
    monitor.do("blockdev-add", format)
