"""Limits and placement: block I/O, memory, CPUs, I/O threads, NUMA."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_DETAIL, XML_ERROR
from .engine import Context, Model, View, fail
from .fields import FILE, Child, Children, CpuSet, Enum, Flag, Int, OptInt, Part, Size, Text, UInt, one_of
from .node import Node
from .resctrl import CacheTune, MemoryTune, settle_groups
from .serialize import Out

#: A limit of this many KiB or more is none (VIR_DOMAIN_MEMORY_PARAM_UNLIMITED).
UNLIMITED = 9007199254740991
_LIMIT = UNLIMITED << 10


def _figure(path: str, what: str, bits: int = 32) -> UInt:
    return UInt(path, bits=bits, wraps=True, invalid=(CONFIG_UNSUPPORTED, f"could not parse {what} %s"))


class BlkioDevice(Model):
    """`path` of a host device with its weight and limits."""

    path = Text("path", shape=FILE, required=(CONFIG_UNSUPPORTED, "missing per-device path"))
    weight = _figure("weight", "weight")
    read_iops = _figure("read_iops_sec", "read iops sec")
    write_iops = _figure("write_iops_sec", "write iops sec")
    read_bytes = _figure("read_bytes_sec", "read bytes sec", bits=64)
    write_bytes = _figure("write_bytes_sec", "write bytes sec", bits=64)

    def present(self, view: View) -> bool:
        return bool(self.weight or self.read_iops or self.write_iops or self.read_bytes or self.write_bytes)


class Blkiotune(Model):
    weight = UInt("weight", forgiving=True)
    devices = Children("device", BlkioDevice)


class MemoryLimit(Size):
    def __init__(self, name: str) -> None:
        super().__init__(name, default=UNLIMITED, limit=_LIMIT, xpath=f"./memtune/{name}[1]")

    def read(self, model: Model, node: Node, context: Context) -> None:
        try:
            super().read(model, node, context)
        except Exception as error:
            if str(error) != "numerical overflow: size value too large":
                raise
        model.__dict__[self.name] = min(model.__dict__.get(self.name, UNLIMITED), UNLIMITED)

    def shown(self, model: Model, view: View) -> bool:
        return bool(model.__dict__[self.name] < UNLIMITED) and super().shown(model, view)


class Memtune(Model):
    hard_limit = MemoryLimit("hard_limit")
    soft_limit = MemoryLimit("soft_limit")
    min_guarantee = Size("min_guarantee", xpath="./memtune/min_guarantee[1]")
    swap_hard_limit = MemoryLimit("swap_hard_limit")


class HugePage(Model):
    size = Size("@size", required=True, absent=None)
    nodeset = CpuSet("@nodeset", empty="nodeset")

    def parsed(self, node: Node, context: Context) -> None:
        if not self.size:
            raise fail(XML_DETAIL, "hugepage size can't be zero")


class HugePages(Model):
    pages = Children("page", HugePage)


def _unknown(what: str) -> tuple[int, str]:
    return CONFIG_UNSUPPORTED, f"unknown memoryBacking/{what} '%s'"


class MemoryBacking(Model):
    hugepages = Child("hugepages", HugePages)
    nosharepages = Flag("nosharepages")
    locked = Flag("locked")
    source = Enum(
        "source/@type", ("file", "anonymous", "memfd"), blank=False, wanted=True, invalid=_unknown("source/type")
    )
    access = Enum("access/@mode", ("shared", "private"), blank=False, wanted=True, invalid=_unknown("access/mode"))
    allocation = Enum("allocation/@mode", ("immediate", "ondemand"), blank=False, invalid=_unknown("allocation/mode"))
    threads = UInt("allocation/@threads", blank=False, invalid=(XML_ERROR, "Failed to parse memory allocation threads"))
    discard = Flag("discard")


class IoThreadPool(Model):
    thread_pool_min = Int("@thread_pool_min", default=-1, low=0)
    thread_pool_max = Int("@thread_pool_max", default=-1, low=0)


class IoThread(IoThreadPool):
    """`filled` ones were not listed but counted."""

    id = UInt("@id", required=True, low=1)
    poll_max = OptInt("poll/@max", bits=64, newer=True)
    poll_grow = OptInt("poll/@grow", bits=64, newer=True)
    poll_shrink = OptInt("poll/@shrink", bits=64, newer=True)
    filled = False

    def emit(self, out: Out, view: View) -> None:
        out.set("id", str(self.id))
        super().emit(out, view)


class VcpuPin(Model):
    vcpu = UInt("@vcpu", required=True, absent=None)
    cpuset = CpuSet("@cpuset", empty="cpuset", required=(INTERNAL_ERROR, "missing cpuset for vcpupin"))


class EmulatorPin(Model):
    cpuset = CpuSet("@cpuset", empty="cpuset", required=(INTERNAL_ERROR, "missing cpuset for emulatorpin"))


class IoThreadPin(Model):
    iothread = UInt("@iothread", required=True, low=1)
    cpuset = CpuSet("@cpuset", empty="cpuset", required=(INTERNAL_ERROR, "missing cpuset for iothreadpin"))


class Scheduler(Model):
    scheduler = Enum("@scheduler", ("batch", "idle", "fifo", "rr"), required=True)
    priority = Int("@priority", absent=None, when=one_of("scheduler", "fifo", "rr"), required=True)


class VcpuScheduler(Model):
    vcpus = CpuSet("@vcpus", required=(XML_ERROR, "Missing attribute 'vcpus' in element 'vcpusched'"))
    policy = Part(".", Scheduler)


class IoThreadScheduler(Model):
    iothreads = CpuSet("@iothreads", required=(XML_ERROR, "Missing attribute 'iothreads' in element 'iothreadsched'"))
    policy = Part(".", Scheduler)


def _tune(name: str, sign: bool = False) -> OptInt:
    problem = (XML_ERROR, f"can't parse cputune {name.replace('_', ' ')} value")
    return OptInt(name, sign=sign, bits=64, invalid=problem)


class Cputune(Model):
    shares = _tune("shares")
    period = _tune("period")
    quota = _tune("quota", sign=True)
    global_period = _tune("global_period")
    global_quota = _tune("global_quota", sign=True)
    emulator_period = _tune("emulator_period")
    emulator_quota = _tune("emulator_quota", sign=True)
    iothread_period = _tune("iothread_period")
    iothread_quota = _tune("iothread_quota", sign=True)
    vcpu_pins = Children("vcpupin", VcpuPin)
    emulator_pins = Children("emulatorpin", EmulatorPin, most=1, many=(XML_ERROR, "only one emulatorpin is supported"))
    iothread_pins = Children("iothreadpin", IoThreadPin)
    emulator_scheds = Children(
        "emulatorsched", Scheduler, most=1, many=(XML_ERROR, "only one emulatorsched is supported")
    )
    vcpu_scheds = Children("vcpusched", VcpuScheduler)
    iothread_scheds = Children("iothreadsched", IoThreadScheduler)
    cachetunes = Children("cachetune", CacheTune)
    memorytunes = Children("memorytune", MemoryTune)

    def parsed(self, node: Node, context: Context) -> None:
        for name in [field.name for field in self.fields[1:9]]:
            if getattr(self, name) == 0:
                setattr(self, name, None)  # 0 says nothing, except for shares


def settle(tune: Cputune, vcpus: int, threads: list[IoThread]) -> None:
    """Bring pins and schedulers in libvirt's order, one entry for each thread, and check them against the
    threads there are.
    """
    pins: dict[int, VcpuPin] = {}
    for pin in tune.vcpu_pins:
        if pin.vcpu >= vcpus:
            continue  # ignored, as libvirt does with a warning
        if pin.vcpu in pins:
            raise fail(INTERNAL_ERROR, f"duplicate vcpupin for vcpu '{pin.vcpu}'")
        pins[pin.vcpu] = pin
    tune.vcpu_pins = [pins[number] for number in sorted(pins)]
    order = [thread.id for thread in threads]
    thread_pins: dict[int, IoThreadPin] = {}
    for thread_pin in tune.iothread_pins:
        if thread_pin.iothread not in order:
            raise fail(CONFIG_UNSUPPORTED, f"Cannot find 'iothread' : {thread_pin.iothread}")
        if thread_pin.iothread in thread_pins:
            raise fail(INTERNAL_ERROR, f"duplicate iothreadpin for same iothread '{thread_pin.iothread}'")
        thread_pins[thread_pin.iothread] = thread_pin
    tune.iothread_pins = [thread_pins[number] for number in order if number in thread_pins]
    scheds: dict[int, Scheduler] = {}
    for sched in tune.vcpu_scheds:
        for number in sorted(sched.vcpus or ()):
            if number >= vcpus:
                raise fail(CONFIG_UNSUPPORTED, f"vCPU '{number}' is not present in domain definition")
            if number in scheds:
                raise fail(XML_DETAIL, "'vcpusched' attributes 'vcpus' must not overlap")
            scheds[number] = sched.policy
    tune.vcpu_scheds = [VcpuScheduler(vcpus=frozenset((n,)), policy=scheds[n]) for n in sorted(scheds)]
    scheds = {}
    for thread_sched in tune.iothread_scheds:
        for number in sorted(thread_sched.iothreads or ()):
            if number not in order:
                raise fail(CONFIG_UNSUPPORTED, f"Cannot find 'iothread' : {number}")
            if number in scheds:
                raise fail(XML_DETAIL, "'iothreadsched' attributes 'iothreads' must not overlap")
            scheds[number] = thread_sched.policy
    tune.iothread_scheds = [
        IoThreadScheduler(iothreads=frozenset((n,)), policy=scheds[n]) for n in order if n in scheds
    ]
    settle_groups([*tune.cachetunes, *tune.memorytunes], vcpus)


class NumaMemory(Model):
    mode = Enum(
        "@mode",
        ("strict", "preferred", "interleave", "restrictive"),
        default="strict",
        absent="",
        invalid=(CONFIG_UNSUPPORTED, "Unsupported NUMA memory tuning mode '%s'"),
    )
    nodeset = CpuSet("@nodeset", empty="nodeset")
    placement = Enum(
        "@placement",
        ("static", "auto"),
        zero=("default",),
        invalid=(CONFIG_UNSUPPORTED, "Unsupported NUMA memory placement mode '%s'"),
        show=lambda memory, view: memory.placement == "auto",
    )


class MemNode(Model):
    cellid = UInt("@cellid", required=True, absent=None)
    mode = Enum("@mode", ("strict", "preferred", "interleave", "restrictive"), default="strict", absent="")
    nodeset = CpuSet(
        "@nodeset", empty="nodeset", required=(XML_ERROR, "Missing required nodeset attribute in memnode element")
    )


class Numatune(Model):
    memory = Child("memory", NumaMemory)
    memnodes = Children("memnode", MemNode)

    def settle(self, static: bool, cells: int) -> None:
        """Fill in the placement and check nodes against the guest's `cells`; `static` is the placement of vCPUs."""
        memory = self.memory
        if memory is None and not static:
            memory = self.memory = NumaMemory(placement="auto")
        if memory is not None:
            if not memory.placement:
                memory.placement = "static" if memory.nodeset or static else "auto"
            if memory.placement == "static" and not memory.nodeset:
                what = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"
                raise fail(CONFIG_UNSUPPORTED, what)
            if memory.placement == "auto":
                memory.nodeset = None
        if self.memnodes and memory is not None and memory.placement == "auto":
            raise fail(CONFIG_UNSUPPORTED, "Per-node binding is not compatible with automatic NUMA placement.")
        if self.memnodes and not cells:
            raise fail(XML_ERROR, "Element 'memnode' is invalid without any guest NUMA cells")
        seen: dict[int, MemNode] = {}
        for memnode in self.memnodes:
            if memnode.cellid >= cells:
                what = "Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell"
                raise fail(XML_ERROR, what)
            if memnode.cellid in seen:
                raise fail(XML_ERROR, f"Multiple memnode elements with cellid {memnode.cellid}")
            if memory is not None and memory.mode == "restrictive" and memnode.mode != "restrictive":
                what = "'restrictive' mode is required in memnode element when mode is 'restrictive' in memory element"
                raise fail(XML_ERROR, what)
            seen[memnode.cellid] = memnode
        self.memnodes = [seen[number] for number in sorted(seen)]
