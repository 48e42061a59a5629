"""Figures of many guests at once: `domstats`."""

from .. import params, records
from ..common import matches
from ..constants import connect
from ..constants import domain as const
from . import usage
from .qmp import ask_all
from .summaries import summaries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..records import DomainStatsRecord
    from .driver import QemuDriver
    from .guests import Guest
    from .summaries import DiskSummary

    Figures = dict[str, Any]

#: What is asked for a group: QMP command -> group.
_QUESTIONS = {
    "query-balloon": const.DOMAIN_STATS_BALLOON,
    "query-cpus-fast": const.DOMAIN_STATS_VCPU,
    "query-block": const.DOMAIN_STATS_BLOCK,
    "query-blockstats": const.DOMAIN_STATS_BLOCK,
    "query-dirty-rate": const.DOMAIN_STATS_DIRTYRATE,
}
#: How far the measuring of a guest's writes is, in virDomainDirtyRateStatus's order.
_MEASURING = ("unstarted", "measuring", "measured")
#: Groups of virConnectGetAllDomainStats that are known here; the others have nothing to tell.
GROUPS = 0x7FF
#: VIR_CONNECT_GET_ALL_DOMAINS_STATS_*: filters are those of lists; backing, nowait and enforce are accepted.
WAYS = (
    connect.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    | connect.CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    | connect.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
)
#: name in domstats -> QEMU's name
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


def domstats(driver: "QemuDriver", guests: "Iterable[Guest]", groups: int, flags: int) -> "list[DomainStatsRecord]":
    """A record for each guest that passes the filters among `flags`."""
    chosen = [guest for guest in guests if matches(guest, flags & ~WAYS)]
    groups = groups or GROUPS
    seen = Sight(driver, chosen, groups)
    kind = records.of_struct("domain_stats_record")
    return [kind(guest.ref, _stats(driver, guest, groups, seen)) for guest in chosen]


class Sight:
    """What is looked up for all guests at once: what their monitors answer, by command, and the devices they have."""

    def __init__(self, driver: "QemuDriver", guests: "list[Guest]", groups: int):
        commands = [name for name, group in _QUESTIONS.items() if groups & group]
        paths = {guest.record.monitor: guest for guest in guests if guest.active and guest.record is not None}
        answers = ask_all(driver.host, paths, commands) if commands else {}
        #: uuid -> command -> what it returned; those without have ended meanwhile.
        self.told: dict[bytes, Figures] = {
            paths[path].uuid: dict(zip(commands, found, strict=True)) for path, found in answers.items()
        }
        devices = const.DOMAIN_STATS_BLOCK | const.DOMAIN_STATS_INTERFACE
        self.devices = summaries(driver.store, guests) if groups & devices else {}


def _stats(driver: "QemuDriver", guest: "Guest", groups: int, seen: Sight) -> params.TypedParams:
    found = params.TypedParams()
    state, reason = guest.standing
    if groups & const.DOMAIN_STATS_STATE:
        found.add("state.state", params.INT, state).add("state.reason", params.INT, reason)
    record = guest.record
    if not guest.active or record is None or record.process is None:
        _inactive(driver, guest, groups, seen, found)
        return found
    if groups & const.DOMAIN_STATS_CPU_TOTAL:
        user, system = usage.times(driver.host, record.process)
        for name, value in (("time", user + system), ("user", user), ("system", system)):
            found.add(f"cpu.{name}", params.ULLONG, value)
    told = seen.told.get(guest.uuid)
    if told is not None:
        _running(driver, guest, groups, told, found)
        _devices(driver, guest, groups, told, seen, found)
        if groups & const.DOMAIN_STATS_DIRTYRATE and told["query-dirty-rate"]:
            _writes(told["query-dirty-rate"], found)
    return found


def _writes(told: "Figures", found: params.TypedParams) -> None:
    """How fast a guest writes to its memory, as last measured."""
    found.add("dirtyrate.calc_status", params.INT, _MEASURING.index(told["status"]))
    found.add("dirtyrate.calc_start_time", params.LLONG, told["start-time"])
    found.add("dirtyrate.calc_period", params.INT, told["calc-time"])
    found.add("dirtyrate.calc_mode", params.STRING, told["mode"])
    if "dirty-rate" in told:
        found.add("dirtyrate.megabytes_per_second", params.LLONG, told["dirty-rate"])
    for cpu in told.get("vcpu-dirty-rate", ()):
        found.add(f"dirtyrate.vcpu.{cpu['id']}.megabytes_per_second", params.ULLONG, cpu["dirty-rate"])


def _inactive(driver: "QemuDriver", guest: "Guest", groups: int, seen: Sight, found: params.TypedParams) -> None:
    """What is told of a guest that does not run: by its definition."""
    if groups & const.DOMAIN_STATS_BALLOON:
        found.add("balloon.current", params.ULLONG, guest.figures.current_memory)
        found.add("balloon.maximum", params.ULLONG, guest.figures.memory)
    if groups & const.DOMAIN_STATS_VCPU:
        found.add("vcpu.current", params.UINT, guest.figures.vcpus)
        found.add("vcpu.maximum", params.UINT, guest.figures.max_vcpus)
    devices = seen.devices.get(guest.uuid)
    if groups & const.DOMAIN_STATS_BLOCK and devices is not None:
        found.add("block.count", params.UINT, len(devices.disks))
        for number, disk in enumerate(devices.disks):
            found.add(f"block.{number}.name", params.STRING, disk.target)
            if disk.path:
                found.add(f"block.{number}.path", params.STRING, disk.path)
                _stopped_block(driver, f"block.{number}", disk, found)


def _stopped_block(driver: "QemuDriver", name: str, disk: "DiskSummary", found: params.TypedParams) -> None:
    """The size of an image that nobody uses; what it holds is known without looking into it for raw ones alone."""
    stat = driver.host.stat(disk.path)
    if stat is not None and stat.size:
        if disk.format == "raw":
            found.add(f"{name}.capacity", params.ULLONG, stat.size)
        found.add(f"{name}.physical", params.ULLONG, stat.size)


def _running(driver: "QemuDriver", guest: "Guest", groups: int, told: "Figures", found: params.TypedParams) -> None:
    host, record = driver.host, guest.record
    assert record is not None and record.process is not None
    if groups & const.DOMAIN_STATS_BALLOON:
        balloon = told["query-balloon"]
        current = balloon["actual"] // 1024 if balloon else guest.figures.memory
        found.add("balloon.current", params.ULLONG, current)
        found.add("balloon.maximum", params.ULLONG, guest.figures.memory)
        found.add("balloon.rss", params.ULLONG, usage.resident(host, record.process))
    if groups & const.DOMAIN_STATS_VCPU:
        found.add("vcpu.current", params.UINT, guest.figures.vcpus)
        found.add("vcpu.maximum", params.UINT, guest.figures.max_vcpus)
        for cpu in sorted(told["query-cpus-fast"] or (), key=lambda cpu: cpu["cpu-index"]):
            task = usage.thread(host, record.process, cpu["thread-id"])
            name = f"vcpu.{cpu['cpu-index']}"
            found.add(f"{name}.state", params.INT, 1).add(f"{name}.time", params.ULLONG, task.time)
            found.add(f"{name}.wait", params.ULLONG, 0).add(f"{name}.delay", params.ULLONG, task.delay)


def _devices(
    driver: "QemuDriver", guest: "Guest", groups: int, told: "Figures", seen: Sight, found: params.TypedParams
) -> None:
    devices = seen.devices.get(guest.uuid)
    if devices is None:
        return
    if groups & const.DOMAIN_STATS_INTERFACE:
        found.add("net.count", params.UINT, devices.interfaces)
    if groups & const.DOMAIN_STATS_BLOCK:
        figures = blocks(told["query-block"] or (), told["query-blockstats"] or ())
        found.add("block.count", params.UINT, len(devices.disks))
        for number, disk in enumerate(devices.disks):
            _block(driver, f"block.{number}", disk, figures.get(disk.alias, {}), found)


def _block(driver: "QemuDriver", name: str, disk: "DiskSummary", figures: "Figures", found: params.TypedParams) -> None:
    found.add(f"{name}.name", params.STRING, disk.target)
    if disk.path:
        found.add(f"{name}.path", params.STRING, disk.path)
        found.add(f"{name}.backingIndex", params.UINT, disk.index)
    for told, key in _DOMSTATS.items():
        if key in figures:
            found.add(f"{name}.{told}", params.ULLONG, figures[key])
    if disk.path:
        found.add(f"{name}.allocation", params.ULLONG, figures.get("allocation", 0))
        found.add(f"{name}.capacity", params.ULLONG, figures.get("capacity", 0))
        physical = figures.get("physical")
        if not physical:
            stat = driver.host.stat(disk.path)
            physical = stat.size if stat is not None else 0
        found.add(f"{name}.physical", params.ULLONG, physical)


def blocks(images: "Iterable[Figures]", stats: "Iterable[Figures]") -> "dict[str, Figures]":
    """alias of a disk -> QEMU's figures, with `allocation`, `capacity` and `physical`."""
    sizes = {_alias(entry): entry["inserted"]["image"] for entry in images if "inserted" in entry}
    found = {}
    for entry in stats:
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
