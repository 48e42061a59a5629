"""Storage volumes."""

from .. import errors, records
from ..common import refuse_flags
from ..constants import storage as const
from ..pools import VOLUMES
from .base import TestBase, call, fail, locked
from .pools import Pool, active, identified, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..records import StoragePoolRef, StorageVolGetInfo, StorageVolRef
    from ..xml.resources.volume import Volume
    from .driver import TestDriver


class VolumeCalls(TestBase):
    """Storage volumes."""

    @locked
    def storage_pool_num_of_volumes(self, pool: "StoragePoolRef") -> int:
        return len(active(self.driver, pool.name).volumes)

    @locked
    def storage_pool_list_volumes(self, pool: "StoragePoolRef") -> list[str]:
        return list(active(self.driver, pool.name).volumes)

    @call("testStoragePoolListAllVolumes")
    def storage_pool_list_all_volumes(self, pool: "StoragePoolRef", flags: int = 0) -> "list[StorageVolRef]":
        found = identified(self.driver, pool.uuid)
        if not found.active:
            raise fail(errors.OPERATION_INVALID, "storage pool is not active")
        return [ref(found, volume) for volume in found.volumes.values()]

    @locked
    def storage_pool_lookup_by_volume(self, vol: "StorageVolRef") -> "StoragePoolRef":
        return named(self.driver, vol.pool).ref

    @locked
    def storage_vol_lookup_by_name(self, pool: "StoragePoolRef", name: str) -> "StorageVolRef":
        found = active(self.driver, pool.name)
        return ref(found, volume_of(found, name))

    @locked
    def storage_vol_lookup_by_key(self, key: str) -> "StorageVolRef":
        return search(self.driver, lambda volume: volume.key == key, f"key '{key}'")

    @locked
    def storage_vol_lookup_by_path(self, path: str) -> "StorageVolRef":
        return search(self.driver, lambda volume: path_of(volume) == path, f"path '{path}'")

    @call("testStorageVolCreateXML", const.STORAGE_VOL_CREATE_VALIDATE)
    def storage_vol_create_xml(self, pool: "StoragePoolRef", xml: str, flags: int = 0) -> "StorageVolRef":
        found = active(self.driver, pool.name)
        return create(found, new_volume(found, xml, flags))

    @call("testStorageVolCreateXMLFrom", const.STORAGE_VOL_CREATE_VALIDATE)
    def storage_vol_create_xml_from(
        self, pool: "StoragePoolRef", xml: str, clonevol: "StorageVolRef", flags: int = 0
    ) -> "StorageVolRef":
        found = active(self.driver, pool.name)
        volume = new_volume(found, xml, flags)
        volume_of(found, clonevol.name)
        return create(found, volume)

    @call("testStorageVolDelete")
    def storage_vol_delete(self, vol: "StorageVolRef", flags: int = 0) -> None:
        pool = active(self.driver, vol.pool)
        pool.use(-volume_of(pool, vol.name).allocation)
        del pool.volumes[vol.name]

    @locked
    def storage_vol_get_info(self, vol: "StorageVolRef") -> "StorageVolGetInfo":
        pool = active(self.driver, vol.pool)
        volume = volume_of(pool, vol.name)
        kind = VOLUMES.get(pool.now.type, const.STORAGE_VOL_BLOCK)
        info: StorageVolGetInfo = records.StorageVolGetInfo(kind, volume.capacity, volume.allocation)
        return info

    @call("testStorageVolGetXMLDesc")
    def storage_vol_get_xml_desc(self, vol: "StorageVolRef", flags: int = 0) -> str:
        return volume_of(active(self.driver, vol.pool), vol.name).format()

    @locked
    def storage_vol_get_path(self, vol: "StorageVolRef") -> str:
        return path_of(volume_of(active(self.driver, vol.pool), vol.name))


def ref(pool: Pool, volume: "Volume") -> "StorageVolRef":
    """The reference to a volume."""
    made: StorageVolRef = records.StorageVolRef(pool.now.name, volume.name, volume.key or "")
    return made


def path_of(volume: "Volume") -> str:
    """Where a volume lies."""
    return (volume.target.path if volume.target else None) or ""


def volume_of(pool: Pool, name: str) -> "Volume":
    """The volume called `name`; raises NO_STORAGE_VOL."""
    volume = pool.volumes.get(name)
    if volume is None:
        raise fail(errors.NO_STORAGE_VOL, f"no storage vol with matching name '{name}'")
    return volume


def search(host: "TestDriver", wanted: "Callable[[Volume], bool]", what: str) -> "StorageVolRef":
    """The first volume in an active pool for which `wanted` holds; raises NO_STORAGE_VOL."""
    for pool in host.pools.by_uuid.values():
        for volume in pool.volumes.values() if pool.active else ():
            if wanted(volume):
                return ref(pool, volume)
    raise fail(errors.NO_STORAGE_VOL, f"no storage vol with matching {what}")


def new_volume(pool: Pool, xml: str, flags: int) -> "Volume":
    """The volume described by `xml`; raises OPERATION_FAILED when the pool has one of its name."""
    from ..xml.resources.volume import Volume

    volume = Volume.parse(xml, pool.now.type, bool(flags))
    # libvirt 9.0.0 trips over its own flag once the document has passed.
    refuse_flags("virStorageVolDefParseXML", flags, 0, errors.FROM_TEST)
    if volume.name in pool.volumes:
        raise fail(errors.OPERATION_FAILED, "storage vol already exists")
    return volume


def create(pool: Pool, volume: "Volume") -> "StorageVolRef":
    """Put a volume into a pool; raises INTERNAL_ERROR when there is no room."""
    if pool.now.allocation + volume.allocation > pool.now.capacity:
        raise fail(errors.INTERNAL_ERROR, f"Not enough free space in pool for volume '{volume.name}'")
    assert volume.target is not None
    volume.key = volume.target.path = f"{pool.now.target.path or '(null)'}/{volume.name}"
    pool.volumes[volume.name] = volume
    pool.use(volume.allocation)
    return ref(pool, volume)
