"""Ports of virtio-serial controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import errors
from ...xml.addresses import VirtioSerialAddress
from ...xml.controllers import ensure

if TYPE_CHECKING:
    from ...xml.chars import Channel, Console
    from ...xml.domain import Domain

#: A controller's ports where it does not say.
PORTS = 31


def assign(domain: Domain) -> None:
    """Give ports to channels; those of consoles, which may be port 0, are not assigned but respected."""
    devices = domain.devices
    sizes = {c.index: c.ports if c.ports != -1 else PORTS for c in devices.controllers if c.type == "virtio-serial"}
    used: set[tuple[int, int]] = set()
    ports: list[Console | Channel] = [*devices.consoles, *devices.channels]
    for port in ports:
        place = port.info.address
        if port.target_type != "virtio":
            continue
        if not isinstance(place, VirtioSerialAddress) or not place.port:
            continue
        if (place.controller, place.port) in used:
            what = f"virtio serial port {place.port} on controller {place.controller} is already occupied"
            raise errors.virt_error(errors.XML_ERROR, what)
        used.add((place.controller, place.port))
    for channel in devices.channels:
        place = channel.info.address
        if channel.target_type != "virtio" or (isinstance(place, VirtioSerialAddress) and place.port):
            continue
        wanted = place.controller if isinstance(place, VirtioSerialAddress) else None
        controller, number = _free(used, sizes, wanted)
        ensure(devices.controllers, "virtio-serial", controller)
        channel.info.address = VirtioSerialAddress(type="virtio-serial", controller=controller, bus=0, port=number)
        used.add((controller, number))


def _free(used: set[tuple[int, int]], sizes: dict[int, int], wanted: int | None) -> tuple[int, int]:
    """The first free port, on a new controller if need be."""
    for controller in sorted(sizes) if wanted is None else [wanted]:
        for number in range(1, sizes.setdefault(controller, PORTS)):
            if (controller, number) not in used:
                return controller, number
    if wanted is not None:
        raise errors.virt_error(errors.XML_ERROR, "Unable to find a free virtio-serial port")
    controller = max(sizes, default=-1) + 1
    sizes[controller] = PORTS
    return controller, 1
