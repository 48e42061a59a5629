"""PCI addresses, and the bridges and ports that come with them (libvirt's src/qemu/qemu_domain_address.c).

Addresses are given twice: a trial run finds out which buses are missing, then all devices, controllers first, get
theirs on what there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import errors
from ...xml.addresses import PciAddress, PciPlace
from ...xml.controllers import SPAPR_BRIDGE, Controller
from ..machines import is_i440fx, is_pseries, kind
from . import chipset
from .wants import AGGREGATE, BUSES, CONTROLLERS, HOTPLUG, KINDS, PCI, PCIE, ROOTS, UPSTREAM, Asking

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from .wants import Want

Place = tuple[int, int, int]
#: Name of the device behind each model of controller.
DEVICES = {
    "pci-bridge": "pci-bridge",
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
    "pcie-root-port": "pcie-root-port",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pci-expander-bus": "pxb",
    "pcie-expander-bus": "pxb-pcie",
}
#: Functions of USB 2 controllers and companions, which share a slot.
FUNCTIONS = {"ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2}


class Bus:
    """One PCI bus: `slots` maps slots to the functions taken; those in `shared` take single functions."""

    def __init__(self, model: str):
        self.model = model
        self.offers, self.first, self.last = BUSES[model]
        self.slots: dict[int, set[int]] = {}
        self.shared: set[int] = set()

    def fits(self, asks: int) -> bool:
        if not asks & self.offers & KINDS:
            return False
        return not asks & HOTPLUG or bool(self.offers & HOTPLUG)

    def free(self, asks: int, function: int) -> tuple[int, int] | None:
        """The first free (slot, function) for a device."""
        for slot in range(self.first, self.last + 1):
            taken = self.slots.get(slot)
            if not taken:
                return slot, function
            if asks & AGGREGATE and slot in self.shared:
                for number in range(8):
                    if number not in taken:
                        return slot, number
        return None

    @property
    def full(self) -> bool:
        return all(self.slots.get(slot) for slot in range(self.first, self.last + 1))


class Buses:
    """All buses of a guest. In a trial run they grow as needed and devices stay without address."""

    def __init__(self, models: list[str], trial: bool):
        self.buses = [Bus(model) for model in models]
        self.trial = trial

    def take(self, place: Place, asks: int) -> None:
        """Reserve an address that is not ours to choose: one function, or the whole slot for function 0 alone.

        Raises VirtError when it is taken or not there.
        """
        bus, slot, function = place
        if self.trial:
            while bus >= len(self.buses):
                self._grow(asks)
        if bus >= len(self.buses):
            what = f"Invalid PCI address {text(place)}. Only PCI buses up to {len(self.buses) - 1} are available"
            raise errors.virt_error(errors.XML_ERROR, what)
        found = self.buses[bus]
        if not found.first <= slot <= found.last:
            edge, word = (found.first, ">=") if slot < found.first else (found.last, "<=")
            raise errors.virt_error(errors.XML_ERROR, f"Invalid PCI address {text(place)}. slot must be {word} {edge}")
        taken = found.slots.setdefault(slot, set())
        if function in taken:
            raise errors.virt_error(errors.XML_ERROR, f"Attempted double use of PCI Address {text(place)}")
        if not taken and asks & AGGREGATE:
            found.shared.add(slot)
        taken.add(function)

    def used(self, bus: int, slot: int) -> bool:
        return bool(self.buses[bus].slots.get(slot))

    def reserve(self, asks: int, function: int = 0) -> Place:
        """The next free address that fits. Raises VirtError when there is none and this is no trial."""
        for number, bus in enumerate(self.buses):
            found = bus.free(asks, function) if bus.fits(asks) else None
            if found:
                place = (number, *found)
                break
        else:
            if not self.trial:
                raise errors.virt_error(errors.INTERNAL_ERROR, "No more available PCI slots")
            self._grow(asks)
            place = (len(self.buses) - 1, self.buses[-1].first, function)
        self.take(place, asks)
        return place

    def _grow(self, asks: int) -> None:
        """Add the buses on which something fits that fits on none."""
        if asks & (PCI | CONTROLLERS["pci-bridge"]):
            bridges = any(bus.fits(CONTROLLERS["pci-bridge"]) for bus in self.buses)
            models = ["pci-bridge"] if bridges else ["pcie-root-port", "pcie-to-pci-bridge"]
        elif asks & (PCIE | UPSTREAM | CONTROLLERS["pcie-to-pci-bridge"]):
            models = ["pcie-root-port"]
        else:
            raise errors.virt_error(errors.INTERNAL_ERROR, "Cannot automatically add a new PCI bus for a device")
        self.buses += [Bus(model) for model in models]

    def place(self, want: Want, place: Place) -> None:
        """Write an address into a device, unless this is a trial."""
        if not self.trial:
            bus, slot, function = place
            had = want.holder.address
            zpci = had.zpci if isinstance(had, PciAddress) else None
            chosen = PciPlace(bus=bus, slot=slot, function=function)
            want.holder.address = PciAddress(type="pci", pci=chosen, zpci=zpci)


def text(place: Place) -> str:
    bus, slot, function = place
    return f"0000:{bus:02x}:{slot:02x}.{function}"


def known(want: Want) -> Place | None:
    """The address a device has; None if it is to get one."""
    address = want.holder.address
    if not isinstance(address, PciAddress) or address.pci.empty:
        return None
    return address.pci.bus, address.pci.slot, address.pci.function


def wanted(want: Want) -> bool:
    """Whether a device is to get an address: none, or one that says no more than that it be PCI."""
    address = want.holder.address
    return address is None or (isinstance(address, PciAddress) and address.pci.empty)


def assign(domain: Domain) -> None:
    """Give an address to each PCI device; add the controllers this takes."""
    controllers = [c for c in domain.devices.controllers if c.type == "pci"]
    if not controllers:
        for want in Asking(domain).devices():
            if want.asks and (want.holder.address is None or isinstance(want.holder.address, PciAddress)):
                raise errors.virt_error(errors.XML_ERROR, "No PCI buses available")
        return
    machine = kind(domain)
    root = machine.root if machine is not None else ""
    for controller in controllers:
        if controller.index == 0 and controller.model != root:
            what = f"must be model='{root}' for this machine type, but model='{controller.model}' was found instead"
            raise errors.virt_error(errors.XML_ERROR, f"The PCI controller with index='0' {what}")
    given = max(c.index for c in controllers)
    trial = Buses(_models(domain, given + 1), trial=True)
    _collect(domain, trial)
    chipset.validate(domain, trial)
    if not all(bus.full for bus in trial.buses) and is_i440fx(domain.os.machine):
        trial.reserve(PCI | HOTPLUG)  # room for a bridge
    _place_all(domain, trial)
    if given <= 0 and len(trial.buses) > given + 1 and root == "pcie-root":
        trial.reserve(PCIE | HOTPLUG)  # room for one device to be plugged
    at = 1
    while at < len(trial.buses):
        model = trial.buses[at].model
        if not any(c.type == "pci" and c.index == at for c in domain.devices.controllers):
            domain.devices.controllers.append(Controller(type="pci", index=at, model=model))
            if model not in ROOTS:
                trial.reserve(CONTROLLERS[model])
        at += 1
    buses = Buses(_models(domain, len(trial.buses)), trial=False)
    _collect(domain, buses)
    chipset.validate(domain, buses)
    _place_all(domain, buses)
    _set_multifunction(domain)
    for controller in domain.devices.controllers:
        if controller.type == "pci":
            _complete(controller, domain)


def _models(domain: Domain, count: int) -> list[str]:
    models = {c.index: c.model for c in domain.devices.controllers if c.type == "pci"}
    missing = [index for index in range(count) if index not in models]
    if missing and missing[0] == 0:
        raise errors.virt_error(errors.XML_ERROR, "PCI controllers with index > 0 need one with index 0")
    fallback = "pcie-root-port" if models.get(0) == "pcie-root" else "pci-bridge"
    return [models.get(index) or fallback for index in range(count)]


def _collect(domain: Domain, buses: Buses) -> None:
    """Reserve the addresses that devices have."""
    asking = Asking(domain)
    for want in [*asking.controllers(), *asking.devices()]:
        place = known(want)
        if place is None or chipset.built_in(domain, want, place):
            continue
        buses.take(place, want.asks)


def _place_all(domain: Domain, buses: Buses) -> None:
    asking = Asking(domain)
    for want in asking.controllers():
        if wanted(want):
            buses.place(want, buses.reserve(want.asks))
    usb2: dict[int, Place] = {}
    for want in asking.devices():
        device = want.device
        place = known(want)
        if isinstance(device, Controller) and device.type == "usb" and device.model in FUNCTIONS:
            if place is not None:
                usb2.setdefault(device.index, place)
            elif wanted(want):
                usb2[device.index] = _place_usb2(want, FUNCTIONS[device.model], buses, usb2.get(device.index))
        elif wanted(want):
            buses.place(want, buses.reserve(want.asks))


def _place_usb2(want: Want, function: int, buses: Buses, companion: Place | None) -> Place:
    """A USB 2 controller shares the slot of its companions."""
    if companion is not None:
        place = (companion[0], companion[1], function)
        buses.take(place, want.asks)
    else:
        place = buses.reserve(want.asks, function)
    buses.place(want, place)
    return place


def _set_multifunction(domain: Domain) -> None:
    """Say of function 0 of each slot that has others that it is not alone."""
    asking = Asking(domain)
    found = [want.holder.address for want in [*asking.controllers(), *asking.devices()]]
    places = [address.pci for address in found if isinstance(address, PciAddress)]
    shared = {place.place[:3] for place in places if place.function}
    for place in places:
        if not place.function and place.multifunction is None and place.place[:3] in shared:
            place.multifunction = True


def _complete(controller: Controller, domain: Domain) -> None:
    """What a PCI controller's device is and which numbers it has."""
    controller.device = controller.device or DEVICES.get(controller.model, "")
    if controller.model == "pci-root" and is_pseries(domain):
        controller.device = controller.device or SPAPR_BRIDGE
        if controller.target_index == -1:
            controller.target_index = controller.index
    address = controller.info.address
    place = address.pci if isinstance(address, PciAddress) else PciPlace()
    if controller.model == "pci-bridge" and controller.chassis_nr == -1:
        controller.chassis_nr = controller.index
    elif controller.model in ("pcie-root-port", "pcie-switch-downstream-port"):
        if controller.chassis == -1:
            controller.chassis = controller.index
        if controller.port == -1:
            root = controller.model == "pcie-root-port"
            controller.port = (place.slot << 3) + place.function if root else place.slot
    elif controller.model in ("pci-expander-bus", "pcie-expander-bus") and controller.bus_nr == -1:
        taken = [c.bus_nr for c in domain.devices.controllers if c.type == "pci" and c.bus_nr != -1]
        controller.bus_nr = min(taken, default=256) - 2
