"""The guest's CPU and its NUMA cells. Sizes are in KiB."""

from __future__ import annotations

from typing import Any

from ..errors import CONFIG_UNSUPPORTED, FROM_CPU, XML_ERROR, VirtError, virt_error
from .engine import Context, Field, Model, Problem, View, fail
from .fields import Child, Children, CpuSet, Enum, Int, OnOff, Part, Size, Text, UInt, YesNo
from .node import Node
from .serialize import Out
from .values import ULLONG_MAX

_WHOLE = ("host-passthrough", "maximum")


def _bad(code: int, detail: str) -> VirtError:
    return virt_error(code, detail, domain=FROM_CPU)


class Topology(Model):
    sockets = UInt("@sockets", required=True, low=1)
    dies = UInt("@dies", low=1, default=1, absent=None)
    clusters = UInt("@clusters", low=1, default=1, newer=True)
    cores = UInt("@cores", required=True, low=1)
    threads = UInt("@threads", required=True, low=1)


class Cache(Model):
    level = Int("@level", default=-1, low=0)
    mode = Enum("@mode", ("emulate", "passthrough", "disable"), required=True)

    def parsed(self, node: Node, context: Context) -> None:
        if self.level != -1 and not 1 <= self.level <= 3:
            raise _bad(XML_ERROR, "invalid CPU cache level, must be in range [1,3]")


class MaxPhysAddr(Model):
    mode = Enum("@mode", ("emulate", "passthrough"), required=True)
    bits = Int("@bits", default=-1, low=0)
    limit = Int("@limit", default=-1, low=0, newer=True)


class Feature(Model):
    policy = Enum(
        "@policy",
        ("force", "require", "optional", "disable", "forbid"),
        default="require",
        absent="",
        invalid=(CONFIG_UNSUPPORTED, "Invalid CPU feature policy"),
    )
    name = Text("@name", blank=False)

    def parsed(self, node: Node, context: Context) -> None:
        if self.name is None:
            raise _bad(XML_ERROR, "Invalid CPU feature name")


class Sibling(Model):
    id = UInt("@id", required=True, absent=None)
    value = UInt("@value", required=True, absent=None)


class CellCache(Model):
    level = UInt("@level", absent=None)
    associativity = Enum(
        "@associativity", ("direct", "full"), zero=("none",), invalid=(XML_ERROR, "Invalid cache associativity '%s'")
    )
    policy = Enum(
        "@policy", ("writeback", "writethrough"), zero=("none",), invalid=(XML_ERROR, "Invalid cache policy '%s'")
    )
    size = Size("size/@value", required=True, absent=None)
    line = Size("line/@value", required=True, scale=1, limit=ULLONG_MAX)

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        if self.line:
            out.at("line").set("unit", "B")


class Cell(Model):
    id = UInt("@id", default=-1, absent=None)
    cpus = CpuSet("@cpus")
    memory = Size("@memory", required=True, absent=None)
    mem_access = Enum("@memAccess", ("shared", "private"))
    discard = YesNo("@discard")
    distances = Children("distances/sibling", Sibling)
    caches = Children("cache", CellCache)

    def parsed(self, node: Node, context: Context) -> None:
        if node.find("distances") is not None and not self.distances:
            raise fail(XML_ERROR, "NUMA distances defined without siblings")


class Latency(Model):
    initiator = UInt("@initiator", required=True, absent=None)
    target = UInt("@target", required=True, absent=None)
    cache = UInt("@cache")
    type = Enum("@type", ("access", "read", "write"), required=True)
    value = UInt("@value", bits=64, required=True, absent=None)

    def read(self, node: Node, context: Context) -> None:
        Latency.value.read(self, node, context)
        super().read(node, context)


class MemoryBandwidth(Model):
    initiator = UInt("@initiator", required=True, absent=None)
    target = UInt("@target", required=True, absent=None)
    cache = UInt("@cache")
    type = Enum("@type", ("access", "read", "write"), required=True)
    value = Size("@value", required=True, absent=None)

    def read(self, node: Node, context: Context) -> None:
        MemoryBandwidth.value.read(self, node, context)
        super().read(node, context)


class Links(Field[list[Any]]):
    """Latencies and bandwidths, mixed, in document order."""

    def initial(self, model: Model) -> list[Any]:
        value: list[Any] = []
        model.__dict__[self.name] = value
        return value

    def read(self, model: Model, node: Node, context: Context) -> None:
        kinds = {"latency": Latency, "bandwidth": MemoryBandwidth}
        holder = node.find(self.parent)
        for tag in kinds if holder is not None else ():
            holder.findall(tag)  # type: ignore[union-attr]
        found = holder.elements() if holder is not None else []
        model.__dict__[self.name] = [kinds[link.tag].from_node(link, context) for link in found if link.tag in kinds]

    def emit(self, model: Model, out: Out, view: View) -> None:
        for link in getattr(model, self.name):
            link.emit(out.at(self.parent).add("latency" if isinstance(link, Latency) else "bandwidth"), view)


class Numa(Model):
    cells = Children("cell", Cell)
    links = Links("interconnects", default=[])

    def parsed(self, node: Node, context: Context) -> None:
        count = len(self.cells)
        if not count:
            raise fail(XML_ERROR, "NUMA topology defined without NUMA cells")
        placed: dict[int, Cell] = {}
        for position, cell in enumerate(self.cells):
            cell.id = position if cell.id == -1 else cell.id
            if cell.id >= count:
                what = "Exactly one 'cell' element per guest NUMA cell allowed, "
                more = "non-contiguous ranges or ranges not starting from 0 are not allowed"
                raise fail(XML_ERROR, what + more)
            if cell.id in placed:
                raise fail(XML_ERROR, f"Duplicate NUMA cell info for cell id '{cell.id}'")
            for other in sorted(placed):
                if (cell.cpus or frozenset()) & (placed[other].cpus or frozenset()):
                    raise fail(CONFIG_UNSUPPORTED, f"NUMA cells {cell.id} and {other} have overlapping vCPU ids")
            placed[cell.id] = cell
        self._complete_distances(placed)
        self.cells = [placed[number] for number in range(count)]

    def _complete_distances(self, placed: dict[int, Cell]) -> None:
        """Check distances and fill in what follows from them: a cell's own, and the way back."""
        table: dict[int, dict[int, int]] = {}
        for cell in self.cells:
            for sibling in cell.distances:
                here, there, value = cell.id, sibling.id, sibling.value
                if there >= len(placed):
                    what = f"'sibling_id {there}' does not refer to a valid cell within NUMA 'cell id {here}'"
                    raise fail(XML_ERROR, what)
                if not 10 <= value <= 255 or (here == there) != (value == 10):
                    what = f"'value {value}' is invalid for 'sibling id {there}' under NUMA 'cell id {here}'"
                    raise fail(XML_ERROR, what)
                table.setdefault(here, {here: 10})[there] = value
                table.setdefault(there, {there: 10}).setdefault(here, value)
        for number, row in table.items():
            placed[number].distances = [Sibling(id=there, value=row[there]) for there in sorted(row)]


_FALLBACK: Problem = (CONFIG_UNSUPPORTED, "Invalid fallback attribute")


class Cpu(Model):
    """<cpu> without the NUMA cells, which the domain keeps: they are written even if the CPU says nothing."""

    mode = Enum(
        "@mode",
        ("custom", "host-model", *_WHOLE),
        default="custom",
        absent="",
        invalid=(CONFIG_UNSUPPORTED, "Invalid mode attribute '%s'"),
        show=lambda cpu, view: cpu.named,
    )
    match = Enum(
        "@match",
        ("exact", "minimum", "strict"),
        default="exact",
        absent="",
        show=lambda cpu, view: cpu.named and cpu.mode == "custom",
    )
    check = Enum("@check", ("none", "partial", "full"), zero=("default",), show=lambda cpu, view: cpu.named)
    migratable = OnOff("@migratable", show=lambda cpu, view: cpu.mode in _WHOLE)
    deprecated_features = OnOff("@deprecated_features", newer=True)
    fallback = Enum(
        "model/@fallback",
        ("allow", "forbid"),
        blank=False,
        default="allow",
        absent="",
        when=lambda cpu: cpu.mode not in _WHOLE,
        invalid=_FALLBACK,
        show=lambda cpu, view: cpu.model is not None,
    )
    vendor_id = Text("model/@vendor_id", blank=False, when=lambda cpu: cpu.mode not in _WHOLE)
    model = Text("model", show=lambda cpu, view: cpu.mode not in _WHOLE)
    vendor = Text("vendor", show=lambda cpu, view: cpu.mode not in _WHOLE)
    topology = Child("topology", Topology)
    cache = Child("cache", Cache)
    maxphysaddr = Child("maxphysaddr", MaxPhysAddr)
    features = Children("feature", Feature)
    numa = Part("numa", Numa)

    def parsed(self, node: Node, context: Context) -> None:
        if self.migratable is not None and self.mode not in _WHOLE:
            what = "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode"
            raise _bad(CONFIG_UNSUPPORTED, what)
        if self.vendor_id is not None:
            if len(self.vendor_id.encode()) != 12:
                raise _bad(XML_ERROR, "vendor_id must be exactly 12 characters long")
            if "," in self.vendor_id:
                raise _bad(XML_ERROR, "vendor id is invalid")
        if self.vendor is not None and self.model is None:
            raise _bad(XML_ERROR, "CPU vendor specified without CPU model")
        if self.features and self.model is None and self.mode == "custom":
            raise _bad(XML_ERROR, "Non-empty feature list specified without CPU model")
        names = [feature.name for feature in self.features]
        for position, name in enumerate(names):
            if name in names[:position]:
                raise _bad(XML_ERROR, f"CPU feature '{name}' specified more than once")
        if len(node.findall("cache")) > 1:
            raise _bad(XML_ERROR, "at most one CPU cache element may be specified")

    @property
    def named(self) -> bool:
        """Whether the CPU says more than its topology and cache."""
        return self.mode != "custom" or self.model is not None
