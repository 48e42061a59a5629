"""The volume that a command is about: virsh's names within a pool, keys and paths."""

from vsh.backends.constants.connect import CONNECT_LIST_STORAGE_POOLS_ACTIVE
from vsh.backends.errors import VirtError

from ..declare import Data, Opt
from ..errors import CommandError
from ..named import POOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import StorageVolRef

    from ..context import Context

#: virStorageVolType.
TYPES = ("file", "block", "dir", "network", "netdir", "ploop")


def type_name(type: int) -> str:
    """The name of a volume's type."""
    return TYPES[type] if 0 <= type < len(TYPES) else "unknown"


def given(option: str, text: "str | None") -> "str | None":
    """The text of an option that virsh looks at late.

    Raises CommandError when it is empty.
    """
    if text == "":
        raise CommandError(f"Failed to get option '{option}': Option argument is empty")
    return text


def find_volume(ctx: "Context", vol: str, pool: "str | None" = None, option: "str | None" = "pool") -> "StorageVolRef":
    """The volume that `vol` is the name of (in `pool`), the key or the path; everything is asked for in one round trip.

    `option` is where the pool comes from, None when the command takes none. Raises CommandError.
    """
    given("vol", vol)
    given(option or "", pool)
    calls: list[tuple[str, tuple[Any, ...]]] = []
    found = POOL.find(ctx, pool) if pool is not None else None
    if found is not None:
        calls = [("storage_pool_is_active", (found,)), ("storage_vol_lookup_by_name", (found, vol))]
    calls += [("storage_vol_lookup_by_key", (vol,)), ("storage_vol_lookup_by_path", (vol,))]
    answers = ctx.connection.batch(calls)
    if found is not None and answers.pop(0) != 1:
        raise CommandError(f"pool '{pool}' is not active")
    ref: StorageVolRef | None = next((answer for answer in answers if not isinstance(answer, VirtError)), None)
    if ref is None:
        more = f", specifying --{option} might help" if found is None and option else ""
        raise CommandError(f"failed to get vol '{vol}'{more}", answers[-1])
    if found is not None and ref.pool != found.name:
        raise CommandError(f"Requested volume '{vol}' is not in pool '{found.name}'")
    return ref


def names(ctx: "Context", words: "dict[str, str]") -> "list[str]":
    """For completion: the names of the volumes in the pool that was typed, else the keys of all."""
    pool = words.get("pool") or words.get("inputpool")
    if not pool:
        return keys(ctx, words)
    return [ref.name for ref in ctx.connection.storage_pool_list_all_volumes(POOL.find(ctx, pool), 0)]


def keys(ctx: "Context", words: "dict[str, str]") -> "list[str]":
    """For completion: the keys of the volumes in all active pools."""
    pools = ctx.connection.connect_list_all_storage_pools(CONNECT_LIST_STORAGE_POOLS_ACTIVE)
    answers = ctx.connection.batch([("storage_pool_list_all_volumes", (pool, 0)) for pool in pools])
    return [ref.key for answer in answers if not isinstance(answer, VirtError) for ref in answer]


#: The options of commands about one volume.
VOL = Data("vol", "the volume's name (with --pool), key or path", empty=True, complete=names)
KEY = Data("vol", "the volume's key or path", empty=True, complete=keys)
IN_POOL = Opt("pool", "the pool it is in", empty=True, complete=POOL.names(CONNECT_LIST_STORAGE_POOLS_ACTIVE))
#: The option of commands about a pool's volumes.
ACTIVE_POOL = POOL.option(CONNECT_LIST_STORAGE_POOLS_ACTIVE)


def volume_facts(ref: "StorageVolRef") -> "dict[str, str]":
    """A volume for machines."""
    return {"pool": ref.pool, "name": ref.name, "key": ref.key}
