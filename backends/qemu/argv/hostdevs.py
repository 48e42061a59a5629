"""Devices of the host in the guest: USB, PCI and mediated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR
from ...xml.hostdev_source import MdevSource, PciSource, UsbSource
from ..base import fail
from .command import refuse

if TYPE_CHECKING:
    from ...xml.hostdevs import Hostdev
    from .command import Command, Props

MDEVS = "/sys/bus/mdev/devices"


def add(command: Command) -> None:
    for hostdev in command.domain.devices.hostdevs:
        if hostdev.mode == "capabilities":
            raise fail(CONFIG_UNSUPPORTED, "hostdev mode 'capabilities' is not supported in qemu")
        source = hostdev.source
        if isinstance(source, UsbSource):
            _usb(command, hostdev, source)
        elif isinstance(source, PciSource):
            _pci(command, hostdev, source)
        elif isinstance(source, MdevSource):
            _mdev(command, hostdev, source)
        else:
            raise refuse(hostdev, f"host device of type '{hostdev.type}'")


def _usb(command: Command, hostdev: Hostdev, source: UsbSource) -> None:
    if not source.bus and not source.device:
        raise fail(INTERNAL_ERROR, "USB host device is missing bus/device information")
    reset = source.guest_reset
    command.device(
        "usb-host",
        hostdevice=f"/dev/bus/usb/{source.bus:03}/{source.device:03}",
        id=hostdev.info.alias,
        bootindex=_order(hostdev),
        guest__reset={"off": False, "uninitialized": True, "on": True}.get(reset),
        guest__resets__all={"on": True, "uninitialized": False}.get(reset),
        **command.place(hostdev.info),
    )


def _pci(command: Command, hostdev: Hostdev, source: PciSource) -> None:
    if source.write_filtering is not None:
        what = "Write filtering of PCI device configuration space is not supported by qemu"
        raise fail(CONFIG_UNSUPPORTED, what)
    if source.backend not in ("", "vfio"):
        raise fail(CONFIG_UNSUPPORTED, f"PCI host devices by '{source.backend}' are not supported by qemu")
    where = source.address
    assert where is not None
    teaming = hostdev.teaming
    command.device(
        "vfio-pci",
        host=f"{where.domain:04x}:{where.bus:02x}:{where.slot:02x}.{where.function:x}",
        id=hostdev.info.alias,
        bootindex=_order(hostdev),
        failover_pair_id=teaming.persistent if teaming is not None else None,
        **command.place(hostdev.info),
        **_rom(hostdev),
    )


def _mdev(command: Command, hostdev: Hostdev, source: MdevSource) -> None:
    path = f"{MDEVS}/{command.uuid(source.uuid)}"
    if hostdev.model in ("vfio-ccw", "vfio-ap"):
        if not command.caps.has(hostdev.model):
            kind = "VFIO CCW" if hostdev.model == "vfio-ccw" else "VFIO AP"
            raise fail(CONFIG_UNSUPPORTED, f"{kind} device assignment is not supported by this version of QEMU")
        command.device(hostdev.model, id=hostdev.info.alias, sysfsdev=path, **command.place(hostdev.info))
        return
    if hostdev.display and not command.domain.devices.graphics:
        what = "graphics device is needed for attribute value 'display=on' in <hostdev>"
        raise fail(CONFIG_UNSUPPORTED, what)
    command.device(
        "vfio-pci-nohotplug" if hostdev.ramfb else "vfio-pci",
        id=hostdev.info.alias,
        sysfsdev=path,
        display="on" if hostdev.display else "off",
        ramfb=hostdev.ramfb,
        bootindex=_order(hostdev),
        **command.place(hostdev.info),
        **_rom(hostdev),
    )


def _order(hostdev: Hostdev) -> int | None:
    return hostdev.boot.order if hostdev.boot is not None else None


def _rom(hostdev: Hostdev) -> Props:
    rom = hostdev.info.rom
    if rom is None:
        return {}
    file = "" if rom.enabled is False else rom.file
    return {"rombar": None if rom.bar is None else int(rom.bar), "romfile": file}
