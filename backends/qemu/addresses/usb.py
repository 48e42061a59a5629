"""Ports of USB controllers and hubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import errors
from ...xml.addresses import Info, UsbAddress
from ...xml.devices import Hub

if TYPE_CHECKING:
    from ...xml.controllers import Controller
    from ...xml.domain import Domain

HUB_PORTS = 8
#: Ports of a controller of each model that does not say; companions share those of their master.
PORTS = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "ehci": 6,
    "ich9-ehci1": 6,
    "pci-ohci": 3,
    "nec-xhci": 4,
    "qemu-xhci": 4,
}
#: More hubs than a guest can have.
MOST = 128


class Buses:
    """Free ports: bus -> {port path: taken}."""

    def __init__(self, controllers: list[Controller]):
        self.ports: dict[int, dict[str, bool]] = {}
        for controller in controllers:
            if controller.type == "usb" and controller.model in PORTS:
                count = controller.ports if controller.ports > 0 else PORTS[controller.model]
                self.ports.setdefault(controller.index, {str(n): False for n in range(1, count + 1)})

    def take(self, bus: int, port: str) -> None:
        """Raises VirtError."""
        if self.ports.get(bus, {}).get(port) is None:
            raise errors.virt_error(errors.XML_ERROR, f"port {port} not found on USB bus {bus}")
        if self.ports[bus][port]:
            raise errors.virt_error(errors.XML_ERROR, f"Duplicate USB address bus {bus} port {port}")
        self.ports[bus][port] = True

    def free(self, bus: int | None = None) -> tuple[int, str] | None:
        """A free port, near the controller before those behind hubs."""
        found = None
        for number, ports in sorted(self.ports.items()):
            if bus is not None and number != bus:
                continue
            for port, taken in ports.items():
                if not taken and (found is None or port.count(".") < found[1].count(".")):
                    found = number, port
            if found is not None:
                break
        return found

    def add_hub(self, bus: int, port: str) -> None:
        self.ports[bus] |= {f"{port}.{n}": False for n in range(1, HUB_PORTS + 1)}


def assign(domain: Domain) -> None:
    """Hubs first, since others may hang on them; more hubs where ports run out."""
    devices = domain.devices
    buses = Buses(devices.controllers)
    if not buses.ports:
        if devices.hubs or _infos(domain):
            text = "USB is disabled for this domain, but USB devices are present in the domain XML"
            raise errors.virt_error(errors.CONFIG_UNSUPPORTED, text)
        return
    for hub in devices.hubs:
        place = hub.info.address
        if isinstance(place, UsbAddress) and place.port:
            buses.take(place.bus, place.port)
            buses.add_hub(place.bus, place.port)
    infos = _infos(domain)
    for info in infos:
        place = info.address
        if isinstance(place, UsbAddress) and place.port:
            buses.take(place.bus, place.port)
    for hub in devices.hubs:
        _place(buses, hub.info)
        place = hub.info.address
        if isinstance(place, UsbAddress) and f"{place.port}.1" not in buses.ports[place.bus]:
            buses.add_hub(place.bus, place.port)
    wanting = [info for info in infos if not (isinstance(info.address, UsbAddress) and info.address.port)]
    _add_hubs(buses, domain, len(wanting))
    for info in wanting:
        _place(buses, info)


def _infos(domain: Domain) -> list[Info]:
    devices = domain.devices
    found: list[Info] = [hostdev.info for hostdev in devices.hostdevs if hostdev.type == "usb"]  # type: ignore[misc]
    found += [disk.info for disk in devices.disks if disk.bus == "usb"]
    found += [c.info for c in devices.controllers if c.type == "ccid"]
    found += [device.info for device in devices.inputs if device.bus == "usb"]
    found += [serial.info for serial in devices.serials if serial.target_type == "usb-serial"]
    found += [sound.info for sound in devices.sounds if sound.model == "usb"]
    found += [device.info for device in devices.redirdevs if device.bus == "usb"]
    return found


def _add_hubs(buses: Buses, domain: Domain, wanting: int) -> None:
    """Add hubs until `wanting` devices have room; each takes a port and gives eight."""
    while sum(not taken for ports in buses.ports.values() for taken in ports.values()) < wanting:
        if len(domain.devices.hubs) >= MOST:
            raise errors.virt_error(errors.INTERNAL_ERROR, "No free USB ports")
        hub = Hub(type="usb")
        domain.devices.hubs.append(hub)
        _place(buses, hub.info)
        place = hub.info.address
        assert isinstance(place, UsbAddress)
        buses.add_hub(place.bus, place.port)


def _place(buses: Buses, info: Info) -> None:
    place = info.address
    if isinstance(place, UsbAddress) and place.port:
        return
    free = buses.free(place.bus if isinstance(place, UsbAddress) else None)
    if free is None:
        raise errors.virt_error(errors.INTERNAL_ERROR, "No free USB ports")
    buses.take(*free)
    info.address = UsbAddress(type="usb", bus=free[0], port=free[1])
