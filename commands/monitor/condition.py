"""`domcontrol`, `dommemstat` and `domtime`: how a running domain is."""

import time

from vsh.backends.constants import domain as constants

from ..declare import Flag, Int, command
from ..domain.impact import EXCLUSIVE, IMPACT, impact
from ..domain.lookup import ACTIVE, Domain, find_named
from ..domain.states import snake
from ..errors import CommandError, failing
from ..results import Done, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

#: By virDomainControlState, and by virDomainControlErrorReason.
CONTROL = ("ok", "background job", "occupied", "error")
CONTROL_ERRORS = ("", "unknown", "monitor failure", "internal (locking) error")
#: By virDomainMemoryStatTags: virsh's word, and the key and factor for machines; libvirt counts memory in KiB.
MEMORY = (
    ("swap_in", "swap_in_bytes", 1024),
    ("swap_out", "swap_out_bytes", 1024),
    ("major_fault", "major_faults", 1),
    ("minor_fault", "minor_faults", 1),
    ("unused", "unused_bytes", 1024),
    ("available", "available_bytes", 1024),
    ("actual", "actual_bytes", 1024),
    ("rss", "rss_bytes", 1024),
    ("usable", "usable_bytes", 1024),
    ("last_update", "last_update_seconds", 1),
    ("disk_caches", "disk_caches_bytes", 1024),
    ("hugetlb_pgalloc", "hugetlb_pages_allocated", 1),
    ("hugetlb_pgfail", "hugetlb_pages_failed", 1),
)


@command("domcontrol", group="monitor", options=[Domain(ACTIVE)])
def domcontrol(ctx: "Context", domain: "DomainRef") -> Text:
    """Show whether the hypervisor's control channel to a domain is free.

    Occupied for long means that commands for the domain will wait.
    """
    info = ctx.connection.domain_get_control_info(domain, 0)
    state = CONTROL[info.state] if info.state < len(CONTROL) else "unknown"
    reason = CONTROL_ERRORS[info.details] if info.details < len(CONTROL_ERRORS) else "unknown"
    line = state
    if info.state not in (constants.DOMAIN_CONTROL_OK, constants.DOMAIN_CONTROL_ERROR):
        line += f" ({info.state_time / 1000:.3f}s)"
    elif info.state == constants.DOMAIN_CONTROL_ERROR and info.details:
        line += f": {reason}"
    data = {"state": snake(state), "reason": snake(reason) or None, "state_seconds": info.state_time / 1000}
    return Text(f"{line}\n", data=data)


@command(
    "dommemstat",
    group="monitor",
    options=[
        Domain(ACTIVE, find_named),
        Int("period", "let the guest's balloon driver tell its numbers every so many seconds", positional=False),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def dommemstat(
    ctx: "Context", domain: "tuple[str, DomainRef]", period: "int | None" = None, **where: bool
) -> "Done | Text":
    """Show how a running domain uses its memory, or set how often the guest tells.

    Sizes are KiB. Which numbers there are depends on the hypervisor and on the balloon driver in the guest.
    """
    name, ref = domain
    if period is None:
        with failing(f"Failed to get memory statistics for domain {name}"):
            statistics = ctx.connection.domain_memory_stats(ref, 0)
        known = [stat for stat in statistics if 0 <= stat.tag < len(MEMORY)]
        data = {MEMORY[stat.tag][1]: stat.val * MEMORY[stat.tag][2] for stat in known}
        return Text("".join(f"{MEMORY[stat.tag][0]} {stat.val}\n" for stat in known), data=data)
    flags = impact(**where)
    if not where and ctx.connection.domain_is_active(ref) == 1:
        flags = constants.DOMAIN_AFFECT_LIVE
    if period < 0:
        raise CommandError(f"Invalid collection period value '{period}'")
    with failing("Unable to change balloon collection period."):
        ctx.connection.domain_set_memory_stats_period(ref, period, flags)
    return Done(period_seconds=period)


@command(
    "domtime",
    group="monitor",
    options=[
        Domain(ACTIVE),
        Flag("now", "set it to the time of this computer"),
        Flag("pretty", "show date and time rather than seconds"),
        Flag("sync", "set it from the domain's clock chip"),
        Int("time", "set it to these seconds since 1970", least=-(2**63), most=2**63 - 1),
    ],
    exclusive=[("time", "now"), ("time", "sync"), ("now", "sync")],
)
def domtime(
    ctx: "Context",
    domain: "DomainRef",
    now: bool = False,
    pretty: bool = False,
    sync: bool = False,
    time: "int | None" = None,
) -> "Done | Text":
    """Show or set the time in the guest.

    The guest agent does it.
    """
    if now or sync or time is not None:
        seconds = _now() if now else time or 0
        ctx.connection.domain_set_time(domain, seconds, 0, constants.DOMAIN_TIME_SYNC * sync)
        return Done(set_seconds=None if sync else seconds)
    answer = ctx.connection.domain_get_time(domain, 0)
    data = {"seconds": answer.seconds, "nanoseconds": answer.nseconds}
    return Text(f"Time: {_date(answer.seconds) if pretty else answer.seconds}", data=data)


def _now() -> int:
    return int(time.time())


def _date(seconds: int) -> str:
    """UTC as `2026-01-31 23:59:59`; `(null)` for times outside of the calendar, as virsh shows them."""
    try:
        parts = time.gmtime(seconds)
    except (OverflowError, OSError, ValueError):
        return "(null)"
    return time.strftime("%Y-%m-%d %H:%M:%S", parts) if 1 <= parts.tm_year <= 9999 else "(null)"
