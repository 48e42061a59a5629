"""Devices that other devices imply: controllers, the console of a serial port, a video card for a display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CONFIG_UNSUPPORTED
from .addresses import Address, CcidAddress, DriveAddress, VirtioSerialAddress
from .chars import Channel, CharSource, Console, Serial
from .devices import Video
from .engine import View, fail
from .hostdev_source import ScsiSource

if TYPE_CHECKING:
    from .device_list import Devices
    from .domain import Domain

#: Consoles can stand for serial ports of these types.
_CONSOLE_SERIALS = ("isa-serial", "spapr-vio-serial", "system-serial", "sclp-serial", "")


def drive_place(address: Address | None) -> tuple[int, int, int, int] | None:
    if isinstance(address, DriveAddress):
        return address.controller, address.bus, address.target, address.unit
    return None


def add_implied(domain: Domain) -> None:
    """Add what other devices need."""
    _first_console(domain)
    devices = domain.devices
    for kind in ("scsi", "fdc", "ide", "sata"):
        used = [disk.info.address.controller for disk in devices.disks
                if disk.bus == kind and isinstance(disk.info.address, DriveAddress)]  # fmt: skip
        for index in range(max(used, default=-1) + 1):
            devices.need(kind, index)
    ports: list[Channel | Console] = [*devices.channels, *devices.consoles]
    for port in ports:
        if port.target_type == "virtio":
            place = port.info.address
            devices.need("virtio-serial", place.controller if isinstance(place, VirtioSerialAddress) else 0)
    for card in devices.smartcards:
        if card.info.address is None:
            taken = [c.info.address for c in devices.smartcards]
            slots = [a.slot for a in taken if isinstance(a, CcidAddress) and a.controller == 0]
            card.info.address = CcidAddress(type="ccid", slot=max(slots, default=-1) + 1)
            devices.need("ccid", 0)
        else:
            devices.need("ccid", card.info.address.controller if isinstance(card.info.address, CcidAddress) else 0)
    scsi_controllers(devices, len(devices.hostdevs))
    if devices.graphics and not devices.videos:
        devices.videos.append(Video())


def scsi_controllers(devices: Devices, count: int) -> None:
    """Add the SCSI controllers that the first `count` host devices hang on, modelled on the one with the
    highest index.
    """
    highest, model = -1, ""
    for hostdev in devices.hostdevs[:count]:
        if not isinstance(hostdev.source, ScsiSource):
            continue
        place = drive_place(hostdev.info.address)
        index = place[0] if place else 0
        if index > highest:
            highest = index
            found = next((c for c in devices.controllers if c.type == "scsi" and c.index == index), None)
            model = found.model if found and found.model else model
    for index in range(highest + 1):
        devices.need("scsi", index, model)


def _first_console(domain: Domain) -> None:
    """The first console and the first serial port of a fully virtualised guest are one thing."""
    devices = domain.devices
    consoles, serials = devices.consoles, devices.serials
    if any(console.target_type == "serial" for console in consoles[1:]):
        raise fail(CONFIG_UNSUPPORTED, "Only the first console can be a serial port")
    if domain.os.type != "hvm":
        return
    stub = Console(target_type="serial", port=-1)
    if consoles and consoles[0].target_type == "serial":
        if not serials:
            serials.append(Serial(source=consoles[0].source, port=0, info=consoles[0].info))
            consoles[0] = stub
        elif not _same_source(serials[0].source, consoles[0].source):
            consoles[0] = stub
    elif serials and serials[0].target_type in _CONSOLE_SERIALS:
        consoles.insert(0, stub)


def _same_source(one: CharSource, other: CharSource) -> bool:
    view = View(inactive=False)
    return one.type == other.type and one.place(view).render() == other.place(view).render()


def shown_consoles(domain: Domain) -> list[Console]:
    """Consoles as they are written: one that is an alias of a serial port says what that says."""
    devices = domain.devices
    shown = list(devices.consoles)
    if domain.os.type == "hvm":
        for number, (console, serial) in enumerate(zip(devices.consoles, devices.serials, strict=False)):
            if console.target_type in ("serial", ""):
                shown[number] = Console(source=serial.source, target_type="serial", port=serial.port, info=serial.info)
    return shown
