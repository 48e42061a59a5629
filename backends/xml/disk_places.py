"""Disks and SCSI host devices: their bus, their order, and the place on a controller that a name stands for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import CONFIG_UNSUPPORTED, XML_ERROR
from .addresses import Address, DriveAddress
from .engine import Context, fail
from .hostdev_source import ScsiSource
from .implied import drive_place

if TYPE_CHECKING:
    from .device_list import Devices
    from .disks import Disk
    from .domain import Domain
    from .hostdevs import Hostdev

_PREFIX_BUS = {"hd": "ide", "sd": "scsi", "vd": "virtio", "xvd": "xen", "ubd": "uml"}
_DISK_PREFIXES = ("fd", "hd", "vd", "sd", "xvd", "ubd")


@lru_cache(4096)
def disk_number(name: str | None) -> int:
    """0 for "vda", 26 for "sdaa", whatever the prefix; -1 for what is no disk's name."""
    for prefix in _DISK_PREFIXES:
        if name and name.startswith(prefix):
            letters = name[len(prefix) :].rstrip("0123456789")
            if not 0 < len(letters) < 7 or not all("a" <= letter <= "z" for letter in letters):
                return -1
            number = 0
            for letter in letters:
                number = number * 26 + ord(letter) - ord("a") + 1
            return number - 1
    return -1


def insert_disk(disks: list[Disk], new: Disk) -> None:
    """Put a disk behind those of its bus with lower names."""
    at = -1
    for place in range(len(disks) - 1, -1, -1):
        other = disks[place]
        if other.bus != new.bus:
            continue
        if other.target and new.target and disk_number(other.target) > disk_number(new.target):
            at = place
        elif at == -1:
            at = place + 1
    disks.insert(len(disks) if at == -1 else at, new)


def complete_disk(disk: Disk, domain: Domain, context: Context) -> None:
    if disk.target is not None:
        disk.target = disk.target.removeprefix("ioemu:") or disk.target
    if disk.device == "cdrom":
        disk.readonly = True
    if not disk.bus:
        disk.bus = "fdc" if disk.device == "floppy" else "ide"
        for prefix, bus in _PREFIX_BUS.items():
            if disk.device != "floppy" and (disk.target or "").startswith(prefix):
                disk.bus = bus
    source = disk.source
    if not disk.snapshot and (disk.readonly or disk.type == "vhostuser"):
        disk.snapshot = "no"
    if disk.type == "network" and source.protocol == "iscsi" and "/" not in (source.name or ""):
        source.name = f"{source.name}/0"
    if disk.type == "nvme" and source.managed is None:
        source.managed = True
    if disk.info.address is None and disk.target is not None:
        disk.info.address = _drive_address(disk, domain, context)
    if disk.iotune.group_name is not None and not disk.iotune.limited:
        for other in domain.devices.disks:
            if other.iotune.group_name == disk.iotune.group_name and other.iotune.limited:
                disk.iotune = other.iotune.copy()
                break


def _drive_address(disk: Disk, domain: Domain, context: Context) -> Address | None:
    number = disk_number(disk.target)
    if number < 0:
        raise fail(XML_ERROR, f"Unknown disk name '{disk.target}' and no address specified")
    controller, bus, unit = 0, 0, 0
    if disk.bus == "scsi":
        width = 15 if context.config.wide_scsi else 7
        controller, unit = divmod(number, width)
        if context.config.wide_scsi and unit >= 7:
            unit += 1  # unit 7 is the controller itself
        if (controller, 0, 0, unit) in _hostdev_places(domain.devices):
            what = f"using disk target name '{disk.target}' conflicts with SCSI host device address"
            # The quote libvirt forgets to close.
            raise fail(CONFIG_UNSUPPORTED, f"{what} controller='{controller}' bus='0' target='0' unit='{unit}")
    elif disk.bus == "ide":
        controller, rest = divmod(number, 4)
        bus, unit = divmod(rest, 2)
    elif disk.bus == "sata":
        controller, unit = divmod(number, 6)
    elif disk.bus == "fdc":
        controller, unit = divmod(number, 2)
    else:
        return None
    return DriveAddress(type="drive", controller=controller, bus=bus, unit=unit)


def _disk_places(devices: Devices) -> set[tuple[int, int, int, int] | None]:
    return {drive_place(disk.info.address) for disk in devices.disks if disk.bus == "scsi"}


def _hostdev_places(devices: Devices) -> set[tuple[int, int, int, int] | None]:
    return {drive_place(hostdev.info.address) for hostdev in devices.hostdevs if isinstance(hostdev.source, ScsiSource)}


def complete_hostdev(hostdev: Hostdev, devices: Devices) -> None:
    source = hostdev.source
    address = hostdev.info.address
    if isinstance(source, ScsiSource):
        if source.protocol and "/" not in (source.name or ""):
            source.name = f"{source.name}/0"
        if address is None:
            hostdev.info.address = _free_drive(devices)
        place = drive_place(hostdev.info.address)
        if place is not None and place in _disk_places(devices):
            what = "controller='{}' bus='{}' target='{}' unit='{}'".format(*place)
            raise fail(XML_ERROR, f"SCSI host address {what} in use by a SCSI disk")
    elif hostdev.type == "mdev" and hostdev.mode == "subsystem" and address is not None:
        wanted = {"vfio-pci": "pci", "vfio-ccw": "ccw"}.get(hostdev.model or "")
        if wanted and address.type != wanted:
            what = f"Unsupported address type '{address.type}' with mediated device model '{hostdev.model}'"
            raise fail(XML_ERROR, what)


def _free_drive(devices: Devices) -> DriveAddress:
    used = _disk_places(devices) | _hostdev_places(devices)
    controller = 0
    while True:
        model = next((c.model for c in devices.controllers if c.type == "scsi" and c.index == controller), "")
        most = {"lsisas1068": 1}.get(model, 6)
        for unit in range(most + 1):
            if (controller, 0, 0, unit) not in used:
                return DriveAddress(type="drive", controller=controller, unit=unit)
        controller += 1
