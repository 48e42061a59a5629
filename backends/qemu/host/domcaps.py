"""`domcapabilities`: what a hypervisor offers to guests, as libvirt's XML."""

from ... import cpus
from ...xml.features import HYPERV
from ...xml.serialize import Out
from ..machines import ARM, POWER, RISCV
from .guestcpu import POWER_MODELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..driver import QemuDriver
    from .hypervisor import Hypervisor

_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
#: what guests may have -> QOM type that must be there
_BUSES = {"ide": "", "fdc": "", "scsi": "", "virtio": "", "usb": "piix3-usb-uhci", "sata": "ich9-ahci"}
VIDEOS = {
    "vga": "VGA", "cirrus": "cirrus-vga", "vmvga": "vmware-svga", "qxl": "qxl", "virtio": "virtio-gpu-pci", "none": "",
    "bochs": "bochs-display", "ramfb": "ramfb",
}  # fmt: skip
_RNGS = {"random": "rng-random", "egd": "rng-egd", "builtin": "rng-builtin"}
_TPMS = ("tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy")
#: Those of Hyper-V's features that need nothing of QEMU.
_PLAIN = ("spinlocks", "vendor_id")
#: Where QEMU says which models of CPU can be used.
_USABLE = (*cpus.X86, "s390x")


def render(driver: "QemuDriver", found: "Hypervisor") -> str:
    """<domainCapabilities> of one hypervisor."""
    out = Out("domainCapabilities")
    out.add("path").write(found.path)
    out.add("domain").write(found.virttype)
    out.add("machine").write(found.machine)
    out.add("arch").write(found.arch)
    limit = found.caps.machines[found.machine]["max_cpus"]
    out.add("vcpu").set("max", str(limit))
    _supported(out, "iothreads", True)
    _firmware(driver, out, found)
    _cpu(out.add("cpu"), found)
    sources = ["file", "anonymous", *(["memfd"] if found.caps.has("memory-backend-memfd") else [])]
    _enums(_supported(out, "memoryBacking", True), sourceType=sources)
    _devices(driver, out.add("devices"), found)
    _features(out.add("features"), found)
    return out.render()


def _supported(parent: Out, tag: str, yes: bool) -> Out:
    out = parent.add(tag)
    out.set("supported", "yes" if yes else "no")
    return out


def _enums(out: Out, **values: "Iterable[str]") -> None:
    for name, options in values.items():
        enum = out.add("enum")
        enum.set("name", name)
        for option in options:
            enum.add("value").write(option)


def _firmware(driver: "QemuDriver", parent: Out, found: "Hypervisor") -> None:
    from .firmware import INTERFACES, TEMPLATES, offered

    out = _supported(parent, "os", True)
    fitting = offered(driver, found.arch, found.machine)
    kinds = {kind for descriptor in fitting for kind in descriptor["interface-types"]}
    _enums(out, firmware=[name for name in ("bios", "efi") if INTERFACES[name] in kinds])
    loader = _supported(out, "loader", True)
    usual = (entry.partition(":")[0] for entry in driver.settings.texts("nvram", TEMPLATES))
    for path in dict.fromkeys([_image(descriptor) for descriptor in fitting] or usual):
        if path and driver.host.stat(path) is not None:
            loader.add("value").write(path)
    secure = any("requires-smm" in descriptor["features"] for descriptor in fitting)
    _enums(
        loader,
        type=["rom", "pflash"],
        readonly=["yes", "no"],
        secure=["yes", "no"] if secure else ["no"],
    )


def _image(descriptor: "dict[str, Any]") -> str:
    mapping = descriptor["mapping"]
    path: str = mapping["executable"]["filename"] if mapping["device"] == "flash" else mapping.get("filename", "")
    return path


def _cpu(out: Out, found: "Hypervisor") -> None:
    both = ("on", "off")
    through = _mode(out, "host-passthrough", found.virttype == "kvm")
    if found.virttype == "kvm":
        _enums(through, hostPassthroughMigratable=both)
    most = _mode(out, "maximum", "max" in found.models)
    if "max" in found.models:
        _enums(most, maximumMigratable=both)
    model = found.host_model
    host = _mode(out, "host-model", model is not None)
    if model is not None:
        model.write(host)
    custom = _mode(out, "custom", found.arch not in RISCV)
    if found.arch in RISCV:
        return
    known = cpus.models() if found.arch in cpus.X86 else None
    for name, blockers in found.models.items():
        if found.arch in POWER:
            name = name.upper()
            if name not in POWER_MODELS:
                continue
        elif known is not None and name not in known:
            continue
        element = custom.add("model")
        element.set("usable", "unknown" if found.arch not in _USABLE else "no" if blockers else "yes")
        if name in found.deprecated:
            element.set("deprecated", "yes")
        vendor = known[name].vendor if known else "IBM" if found.arch in POWER else ""
        element.set("vendor", vendor or "unknown")
        element.write(name)


def _mode(parent: Out, name: str, yes: bool) -> Out:
    out = parent.add("mode")
    out.set("name", name)
    out.set("supported", "yes" if yes else "no")
    return out


def _devices(driver: "QemuDriver", out: Out, found: "Hypervisor") -> None:
    caps = found.caps

    def there(kinds: "dict[str, str]") -> "list[str]":
        return [name for name, type in kinds.items() if not type or caps.has(type)]

    x86 = found.arch in cpus.X86
    pseries = found.arch in POWER and found.machine.startswith("pseries")
    buses = [bus for bus in there(_BUSES) if bus != "ide" or found.machine.startswith("pc-i440fx-")]
    _enums(
        _supported(out, "disk", True),
        diskDevice=["disk", "cdrom", *([] if pseries else ["floppy"]), "lun"],
        bus=[bus for bus in buses if (x86 or bus != "ide") and not (pseries and bus == "fdc")],
        model=_VIRTIO,
    )
    spice = caps.has("chardev-spicevmc")
    screens = {"sdl": True, "vnc": True, "spice": spice}
    screens |= {name: name in found.displays for name in ("egl-headless", "dbus")}
    _enums(_supported(out, "graphics", True), type=[name for name, yes in screens.items() if yes])
    _enums(_supported(out, "video", True), modelType=there(VIDEOS))
    host = driver.host
    vfio = host.stat("/dev/vfio/vfio") is not None and bool(host.listdir("/sys/kernel/iommu_groups"))
    _enums(
        _supported(out, "hostdev", True),
        mode=["subsystem"],
        startupPolicy=("default", "mandatory", "requisite", "optional"),
        subsysType=[*(["usb"] if caps.has("usb-host") else []), "pci", "scsi"],
        capsType=(),
        pciBackend=["vfio"] if vfio and caps.has("vfio-pci") else (),
    )
    _enums(_supported(out, "rng", caps.has("virtio-rng-pci")), model=_VIRTIO, backendModel=there(_RNGS))
    shares = ["path", "handle", *(["virtiofs"] if caps.has("vhost-user-fs-device") else [])]
    _enums(_supported(out, "filesystem", True), driverType=shares)
    models = [name for name in _TPMS if caps.has(name) or caps.has(f"{name}-device")]
    _tpm(driver, out, found, models)
    if caps.has("usb-redir"):
        _enums(_supported(out, "redirdev", True), bus=["usb"])
    else:
        _supported(out, "redirdev", False)
    _enums(_supported(out, "channel", True), type=["pty", "unix", *(["spicevmc"] if spice else [])])


def _tpm(driver: "QemuDriver", parent: Out, found: "Hypervisor", models: "list[str]") -> None:
    import json

    caps = found.caps
    backends = ["passthrough"] if caps.has("tpm-passthrough") else []
    versions: list[str] = []
    if caps.has("tpm-emulator"):
        try:
            told = json.loads(driver.host.run(["swtpm_setup", "--print-capabilities"], timeout=30).stdout)
            versions = [version for version in ("1.2", "2.0") if f"tpm-{version}" in told["features"]]
            backends.append("emulator")
        except (OSError, ValueError, KeyError):
            pass  # none is installed
        backends.append("external")
    out = _supported(parent, "tpm", bool(models and backends))
    if models and backends:
        _enums(out, model=models, backendModel=backends)
        if versions:
            _enums(out, backendVersion=versions)


def _features(out: Out, found: "Hypervisor") -> None:
    caps = found.caps
    gic = found.arch in ARM and found.machine.startswith("virt")
    element = _supported(out, "gic", gic)
    if gic:
        _enums(element, version=("2", "3") if found.virttype == "qemu" else ())
    _supported(out, "vmcoreinfo", caps.has("vmcoreinfo"))
    _supported(out, "genid", caps.has("vmgenid"))
    _supported(out, "backingStoreInput", True)
    _supported(out, "backup", True)
    if found.arch == "s390x":
        _supported(out, "s390-pv", False)
    _supported(out, "sev", False)
    _supported(out, "sgx", False)
    if found.arch not in cpus.X86:
        return
    has = set(found.enlightenments) if found.virttype == "kvm" else set()
    names = [name for name in HYPERV if name in _PLAIN or name in has]
    _enums(_supported(out, "hyperv", True), features=names)
