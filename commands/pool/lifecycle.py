"""Pools come and go: `pool-define`, `pool-create`, `pool-build`, `pool-start`, `pool-refresh`, `pool-destroy`,
`pool-delete`, `pool-undefine`, `pool-autostart`."""

from vsh.backends.constants import connect
from vsh.backends.constants import storage as constants

from ..declare import Flag, command
from ..errors import CommandError, failing
from ..files import VALIDATE, read_file, xml_file
from ..named import POOL, facts
from ..results import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

ACTIVE, INACTIVE = connect.CONNECT_LIST_STORAGE_POOLS_ACTIVE, connect.CONNECT_LIST_STORAGE_POOLS_INACTIVE
PERSISTENT = connect.CONNECT_LIST_STORAGE_POOLS_PERSISTENT
FILE = xml_file("pool")
#: How the storage of a pool that starts is made ready.
BUILD = (
    Flag("build", "make its storage ready first: create the directory, format the device ..."),
    Flag("no-overwrite", "refuse to build where there is data"),
    Flag("overwrite", "build even where there is data"),
)
BUILD_EXCLUSIVE = [("overwrite", "no-overwrite")]


def build_flags(build: bool = False, no_overwrite: bool = False, overwrite: bool = False) -> int:
    """The options of BUILD as virStoragePoolCreateFlags."""
    return (
        constants.STORAGE_POOL_CREATE_WITH_BUILD * build
        | constants.STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE * overwrite
        | constants.STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE * no_overwrite
    )


@command("pool-define", group="pool", options=[FILE, VALIDATE])
def define(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Define a storage pool from a file without starting it.

    A pool that has the name and UUID of the file gets the new definition; if it is active, from its next start on.
    """
    xml = read_file(file)
    with failing(f"Failed to define pool from {file}"):
        ref = ctx.connection.storage_pool_define_xml(xml, constants.STORAGE_POOL_DEFINE_VALIDATE * validate)
    return Message(f"Pool {ref.name} defined from {file}", pool=facts(ref), file=file)


@command("pool-create", group="pool", options=[FILE, *BUILD], exclusive=BUILD_EXCLUSIVE)
def create(ctx: "Context", file: str, **how: bool) -> Message:
    """Start a storage pool from a file without storing it.

    It is gone once it is destroyed.
    """
    xml = read_file(file)
    with failing(f"Failed to create pool from {file}"):
        ref = ctx.connection.storage_pool_create_xml(xml, build_flags(**how))
    return Message(f"Pool {ref.name} created from {file}", pool=facts(ref), file=file)


@command("pool-build", group="pool", options=[POOL.option(INACTIVE, resolve=False), *BUILD[1:]])
def build(ctx: "Context", pool: str, no_overwrite: bool = False, overwrite: bool = False) -> Message:
    """Make the storage of a pool ready: create the directory, format the device ..."""
    flags = (
        constants.STORAGE_POOL_BUILD_NO_OVERWRITE * no_overwrite | constants.STORAGE_POOL_BUILD_OVERWRITE * overwrite
    )
    return POOL.change(ctx, pool, "build", "built", lambda ref: ctx.connection.storage_pool_build(ref, flags))


@command("pool-start", group="pool", options=[POOL.option(INACTIVE, resolve=False), *BUILD])
def start(ctx: "Context", pool: str, **how: bool) -> Message:
    """Start a storage pool that is defined and not active."""
    ref = POOL.find(ctx, pool)
    if "overwrite" in how and "no_overwrite" in how:
        raise CommandError("Options --overwrite and --no-overwrite are mutually exclusive")
    with failing(f"Failed to start pool {pool}"):
        ctx.connection.storage_pool_create(ref, build_flags(**how))
    return Message(f"Pool {pool} started", pool=facts(ref))


@command("pool-refresh", group="pool", options=[POOL.option(ACTIVE, resolve=False)])
def refresh(ctx: "Context", pool: str) -> Message:
    """Look again which volumes a storage pool has."""
    return POOL.change(ctx, pool, "refresh", "refreshed", lambda ref: ctx.connection.storage_pool_refresh(ref, 0))


@command("pool-destroy", group="pool", options=[POOL.option(ACTIVE, resolve=False)])
def destroy(ctx: "Context", pool: str) -> Message:
    """Stop a storage pool.

    Its volumes and its definition stay.
    """
    return POOL.change(ctx, pool, "destroy", "destroyed", ctx.connection.storage_pool_destroy)


@command("pool-delete", group="pool", options=[POOL.option(INACTIVE, resolve=False)])
def delete(ctx: "Context", pool: str) -> Message:
    """Delete the storage of a pool that is not active: what pool-build made.

    Its definition stays.
    """
    return POOL.change(ctx, pool, "delete", "deleted", lambda ref: ctx.connection.storage_pool_delete(ref, 0))


@command("pool-undefine", group="pool", options=[POOL.option(PERSISTENT, resolve=False)])
def undefine(ctx: "Context", pool: str) -> Message:
    """Forget the definition of a storage pool that is not active.

    Its volumes stay.
    """
    return POOL.change(ctx, pool, "undefine", "has been undefined", ctx.connection.storage_pool_undefine)


@command(
    "pool-autostart",
    group="pool",
    options=[POOL.option(PERSISTENT, resolve=False), Flag("disable", "do not start it with the host")],
)
def autostart(ctx: "Context", pool: str, disable: bool = False) -> Message:
    """Have a storage pool start with the host, or not."""
    return POOL.autostart(ctx, pool, disable)
