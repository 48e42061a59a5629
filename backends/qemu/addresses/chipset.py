"""What sits at fixed places: the chipset's own devices, and what belongs where real machines have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import errors
from ...xml.addresses import PciAddress, PciPlace
from ...xml.controllers import Controller
from ..machines import is_i440fx, is_q35
from .wants import PCI

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from .pci import Buses
    from .wants import Holder, Want

Place = tuple[int, int, int]
#: USB 2 controllers' function, and the slots of the first two sets of them on a q35.
_USB2 = {"ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2}
_USB2_SLOTS = {0: 0x1D, 1: 0x1A}
_HDA_SLOT = 0x1B
_DMI_SLOT = 0x1E


def fixed(domain: Domain, device: object) -> Place | None:
    """The place of a device that is part of the chipset."""
    if not isinstance(device, Controller) or device.index != 0:
        return None
    if is_q35(domain.os.machine):
        return (0, 0x1F, 2) if device.type == "sata" else None
    if not is_i440fx(domain.os.machine):
        return None
    if device.type == "ide":
        return 0, 1, 1
    return (0, 1, 2) if device.type == "usb" and device.model == "piix3-uhci" else None


def built_in(domain: Domain, want: Want, place: Place) -> bool:
    """Whether a device sits at the place that `validate` reserves for it."""
    return fixed(domain, want.device) == place


def validate(domain: Domain, buses: Buses) -> None:
    """Reserve what the chipset occupies, and place what belongs at a certain place.

    Raises VirtError for a device of the chipset that is said to be elsewhere.
    """
    _check_fixed(domain)
    if is_q35(domain.os.machine):
        _q35(domain, buses)
        _first_video(domain, buses, 1)
    elif is_i440fx(domain.os.machine):
        buses.take((0, 1, 0), PCI)
        _first_video(domain, buses, 2)


def _check_fixed(domain: Domain) -> None:
    for controller in domain.devices.controllers:
        place = fixed(domain, controller)
        if place is None:
            continue
        address = controller.info.address
        if isinstance(address, PciAddress) and not address.pci.empty:
            if address.pci.place != (0, *place):
                name = {"ide": "Primary IDE", "sata": "Primary SATA", "usb": "PIIX3 USB"}[controller.type]
                at = f"{'at index 0 ' if controller.type == 'usb' else ''}must have PCI address"
                what = f"{name} controller {at} 0:0:{place[1]:x}.{place[2]}"
                raise errors.virt_error(errors.CONFIG_UNSUPPORTED, what)
        else:
            _put(controller.info, place)


def _put(holder: Holder, place: Place) -> None:
    bus, slot, function = place
    holder.address = PciAddress(type="pci", pci=PciPlace(bus=bus, slot=slot, function=function))


def _unplaced(holder: Holder) -> bool:
    address = holder.address
    return address is None or (isinstance(address, PciAddress) and address.pci.empty)


def _q35(domain: Domain, buses: Buses) -> None:
    for function in (0, 2, 3):  # ISA bridge, SATA, SMBus
        if function not in buses.buses[0].slots.get(0x1F, ()):
            buses.take((0, 0x1F, function), PCI)
    for controller in domain.devices.controllers:
        if not _unplaced(controller.info):
            continue
        if controller.type == "usb" and controller.model in _USB2 and controller.index in _USB2_SLOTS:
            slot, function = _USB2_SLOTS[controller.index], _USB2[controller.model]
            if function not in buses.buses[0].slots.get(slot, ()):
                buses.take((0, slot, function), PCI)
                _put(controller.info, (0, slot, function))
        elif controller.type == "pci" and controller.model == "dmi-to-pci-bridge" and not buses.used(0, _DMI_SLOT):
            buses.take((0, _DMI_SLOT, 0), PCI)
            _put(controller.info, (0, _DMI_SLOT, 0))
    for sound in domain.devices.sounds:
        if sound.model == "ich9" and _unplaced(sound.info) and not buses.used(0, _HDA_SLOT):
            buses.take((0, _HDA_SLOT, 0), PCI)
            _put(sound.info, (0, _HDA_SLOT, 0))


def _first_video(domain: Domain, buses: Buses, slot: int) -> None:
    """The first graphics card has a slot of its own, unless something else is there."""
    for video in domain.devices.videos[:1]:
        if video.type in ("none", "ramfb") or not _unplaced(video.info):
            return
        place = buses.reserve(PCI) if buses.used(0, slot) else (0, slot, 0)
        if not buses.used(0, slot):
            buses.take(place, PCI)
        _put(video.info, place)
