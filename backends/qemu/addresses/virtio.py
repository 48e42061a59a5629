"""Virtio devices on buses that are not PCI's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...xml.addresses import Address

if TYPE_CHECKING:
    from typing import Any

    from ...xml.domain import Domain

_SCSI = ("virtio-scsi", "virtio-transitional", "virtio-non-transitional")


def devices(domain: Domain) -> list[Any]:
    """Those that can hang on such a bus, in the order in which they are placed."""
    devices = domain.devices
    return [
        *(disk for disk in devices.disks if disk.bus == "virtio"),
        *(net for net in devices.interfaces if (net.model or "").startswith("virtio")),
        *(hostdev for hostdev in devices.hostdevs if hostdev.model == "vfio-ccw" or hostdev.type == "scsi_host"),
        *(video for video in devices.videos if video.type == "virtio"),
        *(c for c in devices.controllers if c.type == "virtio-serial" or (c.type == "scsi" and c.model in _SCSI)),
        *(device for device in devices.inputs if device.bus == "virtio"),
        *devices.filesystems,
        *(balloon for balloon in devices.memballoons if balloon.model != "none"),
        *devices.rngs,
        *devices.vsocks,
    ]


def map_all(domain: Domain) -> None:
    """Where one's registers are in memory, they all are that have no other address."""
    found = devices(domain)
    if any(device.info.address is not None and device.info.address.type == "virtio-mmio" for device in found):
        for device in found:
            device.info.address = device.info.address or Address(type="virtio-mmio")
