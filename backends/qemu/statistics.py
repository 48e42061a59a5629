"""Figures of guests: processor time, memory, disks."""

from .. import errors, params, records
from ..constants import domain as const
from ..constants.connect import TYPED_PARAM_STRING_OKAY
from . import definitions, usage
from .base import QemuBase, call, fail
from .blocks import chains
from .domstats import blocks
from .lifecycle import monitor_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..records import (
        DomainBlockStats,
        DomainDiskError,
        DomainGetBlockInfo,
        DomainGetControlInfo,
        DomainGetCpuStats,
        DomainGetVcpus,
        DomainInterfaceStats,
        DomainMemoryStat,
        DomainRef,
    )
    from ..xml.disks import Disk
    from .guests import Guest
    from .qmp import Monitor

    Figures = dict[str, Any]

#: name in domblkstat, in the order libvirt tells them -> QEMU's name
_OF_QEMU = {
    "rd_operations": "rd_operations",
    "rd_bytes": "rd_bytes",
    "rd_total_times": "rd_total_time_ns",
    "wr_operations": "wr_operations",
    "wr_bytes": "wr_bytes",
    "wr_total_times": "wr_total_time_ns",
    "flush_operations": "flush_operations",
    "flush_total_times": "flush_total_time_ns",
}
#: VIR_DOMAIN_MEMORY_STAT_*: tag, QEMU's name of the guest's own figure (bytes, but for faults: a count)
_MEMORY = (
    (0, "stat-swap-in"),
    (1, "stat-swap-out"),
    (2, "stat-major-faults"),
    (3, "stat-minor-faults"),
    (4, "stat-free-memory"),
    (5, "stat-total-memory"),
    (8, "stat-available-memory"),
    (10, "stat-disk-caches"),
)
_COUNTS = (2, 3)
ACTUAL, RSS, LAST_UPDATE = 6, 7, 9
#: QEMU's state of a disk -> virDomainDiskErrorCode
DISK_ERRORS = {"failed": const.DOMAIN_DISK_ERROR_UNSPEC, "nospace": const.DOMAIN_DISK_ERROR_NO_SPACE}
#: How a guest's writes are measured (virDomainDirtyRateCalcFlags), and for how many seconds at the most.
MEASURING = ("page-sampling", "dirty-bitmap", "dirty-ring")
BITMAP, RING = const.DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP, const.DOMAIN_DIRTYRATE_MODE_DIRTY_RING
LONGEST_MEASURING = 60
#: What QEMU tells for a figure the guest does not give.
UNKNOWN = 2**64 - 1


class StatisticsCalls(QemuBase):
    """Figures of guests."""

    @call("qemuDomainMemoryStats")
    def domain_memory_stats(self, dom: "DomainRef", flags: int = 0) -> "list[DomainMemoryStat]":
        guest = self._active(dom)
        kind = records.of_struct("domain_memory_stat")
        return [kind(tag, value) for tag, value in _memory(self, guest)]

    @call("qemuDomainBlocksStatsFlags", 4)
    def domain_block_stats_flags(self, dom: "DomainRef", path: str, flags: int = 0) -> params.TypedParams:
        figures = _of_disk(self, dom, path)
        found = params.TypedParams()
        for name, key in _OF_QEMU.items():
            found.add(name, params.LLONG, figures[key])
        return found

    @call("qemuDomainGetDiskErrors")
    def domain_get_disk_errors(self, dom: "DomainRef", flags: int = 0) -> "list[DomainDiskError]":
        """Those of disks whose errors stop the guest."""
        guest = self._active(dom)
        kind, found = records.of_struct("domain_disk_error"), []
        with monitor_of(self.driver, guest) as monitor:
            asked = monitor.execute("query-block")
        told = [(str(block.get("qdev")).split("/"), block.get("io-status")) for block in asked]
        for disk in definitions.read_live(self.driver.store, dom.uuid).devices.disks:
            said = next((status for words, status in told if disk.info.alias in words), None)
            if said in DISK_ERRORS:
                found.append(kind(disk.target, DISK_ERRORS[said]))
        return found

    @call("qemuDomainStartDirtyRateCalc", BITMAP | RING)
    def domain_start_dirty_rate_calc(self, dom: "DomainRef", seconds: int, flags: int = 0) -> None:
        if not 1 <= seconds <= LONGEST_MEASURING:
            text = f"seconds={seconds} is invalid, please choose value within [1, {LONGEST_MEASURING}]."
            raise fail(errors.CONFIG_UNSUPPORTED, text)
        if flags == BITMAP | RING:
            names = "'VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP' and 'VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING'"
            raise errors.VirtError(errors.INVALID_ARG, f"Flags {names} are mutually exclusive")
        guest = self._active(dom)
        model = definitions.read_live(self.driver.store, dom.uuid)
        if flags == RING and (model.features.kvm is None or not model.features.kvm.dirty_ring):
            text = "dirty-ring calculation mode requires dirty-ring feature enabled."
            raise fail(errors.OPERATION_UNSUPPORTED, text)
        if flags and model.type != "kvm":  # it would be QEMU's end
            raise fail(errors.OPERATION_UNSUPPORTED, f"the {MEASURING[flags]} mode needs KVM")
        with monitor_of(self.driver, guest) as monitor:
            monitor.do("calc-dirty-rate", {"calc-time": seconds, "mode": MEASURING[flags]})

    @call("")
    def domain_block_stats(self, dom: "DomainRef", path: str) -> "DomainBlockStats":
        figures = _of_disk(self, dom, path)
        stats: DomainBlockStats = records.DomainBlockStats(
            figures["rd_operations"], figures["rd_bytes"], figures["wr_operations"], figures["wr_bytes"], -1
        )
        return stats

    @call("qemuDomainGetBlockInfo")
    def domain_get_block_info(self, dom: "DomainRef", path: str, flags: int = 0) -> "DomainGetBlockInfo":
        from .storage.disks import locate

        guest, driver = self._guest(dom), self.driver
        live = guest.active
        store = driver.store
        model = definitions.read_live(store, dom.uuid) if live else definitions.read_definition(store, guest.name)
        disk = _find(model.devices.disks, path, f"invalid path {path} not assigned to domain")
        if disk.source.empty:
            raise fail(errors.INVALID_ARG, f"disk '{path}' does not currently have a source assigned")
        try:
            locate(store, [disk])
        except errors.VirtError:
            if not live:
                raise  # QEMU, which has the volume open, knows it all the same
        source = str(disk.source.path)
        stat = driver.host.stat(source)
        if stat is None and not (live and disk.type == "volume"):
            raise errors.virt_error(errors.SYSTEM_ERROR, f"Failed to open file '{source}': No such file or directory")
        physical = stat.size if stat is not None else 0
        if live:
            with monitor_of(driver, guest) as monitor:
                figures = _ask_blocks(monitor)[str(disk.info.alias)]
            capacity, allocation, used = figures["capacity"], figures["allocation"], figures["physical"]
            if (disk.driver.type or "raw") == "raw":
                allocation = allocation or used
            elif not disk.source.is_device:
                allocation = used
            # As libvirt has it: the size of a file that nothing is known of but what it takes.
            if stat is None or not stat.regular or allocation not in (0, used):
                physical = used or physical
        else:
            capacity, allocation = _sizes(self, source, disk.driver.type or "raw")
        info: DomainGetBlockInfo = records.DomainGetBlockInfo(allocation, capacity, physical)
        return info

    @call("")
    def domain_get_vcpus(self, dom: "DomainRef") -> "DomainGetVcpus":
        guest, host = self._active(dom), self.driver.host
        process = guest.record.process if guest.record is not None else None
        assert process is not None
        with monitor_of(self.driver, guest) as monitor:
            threads = {cpu["cpu-index"]: cpu["thread-id"] for cpu in monitor.execute("query-cpus-fast")}
        kind = records.of_struct("vcpu_info")
        found, maps = [], []
        for number, thread in sorted(threads.items()):
            task = usage.thread(host, process, thread)
            found.append(kind(number, 1, task.time, task.cpu))
            maps.append(usage.affinity(host, process, thread))
        vcpus: DomainGetVcpus = records.DomainGetVcpus(found, b"".join(maps))
        return vcpus

    @call("")
    def domain_interface_stats(self, dom: "DomainRef", device: str) -> "DomainInterfaceStats":
        """What went through an interface of the host's that is the guest's: one's sent is the other's received."""
        from .tunables import interface_of

        self._active(dom)
        interface = interface_of(self, dom, device, const.DOMAIN_AFFECT_LIVE)
        if not interface.target:
            raise fail(errors.INTERNAL_ERROR, "Interface name not provided")
        for line in self.driver.host.read("/proc/net/dev").decode("ascii", "replace").splitlines():
            name, _, numbers = line.partition(":")
            if name.strip() == interface.target:
                told = [int(word) for word in numbers.split()]
                received, sent = told[:4], told[8:12]
                shares_view = interface.type == "direct"
                both = [*received, *sent] if shares_view else [*sent, *received]
                stats: DomainInterfaceStats = records.DomainInterfaceStats(*both)
                return stats
        raise fail(errors.INTERNAL_ERROR, f"/proc/net/dev: Interface not found: {interface.target}")

    @call("qemuDomainGetCPUStats", TYPED_PARAM_STRING_OKAY)
    def domain_get_cpu_stats(
        self, dom: "DomainRef", nparams: int, start_cpu: int, ncpus: int, flags: int = 0
    ) -> "DomainGetCpuStats":
        self._active(dom)
        raise fail(errors.OPERATION_INVALID, "cgroup CPUACCT controller is not mounted")

    @call("qemuDomainGetControlInfo")
    def domain_get_control_info(self, dom: "DomainRef", flags: int = 0) -> "DomainGetControlInfo":
        self._active(dom)
        info: DomainGetControlInfo = records.DomainGetControlInfo(const.DOMAIN_CONTROL_OK, 0, 0)
        return info


def _ask_blocks(monitor: "Monitor") -> "dict[str, Figures]":
    return blocks(monitor.execute("query-block"), monitor.execute("query-blockstats"))


def _find(disks: "list[Disk]", path: str, missing: str) -> "Disk":
    """The disk of that target, or with that source; raises INVALID_ARG with the text `missing`."""
    for disk in disks:
        if disk.target == path or (disk.source.path == path and path.startswith("/")):
            return disk
    raise fail(errors.INVALID_ARG, missing)


def _of_disk(calls: QemuBase, dom: "DomainRef", path: str) -> "Figures":
    """QEMU's figures of one disk, or of all together for an empty path."""
    guest = calls._active(dom)
    model = definitions.read_live(calls.driver.store, dom.uuid)
    disks = model.devices.disks
    wanted = [_find(disks, path, f"invalid path: {path}")] if path else disks
    with monitor_of(calls.driver, guest) as monitor:
        figures = _ask_blocks(monitor)
    total = dict.fromkeys(_OF_QEMU.values(), 0)
    for disk in wanted:
        for key in total:
            total[key] += figures.get(str(disk.info.alias), {}).get(key, 0)
    return total


def _sizes(calls: QemuBase, path: str, format: str) -> "tuple[int, int]":
    """What an image holds, and what it takes; bytes."""
    told = chains.info(calls.driver.host, path, format)
    return told["virtual-size"], told["actual-size"]


def _memory(calls: QemuBase, guest: "Guest") -> "list[tuple[int, int]]":
    record = guest.record
    assert record is not None and record.process is not None
    model = definitions.read_live(calls.driver.store, guest.uuid)
    balloons = [balloon for balloon in model.devices.memballoons if balloon.model != "none"]
    found = []
    if balloons:
        with monitor_of(calls.driver, guest) as monitor:
            actual = usage.balloon_of(monitor)
            told = monitor.execute(
                "qom-get", path=f"/machine/peripheral/{balloons[0].info.alias}", property="guest-stats"
            )
        found.append((ACTUAL, actual))
        for tag, name in _MEMORY:
            value = told.get("stats", {}).get(name, UNKNOWN)
            if 0 <= value < UNKNOWN:
                found.append((tag, value if tag in _COUNTS else value // 1024))
        found.append((LAST_UPDATE, told.get("last-update", 0)))
    else:
        found.append((ACTUAL, guest.figures.memory))
    found.append((RSS, usage.resident(calls.driver.host, record.process)))
    return found
