"""`cpu-stats`: the time a domain took on each host CPU."""

from vsh.backends.errors import VirtError
from vsh.backends.params import ULLONG

from ..declare import Flag, Int, command
from ..errors import CommandError
from ..params import text_of
from ..results import Text
from .lookup import ACTIVE, Domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from vsh.backends.params import Value
    from vsh.backends.records import DomainRef

    from ..context import Context

#: What is counted in nanoseconds.
TIMES = ("cpu_time", "vcpu_time", "user_time", "system_time")
#: So many CPUs are told at once.
CHUNK = 128


@command(
    "cpu-stats",
    group="domain",
    options=[
        Domain(ACTIVE),
        Flag("total", "only the sums"),
        Int("start", "from this host CPU on"),
        Int("count", "at most so many host CPUs"),
    ],
)
def cpu_stats(
    ctx: "Context", domain: "DomainRef", total: bool = False, start: "int | None" = None, count: "int | None" = None
) -> "Iterator[Text]":
    """Show how much time a running domain took on each CPU of the host, and in sum.

    With --start or --count no sums are shown unless --total asks for them.
    """
    if start is not None and start < 0:
        raise CommandError("Invalid value for start CPU")
    if count is not None and count < 0:
        raise CommandError("Invalid value for number of CPUs to show")
    each = not total or start is not None or count is not None
    total = total or (start is None and count is None)
    try:
        found = True
        if each:
            found = yield from _of_each(ctx, domain, start or 0, count)
        if not found and not total:
            raise CommandError()
        if total:
            yield _sums(ctx, domain)
    except VirtError as error:
        raise CommandError(f"Failed to retrieve CPU statistics for domain '{domain.name}'", error) from error


def _of_each(ctx: "Context", domain: "DomainRef", start: int, count: "int | None") -> "Generator[Text, None, bool]":
    """What is known of each host CPU, one list; returns False when nothing is."""
    cpus = ctx.connection.domain_get_cpu_stats(domain, 0, 0, 0, 0).nparams
    if start >= cpus:
        raise CommandError(f"Start CPU {start} is out of range (min: 0, max: {cpus - 1})")
    if count is None or count > cpus:
        if count is not None:
            yield Text(f"Only {cpus} CPUs available to show\n", data={"available_cpus": cpus})
        count = cpus - start
    size = ctx.connection.domain_get_cpu_stats(domain, 0, 0, 1, 0).nparams
    if not size:
        yield Text("No per-CPU stats available", data={"cpus": []})
        return False
    chunks = [(first, min(CHUNK, start + count - first)) for first in range(start, start + count, CHUNK)]
    calls = [("domain_get_cpu_stats", (domain, size, first, number, 0)) for first, number in chunks]
    found: dict[int, list[tuple[str, int, Value]]] = {}
    for (first, _), answer in zip(chunks, ctx.connection.batch(calls), strict=True):
        if isinstance(answer, VirtError):
            raise answer
        step = answer.nparams or size
        for i in range(0, len(answer.params.items), step):
            found[first + i // step] = answer.params.items[i : i + step]
    lines = [f"CPU{cpu}:\n{_lines(items)}" for cpu, items in found.items()]
    yield Text("".join(lines), data={"cpus": [{"cpu": cpu, **_data(items)} for cpu, items in found.items()]})
    return True


def _sums(ctx: "Context", domain: "DomainRef") -> Text:
    size = ctx.connection.domain_get_cpu_stats(domain, 0, -1, 1, 0).nparams
    if not size:
        raise CommandError("No total stats available")
    items = ctx.connection.domain_get_cpu_stats(domain, size, -1, 1, 0).params.items
    return Text("Total:\n" + _lines(items), data={"total": _data(items)})


def _lines(items: "list[tuple[str, int, Value]]") -> str:
    return "".join(f"\t{name:<12} {_words(name, kind, value)}\n" for name, kind, value in items)


def _words(name: str, kind: int, value: "Value") -> str:
    if name in TIMES and kind == ULLONG:
        return f"{int(value) // 10**9:9}.{int(value) % 10**9:09} seconds"
    return text_of(kind, value)


def _data(items: "list[tuple[str, int, Value]]") -> "dict[str, Any]":
    times = {f"{name}_seconds": int(value) / 1e9 for name, _, value in items if name in TIMES}
    return times | {name: value for name, _, value in items if name not in TIMES}
