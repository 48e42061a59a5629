"""Disks, CD-ROMs, floppies: -blockdev for what the host has, -device for what the guest sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED
from ..base import fail
from ..blocks.chains import below, format_of, layers, nodes, number, secret_of
from . import storage
from .command import refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.disks import Disk
    from ...xml.storage import Source
    from ..blocks.chains import Layer
    from .command import Command, Props

#: cache mode -> (direct, no-flush)
_CACHE = {
    "none": (True, False),
    "writethrough": (False, False),
    "writeback": (False, False),
    "directsync": (True, False),
    "unsafe": (False, True),
}
_WRITE_THROUGH = ("writethrough", "directsync")
_FORMATS = ("raw", "qcow2", "qcow", "qed", "vmdk", "vdi", "vhdx", "vpc", "bochs", "cloop", "dmg", "parallels", "fat")
_BOOT_DEVICES = {"disk": "hd", "lun": "hd", "cdrom": "cdrom", "floppy": "fd"}


def add(command: Command, count: int = 0) -> None:
    """Images are numbered after `count`, as far as they are not."""
    number(command.domain.devices.disks, count)
    for disk in command.domain.devices.disks:
        check(disk)
        top = None if disk.source.empty or disk.type == "vhostuser" else blockdevs(command, disk)
        device(command, disk, top)


def check(disk: Disk) -> None:
    """Refuse what is not done."""
    reservations = disk.source.reservations
    for told, what in (
        (disk.transient, "<transient>"),
        (reservations and reservations.managed, "<reservations managed='yes'>"),
        (disk.source.fdgroup, "fdgroup"),
        (disk.source.managed, "<source managed='yes'>"),
        (disk.rawio, "rawio"),
        (disk.bus == "sd", "disk bus 'sd'"),
        (disk.backend_domain, "<backenddomain>"),
    ):
        if told:
            raise refuse(disk, what)
    if (disk.driver.type or "raw") not in _FORMATS:
        raise refuse(disk, f"disk format '{disk.driver.type}'")


def blockdevs(command: Command, disk: Disk) -> str:
    """The images, backing ones first, with what is needed to open them; the name of the uppermost node."""
    for layer in reversed([*layers(disk)]):
        if layer.source.type == "volume" and not layer.source.located:
            raise refuse(layer, "backing store of type 'volume'")
        source = access(disk, layer)
        name, storage_name = nodes(layer)
        storage.objects(command, source, storage_name, name)
        storage_props, format_props = image(disk, layer, readonly=disk.readonly if layer is disk else True)
        command.json("-blockdev", storage_props)
        if source.slice is not None and format_of(layer) != "raw":
            part = f"libvirt-{layer.index}-slice-sto"
            props: Props = {"driver": "raw", "node-name": part, "offset": source.slice.offset}
            props |= {"size": source.slice.size, "file": storage_name, "auto-read-only": True, "discard": "unmap"}
            command.json("-blockdev", props)
            format_props["file"] = part
        _json(command, format_props)
    if disk.driver.copy_on_read:
        node = f"libvirt-CoR-{disk.target}"
        props = {"driver": "copy-on-read", "node-name": node, "file": nodes(disk)[0], "discard": "unmap"}
        command.json("-blockdev", props)
        return node
    return nodes(disk)[0]


def access(disk: Disk, layer: Layer) -> Source:
    """A layer's source, with what stands beside that of a disk."""
    source = layer.source
    if layer is disk and (disk.auth or disk.encryption):
        source = source.copy()
        source.auth, source.encryption = disk.auth or source.auth, disk.encryption or source.encryption
    return source


def image(disk: Disk, layer: Layer, readonly: bool, backed: bool = True) -> tuple[Props, Props]:
    """One image of a disk: its storage, and what its format makes of it; `backed` by what it says."""
    name, storage_name = nodes(layer)
    format, top = format_of(layer), layer is disk
    props: Props = {"node-name": name, "read-only": readonly}
    if disk.driver.discard == "unmap":
        props["discard"] = "unmap"
    props["detect-zeroes"] = _detect_zeroes(disk) if top else None
    props["cache"] = _cache(disk)
    props |= _format(access(disk, layer), format, name)
    props["cache-size"] = (disk.driver.cache_size if layer is disk else getattr(layer, "cache_size", 0)) or None
    if layer.source.slice is not None and format == "raw":
        props |= {"offset": layer.source.slice.offset, "size": layer.source.slice.size}
    told = {key: value for key, value in (props | {"file": storage_name}).items() if value is not None}
    backing = below(layer)
    if not backed or (backing is not None and not backing.type and format != "raw"):
        told["backing"] = None
    elif backing is not None and backing.type:
        told["backing"] = nodes(backing)[0]
    return _storage(disk, access(disk, layer), storage_name), told


def _format(source: Source, format: str, name: str) -> Props:
    encryption = source.encryption
    if encryption is None or encryption.engine == "librbd":
        return {"driver": "raw" if format == "fat" else format}
    storage.key(encryption)
    secret = secret_of(name)
    if format == "raw":
        return {"driver": "luks", "key-secret": secret}
    return {"driver": format, "encrypt": {"format": "luks", "key-secret": secret}}


def _json(command: Command, props: Props) -> None:
    import json

    command.option("-blockdev", json.dumps(props, ensure_ascii=False, separators=(",", ":")))


def _storage(disk: Disk, source: Source, name: str) -> Props:
    if disk.driver.io == "native" and disk.driver.cache not in ("none", "directsync"):
        text = "io='native' needs either no disk cache or directsync cache mode"
        raise fail(CONFIG_UNSUPPORTED, text)
    props = storage.protocol(source, name, disk)
    props |= {"node-name": name, "cache": _cache(disk), "auto-read-only": True, "discard": "unmap"}
    return {key: value for key, value in props.items() if value is not None}


def _cache_mode(disk: Disk) -> str:
    """What several guests share must not lie in the host's memory."""
    return disk.driver.cache or ("none" if disk.shareable and not disk.readonly else "")


def _cache(disk: Disk) -> Props | None:
    mode = _cache_mode(disk)
    if not mode:
        return None
    direct, no_flush = _CACHE[mode]
    return {"direct": direct, "no-flush": no_flush}


def _detect_zeroes(disk: Disk) -> str | None:
    zeroes = disk.driver.detect_zeroes
    return "on" if zeroes == "unmap" and disk.driver.discard != "unmap" else zeroes or None


def device(command: Command, disk: Disk, node: str | None) -> None:
    """What the guest sees; `node` is None for a drive without medium, and where another program is the disk."""
    driver, props = _bus(command, disk)
    alias = disk.info.alias
    cache = _cache_mode(disk)
    rerror = disk.driver.rerror_policy or (disk.driver.error_policy if disk.driver.error_policy != "enospace" else "")
    geometry = disk.geometry
    order = command.boot_order(_BOOT_DEVICES[disk.device], disk) if disk.bus != "fdc" else None
    chardev = None
    if disk.type == "vhostuser":
        chardev = f"chr-vu-{alias}"
        parts = ["socket", f"id={chardev}", f"path={command.escape(disk.source.socket or '')}"]
        again = disk.source.reconnect
        if again is not None and again.enabled:
            parts.append(f"reconnect={again.timeout}")
        command.option("-chardev", ",".join(parts))
    command.device(
        driver,
        **props,
        share__rw=True if disk.shareable else None,
        drive=node,
        chardev=chardev,
        id=alias,
        bootindex=order,
        logical_block_size=disk.logical_block_size or None,
        physical_block_size=disk.physical_block_size or None,
        wwn=int(disk.wwn, 16) if disk.wwn else None,
        rotation_rate=disk.rotation_rate or None,
        vendor=disk.vendor,
        product=disk.product,
        removable=bool(disk.removable) if disk.bus == "usb" else None,
        write__cache=("off" if cache in _WRITE_THROUGH else "on") if cache and disk.device != "lun" else None,
        cyls=geometry.cyls if geometry else None,
        heads=geometry.heads if geometry else None,
        secs=geometry.secs if geometry else None,
        bios__chs__trans=(geometry.trans or None) if geometry else None,
        serial=disk.serial,
        werror=disk.driver.error_policy or None,
        rerror=rerror or None,
    )


def _bus(command: Command, disk: Disk) -> tuple[str, Props]:
    """Driver and place."""
    if disk.bus == "virtio":
        options = disk.driver
        props = virtio_props(options.virtio) | {
            "iothread": f"iothread{options.iothread}" if options.iothread else None,
            "ioeventfd": options.ioeventfd,
            "event_idx": options.event_idx,
            "num-queues": options.queues or None,
            "queue-size": options.queue_size or None,
        }
        name = "vhost-user-blk" if disk.type == "vhostuser" else "virtio-blk"
        return virtio(name, disk.model, disk.info), props | command.place(disk.info)
    if disk.bus == "usb":
        return "usb-storage", command.place(disk.info)
    address = command.drive(disk.info)
    kind = "cd" if disk.device == "cdrom" else "hd"
    if disk.bus == "fdc":
        return "floppy", {"unit": address.unit}
    if disk.bus == "ide":
        return f"ide-{kind}", {"bus": f"{command.bus('ide', address.controller)}.{address.bus}", "unit": address.unit}
    if disk.bus == "sata":
        return f"ide-{kind}", {"bus": f"{command.bus('sata', address.controller)}.{address.unit}"}
    if disk.bus == "scsi":
        bus = f"{command.bus('scsi', address.controller)}.0"
        simple = command.controller("scsi", address.controller).model == "lsilogic"
        place: Props = {"bus": bus}
        if simple:
            place["scsi-id"] = address.unit
        else:
            place |= {"channel": address.bus, "scsi-id": address.target, "lun": address.unit}
        if disk.device == "lun":
            return "scsi-block", place
        return f"scsi-{kind}", place | {"device_id": disk.serial or f"drive-{disk.info.alias}"}
    raise refuse(disk, f"disk bus '{disk.bus}'")
