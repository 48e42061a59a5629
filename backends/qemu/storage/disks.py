"""Disks that are volumes: `<disk type='volume'>`."""

from ... import errors
from .kinds import kind
from .pools import Pools, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...xml.disks import Disk
    from ...xml.storage import Source
    from ..store import Store


def locate(store: "Store", disks: "Iterable[Disk]") -> None:
    """Find out what the volumes are that these disks stand for.

    Raises CONFIG_UNSUPPORTED when a pool is not active, NO_STORAGE_POOL, NO_STORAGE_VOL.
    """
    for disk in disks:
        if disk.type == "volume" and disk.source.pool:
            disk.source.located = _find(store, disk.source)


def pretend(disks: "Iterable[Disk]") -> None:
    """Take volumes for files somewhere: for a definition, whose pools need not exist."""
    for disk in disks:
        if disk.type == "volume":
            disk.source.located = ("file", "/")


def _find(store: "Store", source: "Source") -> "tuple[str, str]":
    if source.mode:
        raise fail(errors.XML_ERROR, "disk source mode is only valid when storage pool is of iscsi type")
    pool = Pools(store).by_name(source.pool or "")
    if not pool.active:
        text = f"storage pool '{pool.name}' containing volume '{source.volume}' is not active"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    volume = kind(store.host, pool.now).volume(source.volume or "")
    if volume is None or volume.target is None:
        raise fail(errors.NO_STORAGE_VOL, f"no storage vol with matching name '{source.volume}'")
    if volume.type == "dir":
        raise fail(errors.CONFIG_UNSUPPORTED, "virtual FAT storage can't be accessed in read-write mode")
    return ("block" if volume.type == "block" else "file"), str(volume.target.path)
