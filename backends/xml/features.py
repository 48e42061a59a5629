"""<features>: what the hypervisor offers the guest."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, XML_ERROR
from .engine import Context, Field, Model, View, fail
from .fields import Child, Choice, Enum, Flag, OnOff, Size, Text, UInt
from .node import Node
from .serialize import Out
from .values import ULLONG_MAX, pretty_size

#: What a guest is told as Hyper-V would, in libvirt's order.
HYPERV = (
    "relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer", "reset", "vendor_id", "frequencies",
    "reenlightenment", "tlbflush", "ipi", "evmcs", "avic", "emsr_bitmap", "xmm_input",
)  # fmt: skip
KVM = ("hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring")
_XEN = ("e820_host", "passthrough")
_NAMES = (
    "acpi", "apic", "pae", "hap", "viridian", "privnet", "hyperv", "kvm", "pvspinlock", "capabilities", "pmu",
    "vmport", "gic", "smm", "ioapic", "hpt", "vmcoreinfo", "htm", "nested-hv", "msrs", "ccf-assist", "xen",
    "cfpc", "sbbc", "ibs", "tcg", "async-teardown", "ras", "ps2", "aia",
)  # fmt: skip
CAPABILITIES = (
    "audit_control", "audit_write", "block_suspend", "chown", "dac_override", "dac_read_search", "fowner",
    "fsetid", "ipc_lock", "ipc_owner", "kill", "lease", "linux_immutable", "mac_admin", "mac_override", "mknod",
    "net_admin", "net_bind_service", "net_broadcast", "net_raw", "setgid", "setfcap", "setpcap", "setuid",
    "sys_admin", "sys_boot", "sys_chroot", "sys_module", "sys_nice", "sys_pacct", "sys_ptrace", "sys_rawio",
    "sys_resource", "sys_time", "sys_tty_config", "syslog", "wake_alarm",
)  # fmt: skip


def _known(node: Node, names: tuple[str, ...], complaint: str) -> None:
    """Refuse child elements that are not in `names`."""
    for child in node.elements():
        if child.tag not in names:
            raise fail(CONFIG_UNSUPPORTED, complaint.replace("%s", child.tag.rpartition("}")[2]))


def _state(name: str, newer: bool = False) -> OnOff:
    return OnOff(f"{name}/@state", required=True, newer=newer)


def _part_of_tlbflush(name: str) -> OnOff:
    """Written when it is on."""
    return OnOff(
        f"tlbflush/{name}/@state",
        when=lambda h: h.tlbflush,
        required=True,
        newer=True,
        show=lambda h, view: getattr(h, f"tlbflush_{name}"),
    )


class _Mentioned(Choice):
    """One of two words; the element alone says the first."""

    def read(self, model: Model, node: Node, context: Context) -> None:
        if node.find(self.parent) is not None:
            model.__dict__[self.name] = True
        super().read(model, node, context)


class State(_Mentioned):
    words = ("on", "off")


class Allowed(_Mentioned):
    words = ("yes", "no")


class Hyperv(Model):
    spread = True
    mode = Enum("@mode", ("custom", "passthrough"), default="custom", absent="")
    relaxed = _state("relaxed")
    vapic = _state("vapic")
    spinlocks = _state("spinlocks")
    spinlock_retries = UInt("spinlocks/@retries", base=0, when=lambda h: h.spinlocks, required=True, absent=None)
    vpindex = _state("vpindex")
    runtime = _state("runtime")
    synic = _state("synic")
    stimer = _state("stimer")
    stimer_direct = OnOff(
        "stimer/direct/@state", when=lambda h: h.stimer, required=True, show=lambda h, view: h.stimer_direct
    )
    reset = _state("reset")
    vendor_id = _state("vendor_id")
    vendor = Text("vendor_id/@value", when=lambda h: h.vendor_id)
    frequencies = _state("frequencies")
    reenlightenment = _state("reenlightenment")
    tlbflush = _state("tlbflush")
    tlbflush_direct = _part_of_tlbflush("direct")
    tlbflush_extended = _part_of_tlbflush("extended")
    ipi = _state("ipi")
    evmcs = _state("evmcs")
    avic = _state("avic")
    emsr_bitmap = _state("emsr_bitmap", newer=True)
    xmm_input = _state("xmm_input", newer=True)

    def parsed(self, node: Node, context: Context) -> None:
        _known(node, HYPERV, "unsupported HyperV Enlightenment feature: %s")
        if self.spinlocks and self.spinlock_retries < 0xFFF:
            raise fail(XML_ERROR, "HyperV spinlock retry count must be at least 4095")
        stimer = node.find("stimer")
        if self.stimer and stimer is not None:
            _known(stimer, ("direct",), "unsupported Hyper-V stimer feature: %s")
        tlbflush = node.find("tlbflush")
        if self.tlbflush and tlbflush is not None:
            _known(tlbflush, ("direct", "extended"), "unsupported Hyper-V tlbflush feature: %s")
        if self.vendor_id:
            if self.vendor is None:
                raise fail(XML_ERROR, "missing 'value' attribute for HyperV feature 'vendor_id'")
            if len(self.vendor.encode()) > 12:
                raise fail(XML_ERROR, "HyperV vendor_id value must not be more than 12 characters.")
            if "," in self.vendor:
                raise fail(XML_ERROR, "HyperV vendor_id value is invalid")


class Kvm(Model):
    spread = True
    hidden = _state("hidden")
    hint_dedicated = _state("hint-dedicated")
    poll_control = _state("poll-control")
    pv_ipi = _state("pv-ipi")
    dirty_ring = _state("dirty-ring")
    dirty_ring_size = UInt("dirty-ring/@size", base=0, when=lambda kvm: kvm.dirty_ring, required=True)

    def parsed(self, node: Node, context: Context) -> None:
        _known(node, KVM, "unsupported KVM feature: %s")
        size = self.dirty_ring_size
        if self.dirty_ring and (size & (size - 1) or not 1024 <= size <= 65536):
            raise fail(XML_ERROR, "dirty ring must be power of 2 and ranges [1024, 65536]")


class Xen(Model):
    spread = True
    e820_host = _state("e820_host")
    passthrough = _state("passthrough")
    passthrough_mode = Enum("passthrough/@mode", ("sync_pt", "share_pt"), when=lambda xen: xen.passthrough)

    def parsed(self, node: Node, context: Context) -> None:
        _known(node, _XEN, "unsupported Xen feature: %s")


class Grants(Field[dict[str, bool]]):
    """Which privileges a container has: capability name to allowed, written in libvirt's order."""

    def initial(self, model: Model) -> dict[str, bool]:
        value: dict[str, bool] = {}
        model.__dict__[self.name] = value
        return value

    def read(self, model: Model, node: Node, context: Context) -> None:
        _known(node, CAPABILITIES, "unexpected capability feature '%s'")
        grants = self.initial(model)
        for child in node.elements():
            state = child.get("state")
            if state is None:
                child.doubt("no attribute 'state'")
            if state not in (None, "on", "off"):
                raise fail(XML_ERROR, f"Invalid value for attribute 'state' in element '{child.tag}': '{state}'.")
            grants[child.tag] = state != "off"

    def emit(self, model: Model, out: Out, view: View) -> None:
        grants: dict[str, bool] = getattr(model, self.name)
        for name in CAPABILITIES:
            if name in grants:
                out.at(name).set("state", "on" if grants[name] else "off")


class Capabilities(Model):
    policy = Enum("@policy", ("default", "allow", "deny"), default="default", absent="")
    grants = Grants("*", default={})

    def present(self, view: View) -> bool:
        return self.policy != "default" or bool(self.grants)


class Gic(Model):
    version = Enum("@version", ("host", "2", "3"))


class Apic(Model):
    eoi = OnOff("@eoi")


class Smm(Model):
    """`tseg` in bytes."""

    state = OnOff("@state", default=True)
    tseg = Size(
        "tseg", scale=1, default=-1, limit=ULLONG_MAX, xpath="string(./features/smm/tseg)", when=lambda smm: smm.state
    )

    def read(self, node: Node, context: Context) -> None:
        tseg = node.find("tseg")
        if tseg is not None and not tseg.get("unit"):
            tseg.element.set("unit", "MiB")
        super().read(node, context)

    def emit(self, out: Out, view: View) -> None:
        Smm.state.emit(self, out, view)
        if self.state and self.tseg != -1:
            size, unit = pretty_size(self.tseg)
            out.at("tseg").set("unit", unit)
            out.at("tseg").write(str(size))


def _level(name: str, *values: str) -> Enum:
    return Enum(f"{name}/@value", values, wanted=True)


class Features(Model):
    acpi = Flag("acpi")
    apic = Child("apic", Apic)
    pae = Flag("pae")
    hap = State("hap/@state")
    viridian = Flag("viridian")
    privnet = Flag("privnet")
    hyperv = Child("hyperv", Hyperv)
    kvm = Child("kvm", Kvm)
    pvspinlock = State("pvspinlock/@state")
    capabilities = Child("capabilities", Capabilities)
    pmu = State("pmu/@state")
    vmport = State("vmport/@state")
    gic = Child("gic", Gic)
    smm = Child("smm", Smm)
    ioapic = Enum("ioapic/@driver", ("qemu", "kvm"), wanted=True)
    hpt_resizing = Enum("hpt/@resizing", ("enabled", "disabled", "required"))
    hpt_maxpagesize = Size("hpt/maxpagesize", xpath="./features/hpt/maxpagesize", limit=ULLONG_MAX)
    vmcoreinfo = State("vmcoreinfo/@state")
    htm = _state("htm")
    nested_hv = _state("nested-hv")
    msrs = Enum("msrs/@unknown", ("ignore", "fault"), required=True)
    ccf_assist = _state("ccf-assist")
    xen = Child("xen", Xen)
    cfpc = _level("cfpc", "broken", "workaround", "fixed")
    sbbc = _level("sbbc", "broken", "workaround", "fixed")
    ibs = _level("ibs", "broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na")
    tb_cache = Size("tcg/tb-cache", xpath="./tb-cache")
    async_teardown = Allowed("async-teardown/@enabled", newer=True)
    ras = _state("ras", newer=True)
    ps2 = _state("ps2", newer=True)
    aia = Enum("aia/@value", ("none", "aplic", "aplic-imsic"), required=True, newer=True)

    def read(self, node: Node, context: Context) -> None:
        _known(node, _NAMES, "unexpected feature '%s'")
        super().read(node, context)
