"""Refusing features, clocks, memory and actions that make no sense to QEMU, in the words of libvirt's driver
(src/qemu/qemu_validate.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...cpus import X86
from ...errors import CONFIG_UNSUPPORTED
from ..base import fail
from ..machines import ARM, POWER

if TYPE_CHECKING:
    from ...xml.domain import Domain

#: Features of some architectures alone: attribute of the model -> libvirt's name, architectures.
FEATURES = {
    "gic": ("gic", ARM),
    "hpt_resizing": ("hpt", POWER),
    "hpt_maxpagesize": ("hpt", POWER),
    "htm": ("htm", POWER),
    "nested_hv": ("nested-hv", POWER),
    "ccf_assist": ("ccf-assist", POWER),
    "cfpc": ("cfpc", POWER),
    "sbbc": ("sbbc", POWER),
    "ibs": ("ibs", POWER),
}
#: What timers can do when they fall behind.
POLICIES = {"rtc": ("", "delay", "catchup"), "pit": ("", "delay", "catchup", "discard")}


def check(domain: Domain) -> None:
    """Raise VirtError for the first thing that is wrong."""
    _features(domain)
    _clock(domain)
    cells = domain.cpu.numa.cells if domain.cpu else []
    if domain.max_memory and not cells:
        raise fail(CONFIG_UNSUPPORTED, "At least one numa node has to be configured when enabling memory hotplug")
    if domain.devices.memories and not domain.max_memory:
        what = "cannot use/hotplug a memory device when domain 'maxMemory' is not defined"
        raise fail(CONFIG_UNSUPPORTED, what)
    if "preserve" in (domain.on_reboot, domain.on_poweroff):
        what = "qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'"
        raise fail(CONFIG_UNSUPPORTED, what)
    if "rename-restart" in (domain.on_reboot, domain.on_poweroff, domain.on_crash):
        where = "'on_reboot'/'on_poweroff'/'on_crash'"
        raise fail(CONFIG_UNSUPPORTED, f"qemu driver doesn't support the 'rename-restart' action for {where}")


def _features(domain: Domain) -> None:
    where = f"architecture '{domain.os.arch}' or machine type '{domain.os.machine}'"
    for attribute, (name, arches) in FEATURES.items():
        if getattr(domain.features, attribute) and domain.os.arch not in arches:
            raise fail(CONFIG_UNSUPPORTED, f"The '{name}' feature is not supported for {where}")


def _clock(domain: Domain) -> None:
    for timer in domain.clock.timers:
        if timer.name == "platform":
            raise fail(CONFIG_UNSUPPORTED, "unsupported timer type (name) 'platform'")
        if timer.name == "rtc" and timer.track == "boot":
            raise fail(CONFIG_UNSUPPORTED, f"unsupported rtc timer track '{timer.track}'")
        if timer.name in POLICIES and timer.tickpolicy not in POLICIES[timer.name]:
            what = f"unsupported {'rtc timer' if timer.name == 'rtc' else timer.name} tickpolicy '{timer.tickpolicy}'"
            raise fail(CONFIG_UNSUPPORTED, what)
        arches = {"armvtimer": ARM, "kvmclock": X86, "hypervclock": X86, "tsc": X86}.get(timer.name)
        emulated = timer.name == "armvtimer" and domain.type != "kvm"
        if emulated or (arches is not None and domain.os.arch not in arches):
            guests = f"virtType={domain.type} arch={domain.os.arch} machine={domain.os.machine} guests"
            raise fail(CONFIG_UNSUPPORTED, f"Configuring the '{timer.name}' timer is not supported for {guests}")
