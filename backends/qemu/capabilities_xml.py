"""`capabilities`: the host, and the guests that its QEMUs run, as libvirt's XML."""

from ..xml.serialize import Out
from .capabilities import EMULATORS, PROGRAMS, Capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..hosts import Host

WORDS = {"i686": 32, "armv7l": 32, "riscv32": 32, "ppc": 32, "mips": 32, "mipsel": 32, "sparc": 32, "s390": 31}
#: libvirt's order is that of names.
ARCHES = ("aarch64", "armv7l", "i686", "ppc64", "ppc64le", "riscv64", "s390x", "x86_64")
KVM = "/dev/kvm"
_X86 = ("i686", "x86_64")


def emulators(host: "Host") -> "list[tuple[str, str]]":
    """(architecture, program) of each QEMU of the system."""
    found = [(arch, EMULATORS.format(PROGRAMS.get(arch, arch))) for arch in ARCHES]
    return [(arch, path) for arch, path in found if host.stat(path) is not None]


def host_xml(machine: str, memory: int, processors: "list[dict[str, str]]") -> Out:
    """<host>; `memory` in KiB, `processors` as /proc/cpuinfo has them."""
    out = Out("host")
    out.at("cpu/arch").write(machine)
    out.add("power_management")
    out.at("migration_features").add("live")
    cell = out.at("topology/cells").join()
    cell.set("num", "1")
    cell = cell.add("cell")
    cell.set("id", "0")
    size = cell.add("memory")
    size.set("unit", "KiB")
    size.write(str(memory))
    cpus = cell.add("cpus")
    cpus.set("num", str(len(processors)))
    for number, entry in enumerate(processors):
        cpu = cpus.add("cpu")
        place = {"id": str(number), "socket_id": entry.get("physical id", "0"), "die_id": "0"}
        place["core_id"] = entry.get("core id", str(number))
        twins = [
            str(other)
            for other, their in enumerate(processors)
            if (their.get("physical id"), their.get("core id")) == (entry.get("physical id"), entry.get("core id"))
        ]
        for name, value in (place | {"siblings": ",".join(twins)}).items():
            cpu.set(name, value)
    model = out.add("secmodel")
    model.at("model").write("none")
    model.at("doi").write("0")
    return out


def guest_xml(arch: str, path: str, caps: Capabilities, kvm: bool) -> Out:
    """<guest> for one architecture."""
    out = Out("guest")
    out.at("os_type").write("hvm")
    element = out.add("arch")
    element.set("name", arch)
    element.at("wordsize").write(str(WORDS.get(arch, 64)))
    element.at("emulator").write(path)
    first = caps.machine(None)
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
    if arch in _X86:
        _toggle(features, "acpi", "yes")
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
