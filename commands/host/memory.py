"""The host's memory: `freecell`, `freepages`, `allocpages`, `nodememstats`, `node-memory-tune`."""

from vsh.backends.constants.node import NODE_ALLOC_PAGES_ADD, NODE_ALLOC_PAGES_SET, NODE_MEMORY_STATS_ALL_CELLS
from vsh.backends.errors import VirtError

from ..declare import Flag, Int, Scaled, command
from ..errors import CommandError, failing
from ..params import dict_of, text_of
from ..results import Done, Notice, Text
from .numa import cell_numbers, cells, page_size_words, page_sizes, read_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..context import Context
    from ..results import Result

CELL = Int("cellno", "the NUMA cell", complete=cell_numbers)
LATE_CELL = Int("cellno", "the NUMA cell", late=True, complete=cell_numbers)
UINT_MAX = 2**32 - 1
#: The options of node-memory-tune and their parameters.
TUNABLES = {
    "shm-pages-to-scan": ("shm_pages_to_scan", "how many pages shared memory looks at before it sleeps"),
    "shm-sleep-millisecs": ("shm_sleep_millisecs", "for how many milliseconds it sleeps then"),
    "shm-merge-across-nodes": ("shm_merge_across_nodes", "1 to merge pages of different NUMA cells, 0 not to"),
}


def _kib(size: int) -> int:
    return -(-size // 1024)


@command(
    "freecell",
    group="host",
    options=[CELL, Flag("all", "every NUMA cell, and their sum")],
    exclusive=[("all", "cellno")],
)
def freecell(ctx: "Context", cellno: "int | None" = None, all: bool = False) -> "Iterator[Result]":
    """Show how much of the host's memory is free, in all or in NUMA cells."""
    if all:
        yield from _every_cell(ctx)
        return
    if cellno is not None:
        found = ctx.connection.node_get_cells_free_memory(cellno)
        if not found:
            raise CommandError()
        size = found[0]
    else:
        size = ctx.connection.node_get_free_memory()
        if not size:
            raise CommandError()
    who = "Total" if cellno is None else str(cellno)
    yield Text(f"{who}: {size // 1024} KiB\n", data={"cell": cellno, "free_bytes": size})


def _every_cell(ctx: "Context") -> "Iterator[Result]":
    numbers = cells(read_host(ctx))
    answers = ctx.connection.batch([("node_get_cells_free_memory", (number,)) for number in numbers])
    sizes = []
    for number, answer in zip(numbers, answers, strict=True):
        if isinstance(answer, VirtError):
            raise CommandError(f"failed to get free memory for NUMA node number: {number}", answer)
        sizes.append(answer[0])
    lines = "".join(f"{number:5}: {size // 1024:10} KiB\n" for number, size in zip(numbers, sizes, strict=True))
    rows = [{"cell": number, "free_bytes": size} for number, size in zip(numbers, sizes, strict=True)]
    yield Text(lines, data={"cells": rows, "total_free_bytes": sum(sizes)})
    yield Notice(f"{'-' * 20}\n{'Total':>5}: {sum(sizes) // 1024:10} KiB\n")


@command(
    "freepages",
    group="host",
    options=[
        LATE_CELL,
        Scaled("pagesize", "the size of the pages, in KiB unless a unit is given", scale=1024, most=UINT_MAX,
               complete=page_size_words),
        Flag("all", "every NUMA cell"),
    ],
    exclusive=[("all", "cellno")],
)  # fmt: skip
def freepages(
    ctx: "Context", cellno: "Callable[[], int] | None" = None, pagesize: "int | None" = None, all: bool = False
) -> "Iterator[Text]":
    """Show how many memory pages of each size are free."""
    size = _kib(pagesize or 0)
    if all:
        root = read_host(ctx, "unable to parse node capabilities")
        sizes = page_sizes(root) if pagesize is None else [size]
        numbers = cells(root)
        answers = ctx.connection.batch([("node_get_free_pages", (sizes, number, 1, 0)) for number in numbers])
        for number, answer in zip(numbers, answers, strict=True):
            if isinstance(answer, VirtError):
                raise answer
            lines = [f"{size}KiB: {count}\n" for size, count in zip(sizes, answer, strict=True)]
            yield Text(f"Node {number}:\n{''.join(lines)}\n", data=_pages(number, sizes, answer))
        return
    if cellno is None:
        raise CommandError("missing cellno argument")
    cell = cellno()
    if cell < -1:
        raise CommandError("cell number must be non-negative integer or -1")
    if pagesize is None:
        raise CommandError("missing pagesize argument")
    counts = ctx.connection.node_get_free_pages([size], cell, 1, 0)
    yield Text(f"{size}KiB: {counts[0]}\n", data=_pages(None if cell < 0 else cell, [size], counts))


def _pages(cell: "int | None", sizes: "list[int]", counts: "list[int]") -> "dict[str, object]":
    free = [{"page_size_bytes": size * 1024, "free": count} for size, count in zip(sizes, counts, strict=True)]
    return {"cell": cell, "pages": free}


@command(
    "allocpages",
    group="host",
    options=[
        Scaled("pagesize", "the size of the pages, in KiB unless a unit is given", scale=1024, most=UINT_MAX,
               required=True, late=True, complete=page_size_words),
        Int("pagecount", "how many of them", required=True, least=0, most=2**64 - 1, late=True),
        CELL,
        Flag("add", "that many more, not that many in all"),
        Flag("all", "on every NUMA cell"),
    ],
    exclusive=[("all", "cellno")],
)  # fmt: skip
def allocpages(
    ctx: "Context",
    pagesize: "Callable[[], int]",
    pagecount: "Callable[[], int]",
    cellno: int = -1,
    add: bool = False,
    all: bool = False,
) -> Done:
    """Set how many huge pages the host keeps for guests."""
    flags = NODE_ALLOC_PAGES_ADD if add else NODE_ALLOC_PAGES_SET
    size, count = _kib(pagesize()), pagecount()
    numbers = cells(read_host(ctx)) if all else [cellno]
    for number in numbers:
        ctx.connection.node_alloc_pages([size], [count], number, 1, flags)
    where = [number for number in numbers if number >= 0]
    return Done(page_size_bytes=size * 1024, count=count, add=add, cells=where or None)


@command("nodememstats", group="host", options=[Int("cell", "the NUMA cell", complete=cell_numbers)])
def nodememstats(ctx: "Context", cell: int = NODE_MEMORY_STATS_ALL_CELLS) -> Text:
    """Show how the host's memory is used, in all or in a NUMA cell."""
    with failing("Unable to get number of memory stats"):
        stats = ctx.connection.node_get_memory_stats(cell, 0)
    lines = "".join(f"{stat.field:<7}: {stat.value:20} KiB\n" for stat in stats)
    return Text(lines, data={f"{stat.field}_bytes": stat.value * 1024 for stat in stats})


@command(
    "node-memory-tune",
    group="host",
    options=[Int(name, what, least=0, most=UINT_MAX) for name, (_, what) in TUNABLES.items()],
)
def node_memory_tune(ctx: "Context", **wanted: int) -> "Text | Done":
    """Show how the host merges equal memory pages of guests, or change it."""
    from vsh.backends.params import UINT, TypedParams

    if wanted:
        values = [(TUNABLES[key.replace("_", "-")][0], UINT, value) for key, value in wanted.items()]
        with failing("Unable to change memory parameters"):
            ctx.connection.node_set_memory_parameters(TypedParams(values), 0)
        return Done(**wanted)
    with failing("Unable to get number of memory parameters"):
        params = ctx.connection.node_get_memory_parameters(0)
    lines = "".join(f"\t{name:<15} {text_of(kind, value)}\n" for name, kind, value in params.items)
    return Text(f"Shared memory:\n{lines}" if lines else "", data=dict_of(params))
