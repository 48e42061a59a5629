"""Figures of guests: processor time, memory, disks."""

from .. import errors, params, records
from ..common import matches
from ..constants import connect
from ..constants import domain as const
from . import definitions, usage
from .base import QemuBase, call, fail
from .lifecycle import monitor_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..records import (
        DomainBlockStats,
        DomainGetBlockInfo,
        DomainGetControlInfo,
        DomainGetJobInfo,
        DomainGetVcpus,
        DomainMemoryStat,
        DomainRef,
        DomainStatsRecord,
    )
    from ..xml.disks import Disk
    from .guests import Guest

    Figures = dict[str, Any]

#: Groups of virConnectGetAllDomainStats that are known here; the others have nothing to tell.
GROUPS = 0x7FF
#: VIR_CONNECT_GET_ALL_DOMAINS_STATS_*: filters are those of lists; backing, nowait and enforce are accepted.
WAYS = (
    connect.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    | connect.CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    | connect.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
)
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
_DOMSTATS = {
    "rd.reqs": "rd_operations",
    "rd.bytes": "rd_bytes",
    "rd.times": "rd_total_time_ns",
    "wr.reqs": "wr_operations",
    "wr.bytes": "wr_bytes",
    "wr.times": "wr_total_time_ns",
    "fl.reqs": "flush_operations",
    "fl.times": "flush_total_time_ns",
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
#: What QEMU tells for a figure the guest does not give.
UNKNOWN = 2**64 - 1


class StatisticsCalls(QemuBase):
    """Figures of guests."""

    @call("")
    def connect_get_all_domain_stats(
        self, doms: "list[DomainRef]", stats: int, flags: int = 0
    ) -> "list[DomainStatsRecord]":
        guests = self._guests()
        chosen = [self._guest(dom) for dom in doms] if doms else [*guests]
        kind = records.of_struct("domain_stats_record")
        wanted = stats or GROUPS
        filters = flags & ~WAYS
        return [kind(guest.ref, _stats(self, guest, wanted)) for guest in chosen if matches(guest, filters)]

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

    @call("")
    def domain_block_stats(self, dom: "DomainRef", path: str) -> "DomainBlockStats":
        figures = _of_disk(self, dom, path)
        stats: DomainBlockStats = records.DomainBlockStats(
            figures["rd_operations"], figures["rd_bytes"], figures["wr_operations"], figures["wr_bytes"], -1
        )
        return stats

    @call("qemuDomainGetBlockInfo")
    def domain_get_block_info(self, dom: "DomainRef", path: str, flags: int = 0) -> "DomainGetBlockInfo":
        guest, driver = self._guest(dom), self.driver
        live = guest.active
        store = driver.store
        model = definitions.read_live(store, dom.uuid) if live else definitions.read_definition(store, guest.name)
        disk = _find(model.devices.disks, path, f"invalid path {path} not assigned to domain")
        if disk.source.empty:
            raise fail(errors.INVALID_ARG, f"disk '{path}' does not currently have a source assigned")
        source = str(disk.source.path)
        stat = driver.host.stat(source)
        if stat is None:
            raise errors.virt_error(
                errors.SYSTEM_ERROR, f"Failed to open file '{source}': No such file or directory"
            )
        physical = stat.size
        if live:
            with monitor_of(driver, guest) as monitor:
                figures = _blocks(monitor)[str(disk.info.alias)]
            physical = figures["physical"] or physical
            capacity, allocation = figures["capacity"], figures["allocation"]
            if disk.driver.type == "raw":
                allocation = allocation or figures["physical"]
        else:
            capacity, allocation = _sizes(self, source, disk.driver.type)
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

    @call("qemuDomainGetControlInfo")
    def domain_get_control_info(self, dom: "DomainRef", flags: int = 0) -> "DomainGetControlInfo":
        self._active(dom)
        info: DomainGetControlInfo = records.DomainGetControlInfo(const.DOMAIN_CONTROL_OK, 0, 0)
        return info

    @call("")
    def domain_get_job_info(self, dom: "DomainRef") -> "DomainGetJobInfo":
        self._active(dom)
        info: DomainGetJobInfo = records.DomainGetJobInfo(*[0] * 12)
        return info


def _stats(calls: QemuBase, guest: "Guest", groups: int) -> params.TypedParams:
    from .qmp import Monitor

    found = params.TypedParams()
    state, reason = guest.standing
    if groups & const.DOMAIN_STATS_STATE:
        found.add("state.state", params.INT, state).add("state.reason", params.INT, reason)
    record = guest.record
    if not guest.active or record is None or record.process is None:
        _inactive(calls, guest, groups, found)
        return found
    if groups & const.DOMAIN_STATS_CPU_TOTAL:
        user, system = usage.times(calls.driver.host, record.process)
        for name, value in (("time", user + system), ("user", user), ("system", system)):
            found.add(f"cpu.{name}", params.ULLONG, value)
    try:
        with Monitor(calls.driver.host, record.monitor) as monitor:
            _from_monitor(calls, guest, groups, monitor, found)
    except (OSError, errors.VirtError):
        pass  # it has just ended: what is known is told
    return found


def _inactive(calls: QemuBase, guest: "Guest", groups: int, found: params.TypedParams) -> None:
    """What is told of a guest that does not run: by its definition."""
    if groups & const.DOMAIN_STATS_BALLOON:
        found.add("balloon.current", params.ULLONG, guest.figures.current_memory)
        found.add("balloon.maximum", params.ULLONG, guest.figures.memory)
    if groups & const.DOMAIN_STATS_VCPU:
        found.add("vcpu.current", params.UINT, guest.figures.vcpus)
        found.add("vcpu.maximum", params.UINT, guest.figures.max_vcpus)
    if groups & const.DOMAIN_STATS_BLOCK:
        model = definitions.read_definition(calls.driver.store, guest.name)
        found.add("block.count", params.UINT, len(model.devices.disks))
        for number, disk in enumerate(model.devices.disks):
            found.add(f"block.{number}.name", params.STRING, str(disk.target))
            if disk.source.path:
                found.add(f"block.{number}.path", params.STRING, disk.source.path)
                _stopped_block(calls, f"block.{number}", disk, found)


def _stopped_block(calls: QemuBase, name: str, disk: "Disk", found: params.TypedParams) -> None:
    """The size of an image that nobody uses; what it holds is known without looking into it for raw ones alone."""
    stat = calls.driver.host.stat(str(disk.source.path))
    if stat is not None and stat.size:
        if disk.driver.type == "raw":
            found.add(f"{name}.capacity", params.ULLONG, stat.size)
        found.add(f"{name}.physical", params.ULLONG, stat.size)


def _from_monitor(calls: QemuBase, guest: "Guest", groups: int, monitor: "Any", found: params.TypedParams) -> None:
    host, record = calls.driver.host, guest.record
    assert record is not None and record.process is not None
    if groups & const.DOMAIN_STATS_BALLOON:
        current = usage.balloon_of(monitor) or guest.figures.memory
        found.add("balloon.current", params.ULLONG, current)
        found.add("balloon.maximum", params.ULLONG, guest.figures.memory)
        found.add("balloon.rss", params.ULLONG, usage.resident(host, record.process))
    if groups & const.DOMAIN_STATS_VCPU:
        found.add("vcpu.current", params.UINT, guest.figures.vcpus)
        found.add("vcpu.maximum", params.UINT, guest.figures.max_vcpus)
        for cpu in sorted(monitor.execute("query-cpus-fast"), key=lambda cpu: cpu["cpu-index"]):
            task = usage.thread(host, record.process, cpu["thread-id"])
            name = f"vcpu.{cpu['cpu-index']}"
            found.add(f"{name}.state", params.INT, 1).add(f"{name}.time", params.ULLONG, task.time)
            found.add(f"{name}.wait", params.ULLONG, 0).add(f"{name}.delay", params.ULLONG, task.delay)
    if groups & (const.DOMAIN_STATS_BLOCK | const.DOMAIN_STATS_INTERFACE):
        model = definitions.read_live(calls.driver.store, guest.uuid)
        if groups & const.DOMAIN_STATS_INTERFACE:
            found.add("net.count", params.UINT, len(model.devices.interfaces))
        if groups & const.DOMAIN_STATS_BLOCK:
            figures = _blocks(monitor)
            found.add("block.count", params.UINT, len(model.devices.disks))
            for number, disk in enumerate(model.devices.disks):
                _block(calls, f"block.{number}", disk, figures.get(str(disk.info.alias), {}), found)


def _block(calls: QemuBase, name: str, disk: "Disk", figures: "Figures", found: params.TypedParams) -> None:
    found.add(f"{name}.name", params.STRING, str(disk.target))
    if disk.source.path:
        found.add(f"{name}.path", params.STRING, disk.source.path)
        found.add(f"{name}.backingIndex", params.UINT, disk.index)
    for told, key in _DOMSTATS.items():
        if key in figures:
            found.add(f"{name}.{told}", params.ULLONG, figures[key])
    if disk.source.path:
        stat = calls.driver.host.stat(disk.source.path)
        found.add(f"{name}.allocation", params.ULLONG, figures.get("allocation", 0))
        found.add(f"{name}.capacity", params.ULLONG, figures.get("capacity", 0))
        physical = figures.get("physical") or (stat.size if stat is not None else 0)
        found.add(f"{name}.physical", params.ULLONG, physical)


def _blocks(monitor: "Any") -> "dict[str, Figures]":
    """alias of a disk -> QEMU's figures, with `allocation`, `capacity` and `physical`."""
    sizes = {
        _alias(entry): entry["inserted"]["image"]
        for entry in monitor.execute("query-block")
        if "inserted" in entry
    }
    found = {}
    for entry in monitor.execute("query-blockstats"):
        alias = _alias(entry)
        figures = dict(entry["stats"])
        figures["allocation"] = figures.get("wr_highest_offset", 0)
        image = sizes.get(alias, {})
        figures["capacity"], figures["physical"] = image.get("virtual-size", 0), image.get("actual-size", 0)
        found[alias] = figures
    return found


def _alias(entry: "Figures") -> str:
    """The alias in an entry's QOM path, "/machine/peripheral/virtio-disk0/virtio-backend"."""
    path: str = entry.get("qdev") or ""
    return path.removesuffix("/virtio-backend").split("/")[-1]


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
        figures = _blocks(monitor)
    total = dict.fromkeys(_OF_QEMU.values(), 0)
    for disk in wanted:
        for key in total:
            total[key] += figures.get(str(disk.info.alias), {}).get(key, 0)
    return total


def _sizes(calls: QemuBase, path: str, format: str) -> "tuple[int, int]":
    """What an image holds, and what it takes; bytes."""
    import json

    done = calls.driver.host.run(
        [*calls.driver.user_prefix(), "qemu-img", "info", "-U", "-f", format, "--output=json", "--", path]
    )
    if done.status:
        raise fail(errors.OPERATION_FAILED, done.stderr.decode("utf-8", "replace").strip())
    told = json.loads(done.stdout)
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
