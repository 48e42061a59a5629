"""The host's CPU, by what the kernel tells of it."""

from __future__ import annotations

from ... import cpus
from ...cpus.description import Description

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .machine import Machine

#: The kernel's names of features that libvirt calls otherwise.
_NAMES = {
    "tsc_deadline_timer": "tsc-deadline", "cqm": "cmt", "cqm_mbm_total": "mbm_total", "cqm_mbm_local": "mbm_local",
    "core_capabilities": "core-capability",
}  # fmt: skip
#: The kernel has one name for what Intel's and AMD's CPUs tell in different places.
_TWINS = {
    "Intel": {"ibrs": "spec-ctrl", "stibp": "stibp", "ssbd": "ssbd", "ibpb": ""},
    "AMD": {"stibp": "amd-stibp", "ssbd": "amd-ssbd"},
}


def vendor(machine: Machine) -> str:
    """libvirt's name of the vendor; "" for one that it does not know."""
    return cpus.VENDOR_NAMES.get(machine.processors[0].get("vendor_id", ""), "") if machine.processors else ""


def signature(machine: Machine) -> cpus.Signature:
    """Family, model and stepping of an x86 CPU."""
    entry = machine.processors[0]
    family, model, stepping = (int(entry.get(name, "0")) for name in ("cpu family", "model", "stepping"))
    return family, model, stepping


def features(machine: Machine) -> frozenset[str]:
    """libvirt's names of an x86 CPU's features."""
    told = set(machine.processors[0].get("flags", "").split())
    known = _NAMES | _TWINS.get(vendor(machine), {})
    found = {known[flag] if flag in known else cpus.named(flag) for flag in told} - {""}
    if "xsave" in told:
        found.add("osxsave")  # the kernel uses it, and keeps quiet about it
    if {"constant_tsc", "nonstop_tsc"} <= told:
        found.add("invtsc")
    return frozenset(found)


def describe(machine: Machine) -> Description:
    """The model that suits the host's CPU, with all that it has beyond; no model for other than x86 CPUs."""
    if machine.arch not in cpus.X86 or not machine.processors:
        return Description(arch=machine.arch, host=True)
    made = cpus.decode(features(machine), vendor(machine), signature(machine), host=True)
    made.arch = machine.arch
    return made
