"""`iothreadinfo`, `iothreadpin`, `iothreadadd`, `iothreadset`, `iothreaddel`: threads that serve a domain's disks."""

from vsh.backends.params import INT, UINT, ULLONG, TypedParams

from ..declare import Data, Int, command
from ..errors import CommandError, failing
from ..results import Done, Notice, Table
from .cpusets import cpu_lists, host_cpus, members, parse, shown
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import DOMAIN, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context

UINT_MAX = 2**32 - 1
#: The values that iothreadset sets, under libvirt's names, which are the options' too.
SETTINGS = {
    "poll_max_ns": ULLONG,
    "poll_grow": UINT,
    "poll_shrink": UINT,
    "thread_pool_min": INT,
    "thread_pool_max": INT,
}


def thread_ids(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the numbers of the typed domain's I/O threads."""
    if not given.get("domain"):
        return []
    found = ctx.connection.domain_get_iothread_info(find_domain(ctx, given["domain"]), 0)
    return [str(one.iothread_id) for one in found]


ID = Int("id", "the thread's number", required=True, complete=thread_ids)


@command("iothreadinfo", group="domain", options=[DOMAIN, *IMPACT], exclusive=EXCLUSIVE)
def iothreadinfo(ctx: "Context", domain: "DomainRef", **where: bool) -> "Notice | Table":
    """List the I/O threads of a domain.

    Each with the host CPUs on which it may run.
    """
    cpus = host_cpus(ctx.connection)
    with failing("Unable to get domain IOThreads information"):
        found = ctx.connection.domain_get_iothread_info(domain, impact(**where))
    if not found:
        return Notice("No IOThreads found for the domain", data=[])
    rows = [[str(one.iothread_id), shown(one.cpumap, cpus)] for one in found]
    records = [{"iothread": one.iothread_id, "affinity": members(one.cpumap, cpus)} for one in found]
    return Table(["IOThread ID", "CPU Affinity"], rows, records)


@command(
    "iothreadpin",
    group="domain",
    options=[
        DOMAIN,
        Int("iothread", "the thread's number", least=0, most=2**32 - 1, required=True, complete=thread_ids),
        Data("cpulist", "the host CPUs: 0-3,^2, or r for all", complete=cpu_lists),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def iothreadpin(ctx: "Context", domain: "DomainRef", iothread: int, cpulist: str, **where: bool) -> Done:
    """Bind an I/O thread of a domain to CPUs of the host."""
    bits = parse(cpulist, host_cpus(ctx.connection))
    ctx.connection.domain_pin_iothread(domain, iothread, bits, impact(**where))
    return Done(iothread=iothread, affinity=members(bits))


@command(
    "iothreadadd",
    group="domain",
    options=[DOMAIN, Int("id", "the new thread's number", required=True), *IMPACT],
    exclusive=EXCLUSIVE,
)
def iothreadadd(ctx: "Context", domain: "DomainRef", id: int, **where: bool) -> Done:
    """Give a domain another I/O thread."""
    ctx.connection.domain_add_iothread(domain, _valid(id), impact(**where))
    return Done(iothread=id)


@command("iothreaddel", group="domain", options=[DOMAIN, ID, *IMPACT], exclusive=EXCLUSIVE)
def iothreaddel(ctx: "Context", domain: "DomainRef", id: int, **where: bool) -> Done:
    """Take an I/O thread from a domain.

    No disk may use it.
    """
    ctx.connection.domain_del_iothread(domain, _valid(id), impact(**where))
    return Done(iothread=id)


@command(
    "iothreadset",
    group="domain",
    options=[
        DOMAIN,
        ID,
        Int("poll-max-ns", "poll for at most so many nanoseconds", least=0, most=2**64 - 1, late=True),
        Int("poll-grow", "the factor by which that time grows; 0: the hypervisor's", least=0, most=UINT_MAX, late=True),
        Int("poll-shrink", "the factor by which it shrinks; 0: to nothing at once", least=0, most=UINT_MAX, late=True),
        Int("thread-pool-min", "the fewest workers that wait for it", late=True),
        Int("thread-pool-max", "the most workers it may have", late=True),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def iothreadset(ctx: "Context", domain: "DomainRef", id: int, **given: "Any") -> Done:
    """Change how an I/O thread of a domain polls, and its workers."""
    number = _valid(id)
    values = {name: given.pop(name)() for name in SETTINGS if name in given}
    if not values:
        raise CommandError("Not enough arguments passed, nothing to set")
    params = TypedParams((name, SETTINGS[name], value) for name, value in values.items())
    ctx.connection.domain_set_iothread_params(domain, number, params, impact(**given))
    return Done(iothread=id, **values)


def _valid(number: int) -> int:
    if number <= 0:
        raise CommandError(f"Invalid IOThread id value: '{number}'")
    return number
