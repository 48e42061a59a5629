"""-cpu: model, features, and what hypervisors tell guests of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...cpus import X86
from ...errors import CONFIG_UNSUPPORTED
from ...xml.features import HYPERV
from ..base import fail
from .command import ONOFF

if TYPE_CHECKING:
    from ...xml.cpu import Cpu, Feature
    from .command import Command

_ON = ("force", "require", "optional", "")


def add(command: Command) -> None:
    domain = command.domain
    cpu = domain.cpu
    parts = [_model(command, cpu)] if cpu is not None else ["qemu64"]
    if cpu is not None:
        if cpu.mode in ("host-passthrough", "maximum") and cpu.migratable is not None:
            parts.append(f"migratable={ONOFF[cpu.migratable]}")
        parts += [f"{_name(f)}={'on' if f.policy in _ON else 'off'}" for f in cpu.features]
        if cpu.cache is not None:
            parts += _cache(cpu)
        if cpu.maxphysaddr is not None:
            emulated = cpu.maxphysaddr.mode == "emulate"
            parts.append(f"phys-bits={cpu.maxphysaddr.bits}" if emulated else "host-phys-bits=on")
    parts += _timers(command) + _features(command)
    if domain.os.arch in X86 or (cpu is not None and (cpu.model or cpu.mode not in ("", "custom"))):
        command.option("-cpu", ",".join(parts))


def _name(feature: Feature) -> str:
    """QEMU's name of a feature."""
    return {"pclmuldq": "pclmulqdq"}.get(feature.name or "", (feature.name or "").replace("_", "-"))


def _model(command: Command, cpu: Cpu) -> str:
    if cpu.mode == "host-passthrough":
        return "host"
    if cpu.mode == "maximum":
        return "max"
    model = cpu.model or "qemu64"  # what the host's comes down to is known when it starts
    if not all(c.isalnum() or c in "-_.+" for c in model):
        raise fail(CONFIG_UNSUPPORTED, f"unknown CPU model '{model}'")
    return model + (f",vendor={command.escape(cpu.vendor_id)}" if cpu.vendor_id else "")


def _cache(cpu: Cpu) -> list[str]:
    assert cpu.cache is not None
    modes = {"emulate": ["l3-cache=on"], "passthrough": ["host-cache-info=on", "l3-cache=off"]}
    return modes.get(cpu.cache.mode, ["host-cache-info=off", "l3-cache=off"])


def _timers(command: Command) -> list[str]:
    found = []
    for timer in command.domain.clock.timers:
        if timer.name == "kvmclock" and timer.present_ is not None:
            found.append(f"kvmclock={ONOFF[timer.present_]}")
        elif timer.name == "hypervclock" and timer.present_:
            found.append("hv-time=on")
        elif timer.name == "tsc" and timer.frequency:
            found.append(f"tsc-frequency={timer.frequency}")
    return found


def _features(command: Command) -> list[str]:
    features = command.domain.features
    found = []
    if features.apic is not None and features.apic.eoi is not None:
        found.append(f"kvm-pv-eoi={ONOFF[features.apic.eoi]}")
    if features.pvspinlock is not None:
        found.append(f"kvm-pv-unhalt={ONOFF[features.pvspinlock]}")
    hyperv = features.hyperv
    if hyperv is not None:
        if hyperv.mode == "passthrough":
            found.append("hv-passthrough=on")
        for name in HYPERV:
            if not getattr(hyperv, name):
                continue
            option = f"hv-{name.replace('_', '-')}"
            if name == "spinlocks":
                found.append(f"{option}=0x{hyperv.spinlock_retries:x}")
            elif name == "vendor_id":
                found.append(f"{option}={hyperv.vendor}")
            else:
                found.append(f"{option}=on")
                if name == "stimer" and hyperv.stimer_direct:
                    found.append("hv-stimer-direct=on")
    if any(panic.model == "hyperv" for panic in command.domain.devices.panics):
        found.append("hv-crash")
    kvm = features.kvm
    if kvm is not None:
        found += ["kvm=off"] if kvm.hidden else []
        found += ["kvm-hint-dedicated=on"] if kvm.hint_dedicated else []
        found += ["kvm-poll-control=on"] if kvm.poll_control else []
        found += ["kvm-pv-ipi=off"] if kvm.pv_ipi is False else []
    if features.pmu is not None:
        found.append(f"pmu={ONOFF[features.pmu]}")
    return found
