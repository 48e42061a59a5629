"""The storage volumes of a domain that `undefine` removes with it."""

from vsh.backends.constants.storage import STORAGE_VOL_DELETE_WITH_SNAPSHOTS
from vsh.backends.errors import VirtError

from ..errors import CommandError
from ..results import Message, Notice
from ..words import split_list
from .targets import attribute, definition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lxml.etree import _Element

    from vsh.backends.records import DomainRef, StorageVolRef

    from ..context import Context
    from ..results import Result

#: The attributes of a disk's source that name a volume.
SOURCES = ("file", "dir", "name", "dev", "volume")


class Volume:
    """A disk of a domain: its target, its source, the pool its XML names or None, and then its volume."""

    def __init__(self, target: str, source: str, pool: "str | None"):
        self.target = target
        self.source = source
        self.pool = pool
        self.ref: StorageVolRef | None = None


def of_domain(ctx: "Context", ref: "DomainRef", wanted: str) -> "list[Volume]":
    """The volumes of a domain, of those in `wanted` (a list of targets and sources) or of all disks.

    Warns about disks that are no volumes of a pool. Raises CommandError for what is wanted and no disk.
    """
    disks = list(_disks(definition(ctx, ref)))
    missing = split_list(wanted) if wanted else []
    chosen = []
    for disk in disks:
        named = next((word for word in missing if word in (disk.target, disk.source)), None)
        if named is not None:
            missing.remove(named)
        if named is not None or not wanted:
            chosen.append(disk)
    _look_up(ctx, chosen)
    for word in missing:
        ctx.warn(f"Volume '{word}' was not found in domain's definition.\n")
    if missing:
        raise CommandError()
    return [volume for volume in chosen if volume.ref is not None]


def _disks(root: "_Element") -> "Iterator[Volume]":
    for disk in root.iterfind("devices/disk"):
        path = attribute(disk, "source", *SOURCES)
        if path:
            yield Volume(attribute(disk, "target", "dev") or "", path, attribute(disk, "source", "pool"))


def _look_up(ctx: "Context", volumes: "list[Volume]") -> None:
    """Find the volumes in two round trips, and warn about those that cannot be found."""
    names = list({volume.pool for volume in volumes if volume.pool})
    answers = ctx.connection.batch([("storage_pool_lookup_by_name", (name,)) for name in names])
    pools = dict(zip(names, answers, strict=True))
    calls: dict[Volume, tuple[str, tuple[Any, ...]]] = {}
    for volume in volumes:
        pool = pools[volume.pool] if volume.pool else None
        if pool is None:
            calls[volume] = ("storage_vol_lookup_by_path", (volume.source,))
        elif not isinstance(pool, VirtError):
            calls[volume] = ("storage_vol_lookup_by_name", (pool, volume.source))
    found = dict(zip(calls, ctx.connection.batch(list(calls.values())), strict=True))
    for volume in volumes:
        if volume not in found:
            ctx.warn(f"Storage pool '{volume.pool}' for volume '{volume.target}' not found.")
        elif isinstance(found[volume], VirtError):
            where = f"'{volume.target}'({volume.source})"
            ctx.warn(f"Storage volume {where} is not managed by libvirt. Remove it manually.\n")
        else:
            volume.ref = found[volume]


def remove(ctx: "Context", volumes: "list[Volume]", wipe: bool, snapshots: bool) -> "Iterator[Result]":
    """Remove volumes one after the other, wiped first on request.

    Goes on after a failure; raises CommandError in the end.
    """
    failure = None
    for volume in volumes:
        assert volume.ref is not None
        where = f"'{volume.target}'({volume.source})"
        line = "Failed! Volume not removed."
        try:
            if wipe:
                yield Notice(f"Wiping volume {where} ... ")
                ctx.connection.storage_vol_wipe(volume.ref, 0)
                yield Notice("Done.\n")
            line = f"Failed to remove storage volume {where}"
            ctx.connection.storage_vol_delete(volume.ref, STORAGE_VOL_DELETE_WITH_SNAPSHOTS * snapshots)
            yield Message(f"Volume {where} removed.", target=volume.target, source=volume.source, wiped=wipe)
        except VirtError as error:
            ctx.warn(line)
            failure = error
    if failure is not None:
        raise CommandError("", failure)
