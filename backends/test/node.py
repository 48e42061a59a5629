"""Figures of the host: CPUs and memory.

They never change, whatever runs.
"""

from .. import errors, records
from ..common import invalid_arg
from .base import TestBase, call, fail, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import NodeGetCpuMap, NodeGetCpuStats

#: Nanoseconds since the host came up.
CPU_STATS = (("user", 9797400000), ("kernel", 34678723400000), ("idle", 87264900000), ("iowait", 763600000))


class NodeCalls(TestBase):
    """Figures of the host."""

    @call("testNodeGetCPUStats")
    def node_get_cpu_stats(self, cpu_num: int, flags: int = 0) -> "list[NodeGetCpuStats]":
        stat = records.of_struct("node_get_cpu_stats")
        return [stat(field, value) for field, value in CPU_STATS]

    @call("testNodeGetCPUMap")
    def node_get_cpu_map(self, flags: int = 0) -> "NodeGetCpuMap":
        found: NodeGetCpuMap = records.NodeGetCpuMap(b"\x15", 3, 8)
        return found

    @locked
    def node_get_free_memory(self) -> int:
        """KiB, where other drivers say bytes."""
        free = sum(memory // 2 for memory, _ in self.driver.cells)
        if not free:  # which libvirt's library takes for a failure
            raise errors.VirtError(errors.INTERNAL_ERROR, "An error occurred, but the cause is unknown")
        return free

    @locked
    def node_get_cells_free_memory(self, start_cell: int) -> list[int]:
        if start_cell < 0:
            function = "virNodeGetCellsFreeMemory"
            text = f"startCell in {function} must be zero or greater"
            raise invalid_arg(function, "startCell", text, errors.FROM_TEST)
        if start_cell >= len(self.driver.cells):
            raise fail(errors.INVALID_ARG, "Range exceeds available cells")
        return [memory for memory, _ in self.driver.cells[start_cell:]]

    @call("testNodeGetFreePages")
    def node_get_free_pages(self, pages: list[int], start_cell: int, cell_count: int, flags: int = 0) -> list[int]:
        counts, last = [], 6
        for _ in range(cell_count * len(pages)):
            last = (last * 2 + 7) & 0xFFFFFFFF
            counts.append(last)
        return counts
