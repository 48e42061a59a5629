"""What a pool is: `pool-info`, `pool-dumpxml`, `pool-name`, `pool-uuid`, `pool-capabilities`."""

from vsh.backends.constants.storage import STORAGE_XML_INACTIVE
from vsh.backends.errors import VirtError

from ..answers import truth, yes_no
from ..declare import Flag, command
from ..document import XPATH, checked, shown
from ..errors import failing
from ..named import POOL, facts
from ..results import Pairs, Text
from ..sizes import pretty
from .states import measured, sizes, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vsh.backends.records import StoragePoolRef

    from ..context import Context


@command("pool-info", group="pool", options=[POOL.option(), Flag("bytes", "sizes in bytes")])
def info(ctx: "Context", pool: "StoragePoolRef", bytes: bool = False) -> "Iterator[Pairs]":
    """Show basic facts about a storage pool: its state and its sizes."""
    found, persistent, autostart = ctx.connection.batch(
        [(f"storage_pool_{call}", (pool,)) for call in ("get_info", "is_persistent", "get_autostart")]
    )
    data: dict[str, Any] = facts(pool)
    rows = [("Name:", pool.name), ("UUID:", data["uuid"])]
    if isinstance(found, VirtError):
        yield Pairs(rows, data)
        raise found
    rows += [("State:", state_name(found.state)), ("Persistent:", yes_no(persistent))]
    rows.append(("Autostart:", yes_no(autostart, "no autostart")))
    if measured(found):
        for key in ("capacity", "allocation", "available"):
            size = getattr(found, key)
            rows.append((f"{key.capitalize()}:", str(size) if bytes else pretty(size)))
    data |= {"state": state_name(found.state), "persistent": truth(persistent), "autostart": truth(autostart)}
    yield Pairs(rows, data | sizes(found))


@command(
    "pool-dumpxml",
    group="pool",
    options=[POOL.option(), Flag("inactive", "the definition for the next start"), *XPATH],
)
def dumpxml(
    ctx: "Context", pool: "StoragePoolRef", inactive: bool = False, xpath: "str | None" = None, wrap: bool = False
) -> Text:
    """Show the XML definition of a storage pool.

    It can be edited and given to pool-define.
    """
    checked(xpath)
    return shown(ctx, ctx.connection.storage_pool_get_xml_desc(pool, STORAGE_XML_INACTIVE * inactive), xpath, wrap)


@command("pool-name", group="pool", options=[POOL.option(by=["uuid"])])
def name(ctx: "Context", pool: "StoragePoolRef") -> Text:
    """Show the name of the storage pool with this UUID."""
    return Text(pool.name + "\n", data=facts(pool))


@command("pool-uuid", group="pool", options=[POOL.option(by=["name"])])
def uuid(ctx: "Context", pool: "StoragePoolRef") -> Text:
    """Show the UUID of the storage pool with this name."""
    return Text(facts(pool)["uuid"] + "\n", data=facts(pool))


@command("pool-capabilities", group="pool")
def capabilities(ctx: "Context") -> Text:
    """Show, as XML, which types of storage pools the host supports, and what each can do."""
    with failing("failed to get storage pool capabilities"):
        xml = ctx.connection.connect_get_storage_pool_capabilities(0)
    return Text(f"{xml}\n", data={"xml": xml})
