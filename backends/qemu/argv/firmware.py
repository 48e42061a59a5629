"""Firmware from files: flash with its variables, or a ROM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .storage import objects, protocol

if TYPE_CHECKING:
    from .command import Command, Props


def blockdevs(command: Command) -> None:
    """The two halves of flash: code, and the guest's own variables."""
    system = command.domain.os
    loader = system.loader
    if loader is None or loader.type != "pflash" or not loader.path:
        return
    _flash(command, 0, {"driver": "file", "filename": loader.path}, loader.readonly is True)
    nvram = system.nvram
    if nvram is None:
        return
    if nvram.type:
        objects(command, nvram.source, "libvirt-pflash1-storage", "libvirt-pflash1-format")
        _flash(command, 1, protocol(nvram.source, "libvirt-pflash1-storage"), False)
    elif nvram.path:
        _flash(command, 1, {"driver": "file", "filename": nvram.path}, False)


def _flash(command: Command, number: int, image: Props, readonly: bool) -> None:
    storage, format = f"libvirt-pflash{number}-storage", f"libvirt-pflash{number}-format"
    command.json("-blockdev", image | {"node-name": storage, "auto-read-only": True, "discard": "unmap"})
    command.json("-blockdev", {"node-name": format, "read-only": readonly, "driver": "raw", "file": storage})
    command.pflash.append(f"pflash{number}={format}")


def bios(command: Command) -> None:
    loader = command.domain.os.loader
    if loader is not None and loader.secure:
        command.option("-global", "driver=cfi.pflash01,property=secure,value=on")
    if loader is not None and loader.type != "pflash" and loader.path:
        command.option("-bios", loader.path)
