"""Changing volumes: `vol-resize`, `vol-wipe`, `vol-delete`."""

from vsh.backends.constants import storage as constants
from vsh.backends.errors import NO_SUPPORT, VirtError

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Message
from ..sizes import volume_size
from .lookup import IN_POOL, VOL, find_volume, given, volume_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import StorageVolRef

    from ..context import Context

#: In the order of virStorageVolWipeAlgorithm.
ALGORITHMS = (
    "zero", "nnsa", "dod", "bsi", "gutmann", "schneier", "pfitzner7", "pfitzner33", "random", "trim",
)  # fmt: skip
ZERO = constants.STORAGE_VOL_WIPE_ALG_ZERO


@command(
    "vol-resize",
    group="volume",
    options=[
        VOL,
        Data("capacity", "the new size: 10G, or a number of bytes; -10G takes that away", empty=True),
        IN_POOL,
        Flag("allocate", "allocate what is added at once"),
        Flag("delta", "add the size to the old one"),
        Flag("shrink", "allow it to become smaller; what does not fit is lost"),
    ],
)
def resize(
    ctx: "Context",
    vol: str,
    capacity: str,
    pool: "str | None" = None,
    allocate: bool = False,
    delta: bool = False,
    shrink: bool = False,
) -> Message:
    """Change the size of a volume that no running domain uses.

    For a domain that runs there is blockresize.
    """
    ref = find_volume(ctx, vol, pool)
    given("capacity", capacity)
    capacity = capacity.lstrip(" \t\n\v\f\r")
    if capacity.startswith("-"):
        if not shrink:
            raise CommandError("negative size requires --shrink")
        capacity, delta = capacity[1:], True
    size = volume_size(capacity)
    flags = (
        constants.STORAGE_VOL_RESIZE_ALLOCATE * allocate
        | constants.STORAGE_VOL_RESIZE_DELTA * delta
        | constants.STORAGE_VOL_RESIZE_SHRINK * shrink
    )
    way = "by" if delta else "to"
    with failing(f"Failed to change size of volume '{ref.name}' {way} {capacity}"):
        ctx.connection.storage_vol_resize(ref, size, flags)
    line = f"Size of volume '{ref.name}' successfully changed {way} {capacity}"
    return Message(line, volume=volume_facts(ref), **{"delta_bytes" if delta else "capacity_bytes": size})


@command(
    "vol-wipe",
    group="volume",
    options=[
        VOL,
        IN_POOL,
        Opt("algorithm", "how to overwrite it; zero unless given", empty=True, complete=lambda ctx, words: ALGORITHMS),
    ],
)
def wipe(ctx: "Context", vol: str, pool: "str | None" = None, algorithm: "str | None" = None) -> Message:
    """Overwrite a volume, so that what it held cannot be read any more.

    Algorithms other than zero and trim need the program scrub on the host.
    """
    ref = find_volume(ctx, vol, pool)
    chosen = given("algorithm", algorithm) or ALGORITHMS[ZERO]
    if chosen not in ALGORITHMS:
        raise CommandError(f"Unsupported algorithm '{chosen}'", hint=f"one of {', '.join(ALGORITHMS)}")
    with failing(f"Failed to wipe vol {vol}"):
        _wipe(ctx, ref, ALGORITHMS.index(chosen))
    return Message(f"Vol {vol} wiped", volume=volume_facts(ref), algorithm=chosen)


def _wipe(ctx: "Context", ref: "StorageVolRef", algorithm: int) -> None:
    try:
        return ctx.connection.storage_vol_wipe_pattern(ref, algorithm, 0)
    except VirtError as error:
        if error.code != NO_SUPPORT or algorithm != ZERO:
            raise
    return ctx.connection.storage_vol_wipe(ref, 0)


@command(
    "vol-delete",
    group="volume",
    options=[VOL, IN_POOL, Flag("delete-snapshots", "delete its snapshots too, where the storage has any")],
)
def delete(ctx: "Context", vol: str, pool: "str | None" = None, delete_snapshots: bool = False) -> Message:
    """Delete a volume and all it holds."""
    ref = find_volume(ctx, vol, pool)
    with failing(f"Failed to delete vol {vol}"):
        ctx.connection.storage_vol_delete(ref, constants.STORAGE_VOL_DELETE_WITH_SNAPSHOTS * delete_snapshots)
    return Message(f"Vol {vol} deleted", volume=volume_facts(ref))
