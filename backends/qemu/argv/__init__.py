"""QEMU's command line for a domain: pure functions of the model, the binary's capabilities and the launch.

    argv = build(domain, caps, launch)

One module for each family of devices; each adds to a `Command` what libvirt 9.0 would, in its order. What libvirt knows
and this does not do is refused with the element's line. Every value that comes from the XML goes into JSON, or through
`escape`, or stands alone as an argument: none can become an option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import chars, controllers, cpu, disks, displays, filesystems, firmware, machine, memory, misc, nets, refused, smp
from .command import Command

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from ..host.capabilities import Capabilities
    from .launch import Launch

__all__ = ["build"]

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"


def build(domain: Domain, caps: Capabilities, launch: Launch) -> list[str]:
    """The command line, program first.

    Raises VirtError(CONFIG_UNSUPPORTED) for what cannot be done.
    """
    refused.check(domain)
    command = Command(domain, caps, launch)
    _identity(command)
    firmware.blockdevs(command)
    machine.add(command)
    machine.add_tseg(command)
    cpu.add(command)
    firmware.bios(command)
    memory.add(command)
    smp.add(command)
    misc.iothreads(command)
    memory.add_numa(command)
    _rest_of_machine(command)
    controllers.add(command)
    memory.add_modules(command)
    misc.hubs(command)
    disks.add(command)
    filesystems.add(command)
    nets.add(command)
    misc.smartcards(command)
    chars.add(command)
    misc.tpms(command)
    misc.inputs(command)
    displays.add(command)
    misc.late_devices(command)
    command.argv += command.namespace.arguments
    if launch.sandbox:
        command.option("-sandbox", SANDBOX)
    misc.panics_and_shared_memory(command)
    misc.launch_security(command)
    command.option("-msg", "timestamp=on")
    return [str(domain.devices.emulator), *command.argv]


def _identity(command: Command) -> None:
    command.option("-name", f"guest={command.escape(command.domain.name)},debug-threads=on")
    if command.namespace.compat:
        command.json("-compat", command.namespace.compat)
    command.option("-S")


def _rest_of_machine(command: Command) -> None:
    domain, launch = command.domain, command.launch
    command.option("-uuid", command.uuid(domain.uuid))
    machine.add_smbios(command)
    machine.add_firmware_settings(command)
    if domain.genid:
        command.device("vmgenid", guid=command.uuid(domain.genid), id="vmgenid0")
    if not domain.devices.graphics:
        command.option("-display", "none")
    command.option("-no-user-config")
    command.option("-nodefaults")
    command.option("-chardev", f"socket,id=charmonitor,path={command.escape(launch.monitor)},server=on,wait=off")
    command.option("-mon", "chardev=charmonitor,id=monitor,mode=control")
    if launch.journal:
        # Two plain files: what opens the monitor, and what it writes.
        command.option("-chardev", f"pipe,id=charjournal,path={command.escape(launch.journal)}")
        command.option("-mon", "chardev=charjournal,id=journal,mode=control")
    machine.add_clock(command)
    machine.add_actions(command)
    machine.add_boot(command)
    misc.iommus(command)
