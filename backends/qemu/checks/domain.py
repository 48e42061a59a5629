"""Refusing domains that make no sense to QEMU, in the words of libvirt's driver (src/qemu/qemu_validate.c)."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import TYPE_CHECKING

from ...cpus import X86
from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from ..base import fail
from ..defaults import cpu_type
from ..host.domcaps import VIDEOS
from ..machines import ARM, POWER, is_arm_virt, is_i440fx, is_q35, kind
from . import controllers as controller_checks
from . import devices as device_checks
from . import platform as platform_checks

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from ..host.capabilities import Capabilities

_SPICE_ONLY = ("spicevmc", "spiceport")
#: What a disk's serial number may hold.
_SERIAL = frozenset(ascii_letters + digits + "-_ .+")


def check(domain: Domain, caps: Capabilities) -> None:
    """Raise VirtError for the first thing that is wrong."""
    devices = domain.devices
    most = caps.machines[domain.os.machine or ""]["max_cpus"]
    if domain.max_vcpus > most:
        what = f"Maximum CPUs greater than specified machine type limit {most}"
        raise fail(CONFIG_UNSUPPORTED, what)
    platform_checks.check(domain)
    _parts(domain, caps)
    controller_checks.check(domain)
    if domain.cpu is not None and domain.cpu.mode == "maximum" and not caps.has(cpu_type("max", caps.arch)):
        raise fail(CONFIG_UNSUPPORTED, "maximum CPU is not supported by QEMU binary")
    _vcpus(domain)
    _topology(domain)
    loader = domain.os.loader
    efi = domain.os.firmware == "efi" or (loader is not None and loader.type == "pflash")
    acpi = bool(domain.features.acpi)
    if domain.os.arch in X86 and efi and not acpi:
        raise fail(CONFIG_UNSUPPORTED, "UEFI requires ACPI on this architecture")
    if domain.os.arch in ARM and acpi and not efi:
        raise fail(CONFIG_UNSUPPORTED, "ACPI requires UEFI on this architecture")
    _secure_boot(domain)
    if domain.os.bios_serial and not devices.serials:
        raise fail(XML_ERROR, "need at least one serial port to use BIOS serial output")
    if not is_i440fx(domain.os.machine) and any(c.type == "ide" for c in devices.controllers):
        raise fail(CONFIG_UNSUPPORTED, "IDE controllers are unsupported for this QEMU binary or machine type")
    for iommu in devices.iommus:
        if iommu.model == "intel" and not is_q35(domain.os.machine):
            raise fail(CONFIG_UNSUPPORTED, "IOMMU device: 'intel' is only supported with Q35 machines")
        if iommu.model == "smmuv3" and not is_arm_virt(domain):
            raise fail(CONFIG_UNSUPPORTED, "IOMMU device: 'smmuv3' is only supported with ARM Virt machines")
    if not any(graphics.type == "spice" for graphics in devices.graphics):
        if any(audio.type == "spice" for audio in devices.audios):
            raise fail(CONFIG_UNSUPPORTED, "Spice audio is not supported without spice graphics")
        sources = [c.source.type for group in (devices.serials, devices.channels, devices.redirdevs) for c in group]
        for source in sources:
            if source in _SPICE_ONLY:
                raise fail(CONFIG_UNSUPPORTED, f"chardev '{source}' not supported without spice graphics")
    _disks(domain)
    device_checks.check(domain)


def _parts(domain: Domain, caps: Capabilities) -> None:
    """What only some machines can have."""
    devices = domain.devices
    if not caps.has("i8042") and any(device.bus == "ps2" for device in devices.inputs):
        raise fail(CONFIG_UNSUPPORTED, "ps2 is not supported by this QEMU binary")
    if any(c.type == "sata" for c in devices.controllers) and not caps.has("ich9-ahci"):
        raise fail(CONFIG_UNSUPPORTED, "SATA is not supported with this QEMU binary")
    if devices.parallels and domain.os.arch in ("s390x", *POWER):
        raise fail(CONFIG_UNSUPPORTED, "parallel ports are not supported")
    if devices.hubs and not caps.has("usb-hub"):
        raise fail(CONFIG_UNSUPPORTED, "usb-hub not supported by QEMU binary")
    for shmem in devices.shmems:
        if shmem.model != "ivshmem" and not caps.has(shmem.model):
            raise fail(CONFIG_UNSUPPORTED, f"shmem model '{shmem.model}' is not supported by this QEMU binary")
    for tpm in devices.tpms:
        if not caps.has(f"tpm-{'emulator' if tpm.type == 'external' else tpm.type}"):
            what = f"The QEMU executable {devices.emulator} does not support TPM backend type {tpm.type}"
            raise fail(CONFIG_UNSUPPORTED, what)
    if any(panic.model == "isa" for panic in devices.panics) and not caps.has("pvpanic"):
        raise fail(CONFIG_UNSUPPORTED, "the QEMU binary does not support the ISA panic device")
    for state, asked in (("S3", domain.pm.suspend_to_mem), ("S4", domain.pm.suspend_to_disk)):
        if asked is not None and not (caps.has("PIIX4_PM") or caps.has("ICH9-LPC")):
            raise fail(CONFIG_UNSUPPORTED, f"setting ACPI {state} not supported")
    if domain.max_memory and not caps.has("pc-dimm"):
        raise fail(CONFIG_UNSUPPORTED, "memory hotplug isn't supported by this QEMU binary")
    for video in devices.videos:
        if VIDEOS.get(video.type) and not caps.has(VIDEOS[video.type]):
            raise fail(CONFIG_UNSUPPORTED, f"domain configuration does not support video model '{video.type}'")
    _machine_parts(domain)
    for console in devices.consoles:
        name = {"sclp": "sclpconsole", "sclplm": "sclplmconsole"}.get(console.target_type)
        if name and not caps.has(name):
            raise fail(CONFIG_UNSUPPORTED, f"{name} is not supported in this QEMU binary")


def _machine_parts(domain: Domain) -> None:
    machine, devices = kind(domain), domain.devices
    express = is_q35(domain.os.machine) or is_arm_virt(domain)
    for serial in devices.serials:
        port = serial.target_type, serial.target_model
        if machine is not None and port[0] == "system-serial" and port != machine.serial:
            what = f"Serial device with target type '{port[0]}' and target model '{port[1]}'"
            raise fail(CONFIG_UNSUPPORTED, f"{what} not compatible with guest architecture or machine type")
    if any(c.model == "pcie-expander-bus" for c in devices.controllers) and not express:
        raise fail(CONFIG_UNSUPPORTED, "pcie-expander-bus controllers are not supported with this machine type")
    if any(iommu.model == "virtio" for iommu in devices.iommus) and not express:
        raise fail(CONFIG_UNSUPPORTED, "IOMMU device: 'virtio' is only supported with Q35 and ARM Virt machines")


def _secure_boot(domain: Domain) -> None:
    loader, smm = domain.os.loader, domain.features.smm
    if loader is None or not loader.secure:
        return
    if not is_q35(domain.os.machine):
        raise fail(CONFIG_UNSUPPORTED, "Secure boot is supported with q35 machine types only")
    if domain.os.arch != "x86_64":
        raise fail(CONFIG_UNSUPPORTED, "Secure boot is supported for x86_64 architecture only")
    if not domain.os.firmware and (smm is None or smm.state is not True):
        raise fail(CONFIG_UNSUPPORTED, "Secure boot requires SMM feature enabled")


def _vcpus(domain: Domain) -> None:
    states = domain.vcpu_states
    if not states:
        return
    if not states[0].enabled:
        raise fail(CONFIG_UNSUPPORTED, "vcpu 0 can't be offline")
    if states[0].hotpluggable:
        raise fail(CONFIG_UNSUPPORTED, "vcpu0 can't be hotpluggable")
    there = [state.order for state in states if state.enabled]
    if any(there) and not all(there):
        raise fail(CONFIG_UNSUPPORTED, "all vcpus must have either set or unset order")


def _topology(domain: Domain) -> None:
    topology = domain.cpu.topology if domain.cpu else None
    if topology is None:
        return
    count = topology.sockets * topology.dies * topology.cores * topology.threads
    if count != domain.max_vcpus:
        raise fail(CONFIG_UNSUPPORTED, "CPU topology doesn't match maximum vcpu count")


def _disks(domain: Domain) -> None:
    for disk in domain.devices.disks:
        if disk.bus in ("xen", "uml"):
            what = f"disk bus '{disk.bus}' is not supported by QEMU for disk '{disk.target}'"
            raise fail(CONFIG_UNSUPPORTED, what)
        if disk.shareable and disk.driver.type != "raw":
            what = f"shared access for disk '{disk.target}' requires use of supported storage format"
            raise fail(CONFIG_UNSUPPORTED, what)
        if disk.device == "floppy" and disk.bus != "fdc":
            what = f"Invalid address type for disk '{disk.target}': a floppy drive hangs on bus fdc"
            raise fail(CONFIG_UNSUPPORTED, what)
        if disk.device == "cdrom" and disk.bus == "virtio":
            raise fail(CONFIG_UNSUPPORTED, f"disk type of '{disk.target}' does not support ejectable media")
        if disk.driver.iothread and disk.driver.iothread not in {thread.id for thread in domain.iothreads}:
            what = f"Disk iothread '{disk.driver.iothread}' not defined in iothreadid"
            raise fail(CONFIG_UNSUPPORTED, what)
        if disk.wwn and disk.bus not in ("ide", "scsi"):
            raise fail(CONFIG_UNSUPPORTED, "Only ide and scsi disk support wwn")
        if (disk.vendor or disk.product) and disk.bus != "scsi":
            raise fail(CONFIG_UNSUPPORTED, "Only scsi disk supports vendor and product")
        if disk.serial and not _SERIAL.issuperset(disk.serial):
            raise fail(INTERNAL_ERROR, f"driver serial '{disk.serial}' contains unsafe characters")
