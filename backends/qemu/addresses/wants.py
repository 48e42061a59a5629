"""What each device asks of the PCI bus it sits on, and what each controller's bus offers.

The kinds are libvirt's VIR_PCI_CONNECT_TYPE_*: a device fits where its kinds and the bus's have one in common, and,
if it wants to be hot-plugged, the bus allows it. Controllers of PCI buses are devices too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...cpus import X86
from ..machines import pcie_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ...xml.addresses import Info, RomInfo
    from ...xml.controllers import Controller
    from ...xml.devices import Video
    from ...xml.domain import Domain

    #: What has an address.
    Holder = Info | RomInfo

PCI, PCIE = 1 << 1, 1 << 2
ROOT_PORT, UPSTREAM, DOWNSTREAM, DMI_BRIDGE = 1 << 3, 1 << 4, 1 << 5, 1 << 6
EXPANDER, EXPRESS_EXPANDER, BRIDGE, TO_PCI_BRIDGE = 1 << 7, 1 << 8, 1 << 9, 1 << 10
KINDS = 0xFFE
HOTPLUG, AGGREGATE = 1 << 12, 1 << 13

#: model of a controller -> (what its bus offers, first slot, last slot)
BUSES = {
    "pci-root": (HOTPLUG | PCI | BRIDGE | EXPANDER, 1, 31),
    "pci-bridge": (HOTPLUG | PCI | BRIDGE, 1, 31),
    "pci-expander-bus": (HOTPLUG | PCI | BRIDGE, 0, 31),
    "pcie-root": (PCIE | ROOT_PORT | DMI_BRIDGE | EXPRESS_EXPANDER, 1, 31),
    "dmi-to-pci-bridge": (PCI | BRIDGE, 0, 31),
    "pcie-to-pci-bridge": (HOTPLUG | PCI | BRIDGE, 1, 31),
    "pcie-root-port": (HOTPLUG | PCIE | UPSTREAM | TO_PCI_BRIDGE, 0, 0),
    "pcie-switch-upstream-port": (DOWNSTREAM, 0, 31),
    "pcie-switch-downstream-port": (HOTPLUG | PCIE | UPSTREAM | TO_PCI_BRIDGE, 0, 0),
    "pcie-expander-bus": (ROOT_PORT | DMI_BRIDGE, 0, 31),
}
#: model of a controller -> what it asks of the bus above it; roots have none
CONTROLLERS = {
    "pci-bridge": BRIDGE,
    "pci-expander-bus": EXPANDER,
    "dmi-to-pci-bridge": DMI_BRIDGE,
    "pcie-to-pci-bridge": TO_PCI_BRIDGE,
    "pcie-root-port": ROOT_PORT | AGGREGATE,
    "pcie-switch-upstream-port": UPSTREAM,
    "pcie-switch-downstream-port": DOWNSTREAM,
    "pcie-expander-bus": EXPRESS_EXPANDER,
}
ROOTS = ("pci-root", "pcie-root")
_VIRTIO_MODELS = ("virtio", "virtio-non-transitional", "virtio-scsi")
_USB_EXPRESS = ("nec-xhci", "qemu-xhci")
_ISA_SOUND = ("sb16", "pcspk", "usb")


class Want:
    """A device that may sit on a PCI bus: `holder.address` is its address, `asks` what it asks of a bus."""

    __slots__ = ("asks", "device", "holder")

    def __init__(self, device: Any, asks: int):
        self.device = device
        self.asks = asks
        self.holder: Holder = device.info


class Asking:
    """What a domain's devices ask: virtio and other express devices want PCI Express where there is any."""

    def __init__(self, domain: Domain):
        self._domain = domain
        self.pci = PCI | HOTPLUG
        self.express = PCIE | HOTPLUG if pcie_root(domain) else self.pci

    def controllers(self) -> list[Want]:
        """Controllers of PCI buses, in their order."""
        return [
            Want(c, CONTROLLERS[c.model])
            for c in self._domain.devices.controllers
            if c.type == "pci" and c.model in CONTROLLERS
        ]

    def devices(self) -> Iterator[Want]:
        """All others, in the order in which they get their places."""
        devices = self._domain.devices
        for filesystem in devices.filesystems:
            yield Want(filesystem, self._virtio(filesystem.model))
        for net in devices.interfaces:
            if net.model in ("usb-net", "spapr-vlan") or net.type == "hostdev":
                continue
            modern = net.model in ("virtio", "virtio-non-transitional", "e1000e")
            yield Want(net, self.express if modern else self.pci)
        for sound in devices.sounds:
            if sound.model not in _ISA_SOUND:
                yield Want(sound, self.pci)
        for controller in devices.controllers:
            asks = self._of_controller(controller)
            if asks:
                yield Want(controller, asks)
        for disk in devices.disks:
            if disk.bus == "virtio":
                yield Want(disk, self.pci if disk.model == "virtio-transitional" else self.express)
        for hostdev in devices.hostdevs:
            if hostdev.type == "pci" or (hostdev.type == "mdev" and hostdev.model == "vfio-pci"):
                yield Want(hostdev, self.express)
        for balloon in devices.memballoons:
            if balloon.model != "none":
                yield Want(balloon, self._virtio(balloon.model))
        for rng in devices.rngs:
            yield Want(rng, self._virtio(rng.model))
        for watchdog in devices.watchdogs:
            if watchdog.model == "i6300esb":
                yield Want(watchdog, self.pci)
        for video in devices.videos:
            if video.type not in ("none", "ramfb"):
                yield Want(video, self._video(video))
        for shmem in devices.shmems:
            yield Want(shmem, self.pci)
        for device in devices.inputs:
            if device.bus == "virtio":
                yield Want(device, self._virtio(device.model))
        for serial in devices.serials:
            if serial.target_type == "pci-serial":
                yield Want(serial, self.pci)
        for vsock in devices.vsocks:
            yield Want(vsock, self._virtio(vsock.model))
        for memory in devices.memories:
            if memory.model in ("virtio-mem", "virtio-pmem"):
                yield Want(memory, self.express)
        for iommu in devices.iommus:
            if iommu.model == "virtio":
                yield Want(iommu, PCIE)

    def _video(self, video: Video) -> int:
        """A PC's first card is a VGA one, whatever else it is."""
        if video.type == "virtio":
            return self.pci if video.primary and self._domain.os.arch in X86 else self.express
        return self.express if video.type == "bochs" else self.pci

    def _virtio(self, model: str | None) -> int:
        return self.pci if model == "virtio-transitional" else self.express

    def _of_controller(self, controller: Controller) -> int:
        kind, model = controller.type, controller.model
        if kind == "virtio-serial":
            return self._virtio(model)
        if kind == "scsi" and model == "ibmvscsi":
            return 0
        if kind == "scsi":
            return self.express if model in _VIRTIO_MODELS else self.pci
        if kind == "usb":
            return 0 if model == "none" else self.express if model in _USB_EXPRESS else self.pci
        return self.pci if kind in ("sata", "ide") else 0
