"""Shares of CPU caches and memory bandwidth, and their monitors (Linux resctrl)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import INVALID_ARG, XML_ERROR
from .engine import Context, Model, View, fail
from .fields import Children, CpuSet, Enum, Size, UInt
from .node import Node
from .serialize import Out
from .values import ULLONG_MAX, pretty_size


class CacheAllocation(Model):
    """`size` in bytes."""

    id = UInt("@id", required=True, absent=None)
    level = UInt("@level", required=True, absent=None)
    type = Enum("@type", ("both", "code", "data"), required=True)
    size = Size("@size", scale=1, required=True, limit=ULLONG_MAX, absent=None)

    def read(self, node: Node, context: Context) -> None:
        if not node.get("unit"):
            node.element.set("unit", "KiB")
        super().read(node, context)

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        size, unit = pretty_size(self.size)
        out.set("size", str(size))
        out.set("unit", unit)


class MemoryMonitor(Model):
    vcpus = CpuSet("@vcpus", required=(XML_ERROR, "Missing monitor attribute 'vcpus'"))


class CacheMonitor(Model):
    level = UInt("@level", required=True, absent=None)
    vcpus = CpuSet("@vcpus", required=(XML_ERROR, "Missing monitor attribute 'vcpus'"))

    def parsed(self, node: Node, context: Context) -> None:
        if self.level != 3:
            raise fail(XML_ERROR, f"Invalid monitor cache level '{self.level}'")


class CacheTune(Model):
    vcpus = CpuSet("@vcpus", required=(XML_ERROR, "Missing cachetune attribute 'vcpus'"))
    caches = Children("cache", CacheAllocation)
    monitors = Children("monitor", CacheMonitor)

    def present(self, view: View) -> bool:
        return bool(self.vcpus and (self.caches or self.monitors))

    def emit(self, out: Out, view: View) -> None:
        _emit_named(self, out, view)


class MemoryNode(Model):
    id = UInt("@id", required=True, absent=None)
    bandwidth = UInt("@bandwidth", required=True, absent=None)


class MemoryTune(Model):
    vcpus = CpuSet("@vcpus", required=(XML_ERROR, "Missing memorytune attribute 'vcpus'"))
    nodes = Children("node", MemoryNode)
    monitors = Children("monitor", MemoryMonitor)

    def present(self, view: View) -> bool:
        return bool(self.vcpus and (self.nodes or self.monitors))

    def emit(self, out: Out, view: View) -> None:
        _emit_named(self, out, view)


def _emit_named(tune: Any, out: Out, view: View) -> None:
    """An allocation for some vCPUs; libvirt names it after them while the domain runs."""
    tune.fields[0].emit(tune, out, view)
    if not view.inactive:
        out.set("id", f"vcpus_{out.attributes['vcpus']}")
    for field in tune.fields[1:]:
        field.emit(tune, out, view)


def settle_groups(tunes: Sequence[CacheTune | MemoryTune], vcpus: int) -> None:
    """Forget vCPUs there are not, and refuse groups that are not apart. A <cachetune> and a <memorytune> may be
    of the same group.
    """
    groups: list[tuple[frozenset[int], type[Model]]] = []
    for tune in tunes:
        tune.vcpus = group = _below(tune.vcpus, vcpus)
        for other, kind in groups:
            if other == group and kind is type(tune) is CacheTune:
                raise fail(XML_ERROR, "Identical vcpus in cachetunes found")
            if other != group and other & group:
                raise fail(XML_ERROR, "Overlapping vcpus in resctrls")
        seen: list[frozenset[int]] = []
        for monitor in tune.monitors if group else ():
            monitor.vcpus = watched = _below(monitor.vcpus, vcpus)
            if not watched:
                raise fail(INVALID_ARG, "vcpus is empty")
            if not watched <= group:
                raise fail(INVALID_ARG, "Monitor vcpus conflicts with allocation")
            if watched in seen:
                raise fail(INVALID_ARG, "Identical vcpus found in same type monitors")
            if any(watched & other and group not in (watched, other) for other in seen):
                raise fail(INVALID_ARG, "vcpus overlaps in resctrl groups")
            seen.append(watched)
        if tune.present(View()):
            groups.append((group, type(tune)))


def _below(numbers: frozenset[int] | None, limit: int) -> frozenset[int]:
    return frozenset(number for number in numbers or () if number < limit)
