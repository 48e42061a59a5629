"""`pool-list`: the storage pools of a host."""

from vsh.backends.constants import connect as flags
from vsh.backends.errors import VirtError

from ..answers import activity, truth, yes_no
from ..declare import Flag, Opt, command
from ..errors import CommandError, failing
from ..named import by_name, facts
from ..results import Table, Text
from ..sizes import pretty
from ..words import split_list
from .states import TYPES, measured, sizes, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import StoragePoolRef

    from ..context import Context

FILTERS = {
    "transient": flags.CONNECT_LIST_STORAGE_POOLS_TRANSIENT,
    "persistent": flags.CONNECT_LIST_STORAGE_POOLS_PERSISTENT,
    "autostart": flags.CONNECT_LIST_STORAGE_POOLS_AUTOSTART,
    "no_autostart": flags.CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART,
}


def to_types(ctx: "Context", text: str) -> int:
    """The flags of the pool types in `dir,fs`.

    Raises CommandError.
    """
    wanted = 0
    for word in split_list(text):
        if word not in TYPES:
            raise CommandError(f"Invalid pool type '{word}'", hint=f"types are {', '.join(TYPES)}")
        wanted |= flags.CONNECT_LIST_STORAGE_POOLS_DIR << TYPES.index(word)
    return wanted


@command(
    "pool-list",
    group="pool",
    options=[
        Flag("inactive", "only pools that are not active"),
        Flag("all", "all pools"),
        Flag("transient", "only pools that are gone once destroyed"),
        Flag("persistent", "only pools that are defined"),
        Flag("autostart", "only pools that start with the host"),
        Flag("no-autostart", "only pools that do not start with the host"),
        Opt("type", "only pools of these types: A,B,...", resolve=to_types, complete=lambda ctx, given: TYPES),
        Flag("details", "show whether they are defined, and their sizes"),
        Flag("uuid", "just the UUIDs"),
        Flag("name", "just the names"),
    ],
    exclusive=[("all", "inactive"), ("details", "uuid"), ("details", "name")],
)
def list_pools(
    ctx: "Context",
    inactive: bool = False,
    all: bool = False,
    type: int = 0,
    details: bool = False,
    uuid: bool = False,
    name: bool = False,
    **filters: bool,
) -> "Table | Text":
    """List storage pools.

    Without options those that are active. Filters of one kind add up, filters of different kinds all have to match.
    """
    wanted = flags.CONNECT_LIST_STORAGE_POOLS_INACTIVE if inactive else flags.CONNECT_LIST_STORAGE_POOLS_ACTIVE
    if all:
        wanted = flags.CONNECT_LIST_STORAGE_POOLS_ACTIVE | flags.CONNECT_LIST_STORAGE_POOLS_INACTIVE
    for chosen in filters:
        wanted |= FILTERS[chosen]
    with failing("Failed to list pools"):
        refs = sorted(ctx.connection.connect_list_all_storage_pools(wanted | type), key=by_name)
    if uuid or name:
        return _lines(refs, uuid, name)
    return _details(ctx, refs) if details else _table(ctx, refs)


def _lines(refs: "list[StoragePoolRef]", uuid: bool, name: bool) -> Text:
    lines = []
    for ref in refs:
        words = ((uuid, f"{facts(ref)['uuid']:<36}"), (name, f"{ref.name:<20}"))
        lines.append(" ".join(word for asked, word in words if asked) + "\n")
    return Text("".join(lines), data=[facts(ref) for ref in refs])


def _table(ctx: "Context", refs: "list[StoragePoolRef]") -> Table:
    calls = ("is_active", "get_autostart")
    answers = iter(ctx.connection.batch([(f"storage_pool_{call}", (ref,)) for ref in refs for call in calls]))
    rows, records = [], []
    for ref in refs:
        active, autostart = next(answers), next(answers)
        rows.append([ref.name, activity(active), yes_no(autostart, "no autostart")])
        records.append({**facts(ref), "active": truth(active), "autostart": truth(autostart)})
    return Table(["Name", "State", "Autostart"], rows, records)


def _details(ctx: "Context", refs: "list[StoragePoolRef]") -> Table:
    calls = ("get_info", "get_autostart", "is_persistent")
    answers = iter(ctx.connection.batch([(f"storage_pool_{call}", (ref,)) for ref in refs for call in calls]))
    rows, records = [], []
    for ref in refs:
        info, autostart, persistent = (next(answers) for _ in calls)
        known = None if isinstance(info, VirtError) else info
        state = "unknown" if known is None else state_name(known.state)
        if known is None:
            ctx.warn("Could not retrieve pool information")
            shown = ["unknown"] * 3
        elif measured(known):
            shown = [pretty(size) for size in (known.capacity, known.allocation, known.available)]
        else:
            shown = ["-"] * 3
        rows.append([ref.name, state, yes_no(autostart, "no autostart"), yes_no(persistent), *shown])
        record: dict[str, Any] = {**facts(ref), "state": None if known is None else state}
        record |= {"autostart": truth(autostart), "persistent": truth(persistent)}
        records.append(record | sizes(known))
    headers = ["Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available"]
    return Table(headers, rows, records)
