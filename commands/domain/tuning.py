"""`memtune`, `blkiotune`, `numatune` and `perf`: limits on a domain, and what is counted of it."""

from vsh.backends.params import BOOLEAN, INT, STRING, UINT, ULLONG, TypedParams

from ..declare import Int, Opt, command
from ..errors import CommandError, failing
from ..params import Params, dict_of, getting, text_of
from ..results import Done, Pairs
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import DOMAIN, Domain, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context

#: VIR_DOMAIN_MEMORY_PARAM_UNLIMITED, in KiB.
UNLIMITED = 9007199254740991
#: By virDomainNumatuneMemMode.
MODES = ("strict", "preferred", "interleave", "restrictive")
#: virPerfEventType's names.
# fmt: off
EVENTS = (
    "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses", "branch_instructions",
    "branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock",
    "task_clock", "page_faults", "context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj",
    "alignment_faults", "emulation_faults",
)
# fmt: on
DEVICES = "of these devices: PATH,NUMBER,PATH,NUMBER ..."


class Size(Opt):
    """A number of KiB or a size with a unit; negative for no limit. The command gets the text."""

    kind = "int"
    value = "number"

    def __init__(self, name: str, help: str):
        super().__init__(name, help, empty=True)


@command(
    "memtune",
    group="domain",
    options=[
        DOMAIN,
        Size("hard-limit", "the most memory it may use, in KiB unless a unit follows; -1 for no limit"),
        Size("soft-limit", "the memory it is pushed back to when the host runs short"),
        Size("swap-hard-limit", "the most memory and swap together"),
        Size("min-guarantee", "the memory it always gets"),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def memtune(ctx: "Context", domain: "DomainRef", **given: "Any") -> "Done | Pairs":
    """Show or set limits on the memory that a domain takes from the host.

    The hypervisor's own needs count too: a limit that is too low kills the domain.
    """
    names = [name for name in ("hard_limit", "soft_limit", "swap_hard_limit", "min_guarantee") if name in given]
    params = TypedParams((name, ULLONG, _kib(name.replace("_", "-"), given.pop(name))) for name in names)
    flags = impact(**given)
    if names:
        with failing("Unable to change memory parameters"):
            ctx.connection.domain_set_memory_parameters(domain, params, flags)
    else:
        with getting(ctx.connection, "memory"):
            params = ctx.connection.domain_get_memory_parameters(domain, flags)
    unlimited = [kind == ULLONG and value == UNLIMITED for _, kind, value in params.items]
    limits = {
        f"{name}_bytes": None if free else int(value) * 1024
        for (name, _, value), free in zip(params.items, unlimited, strict=True)
    }
    if names:
        return Done(**limits)
    words = ["unlimited" if free else text_of(*item[1:]) for item, free in zip(params.items, unlimited, strict=True)]
    return _pairs([name for name, _, _ in params.items], words, limits)


def _kib(name: str, text: str) -> int:
    """The KiB that `text` says. Raises CommandError."""
    from vsh.backends.errors import VirtError
    from vsh.backends.xml.values import c_int, scaled, split_unit

    digits, unit = split_unit(text)
    try:
        number = c_int(digits, low=-(2**63), high=2**63 - 1)
        return UNLIMITED if number < 0 else -(-scaled(number, unit, 1024) // 1024)
    except VirtError as error:
        raise CommandError(f"Unable to parse integer parameter {name}", error) from error
    except ValueError:
        raise CommandError(f"Unable to parse integer parameter {name}") from None


def _pairs(names: "list[str]", words: "list[str]", data: "dict[str, Any]") -> Pairs:
    return Pairs([(f"{name:<15}:", word) for name, word in zip(names, words, strict=True)], data)


@command(
    "blkiotune",
    group="domain",
    options=[
        DOMAIN,
        Int("weight", "its share of the host's disks, against the weights of others"),
        Opt("device-weights", f"shares {DEVICES}", empty=True),
        Opt("device-read-iops-sec", f"reads per second {DEVICES}", empty=True),
        Opt("device-write-iops-sec", f"writes per second {DEVICES}", empty=True),
        Opt("device-read-bytes-sec", f"bytes read per second {DEVICES}", empty=True),
        Opt("device-write-bytes-sec", f"bytes written per second {DEVICES}", empty=True),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def blkiotune(
    ctx: "Context",
    domain: "DomainRef",
    weight: "int | None" = None,
    device_weights: "str | None" = None,
    **given: "Any",
) -> "Done | Params":
    """Show or set what share of the host's disks a domain gets, and limits for each host device."""
    params = TypedParams()
    if weight is not None:
        if weight <= 0:
            raise CommandError(f"Invalid value of {weight} for I/O weight")
        params.add("weight", UINT, weight)
    if device_weights is not None:
        params.add("device_weight", STRING, device_weights)
    for name in [name for name in given if name.startswith("device_")]:
        params.add(name, STRING, given.pop(name))
    if any(value == "" for _, _, value in params.items):
        raise CommandError("Unable to parse string parameter")
    flags = impact(**given)
    if not params:
        with getting(ctx.connection, "blkio"):
            return Params(ctx.connection.domain_get_blkio_parameters(domain, flags))
    with failing("Unable to change blkio parameters"):
        ctx.connection.domain_set_blkio_parameters(domain, params, flags)
    return Done(**dict_of(params))


@command(
    "numatune",
    group="domain",
    options=[
        DOMAIN,
        Opt("mode", "how memory is placed on the nodes", complete=lambda ctx, given: MODES),
        Opt("nodeset", "the host's NUMA nodes: 0-1,^3"),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def numatune(
    ctx: "Context", domain: "DomainRef", mode: "str | None" = None, nodeset: "str | None" = None, **where: bool
) -> "Done | Pairs":
    """Show or set from which NUMA nodes of the host a domain gets its memory.

    Modes: strict (nowhere else), preferred (first there), interleave (in turn), restrictive (as the cgroup says).
    """
    params = TypedParams()
    if nodeset is not None:
        params.add("numa_nodeset", STRING, nodeset)
    if mode is not None:
        params.add("numa_mode", INT, _mode(mode))
    flags = impact(**where)
    if params:
        with failing("Unable to change numa parameters"):
            ctx.connection.domain_set_numa_parameters(domain, params, flags)
        return Done(numa_mode=mode, numa_nodeset=nodeset)
    with getting(ctx.connection, "numa", number="memory"):
        found = ctx.connection.domain_get_numa_parameters(domain, flags)
    words = [
        _mode_name(int(value)) if name == "numa_mode" and kind == INT else text_of(kind, value)
        for name, kind, value in found.items
    ]
    names = list(found)
    return _pairs(names, words, dict(zip(names, words, strict=True)))


def _mode(text: str) -> int:
    from vsh.backends.xml.values import c_int

    try:
        return MODES.index(text) if text in MODES else c_int(text, 0, low=-(2**31), high=2**31 - 1)
    except ValueError:
        raise CommandError(f"Invalid mode: {text}") from None


def _mode_name(mode: int) -> str:
    return MODES[mode] if 0 <= mode < len(MODES) else "(null)"


@command(
    "perf",
    group="domain",
    options=[
        Domain(resolve=None),
        Opt("enable", "count these events: A,B,...", complete=lambda ctx, given: EVENTS),
        Opt("disable", "do not count these events: A,B,...", complete=lambda ctx, given: EVENTS),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def perf(ctx: "Context", domain: str, enable: str = "", disable: str = "", **where: bool) -> Pairs:
    """Show or set which performance events of a domain the host counts.

    domstats --perf shows the counters.
    """
    ref = find_domain(ctx, domain)
    params = TypedParams((name, BOOLEAN, True) for name in enable.split(",") if name)
    params.items += [(name, BOOLEAN, False) for name in disable.split(",") if name]
    flags = impact(**where)
    if params:
        with failing("Unable to enable/disable perf events"):
            ctx.connection.domain_set_perf_events(ref, params, flags)
    else:
        with failing("Unable to get perf events"):
            params = ctx.connection.domain_get_perf_events(ref, flags)
    words = ["enabled" if value else "disabled" for _, _, value in params.items]
    return _pairs(list(params), words, {name: bool(value) for name, value in dict_of(params).items()})
