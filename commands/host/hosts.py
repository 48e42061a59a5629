"""`hosts`: the connections that the user saved under names."""

from vsh.backends import saved

from ..declare import Opt, command
from ..errors import CommandError
from ..results import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def tags(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the tags in use."""
    return sorted({tag for host in saved.hosts().values() for tag in host.tags})


@command(
    "hosts",
    group="host",
    options=[Opt("tag", "only those with this tag", complete=tags)],
    connects=False,
)
def hosts(ctx: "Context", tag: str = "") -> Table:
    """List the saved connections.

    They are read from vsh/vsh.toml in the user's configuration folder; -c NAME connects to one of them. An entry reads
    [hosts.NAME], uri = "...", tags = ["...", ...], each on a line of its own.
    """
    try:
        found = [host for host in saved.hosts().values() if not tag or tag in host.tags]
    except ValueError as error:
        raise CommandError(str(error)) from error
    rows = [[host.name, host.uri, ", ".join(host.tags)] for host in found]
    records = [{"name": host.name, "uri": host.uri, "tags": list(host.tags)} for host in found]
    return Table(["Name", "URI", "Tags"], rows, records)
