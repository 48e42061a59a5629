"""The names of devices in QEMU, which libvirt calls aliases; users may give their own ("ua-...")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...xml.addresses import DimmAddress, DriveAddress
from ...xml.disk_places import disk_number

if TYPE_CHECKING:
    from ...xml.controllers import Controller
    from ...xml.device_list import Devices
    from ...xml.disks import Disk
    from ...xml.domain import Domain

#: (field of Devices, prefix): numbered as they stand
_NUMBERED = (
    ("interfaces", "net"),
    ("filesystems", "fs"),
    ("smartcards", "smartcard"),
    ("serials", "serial"),
    ("parallels", "parallel"),
    ("channels", "channel"),
    ("consoles", "console"),
    ("inputs", "input"),
    ("tpms", "tpm"),
    ("sounds", "sound"),
    ("videos", "video"),
    ("hostdevs", "hostdev"),
    ("redirdevs", "redir"),
    ("hubs", "hub"),
    ("watchdogs", "watchdog"),
    ("memballoons", "balloon"),
    ("rngs", "rng"),
    ("shmems", "shmem"),
    ("iommus", "iommu"),
    ("vsocks", "vsock"),
)


def assign(domain: Domain) -> None:
    """Give an alias to each device that has none."""
    devices = domain.devices
    q35 = (domain.os.machine or "").startswith("pc-q35")
    for field, prefix in _NUMBERED:
        for number, device in enumerate(getattr(devices, field)):
            _set(device, f"{prefix}{number}")
    for disk in devices.disks:
        _set(disk, _disk(disk, devices))
    for controller in devices.controllers:
        if controller.model != "none":
            _set(controller, controller_alias(controller, q35))
    for number, module in enumerate(devices.memories):
        address = module.info.address
        kind = {"dimm": "dimm", "nvdimm": "nvdimm"}.get(module.model, module.model.replace("-", ""))
        _set(module, f"{kind}{address.slot if isinstance(address, DimmAddress) else number}")
    if devices.serials and devices.consoles and devices.consoles[0].target_type == "serial":
        devices.consoles[0].info.alias = devices.serials[0].info.alias


def _set(device: Any, alias: str) -> None:
    if not device.info.alias:
        device.info.alias = alias


def controller_alias(controller: Controller, q35: bool) -> str:
    """A controller's own name or the one it gets, which buses are named after."""
    given = controller.info.alias
    if given:
        return given
    kind, index = controller.type, controller.index
    if kind == "pci":
        return "pcie.0" if controller.model == "pcie-root" else f"pci.{index}"
    if index == 0 and (kind == "usb" or (kind == "ide" and not q35) or (kind == "sata" and q35)):
        return "usb" if kind == "usb" else "ide"
    return f"{kind}{index}"


def _disk(disk: Disk, devices: Devices) -> str:
    address = disk.info.address
    if isinstance(address, DriveAddress):
        parts = [address.controller, address.bus, address.target, address.unit]
        if disk.bus != "scsi" or _simple_scsi(devices, address.controller):
            del parts[2]
        return disk.bus + "-".join(map(str, parts))
    number = disk_number(disk.target)
    return f"virtio-disk{number}" if disk.bus == "virtio" else f"{disk.bus}-disk{number}"


def _simple_scsi(devices: Devices, index: int) -> bool:
    """Whether a SCSI controller knows units alone."""
    return any(c.type == "scsi" and c.index == index and c.model == "lsilogic" for c in devices.controllers)
