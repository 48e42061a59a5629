"""`net-list`: the networks of a host."""

from vsh.backends.constants import connect as flags

from ..answers import activity, truth, yes_no
from ..declare import Flag, command
from ..errors import CommandError, failing
from ..named import by_name, facts
from ..results import Table, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import NetworkRef

    from ..context import Context

FILTERS = {
    "persistent": flags.CONNECT_LIST_NETWORKS_PERSISTENT,
    "transient": flags.CONNECT_LIST_NETWORKS_TRANSIENT,
    "autostart": flags.CONNECT_LIST_NETWORKS_AUTOSTART,
    "no_autostart": flags.CONNECT_LIST_NETWORKS_NO_AUTOSTART,
}


@command(
    "net-list",
    group="network",
    options=[
        Flag("inactive", "only networks that are not active"),
        Flag("all", "all networks"),
        Flag("persistent", "only networks that are defined"),
        Flag("transient", "only networks that are gone once destroyed"),
        Flag("autostart", "only networks that start with the host"),
        Flag("no-autostart", "only networks that do not start with the host"),
        Flag("uuid", "just the UUIDs"),
        Flag("name", "just the names"),
        Flag("table", "a table; this is the default"),
        Flag("title", "show the titles"),
    ],
)
def list_networks(
    ctx: "Context",
    inactive: bool = False,
    all: bool = False,
    uuid: bool = False,
    name: bool = False,
    table: bool = False,
    title: bool = False,
    **filters: bool,
) -> "Table | Text":
    """List networks.

    Without options those that are active. Filters of one kind add up, filters of different kinds all have to match.
    """
    wanted = flags.CONNECT_LIST_NETWORKS_INACTIVE if inactive else flags.CONNECT_LIST_NETWORKS_ACTIVE
    if all:
        wanted = flags.CONNECT_LIST_NETWORKS_ACTIVE | flags.CONNECT_LIST_NETWORKS_INACTIVE
    for chosen in filters:
        wanted |= FILTERS[chosen]
    if table + name + uuid > 1:
        raise CommandError("Only one argument from --table, --name and --uuid may be specified.")
    with failing("Failed to list networks"):
        refs = sorted(ctx.connection.connect_list_all_networks(wanted), key=by_name)
    if name or uuid:
        lines = (ref.name if name else facts(ref)["uuid"] for ref in refs)
        return Text("".join(f"{line}\n" for line in lines), data=[facts(ref) for ref in refs])
    return _table(ctx, refs, title)


def _table(ctx: "Context", refs: "list[NetworkRef]", title: bool) -> Table:
    calls = ["network_is_active", "network_is_persistent", "network_get_autostart"]
    answers = iter(ctx.connection.batch([(call, (ref,)) for ref in refs for call in calls]))
    rows, records = [], []
    for ref in refs:
        active, persistent, autostart = (next(answers) for _ in calls)
        rows.append([ref.name, activity(active), yes_no(autostart, "no autostart"), yes_no(persistent, "yes")])
        record: dict[str, Any] = facts(ref)
        record |= {"active": truth(active), "autostart": truth(autostart), "persistent": truth(persistent)}
        records.append(record)
    if title:
        from .describe import descriptions

        for row, record, found in zip(rows, records, descriptions(ctx, refs, True), strict=True):
            row.append(found)
            record["title"] = found
    return Table(["Name", "State", "Autostart", "Persistent", *(["Title"] if title else [])], rows, records)
