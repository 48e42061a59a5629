"""Calls about storage volumes."""

from ... import errors, records
from ...constants import storage as const
from ...pools import VOLUMES
from ..base import QemuBase, call
from .kinds import Folder, kind
from .making import sweep
from .pools import Pools, active, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...hosts import Lock
    from ...records import StoragePoolRef, StorageVolGetInfoFlags, StorageVolRef
    from ...xml.resources.volume import Volume
    from ..driver import QemuDriver
    from .content import VolumeStream

#: virStorageVolType
TYPES = ("file", "block", "dir", "network", "netdir", "ploop")
CREATE = const.STORAGE_VOL_CREATE_PREALLOC_METADATA | const.STORAGE_VOL_CREATE_VALIDATE
RESIZE = const.STORAGE_VOL_RESIZE_ALLOCATE | const.STORAGE_VOL_RESIZE_DELTA | const.STORAGE_VOL_RESIZE_SHRINK


class VolumeCalls(QemuBase):
    """Storage volumes."""

    # Which there are

    @call("")
    def storage_pool_num_of_volumes(self, pool: "StoragePoolRef") -> int:
        return len(self.storage_pool_list_volumes(pool))

    @call("")
    def storage_pool_list_volumes(self, pool: "StoragePoolRef") -> list[str]:
        return [volume.name for volume in _storage(self.driver, pool.name).volumes()]

    @call("storagePoolListAllVolumes")
    def storage_pool_list_all_volumes(self, pool: "StoragePoolRef", flags: int = 0) -> "list[StorageVolRef]":
        storage = _storage(self.driver, pool.name)
        if not self.readonly:
            sweep(self.driver)
        return [_ref(storage, volume) for volume in storage.volumes()]

    @call("")
    def storage_pool_lookup_by_volume(self, vol: "StorageVolRef") -> "StoragePoolRef":
        return Pools(self.driver.store).by_name(vol.pool).ref

    @call("")
    def storage_vol_lookup_by_name(self, pool: "StoragePoolRef", name: str) -> "StorageVolRef":
        storage = _storage(self.driver, pool.name)
        return _ref(storage, _volume(storage, name))

    @call("")
    def storage_vol_lookup_by_key(self, key: str) -> "StorageVolRef":
        return _search(self.driver, lambda storage: storage.by_key(key), f"key {key}")

    @call("")
    def storage_vol_lookup_by_path(self, path: str) -> "StorageVolRef":
        from ...xml.values import sanitize_path

        clean = sanitize_path(path)
        what = f"path '{path}'" if clean == path else f"path '{path}' ({clean})"
        return _search(self.driver, lambda storage: storage.by_path(clean), what)

    # What they are

    @call("storageVolGetInfoFlags", const.STORAGE_VOL_GET_PHYSICAL)
    def storage_vol_get_info_flags(self, vol: "StorageVolRef", flags: int = 0) -> "StorageVolGetInfoFlags":
        volume = _seen(self, vol)
        size = volume.physical if flags & const.STORAGE_VOL_GET_PHYSICAL else volume.allocation
        kind = TYPES.index(volume.type) if volume.type in TYPES else VOLUMES["dir"]
        info: StorageVolGetInfoFlags = records.StorageVolGetInfoFlags(kind, volume.capacity, size)
        return info

    @call("storageVolGetXMLDesc")
    def storage_vol_get_xml_desc(self, vol: "StorageVolRef", flags: int = 0) -> str:
        return _seen(self, vol).format()

    @call("")
    def storage_vol_get_path(self, vol: "StorageVolRef") -> str:
        return _path(_seen(self, vol))

    # Making and removing them

    @call("storageVolCreateXML", CREATE)
    def storage_vol_create_xml(self, pool: "StoragePoolRef", xml: str, flags: int = 0) -> "StorageVolRef":
        from ...xml.resources.volume import Volume

        storage = _storage(self.driver, pool.name)
        volume = Volume.parse(xml, storage.model.type, bool(flags & const.STORAGE_VOL_CREATE_VALIDATE))
        with _lock(self.driver, storage, volume.name):
            if storage.volume(volume.name) is not None:
                raise errors.virt_error(errors.STORAGE_VOL_EXIST, f"'{volume.name}'", domain=errors.FROM_STORAGE)
            return _create(self.driver, storage, volume, flags)

    @call("storageVolCreateXMLFrom", CREATE | const.STORAGE_VOL_CREATE_REFLINK)
    def storage_vol_create_xml_from(
        self, pool: "StoragePoolRef", xml: str, clonevol: "StorageVolRef", flags: int = 0
    ) -> "StorageVolRef":
        from ...xml.resources.volume import Volume

        storage = _storage(self.driver, pool.name)
        origin = _volume(_storage(self.driver, clonevol.pool), clonevol.name)
        volume = Volume.parse(xml, storage.model.type, bool(flags & const.STORAGE_VOL_CREATE_VALIDATE))
        with _lock(self.driver, storage, volume.name):
            if storage.volume(volume.name) is not None:
                raise fail(errors.INTERNAL_ERROR, f"storage volume name '{volume.name}' already in use.")
            whole = volume.allocation == volume.capacity
            volume.capacity = max(volume.capacity, origin.capacity)
            volume.allocation = volume.capacity if whole else volume.allocation
            return _create(self.driver, storage, volume, flags, origin)

    @call("storageVolDelete", const.STORAGE_VOL_DELETE_ZEROED | const.STORAGE_VOL_DELETE_WITH_SNAPSHOTS)
    def storage_vol_delete(self, vol: "StorageVolRef", flags: int = 0) -> None:
        storage = _storage(self.driver, vol.pool)
        with _lock(self.driver, storage, vol.name):
            storage.remove(_volume(storage, vol.name), flags)

    # Changing them

    @call("storageVolResize", RESIZE)
    def storage_vol_resize(self, vol: "StorageVolRef", capacity: int, flags: int = 0) -> None:
        storage = _storage(self.driver, vol.pool)
        with _lock(self.driver, storage, vol.name):
            volume = _volume(storage, vol.name)
            wanted = capacity
            if flags & const.STORAGE_VOL_RESIZE_DELTA:
                shrink = flags & const.STORAGE_VOL_RESIZE_SHRINK
                wanted = volume.capacity - min(capacity, volume.capacity) if shrink else volume.capacity + capacity
            if wanted < volume.allocation:
                raise fail(errors.INVALID_ARG, "can't shrink capacity below existing allocation")
            if wanted < volume.capacity and not flags & const.STORAGE_VOL_RESIZE_SHRINK:
                text = "Can't shrink capacity below current capacity unless shrink flag explicitly specified"
                raise fail(errors.INVALID_ARG, text)
            if flags & const.STORAGE_VOL_RESIZE_ALLOCATE and wanted > volume.capacity:
                free = storage.measure().available
                if wanted - volume.capacity > free:
                    raise fail(errors.OPERATION_FAILED, "Not enough space left in storage pool")
            storage.resize(self.driver, volume, wanted, flags)

    @call("storageVolWipe")
    def storage_vol_wipe(self, vol: "StorageVolRef", flags: int = 0) -> None:
        self.storage_vol_wipe_pattern(vol, const.STORAGE_VOL_WIPE_ALG_ZERO, flags)

    @call("storageVolWipePattern")
    def storage_vol_wipe_pattern(self, vol: "StorageVolRef", algorithm: int, flags: int = 0) -> None:
        from .content import wipe

        storage = _storage(self.driver, vol.pool)
        with _lock(self.driver, storage, vol.name):
            wipe(self.driver.host, _volume(storage, vol.name), algorithm)

    @call("storageVolUpload", const.STORAGE_VOL_UPLOAD_SPARSE_STREAM)
    def storage_vol_upload(
        self, vol: "StorageVolRef", offset: int, length: int, flags: int = 0
    ) -> "tuple[None, VolumeStream]":
        from .content import Upload

        storage = _storage(self.driver, vol.pool)
        lock = _lock(self.driver, storage, vol.name)
        try:
            return None, Upload(self.driver.host, _volume(storage, vol.name), offset, length, lock)
        except BaseException:
            lock.release()
            raise

    @call("storageVolDownload", const.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
    def storage_vol_download(
        self, vol: "StorageVolRef", offset: int, length: int, flags: int = 0
    ) -> "tuple[None, VolumeStream]":
        from .content import Download

        volume = _volume(_storage(self.driver, vol.pool), vol.name)
        return None, Download(self.driver.host, volume, offset, length, sparse=bool(flags))


def _storage(driver: "QemuDriver", name: str) -> Folder:
    """The storage of an active pool. Raises NO_STORAGE_POOL, OPERATION_INVALID."""
    return kind(driver.host, active(Pools(driver.store).by_name(name)).now)


def _volume(storage: Folder, name: str) -> "Volume":
    """Raises NO_STORAGE_VOL."""
    volume = storage.volume(name)
    if volume is None:
        raise fail(errors.NO_STORAGE_VOL, f"no storage vol with matching name '{name}'")
    return volume


def _seen(calls: VolumeCalls, vol: "StorageVolRef") -> "Volume":
    """A volume that is only looked at; a batch looks at all of a pool at once. Raises as _storage and _volume."""
    if not calls._batching:
        return _volume(_storage(calls.driver, vol.pool), vol.name)

    def find() -> "dict[str, Volume]":
        return {volume.name: volume for volume in _storage(calls.driver, vol.pool).volumes()}

    found: dict[str, Volume] = calls._once(("volumes", vol.pool), find)
    if vol.name not in found:
        raise fail(errors.NO_STORAGE_VOL, f"no storage vol with matching name '{vol.name}'")
    return found[vol.name]


def _search(driver: "QemuDriver", find: "Callable[[Folder], Volume | None]", what: str) -> "StorageVolRef":
    """The first volume that `find` finds in an active pool. Raises NO_STORAGE_VOL."""
    for storage in _reachable(driver):
        try:
            volume = find(storage)
        except (OSError, errors.VirtError):
            continue  # a pool that cannot be read has nothing to be found
        if volume is not None:
            return _ref(storage, volume)
    raise fail(errors.NO_STORAGE_VOL, f"no storage vol with matching {what}")


def _reachable(driver: "QemuDriver") -> "Iterator[Folder]":
    return (kind(driver.host, pool.now) for pool in Pools(driver.store).all() if pool.active)


def _ref(storage: Folder, volume: "Volume") -> "StorageVolRef":
    made: StorageVolRef = records.StorageVolRef(storage.model.name, volume.name, volume.key or "")
    return made


def _path(volume: "Volume") -> str:
    return (volume.target.path if volume.target else None) or ""


def _lock(driver: "QemuDriver", storage: Folder, name: str) -> "Lock":
    """The lock of a volume, for whoever makes, removes or changes it."""
    import hashlib

    digest = hashlib.sha256(f"{storage.model.uuid.hex()}/{name}".encode("utf-8", "surrogateescape")).hexdigest()
    return driver.store.lock(f"volume-{digest[:32]}", "storage volume")


def _create(
    driver: "QemuDriver", storage: Folder, volume: "Volume", flags: int, origin: "Volume | None" = None
) -> "StorageVolRef":
    """Make a volume whose name nobody has; call it with its lock."""
    storage.prepare(volume)
    storage.create(driver, volume, flags & ~const.STORAGE_VOL_CREATE_VALIDATE, origin)
    return _ref(storage, volume)
