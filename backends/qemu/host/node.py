"""The host that guests run on."""

from ... import errors, params, records
from ...common import invalid_arg
from ...constants import node as const
from ..base import QemuBase, call, fail
from ..store import system_error
from .machine import SMALL, TICK, Machine, machine, page_pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...params import TypedParams
    from ...records import NodeGetCpuMap, NodeGetCpuStats, NodeGetInfo, NodeGetMemoryStats
    from .machine import Cell

#: libvirt's release that this driver follows, as virConnectGetLibVersion says it.
LIBRARY = 9000000
MAX_VCPUS = {"kvm": 710, "qemu": 16}
#: virNodeSuspendTarget
SUSPENSIONS = ("Suspend-to-RAM", "Suspend-to-Disk", "Hybrid-Suspend")
KSM = "/sys/kernel/mm/ksm"
#: Parameters of merging equal pages: file -> type; those that may be written come first.
MERGING = {
    "pages_to_scan": params.UINT, "sleep_millisecs": params.UINT, "pages_shared": params.ULLONG,
    "pages_sharing": params.ULLONG, "pages_unshared": params.ULLONG, "pages_volatile": params.ULLONG,
    "full_scans": params.ULLONG, "merge_across_nodes": params.UINT,
}  # fmt: skip
TUNABLE = ("pages_to_scan", "sleep_millisecs", "merge_across_nodes")
_PREFIX = "shm_"


class NodeCalls(QemuBase):
    """The host that guests run on."""

    def connect_get_lib_version(self) -> int:
        return LIBRARY

    @call("")
    def connect_get_version(self) -> int:
        """The version of the QEMU for this machine's own architecture."""
        from .capabilities import emulator, of

        major, minor, micro = of(self.driver, emulator(self.driver.host, machine(self.driver.host))).version
        return major * 1_000_000 + minor * 1_000 + micro

    @call("")
    def connect_get_hostname(self) -> str:
        return self.driver.host.read("/proc/sys/kernel/hostname").decode().strip()

    @call("")
    def connect_get_max_vcpus(self, type: "str | None") -> int:
        wanted = (type or "qemu").lower()
        if wanted not in MAX_VCPUS:
            raise fail(errors.INVALID_ARG, f"unknown type '{type}'")
        return MAX_VCPUS[wanted]

    @call("")
    def node_get_info(self) -> "NodeGetInfo":
        machine = Machine(self.driver.host)
        sockets, dies, cores, threads = machine.topology
        nodes = len(machine.cells)
        mhz = int(float(machine.processors[0].get("cpu MHz", "0"))) if machine.processors else 0
        memory = sum(cell.memory for cell in machine.cells)
        per_node = max(1, sockets // nodes)
        found = (machine.arch, memory, len(machine.cpus), mhz, nodes, per_node, dies * cores, threads)
        info: NodeGetInfo = records.NodeGetInfo(*found)
        return info

    @call("")
    def node_get_free_memory(self) -> int:
        return 1024 * sum(cell.free for cell in Machine(self.driver.host).cells)

    @call("")
    def node_get_cells_free_memory(self, start_cell: int) -> list[int]:
        if start_cell < 0:
            function = "virNodeGetCellsFreeMemory"
            text = f"startCell in {function} must be zero or greater"
            raise invalid_arg(function, "startCell", text, errors.FROM_QEMU)
        return [cell.free * 1024 for cell in _from(Machine(self.driver.host), start_cell)]

    @call("qemuNodeGetFreePages")
    def node_get_free_pages(self, pages: list[int], start_cell: int, cell_count: int, flags: int = 0) -> list[int]:
        machine = Machine(self.driver.host)
        found = []
        for cell in _chosen(machine, start_cell, cell_count):
            for size in pages:
                counts = cell.counts(size)
                if counts is None:
                    raise fail(errors.OPERATION_FAILED, _no_page(size, cell.number))
                found.append(counts[1])
        return found

    @call("qemuNodeAllocPages", const.NODE_ALLOC_PAGES_SET)
    def node_alloc_pages(
        self, page_sizes: list[int], page_counts: list[int], start_cell: int, cell_count: int, flags: int = 0
    ) -> int:
        """How many sizes were dealt with."""
        machine, host = Machine(self.driver.host), self.driver.host
        done = 0
        for cell in _chosen(machine, start_cell, cell_count):
            for size, count in zip(page_sizes, page_counts, strict=True):
                if size == SMALL:
                    raise fail(errors.OPERATION_UNSUPPORTED, "system pages pool can't be modified")
                if size not in cell.pages:
                    raise fail(errors.OPERATION_FAILED, _no_page(size, cell.number))
                wanted = count if flags & const.NODE_ALLOC_PAGES_SET else cell.pages[size][0] + count
                path = page_pool(cell.number, size)
                _write(host, path, wanted)
                if int(host.read(path)) != wanted:
                    raise fail(errors.OPERATION_FAILED, f"Unable to allocate {count} pages. Allocated only {done}")
                done += 1
        return done

    @call("qemuNodeGetCPUStats")
    def node_get_cpu_stats(self, cpu_num: int, flags: int = 0) -> "list[NodeGetCpuStats]":
        function = "virNodeGetCPUStats"
        if cpu_num < -1:
            text = f"cpuNum in {function} only accepts -1 as a negative value"
            raise invalid_arg(function, "cpuNum", text, errors.FROM_QEMU)
        wanted = "cpu" if cpu_num < 0 else f"cpu{cpu_num}"
        for line in self.driver.host.read("/proc/stat").decode("ascii", "replace").splitlines():
            name, *words = line.split()
            if name == wanted:
                user, nice, system, idle, waiting, irq, softirq = map(int, words[:7])
                spent = {"kernel": system + irq + softirq, "user": user + nice, "idle": idle, "iowait": waiting}
                stat = records.of_struct("node_get_cpu_stats")
                return [stat(field, value * TICK) for field, value in spent.items()]
        raise invalid_arg("virHostCPUGetStatsLinux", "cpuNum", "Invalid cpuNum in virHostCPUGetStatsLinux", 0)

    @call("qemuNodeGetMemoryStats")
    def node_get_memory_stats(self, cell_num: int, flags: int = 0) -> "list[NodeGetMemoryStats]":
        machine = Machine(self.driver.host)
        stat = records.of_struct("node_get_memory_stats")
        if cell_num == const.NODE_MEMORY_STATS_ALL_CELLS:
            fields = {"total": "MemTotal", "free": "MemFree", "buffers": "Buffers", "cached": "Cached"}
            return [stat(field, machine.memory[name]) for field, name in fields.items()]
        cells = {cell.number: cell for cell in machine.cells}
        if cell_num not in cells:
            text = f"cellNum in virHostMemGetStats must be less than or equal to {max(cells)}"
            raise invalid_arg("virHostMemGetStats", "cellNum", text, 0)
        cell = cells[cell_num]
        return [stat("total", cell.memory), stat("free", cell.free)]

    @call("qemuNodeGetCPUMap")
    def node_get_cpu_map(self, flags: int = 0) -> "NodeGetCpuMap":
        machine = Machine(self.driver.host)
        count = max(machine.present) + 1
        bits = sum(1 << cpu for cpu in machine.online)
        found: NodeGetCpuMap = records.NodeGetCpuMap(
            bits.to_bytes((count + 7) // 8, "little"), len(machine.online), count
        )
        return found

    @call("qemuNodeGetMemoryParameters")
    def node_get_memory_parameters(self, flags: int = 0) -> "TypedParams":
        files = self.driver.host.read_all(KSM, "")
        found = params.TypedParams()
        for name, kind in MERGING.items():
            if name in files:
                found.add(_PREFIX + name, kind, int(files[name]))
        return found

    @call("qemuNodeSetMemoryParameters")
    def node_set_memory_parameters(self, params: "TypedParams", flags: int = 0) -> None:
        host = self.driver.host
        wanted = {name.removeprefix(_PREFIX): value for name, _, value in params.items}
        for name in wanted:
            if name not in TUNABLE:
                raise fail(errors.INVALID_ARG, f"parameter '{_PREFIX}{name}' not supported")
            if host.stat(f"{KSM}/{name}") is None:
                raise fail(errors.OPERATION_INVALID, f"Parameter '{_PREFIX}{name}' is not supported by this kernel")
        for name, value in wanted.items():
            try:
                host.append(f"{KSM}/{name}", str(value).encode())
            except OSError as error:
                raise system_error(error, f"failed to set {_PREFIX}{name}") from None

    @call("qemuNodeSuspendForDuration")
    def node_suspend_for_duration(self, target: int, duration: int, flags: int = 0) -> None:
        """Nobody would wake the machine: refused."""
        what = SUSPENSIONS[target] if target < len(SUSPENSIONS) else str(target)
        raise fail(errors.ARGUMENT_UNSUPPORTED, what)


def _from(machine: "Machine", start: int) -> "list[Cell]":
    """The cells from `start`."""
    last = max(cell.number for cell in machine.cells)
    if start > last:
        raise fail(errors.INTERNAL_ERROR, f"start cell {start} out of range (0-{last})")
    return [cell for cell in machine.cells if cell.number >= start]


def _chosen(machine: "Machine", start: int, count: int) -> "list[Cell]":
    """`count` cells from `start`; the whole machine is that before the first."""
    cells = [machine.whole] if start < 0 else []
    return cells + _from(machine, max(0, start))[: count - len(cells)]


def _no_page(size: int, cell: int) -> str:
    return f"page size {size} is not available" + (f" on node {cell}" if cell >= 0 else "")


def _write(host: "Host", path: str, value: int) -> None:
    try:
        host.append(path, str(value).encode())
    except OSError as error:
        raise system_error(error, f"Unable to write to: {path}") from None
