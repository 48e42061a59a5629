"""The machine: its type, firmware tables, clock, what it does at power-off, and where it boots from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, OPERATION_INVALID
from ..base import fail
from ..machines import is_s390, kind
from .command import ONOFF, refuse
from .memory import has_hmat

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from ...xml.features import Features
    from .command import Command

_SMBIOS = (
    (0, "bios", ("vendor", "version", "date", "release")),
    (1, "system", ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")),
    (2, "base_boards", ("manufacturer", "product", "version", "serial", "asset", "location")),
    (3, "chassis", ("manufacturer", "version", "serial", "asset", "sku")),
)
#: Which clock a guest's real-time clock follows.
_CLOCKS = {"guest": "vm", "wall": "host"}


def add(command: Command) -> None:
    """-machine, -accel."""
    domain = command.domain
    features = domain.features
    parts = [domain.os.machine or "", "usb=off"]
    if features.vmport is not None:
        parts.append(f"vmport={ONOFF[features.vmport]}")
    if features.smm is not None and features.smm.state is not None:
        parts.append(f"smm={ONOFF[features.smm.state]}")
    if features.gic is not None and features.gic.version:
        parts.append(f"gic-version={features.gic.version}")
    parts += _pseries(features)
    if any(iommu.model == "smmuv3" for iommu in domain.devices.iommus):
        parts.append("iommu=smmuv3")
    if features.ioapic:
        parts.append(f"kernel_irqchip={'split' if features.ioapic == 'qemu' else 'on'}")
    parts.append(f"dump-guest-core={ONOFF[bool(domain.dump_core)]}")
    if has_hmat(domain):
        parts.append("hmat=on")
    backing = domain.memory_backing
    if backing is not None and backing.nosharepages:
        parts.append("mem-merge=off")
    if any(module.model == "nvdimm" for module in domain.devices.memories):
        parts.append("nvdimm=on")
    if domain.launch_security is not None:
        parts.append("confidential-guest-support=lsec0")
    default_ram = command.caps.machines[domain.os.machine or ""]["default_ram"]
    if default_ram and not (domain.cpu and domain.cpu.numa.cells):
        parts.append(f"memory-backend={default_ram}")
    parts += command.pflash
    if any(sound.model == "pcspk" for sound in domain.devices.sounds) and domain.devices.audios:
        parts.append(f"pcspk-audiodev=audio{domain.devices.audios[0].id}")
    if domain.os.bios_serial:
        parts.append("graphics=off")
    boots = [device.boot for device in domain.devices.disks] + [net.boot for net in domain.devices.interfaces]
    loading = sorted((boot for boot in boots if boot is not None and boot.loadparm), key=lambda boot: boot.order)
    if loading and is_s390(domain):
        parts.append(f"loadparm={loading[0].loadparm}")
    command.option("-machine", ",".join(parts))
    if domain.type == "kvm":
        ring = features.kvm.dirty_ring_size if features.kvm is not None and features.kvm.dirty_ring else 0
        command.option("-accel", "kvm" + (f",dirty-ring-size={ring}" if ring else ""))
    else:
        command.option("-accel", "tcg" + (f",tb-size={features.tb_cache // 1024}" if features.tb_cache else ""))


def _pseries(features: Features) -> list[str]:
    """What pSeries machines alone have."""
    found = []
    if features.hpt_resizing:
        found.append(f"resize-hpt={features.hpt_resizing}")
    if features.hpt_maxpagesize:
        found.append(f"cap-hpt-max-page-size={features.hpt_maxpagesize}k")
    switches = (("htm", features.htm), ("nested-hv", features.nested_hv), ("ccf-assist", features.ccf_assist))
    found += [f"cap-{name}={ONOFF[value]}" for name, value in switches if value is not None]
    levels = (("cfpc", features.cfpc), ("sbbc", features.sbbc), ("ibs", features.ibs))
    return found + [f"cap-{name}={value}" for name, value in levels if value]


def add_smbios(command: Command) -> None:
    """The tables of <sysinfo>, where <smbios mode='sysinfo'> asks for them."""
    domain = command.domain
    if domain.os.smbios != "sysinfo":
        return
    for info in domain.sysinfo:
        if info.type != "smbios":
            continue
        for number, name, fields in _SMBIOS:
            found = getattr(info, name, None)
            for table in found if isinstance(found, list) else [found]:
                told = [(field, getattr(table, field, None)) for field in fields] if table is not None else []
                parts = [f"{field}={command.escape(str(value))}" for field, value in told if value is not None]
                if parts:
                    command.option("-smbios", ",".join([f"type={number}", *parts]))
        strings = [f"value={command.escape(entry)}" for entry in getattr(info, "oem_strings", None) or ()]
        if strings:
            command.option("-smbios", ",".join(["type=11", *strings]))


def add_firmware_settings(command: Command) -> None:
    """What firmware can read under names."""
    for info in command.domain.sysinfo:
        for entry in info.entries if info.type == "fwcfg" else ():
            what = f"file={command.escape(entry.file)}" if entry.file else f"string={command.escape(entry.value or '')}"
            command.option("-fw_cfg", f"name={command.escape(entry.name or '')},{what}")


def add_tseg(command: Command) -> None:
    smm = command.domain.features.smm
    if smm is None or smm.tseg == -1:
        return
    if not command.q35:
        raise fail(CONFIG_UNSUPPORTED, "SMM TSEG is only supported with q35 machine type")
    if smm.tseg % (1 << 20):
        raise fail(CONFIG_UNSUPPORTED, "SMM TSEG size must be divisible by 1 MiB")
    command.option("-global", f"mch.extended-tseg-mbytes={smm.tseg >> 20}")


def add_clock(command: Command) -> None:
    domain = command.domain
    clock = domain.clock
    parts = [_base(domain)]
    for timer in clock.timers:
        if timer.name == "rtc":
            if timer.track in _CLOCKS:
                parts.append(f"clock={_CLOCKS[timer.track]}")
            if timer.tickpolicy == "catchup":
                parts.append("driftfix=slew")
    command.option("-rtc", ",".join(parts))
    for timer in clock.timers:
        if timer.name == "pit" and command.caps.has("kvm-pit") and timer.tickpolicy in ("delay", "discard"):
            command.option("-global", f"kvm-pit.lost_tick_policy={timer.tickpolicy}")
        elif timer.name == "hpet" and timer.present_ is False:
            command.option("-no-hpet")


def _base(domain: Domain) -> str:
    clock = domain.clock
    if clock.offset in ("utc", "localtime"):
        return f"base={clock.offset}"
    if clock.offset == "timezone":
        return "base=localtime"  # the environment says which
    if clock.offset == "absolute":
        when = float(clock.start)
    else:
        when = time.time() + (clock.adjustment if isinstance(clock.adjustment, int) else 0)
        if clock.basis == "localtime":
            when += time.localtime().tm_gmtoff
    return time.strftime("base=%Y-%m-%dT%H:%M:%S", time.gmtime(when))


def add_actions(command: Command) -> None:
    """What follows power-off, reboot, panic: by QEMU itself, where nobody watches."""
    domain = command.domain
    if command.launch.actions:
        for option in actions(domain):
            command.option("-action", option)
    else:
        command.option("-no-shutdown")
    machine = kind(domain)
    if machine is not None and machine.no_acpi and not domain.features.acpi:
        command.option("-no-acpi")
    controller = "ICH9-LPC" if command.q35 else "PIIX4_PM"
    for name, enabled in (("disable_s3", domain.pm.suspend_to_mem), ("disable_s4", domain.pm.suspend_to_disk)):
        if enabled is not None:
            command.option("-global", f"{controller}.{name}={int(not enabled)}")


def actions(domain: Domain) -> list[str]:
    """The arguments of -action; [] says that QEMU's defaults will do.

    Raises VirtError for an action that takes a process which watches the guest.
    """
    found = []
    for event, action, known in (
        ("on_poweroff", domain.on_poweroff, {"destroy": "", "preserve": "shutdown=pause"}),
        ("on_reboot", domain.on_reboot, {"restart": "", "rename-restart": "", "destroy": "reboot=shutdown"}),
        ("on_crash", domain.on_crash, {"destroy": "panic=shutdown", "preserve": "panic=pause"}),
    ):
        if action not in known:
            choice = " or ".join(known)
            what = f"<{event}>{action}</{event}> takes a process that watches the guest, and there is none"
            raise fail(OPERATION_INVALID, what, hint=f"use {choice}, or libvirt")
        if known[action]:
            found.append(known[action])
    return found


def set_actions(domain: Domain) -> dict[str, str]:
    """The same as arguments of QMP's set-action. Raises VirtError likewise."""
    return {"reboot": "reset", "shutdown": "poweroff"} | dict(argument.split("=") for argument in actions(domain))


def add_boot(command: Command) -> None:
    domain = command.domain
    system = domain.os
    parts = []
    if system.bootmenu is not None:
        # What boots is said by each device's bootindex; the menu is what remains.
        parts.append(f"menu={ONOFF[system.bootmenu]}")
        if system.bootmenu and system.bootmenu_timeout:
            parts.append(f"splash-time={system.bootmenu_timeout}")
    if system.reboot_timeout is not None:
        parts.append(f"reboot-timeout={system.reboot_timeout}")
    parts.append("strict=on")
    command.option("-boot", ",".join(parts))
    for option, value in (("-kernel", system.kernel), ("-initrd", system.initrd), ("-append", system.cmdline)):
        if value:
            command.option(option, value)
    if system.dtb:
        command.option("-dtb", system.dtb)
    for table in system.tables:
        command.option("-acpitable", f"sig=SLIC,file={command.escape(table.path)}")
    if domain.os.root:
        raise refuse(domain.os, "<root>")
