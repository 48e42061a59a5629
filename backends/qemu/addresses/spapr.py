"""Registers of the devices that pSeries machines have without a bus (libvirt's src/qemu/qemu_domain_address.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import errors
from ...xml.addresses import SpaprVioAddress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ...xml.domain import Domain

NET, SCSI, NVRAM, TPM, SERIAL = 0x1000, 0x2000, 0x3000, 0x4000, 0x30000000
STEP = 0x1000


def assign(domain: Domain) -> None:
    """Give a register to each device that needs one and names none. Raises VirtError when two want the same."""
    wanting = list(_devices(domain))
    used: set[int] = set()
    for device, _ in wanting:
        address = device.info.address
        if isinstance(address, SpaprVioAddress) and address.reg is not None:
            if address.reg in used:
                text = f"spapr-vio address {address.reg:#x} already in use"
                raise errors.virt_error(errors.XML_ERROR, text)
            used.add(address.reg)
    for device, first in wanting:
        address = device.info.address
        if address is None or (isinstance(address, SpaprVioAddress) and address.reg is None):
            number = first
            while number in used:
                number += STEP
            used.add(number)
            device.info.address = SpaprVioAddress(type="spapr-vio", reg=number)
    serials, consoles = domain.devices.serials, domain.devices.consoles
    if serials and consoles and consoles[0].target_type == "serial" and consoles[0].info.address is None:
        consoles[0].info.address = serials[0].info.address


def _devices(domain: Domain) -> Iterator[tuple[Any, int]]:
    """Each, and the register that the first of its kind gets."""
    devices = domain.devices
    yield from ((net, NET) for net in devices.interfaces if net.model == "spapr-vlan")
    yield from ((c, SCSI) for c in devices.controllers if c.type == "scsi" and c.model == "ibmvscsi")
    yield from ((serial, SERIAL) for serial in devices.serials if serial.target_type == "spapr-vio-serial")
    yield from ((nvram, NVRAM) for nvram in devices.nvrams)
    yield from ((tpm, TPM) for tpm in devices.tpms if tpm.model == "tpm-spapr")
