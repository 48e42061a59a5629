"""Firmware from files: flash with its variables, or a ROM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import refuse

if TYPE_CHECKING:
    from .command import Command


def blockdevs(command: Command) -> None:
    """The two halves of flash: code, and the guest's own variables."""
    system = command.domain.os
    loader = system.loader
    if system.firmware:
        raise refuse(system, f"firmware auto-selection (<os firmware='{system.firmware}'>)", "name a <loader>")
    if loader is None or loader.type != "pflash" or not loader.path:
        return
    _flash(command, 0, loader.path, loader.readonly is True)
    nvram = system.nvram
    if nvram is not None and nvram.type:
        raise refuse(nvram, "<nvram> of a type")
    if nvram is not None and nvram.path:
        _flash(command, 1, nvram.path, False)
    if loader.secure:
        command.option("-global", "driver=cfi.pflash01,property=secure,value=on")


def _flash(command: Command, number: int, path: str, readonly: bool) -> None:
    storage, format = f"libvirt-pflash{number}-storage", f"libvirt-pflash{number}-format"
    props = {"driver": "file", "filename": path, "node-name": storage, "auto-read-only": True, "discard": "unmap"}
    command.json("-blockdev", props)
    command.json("-blockdev", {"node-name": format, "read-only": readonly, "driver": "raw", "file": storage})
    command.pflash.append(f"pflash{number}={format}")


def bios(command: Command) -> None:
    loader = command.domain.os.loader
    if loader is not None and loader.type != "pflash" and loader.path:
        command.option("-bios", loader.path)
