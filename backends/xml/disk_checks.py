"""Refusing disks that read well but make no sense; libvirt's words and order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, NO_SOURCE, NO_TARGET, XML_ERROR
from .engine import fail
from .protection import DeviceLabel
from .storage import check_wwn

if TYPE_CHECKING:
    from .disks import Disk
    from .domain import Domain
    from .protection import Auth, Encryption
    from .storage import Source

_SECRETS = ("none", "volume", "ceph", "iscsi", "tls", "vtpm")
_PASSWORDS = ("iscsi", "http", "https", "ftp", "ftps", "ssh", "rbd")


def check_labels(labels: list[DeviceLabel], domain: Domain) -> None:
    """Labels of a device may only override labels of the domain that are applied."""
    for label in labels:
        if any(own.model == label.model and not own.relabel for own in domain.seclabels):
            what = "label overrides require relabeling to be enabled at the domain level"
            raise fail(CONFIG_UNSUPPORTED, what)


def check_disk(disk: Disk, domain: Domain) -> None:
    source = disk.source
    if disk.target is None:
        if source.pool is not None:
            raise fail(NO_TARGET, f"pool = '{source.pool}', volume = '{source.volume}'")
        raise fail(NO_TARGET, source.path or source.name)
    _source(source, disk.auth or source.auth, disk.encryption or source.encryption)
    store = disk.backing_store
    while store is not None and store.type:
        _source(store.source, store.source.auth, store.source.encryption)
        store = store.inner
    if disk.sgio == "unfiltered":
        raise fail(CONFIG_UNSUPPORTED, "unfiltered sgio is no longer supported")
    if disk.device == "lun":
        _lun(disk)
    elif source.reservations:
        raise fail(CONFIG_UNSUPPORTED, "<reservations/> allowed only for lun devices")
    elif disk.rawio is not None or disk.sgio:
        what = "rawio" if disk.rawio is not None else "sgio"
        raise fail(CONFIG_UNSUPPORTED, f"{what} can be used only with device='lun'")
    _iotune(disk)
    _bus(disk)
    if disk.type == "nvme" and source.namespace == 0:
        raise fail(CONFIG_UNSUPPORTED, "NVMe namespace can't be zero")
    if disk.type == "vhostuser":
        _vhostuser(disk)
    check_labels(source.labels, domain)
    _identity(disk)


def _source(source: Source, auth: Auth | None, encryption: Encryption | None) -> None:
    if source.type == "network" and auth and auth.secret:
        if source.protocol not in _PASSWORDS:
            raise fail(CONFIG_UNSUPPORTED, f"authentication is not supported for protocol '{source.protocol}'")
        kind = auth.secret.type
        if kind not in _SECRETS:
            raise fail(CONFIG_UNSUPPORTED, f"unknown secret type '{'<null>' if kind is None else kind}'")
        if kind != {"iscsi": "iscsi", "rbd": "ceph"}.get(source.protocol, kind):
            raise fail(CONFIG_UNSUPPORTED, f"invalid secret type '{kind}'")
    if encryption and encryption.format == "luks" and encryption.cipher:
        raise fail(CONFIG_UNSUPPORTED, "supplying <cipher> for domain disk definition is unnecessary")


def _lun(disk: Disk) -> None:
    source = disk.source
    if disk.type == "network":
        if source.protocol != "iscsi":
            what = f"disk device='lun' is not supported for protocol='{source.protocol}'"
            raise fail(CONFIG_UNSUPPORTED, what)
    elif disk.type not in ("block", "volume"):
        raise fail(CONFIG_UNSUPPORTED, "disk device='lun' is only valid for block type disk source")
    if disk.driver.type not in ("", "raw"):
        raise fail(CONFIG_UNSUPPORTED, "disk device 'lun' must use 'raw' format")
    if source.slice:
        raise fail(CONFIG_UNSUPPORTED, "disk device 'lun' doesn't support storage slice")
    encryption = disk.encryption or source.encryption
    if encryption and encryption.format != "default":
        raise fail(CONFIG_UNSUPPORTED, "disk device 'lun' doesn't support encryption")


def _iotune(disk: Disk) -> None:
    for name in ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"):
        total, read, write = (getattr(disk.iotune, f"{way}_{name}") for way in ("total", "read", "write"))
        if total and (read or write):
            raise fail(XML_ERROR, f"total and read/write {name} cannot be set at the same time")


def _bus(disk: Disk) -> None:
    address = disk.info.address
    if address and disk.bus in ("ide", "fdc", "scsi", "sata") and address.type != "drive":
        what = f"Invalid address type '{address.type}' for the disk '{disk.target}' with the bus type '{disk.bus}'"
        raise fail(CONFIG_UNSUPPORTED, what)
    if disk.bus == "virtio":
        return
    if disk.model:
        raise fail(CONFIG_UNSUPPORTED, f"disk model '{disk.model}' not supported for bus '{disk.bus}'")
    if disk.driver.queues:
        what = "queues attribute in disk driver element is only supported by virtio-blk"
        raise fail(CONFIG_UNSUPPORTED, what)
    for name in ("event_idx", "ioeventfd"):
        if getattr(disk.driver, name) is not None:
            raise fail(CONFIG_UNSUPPORTED, f"disk {name} mode supported only for virtio bus")
    disk.driver.virtio.refuse()


def _vhostuser(disk: Disk) -> None:
    if disk.bus != "virtio":
        raise fail(CONFIG_UNSUPPORTED, "vhostuser disk supports only virtio bus")
    if disk.snapshot != "no":
        raise fail(CONFIG_UNSUPPORTED, "only snapshot=no is supported with vhostuser disk")
    driver, geometry, source = disk.driver, disk.geometry, disk.source
    for what, given in (
        ("cache", driver.cache),
        ("error_policy", driver.error_policy or driver.rerror_policy),
        ("io", driver.io),
        ("ioeventfd", driver.ioeventfd is not None),
        ("copy_on_read", driver.copy_on_read is not None),
        ("discard", driver.discard),
        ("iothread", driver.iothread),
        ("detect_zeroes", driver.detect_zeroes),
        ("metadata_cache", driver.cache_size),
        ("iotune", disk.iotune.group_name is not None or disk.iotune.limited),
        ("backingStore", disk.backing_store),
        ("encryption", disk.encryption or source.encryption),
        ("readonly", disk.readonly),
        ("shareable", disk.shareable),
        ("transient", disk.transient),
        ("serial", disk.serial),
        ("wwn", disk.wwn),
        ("vendor", disk.vendor),
        ("product", disk.product),
        ("auth", disk.auth or source.auth),
        ("geometry", geometry and (geometry.cyls or geometry.heads or geometry.secs or geometry.trans)),
        ("blockio", disk.logical_block_size or disk.physical_block_size),
    ):
        if given:
            raise fail(CONFIG_UNSUPPORTED, f"{what} is not supported with vhostuser disk")


def _identity(disk: Disk) -> None:
    target = disk.target or ""
    if disk.tray and disk.device not in ("floppy", "cdrom"):
        raise fail(CONFIG_UNSUPPORTED, "tray is only valid for cdrom and floppy")
    for name, text, most in (("vendor", disk.vendor, 8), ("product", disk.product, 16)):
        if text and not (text.isascii() and text.isprintable()):
            raise fail(XML_ERROR, f"disk {name} is not printable string")
        if text and len(text) > most:
            raise fail(CONFIG_UNSUPPORTED, f"disk {name} is more than {most} characters")
    if (disk.device == "floppy") != (disk.bus == "fdc"):
        what = "floppy disk" if disk.device == "floppy" else "disk"
        raise fail(INTERNAL_ERROR, f"Invalid bus type '{disk.bus}' for {what}")
    if disk.removable is not None and disk.bus != "usb":
        raise fail(XML_ERROR, "removable is only valid for usb disks")
    if disk.startup_policy:
        if disk.type not in ("file", "block", "dir", "volume"):
            what = f"disk startupPolicy '{disk.startup_policy}' is not allowed for disk of '{disk.type}' type"
            raise fail(XML_ERROR, what)
        if disk.startup_policy == "requisite" and disk.device not in ("cdrom", "floppy"):
            raise fail(XML_ERROR, "disk startupPolicy 'requisite' is allowed only for cdrom or floppy")
    if disk.wwn:
        check_wwn(disk.wwn)
    if disk.device in ("disk", "lun") and not target.startswith(("hd", "sd", "vd", "xvd", "ubd")):
        raise fail(INTERNAL_ERROR, f"Invalid harddisk device name: {target}")
    if disk.device == "floppy" and not target.startswith("fd"):
        raise fail(INTERNAL_ERROR, f"Invalid floppy device name: {target}")
    if disk.device == "disk" and disk.source.empty:
        raise fail(NO_SOURCE, target)
