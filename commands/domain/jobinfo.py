"""`domjobinfo` and `domjobabort`: the job that a domain is busy with."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import NO_SUPPORT, VirtError
from vsh.backends.params import BOOLEAN, DOUBLE, TypedParams

from ..declare import Flag, command
from ..errors import CommandError
from ..params import dict_of
from ..results import Done, Result
from ..sizes import pretty
from .lookup import ACTIVE, Domain, facts
from .states import snake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.params import Value
    from vsh.backends.records import DomainRef

    from ..context import Context

BOUNDED, UNBOUNDED, COMPLETED = (
    constants.DOMAIN_JOB_BOUNDED,
    constants.DOMAIN_JOB_UNBOUNDED,
    constants.DOMAIN_JOB_COMPLETED,
)
#: virDomainJobType and virDomainJobOperation in virsh's words.
TYPES = ("None", "Bounded", "Unbounded", "Completed", "Failed", "Cancelled")
OPERATIONS = (
    *("Unknown", "Start", "Save", "Restore", "Incoming migration", "Outgoing migration", "Snapshot"),
    *("Snapshot revert", "Dump", "Backup", "Snapshot delete"),
)
#: Statistics in virsh's order: name of the parameter, label, unit: a size unless it says otherwise. `#N` marks the
#: parameters of a group, which are shown, be they zero, if one of the first three is not.
STATISTICS = (
    *(("data_processed", "Data processed", "#1"), ("data_remaining", "Data remaining", "#1")),
    *(("data_total", "Data total", "#1"), ("memory_processed", "Memory processed", "#2")),
    *(("memory_remaining", "Memory remaining", "#2"), ("memory_total", "Memory total", "#2")),
    *(("memory_bps", "Memory bandwidth", "#2/s"), ("memory_dirty_rate", "Dirty rate", "#2pages/s")),
    *(("memory_page_size", "Page size", "#2bytes"), ("memory_iteration", "Iteration", "#2n")),
    *(("memory_postcopy_requests", "Postcopy requests", "#2n"), ("disk_processed", "File processed", "#3")),
    *(("disk_remaining", "File remaining", "#3"), ("disk_total", "File total", "#3")),
    *(("disk_bps", "File bandwidth", "#3/s"), ("memory_constant", "Constant pages", "n")),
    *(("memory_normal", "Normal pages", "n"), ("memory_normal_bytes", "Normal data", "")),
    *(("downtime", "Expected downtime", "ms"), ("downtime_net", "Downtime w/o network", "ms")),
    *(("setup_time", "Setup time", "ms"), ("compression_cache", "Compression cache", "")),
    *(("compression_bytes", "Compressed data", ""), ("compression_pages", "Compressed pages", "n13")),
    *(("compression_cache_misses", "Compression cache misses", "n13"),),
    *(("compression_overflow", "Compression overflows", "n13"),),
    *(("auto_converge_throttle", "Auto converge throttle", "n13"),),
    *(("disk_temp_used", "Temporary disk space use", ""), ("disk_temp_total", "Temporary disk space total", "")),
    ("errmsg", "Error message", "text"),
)
#: What the data's keys end in, by unit.
KEYS = {"": "_bytes", "/s": "_bytes_per_second", "pages/s": "_pages_per_second", "bytes": "_bytes"}
GROUPS = {"#1": "data", "#2": "memory", "#3": "disk"}


@command(
    "domjobinfo",
    group="domain",
    options=[
        Domain(ACTIVE),
        Flag("completed", "statistics of the last job, which is over"),
        Flag("keep-completed", "with --completed: keep them for another time"),
        Flag("anystats", "statistics of jobs that failed too"),
        Flag("rawstats", "statistics as the hypervisor names them"),
    ],
    requires=[("keep-completed", "completed")],
)
def domjobinfo(
    ctx: "Context",
    domain: "DomainRef",
    completed: bool = False,
    keep_completed: bool = False,
    anystats: bool = False,
    rawstats: bool = False,
) -> Result:
    """Show how far the job is that a domain is busy with: a save, a dump, a migration, a backup."""
    flags = (
        constants.DOMAIN_JOB_STATS_COMPLETED * completed | constants.DOMAIN_JOB_STATS_KEEP_COMPLETED * keep_completed
    )
    try:
        kind, params = ctx.connection.domain_get_job_stats(domain, flags)
    except VirtError as error:
        if error.code != NO_SUPPORT:
            raise
        if flags or rawstats:
            raise CommandError("Optional flags or --rawstats are not supported by the daemon", error) from error
        kind, params = _basic(ctx, domain)
    if rawstats:
        return Raw(kind, params)
    wanted = anystats or kind in (BOUNDED, UNBOUNDED) or (completed and kind == COMPLETED)
    return Statistics(kind, params, wanted)


def _basic(ctx: "Context", domain: "DomainRef") -> "tuple[int, TypedParams]":
    """What older drivers tell, under the names of the newer call."""
    from vsh.backends.params import ULLONG

    info = ctx.connection.domain_get_job_info(domain)
    names = {field: field.replace("mem_", "memory_").replace("file_", "disk_") for field in info._fields[1:]}
    return info.type, TypedParams((name, ULLONG, getattr(info, field)) for field, name in names.items())


class Raw(Result):
    """The parameters as they come."""

    def __init__(self, kind: int, params: TypedParams):
        self.kind = kind
        self.params = params

    def data(self) -> "Any":
        return {"type": word(TYPES, self.kind, "unknown").lower(), **dict_of(self.params)}

    def plain(self, quiet: bool) -> str:
        # Unlike elsewhere truth is a number here, and fractions are short.
        lines = "".join(
            f"{name}: {format(value, 'g') if kind == DOUBLE else int(value) if kind == BOOLEAN else value}\n"
            for name, kind, value in self.params.items
        )
        return f"Job type: {self.kind}\n\n{lines}"


class Statistics(Raw):
    """The parameters in virsh's words; none but the operation if they are not `wanted`."""

    def __init__(self, kind: int, params: TypedParams, wanted: bool):
        super().__init__(kind, params)
        self.wanted = wanted

    def data(self) -> "Any":
        units = {name: unit.lstrip("#123") for name, _, unit in STATISTICS}
        units |= dict.fromkeys(("time_elapsed", "time_elapsed_net", "time_remaining"), "ms")
        facts_ = dict_of(self.params)
        operation = word(OPERATIONS, int(facts_.pop("operation", 0)), "unknown")
        data: dict[str, Any] = {"type": word(TYPES, self.kind, "unknown").lower(), "operation": snake(operation)}
        for name, value in facts_.items():
            unit = units.get(name, "n")
            if unit == "ms":
                data[f"{name}_seconds"] = int(value) / 1000
            else:
                data[name.removesuffix("_bps").removesuffix("_bytes") + KEYS.get(unit, "")] = value
        return data

    def plain(self, quiet: bool) -> str:
        lines = [_line("Job type", f"{word(TYPES, self.kind, 'unknown'):<12}")]
        if self.kind == constants.DOMAIN_JOB_NONE:
            return lines[0]
        params = self.params
        operation = word(OPERATIONS, int(params.get("operation") or 0), "unknown")
        lines.append(_line("Operation", f"{operation:<12}"))
        if not self.wanted:
            return "".join(lines)
        lines.append(_line("Time elapsed", _shown(params.get("time_elapsed") or 0, "ms")))
        if "time_elapsed_net" in params:
            lines.append(_line("Time elapsed w/o network", _shown(params["time_elapsed_net"], "ms")))
        if self.kind == BOUNDED:
            lines.append(_line("Time remaining", _shown(params.get("time_remaining") or 0, "ms")))
        for name, label, unit in STATISTICS:
            group, unit = (GROUPS[unit[:2]], unit[2:]) if unit[:1] == "#" else ("", unit)
            value = params.get(name)
            if group:
                core = [f"{group}_{what}" for what in ("processed", "remaining", "total")]
                if not any(params.get(one) for one in core):
                    continue
                value = value or 0 if name in core else value
            if value is None or (unit == "/s" and not value):
                continue
            if name == "downtime" and self.kind == COMPLETED:
                label = "Total downtime"
            lines.append(_line(label, _shown(value, unit)))
        return "".join(lines)


def _line(label: str, text: str) -> str:
    return f"{label + ':':<17} {text}\n"


def _shown(value: "Value", unit: str) -> str:
    if unit in ("", "/s"):
        return pretty(int(value), 3) + unit
    if unit in ("n", "n13"):
        return f"{value:<{unit[1:] or 12}}"
    return str(value) if unit == "text" else f"{value:<12} {unit}"


def word(words: "tuple[str, ...]", number: int, otherwise: str) -> str:
    """The word for a number of an enum, or what stands for unknown ones."""
    return words[number] if 0 <= number < len(words) else otherwise


@command(
    "domjobabort",
    group="domain",
    options=[Domain(ACTIVE), Flag("postcopy", "break off even a post-copy migration; it can be resumed")],
)
def domjobabort(ctx: "Context", domain: "DomainRef", postcopy: bool = False) -> Done:
    """Abort the job that a domain is busy with."""
    if postcopy:
        ctx.connection.domain_abort_job_flags(domain, constants.DOMAIN_ABORT_JOB_POSTCOPY)
    else:
        ctx.connection.domain_abort_job(domain)
    return Done(domain=facts(domain))
