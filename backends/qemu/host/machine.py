"""The Linux machine that guests run on: its CPUs, caches and memory, by cell where it has NUMA.

Read from /proc and /sys in one call each, because the machine may be far.
"""

from ...xml.values import parse_cpuset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host

#: Nanoseconds of a tick in /proc/stat (USER_HZ is 100 on all Linux).
TICK = 10_000_000
_CPU, _NODE, _PAGES = "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm/hugepages"
_TOPOLOGY = ("physical_package_id", "die_id", "core_id", "thread_siblings_list")
_CACHE = ("id", "level", "type", "size", "shared_cpu_list")
_FILES = (
    f"{_CPU}/present",
    f"{_CPU}/online",
    *(f"{_CPU}/cpu[0-9]*/topology/{name}" for name in _TOPOLOGY),
    *(f"{_CPU}/cpu[0-9]*/cache/index[0-9]*/{name}" for name in _CACHE),
    *(f"{_NODE}/node[0-9]*/{name}" for name in ("cpulist", "distance", "meminfo")),
    f"{_NODE}/node[0-9]*/hugepages/hugepages-*/*_hugepages",
    f"{_PAGES}/hugepages-*/*_hugepages",
)


class Cpu:
    """A CPU that is on: where it sits, and the CPUs that share its core."""

    def __init__(self, number: int, socket: int, die: int, core: int, siblings: "frozenset[int]"):
        self.number, self.socket, self.die, self.core, self.siblings = number, socket, die, core, siblings


class Cache:
    """A cache of the last level; `kind` is Data, Instruction or Unified, `size` in bytes."""

    def __init__(self, id: int, level: int, kind: str, size: int, cpus: "frozenset[int]"):
        self.id, self.level, self.kind, self.size, self.cpus = id, level, kind, size, cpus


class Cell:
    """A NUMA cell, or the whole machine; memory in KiB, `pages` are size in KiB -> (how many, how many are free)."""

    def __init__(self, number: int, memory: int, free: int, pages: "dict[int, tuple[int, int]]"):
        self.number, self.memory, self.free, self.pages = number, memory, free, pages
        self.cpus: frozenset[int] = frozenset()
        self.distances: list[int] = []

    def counts(self, size: int) -> "tuple[int, int] | None":
        """How many pages of `size` KiB it has, and how many are free; None for a size that it has not."""
        if size == SMALL:
            huge = sum(each * count for each, (count, _) in self.pages.items())
            return (self.memory - huge) // SMALL, self.free // SMALL
        return self.pages.get(size)


#: KiB of a page on all that runs QEMU as we know it.
SMALL = 4


class Machine:
    """The machine at one moment."""

    def __init__(self, host: "Host"):
        found = host.run(["sh", "-c", f"grep -sH '' {' '.join(_FILES)}"]).stdout.decode("utf-8", "replace")
        files: dict[str, list[str]] = {}
        for line in found.splitlines():
            path, _, text = line.partition(":")
            files.setdefault(path, []).append(text)
        self._host, self._files = host, files
        self.arch = machine(host)
        #: the entries of /proc/cpuinfo
        self.processors = _processors(host)
        self.present = self._cpus(f"{_CPU}/present") or frozenset(range(len(self.processors)))
        self.online = self._cpus(f"{_CPU}/online") or self.present
        self.cpus = [self._cpu(number) for number in sorted(self.online)]
        self.memory = _meminfo(host.read("/proc/meminfo").decode("ascii", "replace").splitlines())
        #: the whole machine
        self.whole = Cell(-1, self.memory["MemTotal"], self.memory["MemFree"], self._pages(_PAGES))
        self.cells = self._cells()

    def _cpus(self, path: str) -> "frozenset[int]":
        """Those that a file names; none where it is missing or, as of a cell that has only memory, empty."""
        text = self._files.get(path, [""])[0]
        return parse_cpuset(text) if text else frozenset()

    def _number(self, path: str, default: int = 0) -> int:
        try:
            return int(self._files[path][0])
        except (KeyError, ValueError):
            return default

    def _cpu(self, number: int) -> Cpu:
        folder = f"{_CPU}/cpu{number}/topology"
        socket, die, core = (max(0, self._number(f"{folder}/{name}")) for name in _TOPOLOGY[:3])
        return Cpu(number, socket, die, core, self._cpus(f"{folder}/{_TOPOLOGY[3]}") or frozenset({number}))

    def _cells(self) -> "list[Cell]":
        """Those that have memory or CPUs; the whole machine where it knows no NUMA."""
        numbers = sorted(
            int(path.split("/")[-2].removeprefix("node")) for path in self._files if path.endswith("/meminfo")
        )
        cells = []
        for number in numbers:
            folder = f"{_NODE}/node{number}"
            told = _meminfo([line.partition(f"Node {number} ")[2] for line in self._files[f"{folder}/meminfo"]])
            cell = Cell(number, told["MemTotal"], told["MemFree"], self._pages(f"{folder}/hugepages"))
            cell.cpus = self._cpus(f"{folder}/cpulist") & self.online
            away = [int(word) for word in self._files.get(f"{folder}/distance", [""])[0].split()]
            cell.distances = away if len(away) == len(numbers) else []
            cells.append(cell)
        if not cells:
            cells = [Cell(0, self.whole.memory, self.whole.free, self.whole.pages)]
            cells[0].cpus = self.online
        return cells

    def _pages(self, folder: str) -> "dict[int, tuple[int, int]]":
        found = {}
        prefix, suffix = f"{folder}/hugepages-", "kB/nr_hugepages"
        for path in self._files:
            if path.startswith(prefix) and path.endswith(suffix):
                size = path.removeprefix(prefix).removesuffix(suffix)
                free = self._number(f"{prefix}{size}kB/free_hugepages")
                found[int(size)] = (self._number(path), free)
        return dict(sorted(found.items()))

    @property
    def caches(self) -> "list[Cache]":
        """Those of level 3, in the order in which CPUs name them."""
        found: dict[tuple[int, str], Cache] = {}
        for cpu in self.cpus:
            for path in sorted(self._files):
                if not path.startswith(f"{_CPU}/cpu{cpu.number}/cache/") or not path.endswith("/level"):
                    continue
                folder = path.rpartition("/")[0]
                kind, size = (self._files.get(f"{folder}/{name}", [""])[0] for name in ("type", "size"))
                id, level = self._number(f"{folder}/id", -1), self._number(path)
                if level == 3 and id >= 0 and size.endswith("K"):
                    cache = Cache(id, level, kind, int(size[:-1]) * 1024, self._cpus(f"{folder}/shared_cpu_list"))
                    found.setdefault((id, kind), cache)
        return list(found.values())

    @property
    def topology(self) -> "tuple[int, int, int, int]":
        """Sockets of the machine, dies of a socket, cores of a die, threads of a core: the most there are."""
        sockets = {cpu.socket for cpu in self.cpus}
        dies = max(len({cpu.die for cpu in self.cpus if cpu.socket == socket}) for socket in sockets)
        cores: dict[tuple[int, int], set[int]] = {}
        for cpu in self.cpus:
            cores.setdefault((cpu.socket, cpu.die), set()).add(cpu.core)
        threads = max(len(cpu.siblings) for cpu in self.cpus)
        return len(sockets), dies, max(len(found) for found in cores.values()), threads


def machine(host: "Host") -> str:
    """The machine's architecture, as the kernel calls it."""
    return host.run(["uname", "-m"]).stdout.decode("ascii", "replace").strip()


def page_pool(cell: int, size: int) -> str:
    """The file that says how many huge pages of `size` KiB a cell has, or the machine for cell -1."""
    folder = _PAGES if cell < 0 else f"{_NODE}/node{cell}/hugepages"
    return f"{folder}/hugepages-{size}kB/nr_hugepages"


def _processors(host: "Host") -> "list[dict[str, str]]":
    text = host.read("/proc/cpuinfo").decode("utf-8", "replace")
    entries = [dict(_pairs(block)) for block in text.split("\n\n")]
    return [entry for entry in entries if "processor" in entry]


def _pairs(block: str) -> "list[tuple[str, str]]":
    return [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in block.split("\n"))]


def _meminfo(lines: "list[str]") -> "dict[str, int]":
    """KiB by name."""
    found = {}
    for line in lines:
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name.strip()] = int(words[0])
    return found
