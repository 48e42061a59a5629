"""What libvirt's QEMU driver fills in (src/qemu/qemu_domain.c, qemuDomainDefPostParse and its device callbacks)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import errors
from ..cpus import X86
from ..xml.controllers import Controller, ensure, insert
from ..xml.cpu import Cpu
from ..xml.devices import Input, Memballoon, Msi, Panic
from ..xml.features import Gic
from ..xml.sound import Audio
from .base import fail
from .blocks.chains import layers
from .checks.devices import SHMEM_USUAL
from .machines import POWER, RISCV, Kind, is_arm_virt, is_q35, kind

if TYPE_CHECKING:
    from ..xml.chars import Serial
    from ..xml.disks import Disk
    from ..xml.domain import Domain
    from .host.capabilities import Capabilities

#: KiB of a QXL card's memory that are its frame buffer.
QXL_VGAMEM = 16 * 1024
#: What QEMU's types of CPU end in, where it is not the architecture.
_CPU_TYPES = {"i686": "i386", "armv7l": "arm", "aarch64": "arm", "riscv64": "riscv", "ppc64": "powerpc64"}


def complete_domain(domain: Domain, caps: Capabilities) -> None:
    """Machine, CPU, and the devices every machine of its kind has."""
    if domain.bootloader is not None:
        raise fail(errors.CONFIG_UNSUPPORTED, "bootloader is not supported by QEMU")
    if domain.os.type != "hvm":
        what = f"Emulator '{domain.devices.emulator}' does not support os type '{domain.os.type}'"
        raise fail(errors.CONFIG_UNSUPPORTED, what)
    machine = caps.machine(domain.os.machine)
    if machine is None:
        emulator = domain.devices.emulator
        what = f"Emulator '{emulator}' does not support machine type '{domain.os.machine}'"
        raise fail(errors.CONFIG_UNSUPPORTED, what)
    if not caps.serves(domain.os.arch):
        what = f"Emulator '{domain.devices.emulator}' does not support arch '{domain.os.arch}'"
        raise fail(errors.CONFIG_UNSUPPORTED, what)
    domain.os.machine = machine
    machine_kind = _kind(domain)
    _add_devices(domain, machine_kind)
    _add_features(domain)
    _complete_cpu(domain, caps)
    _fill_cells(domain)
    _add_audio(domain)


def _kind(domain: Domain) -> Kind:
    found = kind(domain)
    if found is None:
        what = f"machine type '{domain.os.machine}' is not supported yet without libvirt"
        raise fail(errors.CONFIG_UNSUPPORTED, what, hint="pc, q35, microvm, virt, s390-ccw-virtio and pseries are")
    return found


def _add_devices(domain: Domain, machine: Kind) -> None:
    devices = domain.devices
    if machine.usb is not None and not any(c.type == "usb" for c in devices.controllers):
        insert(devices.controllers, Controller(type="usb", index=0, model=machine.usb))
    if is_q35(domain.os.machine):
        ensure(devices.controllers, "sata", 0)
    if machine.root:
        ensure(devices.controllers, "pci", 0, machine.root)
    if machine.balloon and not devices.memballoons:
        devices.memballoons.append(Memballoon(model="virtio"))
    if machine.panics and not devices.panics:
        devices.panics.append(Panic(model=machine.panic))
    if machine.inputs == "usb" and devices.graphics:
        for type, others in (("keyboard", ("keyboard",)), ("mouse", ("mouse", "tablet"))):
            if not any(device.type in others and device.bus == "usb" for device in devices.inputs):
                devices.inputs.append(Input(type=type, bus="usb"))
    for type in ("mouse", "keyboard") if machine.inputs == "ps2" else ():
        if not any(device.type == type and device.bus == "ps2" for device in devices.inputs):
            devices.inputs.append(Input(type=type, bus="ps2"))


def _add_features(domain: Domain) -> None:
    """What the machine has in any case, told or not."""
    if is_arm_virt(domain):
        gic = domain.features.gic = domain.features.gic or Gic()
        gic.version = gic.version or "2"


def _complete_cpu(domain: Domain, caps: Capabilities) -> None:
    cpu = domain.cpu
    if cpu is None or (cpu.mode in ("", "custom") and cpu.model is None):
        default = caps.machines[domain.os.machine or ""]["default_cpu"]
        if default and domain.os.arch not in RISCV:
            cpu = domain.cpu = cpu or Cpu()
            cpu.mode, cpu.match, cpu.fallback = "custom", "exact", "forbid"
            cpu.model = default.removesuffix(cpu_type("", caps.arch))
            if domain.os.arch in POWER:  # libvirt names models without their revision
                cpu.model = cpu.model.partition("_")[0].upper()
    if cpu is None or (cpu.mode in ("", "custom") and cpu.model is None):
        return
    if cpu.mode in ("host-passthrough", "maximum"):
        if cpu.mode == "host-passthrough" and cpu.migratable is None and domain.os.arch in X86:
            cpu.migratable = True
        cpu.check = cpu.check or "none"
    elif cpu.mode == "host-model":
        cpu.check = cpu.check or "partial"
    else:
        cpu.check = cpu.check or ("none" if domain.type == "qemu" else "partial")


def _fill_cells(domain: Domain) -> None:
    """Processors that belong to no NUMA cell belong to the first."""
    cells = domain.cpu.numa.cells if domain.cpu else []
    if cells:
        placed = frozenset(number for cell in cells for number in cell.cpus or ())
        cells[0].cpus = (cells[0].cpus or frozenset()) | frozenset(range(domain.max_vcpus)) - placed


def _add_audio(domain: Domain) -> None:
    """Where a guest's sound goes: to the display that can carry it, else nowhere."""
    devices = domain.devices
    if devices.audios:
        return
    kinds = [graphics.type for graphics in devices.graphics]
    kind = "spice" if "spice" in kinds else "none" if not kinds or "vnc" in kinds else ""
    if kind:
        devices.audios.append(Audio(id=1, type=kind))


def complete_devices(domain: Domain, caps: Capabilities) -> None:
    """Models, and names of the driver, of devices that came without."""
    devices, machine = domain.devices, _kind(domain)
    for disk in devices.disks:
        _disk(disk)
    for net in devices.interfaces:
        if net.model is None and net.type != "hostdev":
            net.model = machine.net or ("rtl8139" if caps.has("rtl8139") else "e1000")
    for controller in devices.controllers:
        if controller.type == "usb" and not controller.model:
            controller.model = machine.usb_model
    for serial in devices.serials:
        serial_target(domain, serial)
    for video in devices.videos:
        video.type = video.type or video_model(domain, caps)
        if video.type == "qxl":
            video.vgamem = video.vgamem or QXL_VGAMEM
    for panic in devices.panics:
        panic.model = panic.model or machine.panic
    for hostdev in devices.hostdevs:
        if hostdev.type == "mdev" and hostdev.model == "vfio-pci" and hostdev.display is None:
            hostdev.display = False
    for shmem in devices.shmems:
        if shmem.model == "ivshmem-plain":
            shmem.size = shmem.size or SHMEM_USUAL
        elif shmem.model == "ivshmem-doorbell" and shmem.server is not None:
            shmem.msi = shmem.msi or Msi()
            shmem.msi.ioeventfd = True if shmem.msi.ioeventfd is None else shmem.msi.ioeventfd
    for vsock in devices.vsocks:
        vsock.model = vsock.model or "virtio"
    for tpm in devices.tpms:
        tpm.model = tpm.model or machine.tpm
        if tpm.type == "emulator":
            newer = tpm.model != "tpm-tis" or domain.os.arch == "aarch64"
            tpm.version = tpm.version or ("2.0" if newer else "1.2")


def _disk(disk: Disk) -> None:
    if disk.driver.name is not None and disk.driver.name != "qemu":
        what = f"unsupported driver name '{disk.driver.name}' for disk '{disk.target}'"
        raise fail(errors.CONFIG_UNSUPPORTED, what)
    disk.driver.name = "qemu"
    for holder in (disk, *(layer for layer in layers(disk) if layer is not disk), disk.source):
        encryption = getattr(holder, "encryption", None) or getattr(getattr(holder, "source", None), "encryption", None)
        if encryption is not None and encryption.format == "luks":
            encryption.engine = encryption.engine or "qemu"
    if not disk.driver.type and disk.type != "volume":
        disk.driver.type = "raw"


def serial_target(domain: Domain, serial: Serial) -> None:
    """Where a serial port sits, and what it is."""
    usual, model = _kind(domain).serial
    if serial.target_type in ("", "isa-serial"):  # which once meant whatever a machine has
        serial.target_type = usual
    models = {"isa-serial": "isa-serial", "usb-serial": "usb-serial", "pci-serial": "pci-serial"}
    models |= {"isa-debug": "isa-debugcon", usual: model}
    serial.target_model = serial.target_model or models.get(serial.target_type, "")


def video_model(domain: Domain, caps: Capabilities) -> str:
    """The model of a graphics card that names none."""
    usual = _kind(domain).video
    if usual:
        return usual
    for type, model in (("cirrus-vga", "cirrus"), ("VGA", "vga"), ("bochs-display", "bochs")):
        if caps.has(type):
            return model
    return ""


def cpu_type(model: str, arch: str) -> str:
    """QEMU's type of a CPU of that model."""
    return f"{model}-{_CPU_TYPES.get(arch, arch)}-cpu"
