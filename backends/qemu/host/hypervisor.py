"""The CPUs that a QEMU binary gives to guests with one accelerator: asked once, kept in cache/."""

import json

from ... import cpus, errors
from ...xml.boot import ARCHES
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...cpus.description import Description
    from ..driver import QemuDriver
    from .capabilities import Capabilities, Questions

#: Increased when more is asked.
ASKED = 1
#: virDomainVirtType -> QEMU's accelerator; all others are emulated.
ACCELERATORS = {"kvm": "kvm", "hvf": "hvf"}
VIRTTYPES = (
    "none", "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp",
    "parallels", "bhyve", "vz", "hvf",
)  # fmt: skip
KVM = "/dev/kvm"


class Hypervisor:
    """What `binary` offers with `virttype` and `machine`.

    `models` maps names, in QEMU's order, to the features that bar them; `features` are those of the CPU that has all.
    """

    def __init__(self, path: str, caps: "Capabilities", arch: str, virttype: str, machine: str, told: "dict[str, Any]"):
        self.path, self.caps, self.arch, self.virttype, self.machine = path, caps, arch, virttype, machine
        self.models: dict[str, list[str]] = told["models"]
        self.features: list[str] = told["features"]
        self.vendor: str = told["vendor"]
        self.signature: cpus.Signature = tuple(told["signature"])
        self.displays: list[str] = told["displays"]
        self.enlightenments: list[str] = told["enlightenments"]
        self.deprecated: list[str] = told["deprecated"]

    @property
    def host_model(self) -> "Description | None":
        """The CPU that `host-model` stands for; None for other than x86 CPUs."""
        if self.arch not in cpus.X86 or not self.features:
            return None
        made = cpus.decode(self.features, self.vendor, self.signature, allowed=self.models)
        made.arch, made.fallback = self.arch, "forbid"
        return made


def choose(
    driver: "QemuDriver", binary: "str | None", arch: "str | None", machine: "str | None", virttype: "str | None"
) -> Hypervisor:
    """The hypervisor that is meant; what is None is what the host has. Raises VirtError when there is none."""
    from .capabilities import installed, of
    from .machine import machine as host_machine

    host, user = driver.host, driver.user_prefix()
    here = host_machine(host)
    wanted = arch or here
    if wanted not in ARCHES:
        raise fail(errors.INVALID_ARG, f"unknown architecture: {arch}")
    if virttype is not None and virttype not in VIRTTYPES:
        raise fail(errors.INVALID_ARG, f"unknown virttype: {virttype}")
    if binary is None:
        binary = installed(host, wanted) or (installed(host, here) if (wanted, here) == ("i686", "x86_64") else None)
        if binary is None:
            text = f"unable to find any emulator to serve '{wanted}' architecture"
            raise fail(errors.CONFIG_UNSUPPORTED, text, hint="install its QEMU")
    elif binary[:1] != "/" or host.stat(binary) is None:
        text = f"Cannot check QEMU binary {binary}: No such file or directory"
        raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_QEMU)
    caps = of(driver, binary)
    if not caps.serves(wanted):
        raise fail(errors.INVALID_ARG, f"Emulator '{binary}' does not support arch '{wanted}'")
    fast = here in (wanted, caps.arch) and not host.run([*user, "test", "-r", KVM, "-a", "-w", KVM]).status
    kind = virttype or ("kvm" if fast else "qemu")
    accel = ACCELERATORS.get(kind, "tcg")
    if accel == "hvf" or (accel == "kvm" and not fast) or (accel == "tcg" and kind != "qemu"):
        raise fail(errors.INVALID_ARG, f"the accel '{accel}' is not supported by '{binary}' on this host")
    proper = caps.machine(machine)
    if proper is None or proper == "none":
        raise fail(errors.INVALID_ARG, f"the machine '{machine}' is not supported by emulator '{binary}'")
    return Hypervisor(binary, caps, wanted, kind, proper, _told(driver, binary, accel))


def _told(driver: "QemuDriver", binary: str, accel: str) -> "dict[str, Any]":
    """What is kept of a binary's answers."""
    import hashlib

    from .capabilities import folder

    host = driver.host
    stat = host.stat(binary)
    assert stat is not None
    known = [str(ASKED), accel, binary, stat.version, host.boot_id() if accel == "kvm" else ""]
    path = f"{folder(driver)}/{hashlib.sha256(' '.join(known).encode()).hexdigest()[:24]}.cpus.json"
    try:
        kept: dict[str, Any] = json.loads(host.read(path))
        return kept
    except (OSError, ValueError):
        pass
    told = _ask(driver, binary, accel)
    try:
        host.write(path, json.dumps(told).encode(), durable=False)
    except OSError:
        pass  # a cache
    return told


def _ask(driver: "QemuDriver", binary: str, accel: str) -> "dict[str, Any]":
    from .capabilities import ask

    wholly = {"type": "full", "model": {"name": "host" if accel == "kvm" else "max"}}
    questions: Questions = (
        ("query-cpu-definitions", {}),
        ("query-cpu-model-expansion", wholly),
        ("query-qmp-schema", {}),
    )
    definitions, expanded, schema = ask(driver.host, binary, driver.user_prefix(), accel, questions)
    props = (expanded or {}).get("model", {}).get("props", {})
    there = {name for name, value in props.items() if value is True}
    display: list[str] = next((e["values"] for e in schema or [] if "egl-headless" in e.get("values", ())), [])
    return {
        "models": {
            entry["name"]: [cpus.named(name) for name in entry.get("unavailable-features", []) if cpus.named(name)]
            or ["?"] * bool(entry.get("unavailable-features"))
            for entry in definitions or []
        },
        "deprecated": [entry["name"] for entry in definitions or [] if entry.get("deprecated")],
        "features": cpus.ordered({cpus.named(name) for name in there} - {""}),
        "vendor": cpus.VENDOR_NAMES.get(props.get("vendor", ""), ""),
        "signature": [props.get(name, 0) for name in ("family", "model", "stepping")],
        "displays": display,
        "enlightenments": sorted(name.removeprefix("hv-") for name in there if name.startswith("hv-")),
    }
