"""The host itself: `hostname`, `nodeinfo`, `nodecpumap`, `nodecpustats`, `nodesevinfo`, `nodesuspend`."""

import time

from vsh.backends.constants.node import NODE_CPU_STATS_ALL_CPUS
from vsh.backends.errors import NO_SUPPORT, VirtError

from ..declare import Data, Flag, Int, command
from ..errors import CommandError, failing
from ..params import dict_of, text_of
from ..results import Done, Pairs, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import NodeGetCpuStats

    from ..context import Context

#: virNodeGetCPUStats' fields and virsh's words for them, in virsh's order.
CPU_FIELDS = {"user": "user:", "kernel": "system:", "idle": "idle:", "iowait": "iowait:", "intr": "intr:"}
#: By virNodeSuspendTarget.
TARGETS = ("mem", "disk", "hybrid")


@command("hostname", group="host")
def hostname(ctx: "Context") -> Text:
    """Show the host's name."""
    with failing("failed to get hostname"):
        name = ctx.connection.connect_get_hostname()
    return Text(name + "\n", data={"hostname": name})


@command("nodeinfo", group="host")
def nodeinfo(ctx: "Context") -> Pairs:
    """Show the host's CPUs and memory."""
    with failing("failed to get node information"):
        info = ctx.connection.node_get_info()
    rows = [("CPU model:", info.model), ("CPU(s):", str(info.cpus))]
    if info.mhz:
        rows.append(("CPU frequency:", f"{info.mhz} MHz"))
    rows += [
        ("CPU socket(s):", str(info.sockets)),
        ("Core(s) per socket:", str(info.cores)),
        ("Thread(s) per core:", str(info.threads)),
        ("NUMA cell(s):", str(info.nodes)),
        ("Memory size:", f"{info.memory} KiB"),
    ]
    data = {"cpu_model": info.model, "cpus": info.cpus, "cpu_frequency_hz": info.mhz * 1_000_000 or None}
    data |= {"sockets": info.sockets, "cores_per_socket": info.cores, "threads_per_core": info.threads}
    return Pairs(rows, data | {"numa_cells": info.nodes, "memory_bytes": info.memory * 1024}, width=20)


@command("nodecpumap", group="host", options=[Flag("pretty", "the CPUs as ranges: 0-3,5")])
def nodecpumap(ctx: "Context", pretty: bool = False) -> Pairs:
    """Show which CPUs the host has and which are in use."""
    from vsh.backends.xml.values import format_cpuset

    with failing("Unable to get cpu map"):
        cpus, online, present = ctx.connection.node_get_cpu_map(0)
    known = 8 * len(cpus)
    used = [cpu for cpu in range(max(present, known)) if cpu < known and cpus[cpu // 8] >> cpu % 8 & 1]
    marks = "".join("y" if cpu in used else "-" for cpu in range(present))
    shown = format_cpuset(frozenset(used)) if pretty else marks
    rows = [("CPUs present:", str(present)), ("CPUs online:", str(online)), ("CPU map:", shown)]
    return Pairs(rows, {"present": present, "online": online, "online_cpus": used})


@command(
    "nodecpustats",
    group="host",
    options=[
        Int("cpu", "only this CPU", complete=lambda ctx, given: cpu_numbers(ctx)),
        Flag("percent", "how busy they are, measured for one second"),
    ],
)
def nodecpustats(ctx: "Context", cpu: int = NODE_CPU_STATS_ALL_CPUS, percent: bool = False) -> "Pairs | Percents":
    """Show how much time the host's CPUs spent on what, in nanoseconds since it started."""
    try:
        stats = ctx.connection.node_get_cpu_stats(cpu, 0)
    except VirtError as error:
        # virsh asks for their number first, which hypervisors that have them always tell, if it makes sense.
        what = "number of cpu stats" if error.code == NO_SUPPORT or cpu < NODE_CPU_STATS_ALL_CPUS else "node cpu stats"
        raise CommandError(f"Unable to get {what}", error) from error
    first = _values(stats)
    if not percent:
        known = [(label, first[field]) for field, label in CPU_FIELDS.items() if field in first]
        data = {f"{label[:-1]}_seconds": value / 1e9 for label, value in known}
        return Pairs([(label, f"{value:20}") for label, value in known], data)
    if not stats:
        return Pairs([], {})
    usage = first.get("utilization")
    if usage is not None:
        return Percents([("usage:", float(usage)), ("idle:", 100.0 - usage)])
    time.sleep(1)
    with failing("Unable to get node cpu stats"):
        second = _values(ctx.connection.node_get_cpu_stats(cpu, 0))
    spent = {field: second.get(field, 2 * value) - value for field, value in first.items() if field in CPU_FIELDS}
    total = sum(spent.values())
    shares: list[tuple[str, float | None]] = [
        (label, spent[field] / total * 100 if total else None) for field, label in CPU_FIELDS.items() if field in spent
    ]
    busy = spent.get("user", 0) + spent.get("kernel", 0)
    return Percents([("usage:", busy / total * 100 if total else None), *shares])


class Percents(Pairs):
    """Shares in percent; None where nothing was measured, which virsh shows as what C makes of 0/0."""

    def __init__(self, shares: "list[tuple[str, float | None]]"):
        rows = [(label, " -nan%" if share is None else f"{share:5.1f}%") for label, share in shares]
        super().__init__(rows, {f"{label[:-1]}_percent": share for label, share in shares})


def _values(stats: "list[NodeGetCpuStats]") -> "dict[str, int]":
    return {stat.field: stat.value for stat in stats}


def cpu_numbers(ctx: "Context") -> "list[str]":
    """For completion: the host's CPUs."""
    return [str(cpu) for cpu in range(ctx.connection.node_get_cpu_map(0).ret)]


@command("nodesevinfo", group="host")
def nodesevinfo(ctx: "Context") -> Text:
    """Show what the host's AMD SEV offers: certificates and limits of encrypted guests."""
    with failing("Unable to get host SEV information"):
        params = ctx.connection.node_get_sev_info(0)
    lines = "".join(f"{name:<18}: {text_of(kind, value)}\n" for name, kind, value in params.items)
    return Text(lines, data=dict_of(params))


@command(
    "nodesuspend",
    group="host",
    options=[
        Data("target", "mem (memory stays powered), disk, or hybrid (both)", complete=lambda ctx, given: TARGETS),
        Int("duration", "for how many seconds, at least 60", required=True, least=-(2**63), most=2**63 - 1),
    ],
)
def nodesuspend(ctx: "Context", target: str, duration: int) -> Done:
    """Suspend the host for some time."""
    if target not in TARGETS:
        raise CommandError("Invalid target", hint=f"one of {', '.join(TARGETS)}")
    if duration < 0:
        raise CommandError("Invalid duration")
    with failing("The host was not suspended"):
        ctx.connection.node_suspend_for_duration(TARGETS.index(target), duration, 0)
    return Done(target=target, duration_seconds=duration)
