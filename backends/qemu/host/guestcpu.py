"""The CPU that a guest gets when it starts: `host-model` and the like come down to a model and its features."""

from ... import cpus, errors
from ..base import fail
from ..machines import POWER, RISCV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...cpus.description import Description
    from ...xml.cpu import Cpu
    from ...xml.domain import Domain
    from ..driver import QemuDriver

#: libvirt's names of POWER's generations.
POWER_MODELS = ("POWER7", "POWER8", "POWER9", "POWER10")


def settle(driver: "QemuDriver", domain: "Domain", compare: bool = True) -> None:
    """Write into a domain that is to run which CPU it gets on this host.

    Raises VirtError when there is none such; with `compare`, also when the host has less.
    """
    cpu, arch = domain.cpu, domain.os.arch
    if cpu is not None and arch in RISCV and cpu.mode != "maximum":
        raise fail(errors.NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver")
    if cpu is None or (cpu.mode in ("", "custom") and cpu.model is None):
        return
    through = cpu.mode == "host-passthrough" and domain.type != "kvm"
    if through or (cpu.mode == "host-model" and arch not in cpus.X86):
        from .machine import machine

        what = f"CPU mode '{cpu.mode}' for {arch} {domain.type} domain on {machine(driver.host)} host"
        raise fail(errors.CONFIG_UNSUPPORTED, f"{what} is not supported by hypervisor")
    if cpu.mode in ("host-passthrough", "maximum"):
        return
    if arch not in cpus.X86:
        _check_type(driver, domain)
        return
    plain = cpu.mode in ("", "custom") and cpu.match != "minimum" and cpu.check in ("", "none")
    if plain and all(feature.policy in ("force", "require", "disable", "forbid") for feature in cpu.features):
        _check_names(cpu)
        return
    from .hypervisor import choose

    found = choose(driver, domain.devices.emulator, arch, domain.os.machine, domain.type)
    host = found.host_model
    if host is None:
        what = f"CPU mode '{cpu.mode or 'custom'}' for {arch} {domain.type} domain is not supported by hypervisor"
        raise fail(errors.CONFIG_UNSUPPORTED, what)
    if cpu.mode == "host-model" or cpu.match == "minimum":
        _take(cpu, host)
    else:
        _check_names(cpu)
        if compare and cpu.check not in ("", "none"):
            _compare(cpu, arch, host)
    for feature in cpu.features:
        if feature.policy == "optional":
            feature.policy = "require" if feature.name in found.features else "disable"


def _check_type(driver: "QemuDriver", domain: "Domain") -> None:
    """Other architectures' models are QEMU's own, but for those whose revision QEMU chooses."""
    from ..defaults import cpu_type
    from ..definitions import capabilities

    assert domain.cpu is not None
    model, arch = domain.cpu.model, domain.os.arch
    if arch in POWER and model in POWER_MODELS:
        return
    if not capabilities(driver, domain).has(cpu_type(model or "", arch)):
        raise fail(errors.NO_SUPPORT, f"cannot translate CPU model {model} to a supported model")


def _check_names(cpu: "Cpu") -> None:
    if cpu.model not in cpus.models():
        raise fail(errors.INTERNAL_ERROR, f"Unknown CPU model {cpu.model}")
    for feature in cpu.features:
        if feature.name not in cpus.PLACES:
            raise fail(errors.CONFIG_UNSUPPORTED, f"unknown CPU feature: {feature.name}")


def _take(cpu: "Cpu", host: "Description") -> None:
    """The host's CPU, with what the guest's says of features."""
    own = {feature.name: feature for feature in cpu.features}
    merged = [own.pop(feature.name, feature) for feature in host.features]
    cpu.mode, cpu.match, cpu.model, cpu.fallback = "custom", "exact", host.model, "forbid"
    cpu.vendor = cpu.vendor or host.vendor
    cpu.features = [*merged, *own.values()]


def _compare(cpu: "Cpu", arch: str, host: "Description") -> None:
    """Refuse a CPU that the host's cannot be."""
    from ...cpus.description import Description

    wanted = Description(arch=arch, model=cpu.model or "", vendor=cpu.vendor or "", match=cpu.match or "exact")
    wanted.features = list(cpu.features)
    cpus.compare(host, wanted, explain=True)
