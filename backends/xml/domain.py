"""A domain: libvirt's <domain> document.

    domain = Domain.parse(text, TestConfig())
    domain.name, domain.memory, domain.devices.disks
    domain.format(inactive=True)

Sizes are in KiB, UUIDs 16 bytes. `id` is -1 while the domain does not run.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Self

from ..errors import CONFIG_UNSUPPORTED, FROM_DOMAIN, INTERNAL_ERROR, NO_NAME, UNKNOWN, XML_ERROR, VirtError
from . import implied, postparse
from .boot import Os
from .checks import check
from .clock import Clock
from .config import ParseConfig
from .cpu import Cpu
from .device_list import Devices
from .disks import ThrottleGroup
from .engine import Context, Model, View, fail
from .features import Features
from .fields import Child, Children, CpuSet, Enum, Int, LazyChild, Name, OnOff, Part, Size, Text, UInt, Uuid, YesNo
from .node import Node
from .security import IdMap, KeyWrap, LaunchSecurity, PerfEvent, Resource, SecLabel, check_labels, sort_events
from .serialize import Out
from .sysinfo import Sysinfo
from .tuning import Blkiotune, Cputune, IoThread, IoThreadPool, MemoryBacking, Memtune, Numatune, settle
from .verbatim import Foreign, Metadata, Namespace

VIRT_TYPES = (
    "none", "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp",
    "parallels", "bhyve", "vz", "hvf",
)  # fmt: skip
_LIFECYCLE = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")
#: Elements of which libvirt asks for single children by path, and so takes several for one.
_JOINED = (
    "os", "features", "devices", "blkiotune", "memtune", "memoryBacking", "cputune", "vcpus", "iothreadids", "idmap",
    "pm", "perf",
)  # fmt: skip
#: No real machine has more; documents that ask for more must not make us fill memory with them.
MOST_THREADS = 65536


class Vcpu(Model):
    """The state of one vCPU."""

    id = UInt("@id", required=True, absent=None)
    enabled = YesNo("@enabled", required=True)
    hotpluggable = YesNo("@hotpluggable")
    order = UInt("@order")


class Pm(Model):
    suspend_to_mem = YesNo("suspend-to-mem/@enabled")
    suspend_to_disk = YesNo("suspend-to-disk/@enabled")


def _action(name: str, default: str) -> Enum:
    problem = (CONFIG_UNSUPPORTED, f"unknown {name} action: %s")
    return Enum(name, _LIFECYCLE, default=default, absent="", invalid=problem)


class Domain(Model):
    type = Enum(
        "@type",
        VIRT_TYPES,
        absent=None,
        required=(INTERNAL_ERROR, "missing domain type attribute"),
        invalid=(CONFIG_UNSUPPORTED, "invalid domain type %s"),
    )
    id = Int("@id", default=-1, low=0, live=True)
    namespace = Namespace("", default=())
    name = Name("name", required=(NO_NAME, None))
    uuid = Uuid("uuid", invalid=(INTERNAL_ERROR, "malformed uuid element"))
    genid = Uuid("genid", invalid=(INTERNAL_ERROR, "malformed genid element"))
    title = Text("title")
    description = Text("description")
    metadata = Metadata("metadata", default="")
    memory_slots = UInt(
        "maxMemory/@slots",
        blank=False,
        absent=None,
        show=lambda d, view: bool(d.memory_slots or d.max_memory),
        invalid=(XML_ERROR, "Failed to parse memory slot count"),
    )
    max_memory = Size(
        "maxMemory", xpath="./maxMemory[1]", absent=None, show=lambda d, view: bool(d.memory_slots or d.max_memory)
    )
    dump_core = OnOff("memory/@dumpCore")
    memory = Size("memory", xpath="./memory[1]", absent=None)
    current_memory = Size("currentMemory", xpath="./currentMemory[1]", absent=None)
    blkiotune = LazyChild("blkiotune", Blkiotune)
    memtune = LazyChild("memtune", Memtune)
    memory_backing = LazyChild("memoryBacking", MemoryBacking)
    vcpu_placement = Enum("vcpu/@placement", ("static", "auto"), default="static", absent="")
    cpuset = CpuSet("vcpu/@cpuset", empty="cpuset", when=lambda d: d.vcpu_placement != "auto")
    vcpus = UInt("vcpu/@current", default=1, absent=None, show=lambda d, view: d.vcpus < d.max_vcpus)
    max_vcpus = UInt("vcpu", default=1, absent=None, invalid=(XML_ERROR, "maximum vcpus count must be an integer"))
    vcpu_states = Children("vcpus/vcpu", Vcpu)
    iothread_count = UInt("iothreads", invalid=(XML_ERROR, "invalid iothreads count '%s'"))
    iothreads = Children("iothreadids/iothread", IoThread, show=lambda d, view: d.iothreads_told)
    throttle_groups = Children("throttlegroups/throttlegroup", ThrottleGroup, newer=True)
    default_iothread = LazyChild("defaultiothread", IoThreadPool)
    cputune = Part("cputune", Cputune)
    numatune = Part("numatune", Numatune)
    resource = LazyChild("resource", Resource)
    sysinfo = Children("sysinfo", Sysinfo)
    bootloader = Text("bootloader")
    bootloader_args = Text("bootloader_args", show=lambda d, view: d.bootloader is not None)
    os = Part("os", Os)
    idmap = Child("idmap", IdMap)
    features = Part("features", Features)
    cpu = LazyChild("cpu", Cpu)
    clock = Part("clock", Clock)
    on_poweroff = _action("on_poweroff", "destroy")
    on_reboot = _action("on_reboot", "restart")
    on_crash = _action("on_crash", "destroy")
    on_lockfailure = Enum(
        "on_lockfailure",
        ("poweroff", "restart", "pause", "ignore"),
        zero=("default",),
        invalid=(CONFIG_UNSUPPORTED, "unknown on_lockfailure action: %s"),
    )
    pm = Part("pm", Pm)
    perf = Children("perf/event", PerfEvent, wanted=True)
    devices = Part("devices", Devices)
    seclabels = Children("seclabel", SecLabel)
    keywrap = LazyChild("keywrap", KeyWrap)
    launch_security = Child("launchSecurity", LaunchSecurity)
    foreign = Foreign("", default="")

    @classmethod
    def parse(cls, text: str, config: ParseConfig, *, validate: bool = False, inactive: bool = True) -> Self:
        """The domain `text` describes, completed and checked as libvirt does it for the driver of `config`.

        `inactive` reads it as the definition of a domain that does not run (VIR_DOMAIN_DEF_PARSE_INACTIVE),
        `validate` refuses what no part of the model knows. VirtError with libvirt's code and words for
        everything that is wrong.
        """
        from .parse import parse, refuse_unknown

        root = parse(text, "(domain_definition)", "domain")
        return cls.build(root, config, inactive=inactive, understood=refuse_unknown if validate else None)

    @classmethod
    def build(
        cls,
        root: Node,
        config: ParseConfig,
        *,
        inactive: bool = True,
        understood: Callable[[Node], None] | None = None,
        checked: bool = True,
    ) -> Self:
        """The same for an element; `understood` is called when all of it was read, `checked` refuses what makes no
        sense for a new domain.
        """
        context = Context(config, inactive)
        if not understood:
            root.join(_JOINED)
        domain = cls.from_node(root, context)
        if understood:
            understood(root)
        postparse.complete(domain, context)
        if checked:
            check(domain, context)
        return domain

    def format(self, *, inactive: bool = False, secure: bool = False, migratable: bool = False) -> str:
        """The document; a domain without `id` always in its inactive form."""
        out = Out("domain")
        self.emit(out, View(inactive or self.id == -1, secure, migratable))
        return out.render()

    def read(self, node: Node, context: Context) -> None:
        memo = context.memo
        Domain.name.read(self, node, context)
        uuid = node.find("uuid")
        memo["uuid_generated"] = uuid is None or not uuid.text()
        Domain.uuid.read(self, node, context)
        memo["uuid"] = self.uuid = self.uuid or context.config.new_uuid()
        self._read_kind(node, context)
        memo.update(os_type=self.os.type, arch=self.os.arch)
        super().read(node, context)

    def _read_kind(self, node: Node, context: Context) -> None:
        """Type, OS type and architecture, which decide how the rest is read."""
        Domain.type.read(self, node, context)
        Domain.bootloader.read(self, node, context)
        context.memo.update(virt=self.type, bootloader=self.bootloader)
        Domain.os.read(self, node, context)
        if not self.os.type and self.bootloader is not None:
            self.os.type = "xen"
        if not self.os.type:
            raise fail(XML_ERROR, "an os <type> must be specified")
        self.os.arch = self.os.arch or context.config.default_arch()

    def parsed(self, node: Node, context: Context) -> None:
        self._read_kind(node, context)
        self.uuid = context.memo["uuid"]
        if "\n" in (self.title or ""):
            raise fail(XML_ERROR, "Domain title can't contain newlines")
        genids = node.findall("genid")
        if len(genids) > 1:
            raise fail(XML_ERROR, "element 'genid' can only appear once")
        if genids and not self.genid:
            self.genid = context.config.new_uuid()
        check_labels(self.seclabels, context)
        self._count_vcpus(node)
        self._count_iothreads()
        settle(self.cputune, self.max_vcpus, self.iothreads)
        cells = self.cpu.numa.cells if self.cpu else []
        if sum(len(cell.cpus or ()) for cell in cells) > self.max_vcpus:
            raise fail(INTERNAL_ERROR, "Number of CPUs in <numa> exceeds the <vcpu> count")
        if max((max(cell.cpus) for cell in cells if cell.cpus), default=-1) >= self.max_vcpus:
            raise fail(INTERNAL_ERROR, "CPU IDs in <numa> exceed the <vcpu> count")
        if len(node.findall("numatune")) > 1:
            raise fail(XML_ERROR, "only one numatune is supported")
        self.numatune.settle(self.vcpu_placement == "static", len(cells))
        memory = self.numatune.memory
        tune = self.cputune
        pinned = self.cpuset or tune.vcpu_pins or tune.emulator_pins or tune.iothread_pins
        if memory and memory.placement == "auto" and not pinned:
            self.vcpu_placement = "auto"
        if len(node.findall("resource")) > 1:
            raise fail(XML_ERROR, "only one resource element is supported")
        if self.resource is not None and self.resource.partition is None and self.resource.appid is None:
            raise VirtError(INTERNAL_ERROR, UNKNOWN, domain=FROM_DOMAIN)
        self.perf = sort_events(self.perf)

    def _count_vcpus(self, node: Node) -> None:
        vcpu = node.find("vcpu")
        if vcpu is not None and not vcpu.text():
            raise fail(XML_ERROR, "maximum vcpus count must be an integer")
        if vcpu is None or vcpu.get("current") is None:
            self.vcpus = self.max_vcpus
        if not self.vcpu_states:
            if self.vcpus > self.max_vcpus:
                raise fail(CONFIG_UNSUPPORTED, "maximum vCPU count must not be less than current vCPU count")
            return
        if self.max_vcpus > MOST_THREADS:
            raise fail(XML_ERROR, f"more than {MOST_THREADS} vCPUs with individual states")
        given = {state.id: state for state in self.vcpu_states}
        if beyond := [number for number in given if number >= self.max_vcpus]:
            raise fail(XML_ERROR, f"vcpu id '{beyond[0]}' is out of range of maximum vcpu count")
        self.vcpu_states = [given.get(n) or Vcpu(id=n, enabled=False) for n in range(self.max_vcpus)]
        self.vcpus = sum(bool(state.enabled) for state in self.vcpu_states)

    def _count_iothreads(self) -> None:
        taken = {thread.id for thread in self.iothreads}
        if len(taken) < len(self.iothreads):
            ids = [thread.id for thread in self.iothreads]
            twice = next(number for at, number in enumerate(ids) if number in ids[:at])
            raise fail(XML_ERROR, f"duplicate iothread id '{twice}' found")
        if self.iothread_count > MOST_THREADS:
            raise fail(XML_ERROR, f"more than {MOST_THREADS} iothreads")
        free = (number for number in range(1, self.iothread_count + 1) if number not in taken)
        while len(self.iothreads) < self.iothread_count:
            thread = IoThread(id=next(free))
            thread.filled = True
            self.iothreads.append(thread)
        self.iothread_count = len(self.iothreads)

    @property
    def iothreads_told(self) -> bool:
        """Whether the list of I/O threads says more than their number."""
        return any(not t.filled or t.thread_pool_min >= 0 or t.thread_pool_max >= 0 for t in self.iothreads)

    def emit(self, out: Out, view: View) -> None:
        shown, system, devices = copy(self), copy(self.os), copy(self.devices)
        system.virt, system.bootloader = self.type, self.bootloader
        devices.consoles = implied.shown_consoles(self)
        shown.os, shown.devices = system, devices
        Model.emit(shown, out, view)
