"""Where pools could be: `find-storage-pool-sources`, `find-storage-pool-sources-as`."""

from ..declare import Data, Opt, command
from ..errors import CommandError, failing
from ..files import read_file
from ..results import Text
from .states import TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

TYPE = Data("type", "the type of pools: logical, netfs, iscsi ...", complete=lambda ctx, given: TYPES)


@command(
    "find-storage-pool-sources",
    group="pool",
    options=[TYPE, Opt("srcSpec", "a file with the XML of a source to ask: its host, say")],
)
def find_sources(ctx: "Context", type: str, srcSpec: "str | None" = None) -> Text:
    """Look for storage that pools of a type could be made of, asking what a file says.

    The answer is XML whose <source> elements can be put into the definition of a pool.
    """
    return _find(ctx, type, read_file(srcSpec) if srcSpec is not None else None)


@command(
    "find-storage-pool-sources-as",
    group="pool",
    options=[
        TYPE,
        Opt("host", "the host to ask"),
        Opt("port", "its port", empty=True),
        Opt("initiator", "the name (IQN) to ask under"),
    ],
)
def find_sources_as(
    ctx: "Context", type: str, host: "str | None" = None, port: "str | None" = None, initiator: "str | None" = None
) -> Text:
    """Look for storage that pools of a type could be made of, asking the host that is named.

    The answer is XML whose <source> elements can be put into the definition of a pool.
    """
    if host is None:
        return _find(ctx, type, None)
    if port == "":
        ctx.warn("Failed to get option 'port': Option argument is empty")
        raise CommandError("missing argument")
    at = f" port='{port}'" if port is not None else ""
    lines = ["<source>", f"  <host name='{host}'{at}/>"]
    if initiator is not None:
        lines += ["  <initiator>", f"    <iqn name='{initiator}'/>", "  </initiator>"]
    return _find(ctx, type, "\n".join([*lines, "</source>", ""]))


def _find(ctx: "Context", type: str, source: "str | None") -> Text:
    with failing(f"Failed to find any {type} pool sources"):
        xml = ctx.connection.connect_find_storage_pool_sources(type, source, 0)
    return Text(xml, data={"xml": xml})
