"""What a volume is: `vol-info`, `vol-dumpxml`, `vol-name`, `vol-key`, `vol-path`, `vol-pool`."""

from vsh.backends.constants.storage import STORAGE_VOL_GET_PHYSICAL

from ..declare import Flag, command
from ..document import XPATH, checked, shown
from ..errors import failing
from ..named import facts
from ..results import Pairs, Text
from ..sizes import pretty
from .lookup import IN_POOL, KEY, VOL, find_volume, type_name, volume_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import StorageVolGetInfo, StorageVolGetInfoFlags

    from ..context import Context


@command(
    "vol-info",
    group="volume",
    options=[
        VOL,
        IN_POOL,
        Flag("bytes", "sizes in bytes"),
        Flag("physical", "the size of the file or device instead of what is allocated of it"),
    ],
)
def info(
    ctx: "Context", vol: str, pool: "str | None" = None, bytes: bool = False, physical: bool = False
) -> "Iterator[Pairs]":
    """Show basic facts about a volume: its type and its sizes."""
    ref = find_volume(ctx, vol, pool)
    name = ("Name:", ref.name)
    try:
        found: StorageVolGetInfo | StorageVolGetInfoFlags
        if physical:
            found = ctx.connection.storage_vol_get_info_flags(ref, STORAGE_VOL_GET_PHYSICAL)
        else:
            found = ctx.connection.storage_vol_get_info(ref)
    except Exception:
        yield Pairs([name], volume_facts(ref))
        raise
    kind = "physical" if physical else "allocation"
    rows = [name, ("Type:", type_name(found.type))]
    for key, size in (("capacity", found.capacity), (kind, found.allocation)):
        rows.append((f"{key.capitalize()}:", f"{size} bytes" if bytes else pretty(size)))
    data = {"type": type_name(found.type), "capacity_bytes": found.capacity, f"{kind}_bytes": found.allocation}
    yield Pairs(rows, volume_facts(ref) | data)


@command("vol-dumpxml", group="volume", options=[VOL, IN_POOL, *XPATH])
def dumpxml(
    ctx: "Context", vol: str, pool: "str | None" = None, xpath: "str | None" = None, wrap: bool = False
) -> Text:
    """Show the XML definition of a volume."""
    ref = find_volume(ctx, vol, pool)
    checked(xpath)
    return shown(ctx, ctx.connection.storage_vol_get_xml_desc(ref, 0), xpath, wrap)


@command("vol-name", group="volume", options=[KEY])
def name(ctx: "Context", vol: str) -> Text:
    """Show the name of the volume with this key or path."""
    ref = find_volume(ctx, vol, option=None)
    return Text(ref.name + "\n", data=volume_facts(ref))


@command("vol-key", group="volume", options=[VOL, IN_POOL])
def key(ctx: "Context", vol: str, pool: "str | None" = None) -> Text:
    """Show the key of a volume, which no other volume has."""
    ref = find_volume(ctx, vol, pool)
    return Text(ref.key + "\n", data=volume_facts(ref))


@command("vol-path", group="volume", options=[VOL, IN_POOL])
def path(ctx: "Context", vol: str, pool: "str | None" = None) -> Text:
    """Show the path of a volume, by which the host reaches it."""
    ref = find_volume(ctx, vol, pool)
    found = ctx.connection.storage_vol_get_path(ref)
    return Text(found + "\n", data=volume_facts(ref) | {"path": found})


@command("vol-pool", group="volume", options=[KEY, Flag("uuid", "the pool's UUID instead of its name")])
def pool_of(ctx: "Context", vol: str, uuid: bool = False) -> Text:
    """Show the storage pool that the volume with this key or path is in."""
    ref = find_volume(ctx, vol, option=None)
    with failing("failed to get parent pool"):
        found = facts(ctx.connection.storage_pool_lookup_by_volume(ref))
    return Text(found["uuid" if uuid else "name"] + "\n", data={"pool": found, "volume": volume_facts(ref)})
