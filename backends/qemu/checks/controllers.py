"""Refusing controllers that make no sense to QEMU, in the words of libvirt's driver (src/qemu/qemu_validate.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from ...xml.addresses import DriveAddress, PciAddress
from ...xml.controllers import SPAPR_BRIDGE
from ..base import fail
from ..machines import is_pseries

if TYPE_CHECKING:
    from ...xml.controllers import Controller
    from ...xml.domain import Domain

#: Options of PCI controllers, by libvirt's names: the attribute that holds each, and the models that have it.
OPTIONS = {
    "chassisNr": ("chassis_nr", ("pci-bridge",)),
    "chassis": ("chassis", ("pcie-root-port", "pcie-switch-downstream-port")),
    "port": ("port", ("pcie-root-port", "pcie-switch-downstream-port")),
    "busNr": ("bus_nr", ("pci-expander-bus", "pcie-expander-bus")),
    "numaNode": ("numa_node", ("pci-expander-bus", "pcie-expander-bus")),
    "targetIndex": ("target_index", ()),
    "hotplug": ("hotplug", ("pcie-root-port", "pcie-switch-downstream-port")),
}
#: The devices that can be each model of PCI controller.
NAMES = {
    "pci-bridge": ("pci-bridge",),
    "dmi-to-pci-bridge": ("i82801b11-bridge",),
    "pcie-to-pci-bridge": ("pcie-pci-bridge",),
    "pcie-root-port": ("ioh3420", "pcie-root-port"),
    "pcie-switch-upstream-port": ("x3130-upstream",),
    "pcie-switch-downstream-port": ("xio3130-downstream",),
    "pci-expander-bus": ("pxb",),
    "pcie-expander-bus": ("pxb-pcie",),
}
ROOTS = ("pci-root", "pcie-root")


def check(domain: Domain) -> None:
    """Raise VirtError for the first controller that is wrong."""
    for controller in domain.devices.controllers:
        if controller.type == "pci":
            if controller.device != SPAPR_BRIDGE or controller.index or not is_pseries(domain):
                _pci(controller)
        elif controller.iothread and controller.iothread not in {thread.id for thread in domain.iothreads}:
            what = f"controller iothread '{controller.iothread}' not defined in iothreadid"
            raise fail(CONFIG_UNSUPPORTED, what)
    for disk in domain.devices.disks:
        if disk.bus == "scsi" and isinstance(disk.info.address, DriveAddress):
            _scsi(domain, disk.info.address)


def _pci(controller: Controller) -> None:
    if controller.model in ROOTS and controller.index != 0:
        raise fail(XML_ERROR, "pci-root and pcie-root controllers should have index 0")
    where = f"for PCI controller with index '{controller.index}', model '{controller.model}' and modelName"
    where = f"{where} '{controller.device or 'none'}'"
    if controller.device:
        if controller.model in ROOTS:
            raise fail(CONFIG_UNSUPPORTED, f"Option 'modelName' is not valid {where}")
        if controller.device not in NAMES.get(controller.model, ()):
            raise fail(CONFIG_UNSUPPORTED, f"Option 'modelName' has invalid value {where}")
    address = controller.info.address
    if isinstance(address, PciAddress) and controller.index <= address.pci.bus:
        bus = f"0x{address.pci.bus:02x}"
        what = f"PCI controller at index {controller.index} (0x{controller.index:02x}) has bus='{bus}'"
        raise fail(CONFIG_UNSUPPORTED, f"{what}, but index must be larger than bus")
    for option, (attribute, models) in OPTIONS.items():
        if getattr(controller, attribute) not in (-1, None) and controller.model not in models:
            raise fail(CONFIG_UNSUPPORTED, f"Option '{option}' is not valid {where}")


def _scsi(domain: Domain, address: DriveAddress) -> None:
    model = next(
        (c.model for c in domain.devices.controllers if (c.type, c.index) == ("scsi", address.controller)), ""
    )
    if address.bus:
        raise fail(INTERNAL_ERROR, "SCSI controller only supports 1 bus")
    if model == "lsilogic" and address.target:
        raise fail(CONFIG_UNSUPPORTED, f"target must be 0 for controller model '{model}'")
