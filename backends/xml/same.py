"""Whether two definitions give a guest the same hardware: the one it runs with, and the one it is to go on with.

As libvirt asks it (src/conf/domain_conf.c, virDomainDefCheckABIStability) and in its words. What a guest cannot see may
differ: titles, paths of images, back ends, graphics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any

from ..errors import CONFIG_UNSUPPORTED, VirtError
from .addresses import Address, CcidAddress, DimmAddress, DriveAddress, IsaAddress, PciAddress, VirtioSerialAddress
from .chars import Channel
from .controllers import MODELS, Controller
from .cpu import Cpu
from .devices import Input
from .domain import Domain
from .engine import Model, fail
from .features import HYPERV, KVM, Features
from .sysinfo import Sysinfo
from .values import format_uuid

#: What must be the same: its name, how to get it. A name that ends in `'` is told with the values in quotes; one with
#: {there} and {here} is the whole text.
Fact = tuple[str, Callable[[Any], object]]


def check(here: Domain, there: Domain) -> None:
    """Raise CONFIG_UNSUPPORTED, naming the first difference, if a guest that has `here` cannot go on with `there`."""
    _numa(here, there)
    _compare(_DOMAIN, here, there)
    _vcpus(here, there)
    _compare(_SYSTEM, here, there)
    _features(here.features, there.features)
    _cpu(here.cpu, there.cpu)
    _timers(here, there)
    _sysinfo(here.sysinfo, there.sysinfo)
    for field, what, facts in _DEVICES:
        mine, other = getattr(here.devices, field), getattr(there.devices, field)
        if len(mine) != len(other):
            raise _differs(f"domain {what} count", len(other), len(mine))
        told = ([device for device in devices if not _everywhere(device)] for devices in (mine, other))
        for old, new in zip(*told, strict=False):
            _compare(facts, old, new)
            _address(old, new)


def _everywhere(device: Model) -> bool:
    """Whether it is one that PCs have in any case, told or not, and wherever it stands among the others."""
    if isinstance(device, Controller):
        return device.model == "pci-root" and device.index == 0
    return isinstance(device, Input) and device.bus == "ps2"


def _differs(what: str, there: object, here: object) -> VirtError:
    if "{" in what:
        return fail(CONFIG_UNSUPPORTED, what.format(there=_text(there), here=_text(here)))
    quote = "'" if what.endswith("'") else ""
    name = what.removesuffix("'")
    return fail(
        CONFIG_UNSUPPORTED,
        f"Target {name} {quote}{_text(there)}{quote} does not match source {quote}{_text(here)}{quote}",
    )


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return format_uuid(value) if len(value) == 16 else value.hex(":")
    return "<null>" if value is None else str(value)


def _compare(facts: Iterable[Fact], here: Any, there: Any) -> None:
    for what, get in facts:
        old, new = get(here), get(there)
        if old != new:
            raise _differs(what, new, old)


def _of(*names: str) -> Callable[[Any], object]:
    return attrgetter(*names)


def _initial_memory(domain: Domain) -> int:
    return domain.memory - sum(device.size for device in domain.devices.memories)


def _model(controller: Controller) -> int:
    """libvirt tells it as a number."""
    models = MODELS.get(controller.type, ())
    return models.index(controller.model) if controller.model in models else -1


def _forward(channel: Channel) -> str | None:
    return f"{channel.forward_address}:{channel.forward_port}" if channel.target_type == "guestfwd" else None


_DOMAIN: tuple[Fact, ...] = (
    ("domain virt type", _of("type")),
    ("domain uuid", _of("uuid")),
    ("domain genid", _of("genid")),
    ("domain name'", _of("name")),
    ("domain max memory", _initial_memory),
    ("Target domain memory slots count '{there}' doesn't match source '{here}'", _of("memory_slots")),
    ("Target maximum memory size '{there}' doesn't match source '{here}'", _of("max_memory")),
)
_SYSTEM: tuple[Fact, ...] = (
    ("domain OS type", _of("os.type")),
    ("domain architecture", _of("os.arch")),
    ("domain machine type", _of("os.machine")),
    ("domain SMBIOS mode", lambda domain: domain.os.smbios or "none"),
)
#: Field of <devices>, its name in counts, and what of each device must be the same.
_DEVICES: tuple[tuple[str, str, tuple[Fact, ...]], ...] = (
    (
        "disks",
        "disk",
        (
            ("disk device", _of("device")),
            ("disk bus", _of("bus")),
            ("disk", _of("target")),
            ("disk serial", _of("serial")),
            ("disk wwn'", _of("wwn")),
            ("Target disk access mode does not match source{here:.0}{there:.0}", _of("readonly", "shareable")),
        ),
    ),
    (
        "controllers",
        "controller",
        (
            ("controller type", _of("type")),
            ("controller index", _of("index")),
            ("controller model", _model),
            ("controller ports", _of("ports")),
            ("controller vectors", _of("vectors")),
        ),
    ),
    ("filesystems", "filesystem", (("filesystem guest target", _of("target")),)),
    (
        "interfaces",
        "net card",
        (
            ("network card mac", _of("mac")),
            ("network card model", _of("model")),
            ("network card MTU", _of("mtu")),
        ),
    ),
    ("inputs", "input device", (("input device type", _of("type")), ("input device bus", _of("bus")))),
    ("sounds", "sound card", (("sound card model", _of("model")),)),
    (
        "videos",
        "video card",
        (
            ("video card model", _of("type")),
            ("video card ram", _of("ram")),
            ("video card vram", _of("vram")),
            ("video card vgamem", _of("vgamem")),
            ("video card heads", _of("heads")),
        ),
    ),
    ("hostdevs", "host device", (("host device mode", _of("mode")), ("host device subsystem", _of("type")))),
    ("smartcards", "smartcard", ()),
    ("serials", "serial port", ()),
    ("parallels", "parallel port", ()),
    (
        "channels",
        "channel",
        (("channel type", _of("target_type")), ("channel name", _of("name")), ("channel addr", _forward)),
    ),
    ("consoles", "console", (("console type", _of("target_type")),)),
    ("hubs", "hub device", (("hub device type", _of("type")),)),
    (
        "redirdevs",
        "redirected devices",
        (("redirected device bus", _of("bus")), ("redirected device source type", _of("source.type"))),
    ),
    ("watchdogs", "watchdog", (("watchdog model", _of("model")),)),
    ("memballoons", "memory balloon", (("balloon model", _of("model")),)),
    ("rngs", "RNG device", (("RNG model'", _of("model")),)),
    ("nvrams", "NVRAM device", ()),
    ("panics", "panic device", (("panic model'", _of("model")),)),
    (
        "shmems",
        "shared memory device",
        (
            ("shared memory name'", _of("name")),
            ("shared memory model'", _of("model")),
            ("shared memory size'", _of("size")),
        ),
    ),
    ("tpms", "TPM device", (("TPM device model'", _of("model")),)),
    (
        "memories",
        "memory device",
        (
            ("Target memory device model '{there}' doesn't match source model '{here}'", _of("model")),
            ("Target memory device targetNode '{there}' doesn't match source targetNode '{here}'", _of("node")),
            ("Target memory device size '{there}' doesn't match source memory device size '{here}'", _of("size")),
        ),
    ),
    ("iommus", "IOMMU device", (("domain IOMMU device model'", _of("model")),)),
    ("vsocks", "vsock device", (("domain vsock device model'", _of("model")),)),
)


def _numa(here: Domain, there: Domain) -> None:
    mine, other = (domain.cpu.numa.cells if domain.cpu is not None else [] for domain in (here, there))
    if len(mine) != len(other):
        raise _differs("Target NUMA node count '{there}' doesn't match source '{here}'", len(other), len(mine))
    for number, (old, new) in enumerate(zip(mine, other, strict=True)):
        what = f"Size of target NUMA node {number} ({{there}}) doesn't match source ({{here}})"
        _compare([(what, _of("memory"))], old, new)


def _vcpus(here: Domain, there: Domain) -> None:
    _compare([("domain vCPU max", _of("max_vcpus"))], here, there)
    for number in range(here.max_vcpus):
        if _online(here, number) != _online(there, number):
            text = f"State of vCPU '{number}' differs between source and destination definitions"
            raise fail(CONFIG_UNSUPPORTED, text)


def _online(domain: Domain, number: int) -> bool:
    for state in domain.vcpu_states:
        if state.id == number:
            return state.enabled is True
    return number < domain.vcpus


#: Features that are on, off, or not told.
_FEATURES = (
    "acpi", "apic", "pae", "hap", "viridian", "privnet", "pvspinlock", "pmu", "vmport", "smm", "vmcoreinfo", "htm",
    "nested-hv", "ccf-assist",
)  # fmt: skip


def _features(here: Features, there: Features) -> None:
    what = "State of feature '%s' differs: source: '{here}', destination: '{there}'"
    for name in _FEATURES:
        _compare([(what % name, partial(_state, name=name.replace("-", "_")))], here, there)
    for name in HYPERV:
        what = f"State of HyperV enlightenment feature '{name}' differs: source: '{{here}}', destination: '{{there}}'"
        _compare([(what, partial(_inner, name=name))], here.hyperv, there.hyperv)
    if here.hyperv is not None and there.hyperv is not None:
        what = "HyperV spinlock retry count differs: source: '{here}', destination: '{there}'"
        _compare([(what, _of("spinlock_retries"))], here.hyperv, there.hyperv)
    for name in KVM:
        what = f"State of KVM feature '{name}' differs: source: '{{here}}', destination: '{{there}}'"
        _compare([(what, partial(_inner, name=name.replace("-", "_")))], here.kvm, there.kvm)


def _state(features: Features, name: str) -> str:
    value: object = getattr(features, name)
    if name == "apic":
        return f"{_switch(features.apic is not None or None)},eoi={_switch(features.apic and features.apic.eoi)}"
    if isinstance(value, Model):
        return _switch(getattr(value, "state", True))
    return _switch(value or None if name in ("acpi", "pae", "viridian", "privnet") else value)


def _inner(feature: Model | None, name: str) -> str:
    return _switch(getattr(feature, name) if feature is not None else None)


def _switch(value: object) -> str:
    return "default" if value is None else "on" if value else "off"


def _cpu(here: Cpu | None, there: Cpu | None) -> None:
    if here is None or there is None:
        if (here is None) != (there is None):
            raise fail(CONFIG_UNSUPPORTED, "Target CPU does not match source")
        return
    named = [("CPU mode", _of("mode")), ("CPU model", _of("model")), ("CPU vendor", _of("vendor"))]
    _compare(named, here, there)
    if (here.topology is None) != (there.topology is None):
        raise fail(CONFIG_UNSUPPORTED, "Target CPU topology does not match source")
    for name in ("sockets", "dies", "cores", "threads") if here.topology is not None else ():
        _compare([(f"CPU {name}", _of(name))], here.topology, there.topology)
    _compare([("CPU feature count", lambda cpu: len(cpu.features))], here, there)
    for old, new in zip(here.features, there.features, strict=True):
        _compare([("CPU feature", _of("name")), ("CPU feature policy", _of("policy"))], old, new)


def _timers(here: Domain, there: Domain) -> None:
    """What of each timer a guest sees, wherever both definitions have it."""
    others = {timer.name: timer for timer in there.clock.timers}
    for timer in here.clock.timers:
        if timer.name in others:
            _compare([("timer presence'", lambda timer: _yes(timer.present_))], timer, others[timer.name])


def _yes(value: bool | None) -> str:
    return "default" if value is None else "yes" if value else "no"


def _sysinfo(here: list[Sysinfo], there: list[Sysinfo]) -> None:
    """Every entry of the tables that both have."""
    for old, new in zip(here, there, strict=False):
        for table, label in (("bios", "BIOS"), ("system", "system"), ("chassis", "chassis")):
            mine, other = getattr(old, table), getattr(new, table)
            if (mine is None) != (other is None):
                raise fail(CONFIG_UNSUPPORTED, "Target sysinfo does not match source")
            for field in type(mine).fields if mine is not None else ():
                _compare([(f"sysinfo {label} {field.name}", _of(field.name))], mine, other)


#: How the places of each type of address are told.
_PLACES: dict[type[Address], tuple[Fact, ...]] = {
    PciAddress: (
        (
            "Target device PCI address {there}does not match source {here}",  # as libvirt 9.0.0 writes it
            lambda a: "{:04x}:{:02x}:{:02x}.{:x}".format(*a.pci.place),
        ),
    ),
    DriveAddress: (("device drive address", lambda a: f"{a.controller}:{a.bus}:{a.unit}"),),
    VirtioSerialAddress: (("device virtio serial address", lambda a: f"{a.controller}:{a.bus}:{a.port}"),),
    CcidAddress: (("device ccid address", lambda a: f"{a.controller}:{a.slot}"),),
    IsaAddress: (("device isa address", lambda a: f"{a.iobase}:{a.irq}"),),
    DimmAddress: (
        ("device dimm slot", _of("slot")),
        ("device dimm base address'", lambda a: f"{a.base:x}"),
    ),
}


def _address(here: Model, there: Model) -> None:
    old, new = (getattr(getattr(device, "info", None), "address", None) for device in (here, there))
    _compare([("device address type", lambda address: address.type if address is not None else "none")], old, new)
    if old is not None:
        _compare(_PLACES.get(type(old), ()), old, new)
