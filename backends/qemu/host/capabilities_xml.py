"""`capabilities`: the host, and the guests that its QEMUs run, as libvirt's XML."""

from ...cpus import X86
from ...xml.serialize import Out
from ...xml.values import format_cpuset
from . import hostcpu
from .capabilities import Capabilities, installed
from .machine import SMALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...hosts import Host
    from .machine import Cell, Machine

#: libvirt's architectures in its order (src/util/virarch.h) -> bits of their words.
ARCHES = {
    "alpha": 64, "armv6l": 32, "armv7l": 32, "armv7b": 32, "aarch64": 64, "cris": 32, "i686": 32, "ia64": 64,
    "itanium": 64, "lm32": 32, "m68k": 32, "microblaze": 32, "microblazeel": 32, "mips": 32, "mipsel": 32, "mips64": 64,
    "mips64el": 64, "parisc": 32, "parisc64": 64, "ppc": 32, "ppc64": 64, "ppc64le": 64, "ppcemb": 32, "riscv32": 32,
    "riscv64": 64, "s390": 32, "s390x": 64, "sh4": 32, "sh4eb": 64, "sparc": 32, "sparc64": 64, "unicore32": 32,
    "x86_64": 64, "xtensa": 32, "xtensaeb": 32,
}  # fmt: skip
#: Which machine libvirt lists first where QEMU has no default.
FIRST = {"armv6l": "integratorcp", "armv7l": "integratorcp", "aarch64": "integratorcp"}
KVM = "/dev/kvm"


def emulators(host: "Host") -> "list[tuple[str, str]]":
    """(architecture, program) of each QEMU of the system."""
    found = [(arch, installed(host, arch)) for arch in ARCHES]
    return [(arch, path) for arch, path in found if path is not None]


def host_xml(machine: "Machine", uuid: str, iommu: bool) -> Out:
    """<host>."""
    out = Out("host")
    if uuid:
        out.add("uuid").write(uuid)
    _cpu(out.add("cpu"), machine)
    out.add("power_management")
    out.add("iommu").set("support", "yes" if iommu else "no")
    migration = out.add("migration_features")
    migration.add("live")
    migration.at("uri_transports/uri_transport").write("tcp")
    cells = out.at("topology/cells").join()
    cells.set("num", str(len(machine.cells)))
    for cell in machine.cells:
        _cell(cells.add("cell"), machine, cell)
    for cache in machine.caches:
        bank = out.at("cache").add("bank")
        kind = {"Unified": "both", "Data": "data", "Instruction": "code"}.get(cache.kind, "both")
        size, unit = _pretty(cache.size)
        places = {"id": cache.id, "level": cache.level, "type": kind, "size": size, "unit": unit}
        for name, value in (places | {"cpus": format_cpuset(cache.cpus)}).items():
            bank.set(name, str(value))
    model = out.add("secmodel")
    model.at("model").write("none")
    model.at("doi").write("0")
    return out


def _cpu(out: Out, machine: "Machine") -> None:
    cpu = hostcpu.describe(machine)
    out.add("arch").write(machine.arch)
    if cpu.model:
        out.add("model").write(cpu.model)
        if cpu.vendor:
            out.add("vendor").write(cpu.vendor)
        microcode = machine.processors[0].get("microcode", "")
        if microcode:
            out.add("microcode").set("version", str(int(microcode, 0)))
        signature = out.add("signature")
        for name, value in zip(("family", "model", "stepping"), hostcpu.signature(machine), strict=True):
            signature.set(name, str(value))
    topology = out.add("topology")
    for name, value in zip(("sockets", "dies", "cores", "threads"), machine.topology, strict=True):
        topology.set(name, str(value))
    bits = machine.processors[0].get("address sizes", "").partition(" bits physical")[0] if machine.processors else ""
    if bits.isdigit():
        address = out.add("maxphysaddr")
        address.set("mode", "emulate")
        address.set("bits", bits)
    for feature in cpu.features:
        out.add("feature").set("name", feature.name or "")
    for size in (SMALL, *machine.whole.pages):
        _pages(out, size)


def _pages(parent: Out, size: int) -> Out:
    out = parent.add("pages")
    out.set("unit", "KiB")
    out.set("size", str(size))
    return out


def _cell(out: Out, machine: "Machine", cell: "Cell") -> None:
    out.set("id", str(cell.number))
    memory = out.add("memory")
    memory.set("unit", "KiB")
    memory.write(str(cell.memory))
    for size in (SMALL, *cell.pages):
        counts = cell.counts(size)
        _pages(out, size).write(str(counts[0] if counts else 0))
    for other, distance in zip(machine.cells, cell.distances, strict=False):
        sibling = out.at("distances").add("sibling")
        sibling.set("id", str(other.number))
        sibling.set("value", str(distance))
    cpus = out.add("cpus")
    inside = [cpu for cpu in machine.cpus if cpu.number in cell.cpus]
    cpus.set("num", str(len(inside)))
    for cpu in inside:
        place = {"id": cpu.number, "socket_id": cpu.socket, "die_id": cpu.die, "core_id": cpu.core}
        element = cpus.add("cpu")
        for name, value in (place | {"siblings": format_cpuset(cpu.siblings)}).items():
            element.set(name, str(value))


def _pretty(size: int) -> "tuple[int, str]":
    """Bytes in the largest unit that divides them."""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size % scale == 0:
            return size // scale, unit
    return size, "B"


def guest_xml(arch: str, path: str, caps: Capabilities, kvm: bool) -> Out:
    """<guest> for one architecture."""
    out = Out("guest")
    out.at("os_type").write("hvm")
    element = out.add("arch")
    element.set("name", arch)
    element.at("wordsize").write(str(ARCHES[arch]))
    element.at("emulator").write(path)
    first = next((name for name, told in caps.machines.items() if told["default"]), FIRST.get(arch))
    names = sorted((name for name in caps.machines if name != "none"), key=lambda name: name != first)
    for name in names:
        told = caps.machines[name]
        _machine(element, name, told)
        if told["alias"]:
            _machine(element, told["alias"], told, name)
    for kind in ("qemu", *(["kvm"] if kvm else [])):
        element.add("domain").set("type", kind)
    features = out.add("features")
    for name in ("pae", "nonpae") if arch == "i686" else ():
        features.add(name)
    if arch in (*X86, "aarch64"):
        _toggle(features, "acpi", "yes")
    if arch in X86:
        _toggle(features, "apic", "no")
    features.add("cpuselection")
    features.add("deviceboot")
    _toggle(features, "disksnapshot", "no")
    return out


def _machine(parent: Out, name: str, told: "dict[str, Any]", canonical: str = "") -> None:
    element = parent.add("machine")
    if canonical:
        element.set("canonical", canonical)
    element.set("maxCpus", str(told["max_cpus"]))
    if told["deprecated"]:
        element.set("deprecated", "yes")
    element.write(name)


def _toggle(parent: Out, name: str, toggle: str) -> None:
    element = parent.add(name)
    element.set("default", "on")
    element.set("toggle", toggle)
