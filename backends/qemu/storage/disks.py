"""Disks that are volumes: `<disk type='volume'>`."""

from ... import errors
from ..blocks.chains import layers
from .kinds import kind
from .pools import Pools, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...xml.disks import Disk
    from ...xml.storage import Source
    from ..store import Store
    from .pools import Pool


def locate(store: "Store", disks: "Iterable[Disk]") -> None:
    """Find out what the volumes are that these disks, and what they are backed by, stand for.

    Raises CONFIG_UNSUPPORTED when a pool is not active, NO_STORAGE_POOL, NO_STORAGE_VOL.
    """
    for source in volumes(disks):
        if source.mode:
            raise fail(errors.XML_ERROR, "disk source mode is only valid when storage pool is of iscsi type")
        pool = Pools(store).by_name(source.pool or "")
        if not pool.active:
            text = f"storage pool '{pool.name}' containing volume '{source.volume}' is not active"
            raise fail(errors.CONFIG_UNSUPPORTED, text)
        source.located = _find(store, pool, source)


def look_up(store: "Store", disks: "Iterable[Disk]") -> None:
    """The same as far as they can be found, whether pools are active or not."""
    for source in volumes(disks):
        try:
            source.located = _find(store, Pools(store).by_name(source.pool or ""), source)
        except (OSError, errors.VirtError):
            continue


def pretend(disks: "Iterable[Disk]") -> None:
    """Take volumes for files somewhere: for a definition, whose pools need not exist."""
    for source in volumes(disks):
        source.located = ("file", "/")


def volumes(disks: "Iterable[Disk]") -> "list[Source]":
    """The sources among those of disks, and of what they are backed by, that are volumes."""
    found = [layer.source for disk in disks for layer in layers(disk) if layer.type == "volume"]
    return [source for source in found if source.pool]


def _find(store: "Store", pool: "Pool", source: "Source") -> "tuple[str, str]":
    volume = kind(store.host, pool.now).volume(source.volume or "")
    if volume is None or volume.target is None:
        raise fail(errors.NO_STORAGE_VOL, f"no storage vol with matching name '{source.volume}'")
    if volume.type == "dir":
        raise fail(errors.CONFIG_UNSUPPORTED, "virtual FAT storage can't be accessed in read-write mode")
    return ("block" if volume.type == "block" else "file"), str(volume.target.path)
