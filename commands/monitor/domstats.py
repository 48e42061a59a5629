"""`domstats`: statistics of many domains at once."""

from vsh.backends.constants import connect, domain

from ..declare import Argv, Flag, command
from ..domain.lookup import domain_names, facts, find_domains
from ..domain.states import STATES, reason_name, snake
from ..params import text_of
from ..results import Text
from ..statistics import BYTES, KIB, MIB_PER_SECOND, NANOSECONDS, SECONDS, name_of, nested

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.params import TypedParams
    from vsh.backends.records import DomainStatsRecord

    from ..context import Context

#: virDomainStatsTypes by option.
GROUPS = {
    "state": (domain.DOMAIN_STATS_STATE, "state and the reason for it"),
    "cpu-total": (domain.DOMAIN_STATS_CPU_TOTAL, "processor time taken on the host"),
    "balloon": (domain.DOMAIN_STATS_BALLOON, "memory and the balloon"),
    "vcpu": (domain.DOMAIN_STATS_VCPU, "each virtual CPU"),
    "interface": (domain.DOMAIN_STATS_INTERFACE, "each network interface"),
    "block": (domain.DOMAIN_STATS_BLOCK, "each disk"),
    "perf": (domain.DOMAIN_STATS_PERF, "the performance events that are switched on"),
    "iothread": (domain.DOMAIN_STATS_IOTHREAD, "each I/O thread"),
    "memory": (domain.DOMAIN_STATS_MEMORY, "memory bandwidth"),
    "dirtyrate": (domain.DOMAIN_STATS_DIRTYRATE, "how fast memory is written, as last measured"),
    "vm": (domain.DOMAIN_STATS_VM, "what the hypervisor itself counts"),
}
#: virConnectGetAllDomainStatsFlags by option.
FILTERS = {
    "list-active": (connect.CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, "only domains that run"),
    "list-inactive": (connect.CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, "only domains that do not run"),
    "list-persistent": (connect.CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT, "only domains with a stored definition"),
    "list-transient": (connect.CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT, "only domains without a stored definition"),
    "list-running": (connect.CONNECT_GET_ALL_DOMAINS_STATS_RUNNING, "only domains whose guest runs"),
    "list-paused": (connect.CONNECT_GET_ALL_DOMAINS_STATS_PAUSED, "only paused domains"),
    "list-shutoff": (connect.CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF, "only domains that are shut off"),
    "list-other": (connect.CONNECT_GET_ALL_DOMAINS_STATS_OTHER, "only domains in any other state"),
}
WAYS = {
    "enforce": (connect.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS, "fail where a group cannot be had"),
    "backing": (connect.CONNECT_GET_ALL_DOMAINS_STATS_BACKING, "disks with the images they are based on"),
    "nowait": (connect.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT, "leave out what would have to be waited for"),
}
#: The units of statistics, and the names that numbers stand for.
UNITS = {
    "state.state": name_of(*(snake(state) for state, _ in STATES)),
    **dict.fromkeys(("cpu.time", "cpu.user", "cpu.system"), NANOSECONDS),
    **dict.fromkeys(("cpu.haltpoll.success.time", "cpu.haltpoll.fail.time"), NANOSECONDS),
    "cpu.cache.monitor.#.bank.#.bytes": BYTES,
    **{
        f"balloon.{name}": KIB
        for name in ("current", "maximum", "swap_in", "swap_out", "unused", "available", "usable", "rss", "disk_caches")
    },
    "balloon.last-update": SECONDS,
    "vcpu.#.state": name_of("offline", "running", "blocked"),
    **{f"vcpu.#.{name}": NANOSECONDS for name in ("time", "wait", "delay")},
    **{f"net.#.{way}.bytes": BYTES for way in ("rx", "tx")},
    **{f"block.#.{name}": BYTES for name in ("allocation", "capacity", "physical", "threshold")},
    **{f"block.#.{way}.bytes": BYTES for way in ("rd", "wr")},
    **{f"block.#.{way}.times": NANOSECONDS for way in ("rd", "wr", "fl")},
    "perf.cmt": BYTES,
    **dict.fromkeys(("perf.cpu_clock", "perf.task_clock"), NANOSECONDS),
    "memory.bandwidth.monitor.#.node.#.bytes.local": BYTES,
    "memory.bandwidth.monitor.#.node.#.bytes.total": BYTES,
    "dirtyrate.calc_status": name_of("unstarted", "measuring", "measured"),
    **dict.fromkeys(("dirtyrate.calc_start_time", "dirtyrate.calc_period"), SECONDS),
    **dict.fromkeys(("dirtyrate.megabytes_per_second", "dirtyrate.vcpu.#.megabytes_per_second"), MIB_PER_SECOND),
}


@command(
    "domstats",
    group="monitor",
    options=[
        *(Flag(name, help) for name, (_, help) in (GROUPS | FILTERS).items()),
        Flag("raw", "as the hypervisor tells them; all are shown so already"),
        *(Flag(name, help) for name, (_, help) in WAYS.items()),
        Argv("domain", "names, ids or UUIDs of domains; without them all", complete=domain_names()),
    ],
)
def domstats(ctx: "Context", domain: "list[str] | None" = None, **chosen: bool) -> Text:
    """Show statistics of domains.

    Without options all groups of all domains. Names and numbers are libvirt's: memory in KiB, times in nanoseconds; as
    data they are nested, in bytes and seconds.
    """
    refs = find_domains(ctx, domain) if domain else []
    groups, flags = (_flags(table, chosen) for table in (GROUPS, FILTERS | WAYS))
    records = ctx.connection.connect_get_all_domain_stats(refs, groups, flags)
    return Statistics(records)


class Statistics(Text):
    """Statistics of domains; the data are made when they are asked for, which takes longer than the text."""

    def __init__(self, records: "list[DomainStatsRecord]"):
        super().__init__("\n".join(map(_lines, records)))
        self._records = records

    def data(self) -> "list[dict[str, Any]]":
        return [{"domain": facts(record.dom), "statistics": _statistics(record.params)} for record in self._records]


def _statistics(params: "TypedParams") -> "dict[str, Any]":
    found = nested(params, UNITS)
    if "state.reason" in params:
        found["state"]["reason"] = snake(reason_name(int(params["state.state"]), int(params["state.reason"])))
    return found


def _flags(table: "dict[str, tuple[int, str]]", chosen: "dict[str, bool]") -> int:
    return sum(flag for name, (flag, _) in table.items() if name.replace("-", "_") in chosen)


def _lines(record: "DomainStatsRecord") -> str:
    lines = [f"  {name}={text_of(kind, value)}\n" for name, kind, value in record.params.items]
    return f"Domain: '{record.dom.name}'\n" + "".join(lines)
