"""Places of devices on the channel subsystem of s390x machines (libvirt's src/qemu/qemu_domain_address.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import errors
from ...xml.addresses import CcwAddress, PciAddress, Zpci
from . import virtio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ...xml.domain import Domain

#: The subsystem whose devices are virtual ones.
CSSID, SSID = 0xFE, 0
MOST = 0xFFFF


def assign(domain: Domain) -> None:
    """Give a device number to each virtio device that has no address."""
    used = set()
    for device in _everything(domain):
        address = device.info.address
        if isinstance(address, CcwAddress) and address.devno is not None:
            place = (address.cssid, address.ssid, address.devno)
            if place in used:
                text = f"The CCW devno '{address.cssid:x}.{address.ssid:x}.{address.devno:04x}' is in use already "
                raise errors.virt_error(errors.XML_ERROR, text)
            used.add(place)
    for device in virtio.devices(domain):
        address = device.info.address
        if address is None or (isinstance(address, CcwAddress) and address.devno is None):
            number = next(number for number in range(MOST + 1) if (CSSID, SSID, number) not in used)
            device.info.address = CcwAddress(type="ccw", cssid=CSSID, ssid=SSID, devno=number)
            used.add((CSSID, SSID, number))


def number_functions(domain: Domain) -> None:
    """Give the numbers to PCI devices by which an s390x machine knows them."""
    found = [device.info.address for device in _everything(domain)]
    places = [address for address in found if isinstance(address, PciAddress) and not address.pci.empty]
    uids = {place.zpci.uid for place in places if place.zpci is not None}
    fids = {place.zpci.fid for place in places if place.zpci is not None}
    for place in places:
        zpci = place.zpci = place.zpci or Zpci()
        if zpci.uid is None:
            zpci.uid = next(number for number in range(1, MOST + 1) if number not in uids)
            uids.add(zpci.uid)
        if zpci.fid is None:
            zpci.fid = next(number for number in range(MOST + 1) if number not in fids)
            fids.add(zpci.fid)


def _everything(domain: Domain) -> Iterator[Any]:
    """Devices in the order in which they are numbered."""
    devices = domain.devices
    yield from devices.disks
    yield from devices.interfaces
    yield from devices.sounds
    yield from devices.hostdevs
    yield from devices.videos
    yield from devices.controllers
    yield from devices.serials
    yield from devices.inputs
    yield from devices.filesystems
    yield from devices.watchdogs
    yield from devices.memballoons
    yield from devices.rngs
    yield from devices.shmems
    yield from devices.memories
    yield from devices.vsocks
