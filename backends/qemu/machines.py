"""Kinds of machines: what each has in any case, and the models of what a definition does not name.

Facts are from libvirt's src/qemu/qemu_domain.c (qemuDomainDefAddDefaultDevices and the callbacks beside it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..xml.domain import Domain

ARM = ("armv7l", "aarch64")
RISCV = ("riscv32", "riscv64")
POWER = ("ppc64", "ppc64le")


class Kind(NamedTuple):
    """What a machine has: `root` is the model of its PCI controller, "" without PCI; `usb` that of the USB controller
    it gets, None for none; `inputs` the bus of its keyboard and mouse, which it has on USB with a display alone, "" for
    none; `panics` says that it has a panic device in any case, `no_acpi` that it can be without ACPI's tables.

    `usb_model`, `net`, `video`, `serial` (type and model), `tpm` and `panic` are what devices are that name no model,
    "" where QEMU's abilities say.
    """

    root: str = "pci-root"
    usb: str | None = ""
    usb_model: str = "piix3-uhci"
    balloon: bool = True
    inputs: str = "ps2"
    panics: bool = False
    no_acpi: bool = True
    net: str = ""
    video: str = ""
    serial: tuple[str, str] = ("isa-serial", "isa-serial")
    tpm: str = "tpm-tis"
    panic: str = "isa"


I440FX = Kind()
Q35 = Kind(root="pcie-root", usb="qemu-xhci")
MICROVM = Kind(root="")
ARM_VIRT = Kind(
    root="pcie-root",
    usb=None,
    usb_model="qemu-xhci",
    balloon=False,
    inputs="",
    net="virtio",
    video="virtio",
    serial=("system-serial", "pl011"),
)
RISCV_VIRT = ARM_VIRT._replace(
    usb_model="piix3-uhci",
    balloon=True,
    no_acpi=False,
    serial=("system-serial", "16550a"),
)
S390 = ARM_VIRT._replace(
    root="pci-root",
    usb_model="none",
    balloon=True,
    panics=True,
    no_acpi=False,
    serial=("sclp-serial", "sclpconsole"),
    panic="s390",
)
PSERIES = Kind(
    usb="qemu-xhci",
    usb_model="qemu-xhci",
    inputs="usb",
    panics=True,
    no_acpi=False,
    video="vga",
    serial=("spapr-vio-serial", "spapr-vty"),
    tpm="tpm-spapr",
    panic="pseries",
)


def kind(domain: Domain) -> Kind | None:
    """None for a machine that is not done."""
    if is_q35(domain.os.machine):
        return Q35
    if is_i440fx(domain.os.machine):
        return I440FX
    if is_microvm(domain.os.machine):
        return MICROVM
    if is_arm_virt(domain):
        return ARM_VIRT
    if is_s390(domain):
        return S390
    if is_pseries(domain):
        return PSERIES
    return RISCV_VIRT if is_riscv_virt(domain) else None


def is_q35(machine: str | None) -> bool:
    return (machine or "").startswith("pc-q35-") or machine == "q35"


def is_i440fx(machine: str | None) -> bool:
    return (machine or "").startswith(("pc-i440fx-", "pc-0.", "pc-1.")) or machine in ("pc", "ubuntu")


def is_microvm(machine: str | None) -> bool:
    """A machine without PCI: its devices have virtio-mmio addresses, or none."""
    return machine == "microvm"


def is_arm_virt(domain: Domain) -> bool:
    return domain.os.arch in ARM and _virt(domain.os.machine)


def is_riscv_virt(domain: Domain) -> bool:
    return domain.os.arch in RISCV and _virt(domain.os.machine)


def is_pseries(domain: Domain) -> bool:
    return domain.os.arch in POWER and (domain.os.machine or "").startswith("pseries")


def is_s390(domain: Domain) -> bool:
    """A machine whose devices hang on the channel subsystem."""
    return domain.os.arch == "s390x" and (domain.os.machine or "").startswith("s390-ccw-virtio")


def _virt(machine: str | None) -> bool:
    return machine == "virt" or (machine or "").startswith("virt-")


def pcie_root(domain: Domain) -> bool:
    """Whether the guest's devices hang on PCI Express."""
    return any(c.type == "pci" and c.index == 0 and c.model == "pcie-root" for c in domain.devices.controllers)
