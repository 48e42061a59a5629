"""What is to be true before a snapshot is taken, in libvirt's words."""

from ... import errors
from ...constants import domain as const
from .. import definitions
from ..base import fail
from ..blocks import blockstate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...xml.disks import Disk
    from ...xml.resources.snapshot import Snapshot, SnapshotDisk
    from ...xml.storage import Source
    from ..driver import QemuDriver
    from ..guests import Guest

DISK_ONLY = const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
_FORMATS = ("qcow2", "qed")


def prepare(driver: "QemuDriver", guest: "Guest", model: "Snapshot", flags: int) -> None:
    """Complete a snapshot that is to be taken of a domain as it stands. Raises VirtError."""
    from ...xml.resources.snapshot import STATES
    from ..storage.disks import locate

    disk_only = bool(flags & DISK_ONLY)
    if flags & const.DOMAIN_SNAPSHOT_CREATE_HALT and not guest.persistent:
        raise fail(errors.OPERATION_INVALID, "cannot halt after transient domain snapshot")
    if (disk_only or not guest.active) and model.memory not in ("", "no"):
        text = "memory state cannot be saved with offline or disk-only snapshot"
        raise errors.virt_error(errors.XML_ERROR, text, domain=errors.FROM_DOMAIN_SNAPSHOT)
    if flags & const.DOMAIN_SNAPSHOT_CREATE_LIVE and not (guest.active and model.memory == "external"):
        text = "live snapshot creation is supported only during full system snapshots"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    if guest.state == const.DOMAIN_PMSUSPENDED:
        raise fail(errors.OPERATION_UNSUPPORTED, "qemu doesn't support taking snapshots of PMSUSPENDED guests")
    store = driver.store
    if guest.active:
        model.domain = definitions.read_live(store, guest.uuid, inactive=True)
        if guest.persistent:
            model.inactive = definitions.read_definition(store, guest.name)
    else:
        model.domain = definitions.read_definition(store, guest.name)
    model.state = "disk-snapshot" if disk_only and guest.active else STATES[guest.state - 1]
    outside = disk_only or model.memory == "external"
    if disk_only:
        model.memory = "no"
    elif not outside:
        if guest.active and model.memory == "no":
            text = "internal snapshot of a running VM must include the memory state"
            raise fail(errors.OPERATION_UNSUPPORTED, text)
        model.memory = "internal" if guest.active else "no"
    model.align("external" if outside else "internal", uniform=not outside)
    if not guest.active or not outside:
        kept = {entry.name for entry in model.disks if entry.snapshot != "no"}
        locate(store, [disk for disk in model.domain.devices.disks if disk.target in kept])
    _check_disks(driver.host, guest, model, bool(flags & const.DOMAIN_SNAPSHOT_CREATE_REUSE_EXT))


def _check_disks(host: "Host", guest: "Guest", model: "Snapshot", reuse: bool) -> None:
    assert model.domain is not None
    internal = external = left_out = 0
    for entry, disk in zip(model.disks, model.domain.devices.disks, strict=True):
        if entry.snapshot != "no" and blockstate.on(guest.record, disk.target) is not None:
            text = f"disk '{disk.target}' already in active block job"
            raise fail(errors.BLOCK_COPY_ACTIVE, text)
        if entry.snapshot == "internal":
            internal += 1
            _check_internal(guest, model, entry, disk)
        elif entry.snapshot == "external":
            external += 1
            _check_external(host, guest, entry, disk, reuse)
        elif not disk.source.empty and not disk.readonly:
            left_out += 1
    detail = ""
    if not internal and not external and model.memory == "no":
        detail = "nothing selected for snapshot"
    elif (model.memory == "internal" and not internal) or (internal and left_out):
        detail = "internal and full system snapshots require all disks to be selected for snapshot"
    elif model.state == "disk-snapshot" and not external:
        detail = "disk-only snapshots require at least one disk to be selected for snapshot"
    elif (internal and (external or model.memory == "external")) or (model.memory == "internal" and external):
        detail = "mixing internal and external targets for a snapshot is not yet supported"
    if detail:
        raise fail(errors.CONFIG_UNSUPPORTED, detail)
    loader = model.domain.os.loader
    if internal and loader is not None and loader.type == "pflash":
        text = "internal snapshots of a VM with pflash based firmware are not supported"
        raise fail(errors.OPERATION_UNSUPPORTED, text)


def _check_internal(guest: "Guest", model: "Snapshot", entry: "SnapshotDisk", disk: "Disk") -> None:
    if model.state == "disk-snapshot" and guest.active:
        text = f"active qemu domains require external disk snapshots; disk {entry.name} requested internal"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    if disk.type == "network" and not guest.active:
        raise _unfit("internal inactive", disk.type, disk.source)
    format = disk.driver.type or "raw"
    if format != "qcow2":
        text = f"internal snapshot for disk {entry.name} unsupported for storage type {format}"
        raise fail(errors.CONFIG_UNSUPPORTED, text)


def _unfit(what: str, type: str, source: "Source") -> errors.VirtError:
    using = f" using '{source.protocol}' protocol" if type == "network" else ""
    return fail(errors.INTERNAL_ERROR, f"{what} snapshots are not supported on '{type}' disks{using}")


def _check_external(host: "Host", guest: "Guest", entry: "SnapshotDisk", disk: "Disk", reuse: bool) -> None:
    entry.format = entry.format or "qcow2"
    if entry.format not in _FORMATS:
        text = f"external snapshot format for disk {entry.name} is unsupported: {entry.format}"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    what = "active" if guest.active else "inactive"
    if disk.device == "lun" and guest.active:
        text = "external active snapshots are not supported on scsi passthrough devices"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    if disk.type == "volume" and not disk.source.path:
        text = f"the volume '{disk.source.volume}' of pool '{disk.source.pool}' is not to be found"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    from_ = ("file", "block", "volume", *(["network"] if guest.active else []))
    for type, known, source in ((disk.type, from_, disk.source), (entry.type, ("file", "block"), entry.source)):
        if type not in known:
            raise _unfit(f"external {what}", type, source)
    if entry.source.encryption is not None and not guest.active:
        raise fail(errors.OPERATION_UNSUPPORTED, "encrypted snapshots of a domain that does not run are not supported")
    if disk.shareable and not disk.readonly:
        text = f"shared access for disk '{entry.name}' requires use of supported storage format"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    path = entry.path or ""
    stat = host.stat(path)
    if stat is None and reuse:
        text = f"missing existing file for disk {entry.name}: {path}: No such file or directory"
        raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_QEMU)
    if stat is not None and not stat.block and stat.size and not reuse:
        text = f"external snapshot file for disk {entry.name} already exists and is not a block device: {path}"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
