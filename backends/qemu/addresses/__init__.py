"""Where devices sit on the guest's buses, as libvirt's QEMU driver decides it: a guest keeps its hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...xml.addresses import DimmAddress
from ..machines import is_arm_virt, is_pseries, is_riscv_virt, is_s390
from . import ccw, pci, serial, spapr, usb, virtio

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from ..host.capabilities import Capabilities


def assign(domain: Domain, caps: Capabilities) -> None:
    """Give an address to each device that needs one and has none, adding the controllers for it.

    Raises VirtError when two want the same place, or there is none.
    """
    for controller in domain.devices.controllers:
        if controller.type == "scsi" and not controller.model:
            controller.model = "lsilogic" if caps.has("lsi53c895a") else "virtio-scsi"
            if is_pseries(domain):
                controller.model = "ibmvscsi"
    serial.assign(domain)
    if is_s390(domain):
        ccw.assign(domain)
    if is_pseries(domain):
        spapr.assign(domain)
    if is_arm_virt(domain) or is_riscv_virt(domain):
        virtio.map_all(domain)
    pci.assign(domain)
    if is_s390(domain):
        ccw.number_functions(domain)
    usb.assign(domain)
    _memory_slots(domain)


def _memory_slots(domain: Domain) -> None:
    """Memory modules sit in numbered slots."""
    modules = [m for m in domain.devices.memories if m.model in ("dimm", "nvdimm")]
    used = {m.info.address.slot for m in modules if isinstance(m.info.address, DimmAddress)}
    for module in modules:
        if not isinstance(module.info.address, DimmAddress):
            slot = next(number for number in range(len(modules)) if number not in used)
            module.info.address = DimmAddress(type="dimm", slot=slot)
            used.add(slot)
