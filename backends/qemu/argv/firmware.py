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
    if loader is None or loader.type != "pflash" or not loader.path:
        return
    _flash(command, 0, loader.path, loader.readonly is True)
    nvram = system.nvram
    if nvram is None:
        return
    if nvram.type not in ("", "file", "block"):
        raise refuse(nvram, f"<nvram> of type '{nvram.type}'")
    path = nvram.source.path if nvram.type else nvram.path
    if path:
        _flash(command, 1, path, False, "host_device" if nvram.type == "block" else "file")


def _flash(command: Command, number: int, path: str, readonly: bool, driver: str = "file") -> None:
    storage, format = f"libvirt-pflash{number}-storage", f"libvirt-pflash{number}-format"
    props = {"driver": driver, "filename": path, "node-name": storage, "auto-read-only": True, "discard": "unmap"}
    command.json("-blockdev", props)
    command.json("-blockdev", {"node-name": format, "read-only": readonly, "driver": "raw", "file": storage})
    command.pflash.append(f"pflash{number}={format}")


def bios(command: Command) -> None:
    loader = command.domain.os.loader
    if loader is not None and loader.secure:
        command.option("-global", "driver=cfi.pflash01,property=secure,value=on")
    if loader is not None and loader.type != "pflash" and loader.path:
        command.option("-bios", loader.path)
