"""Calls about storage pools."""

from ... import errors, records
from ...constants import storage as const
from ...pools import FILTERS, matches
from ..base import QemuBase, call
from .kinds import BUILD, kind, refuse_both
from .making import sweep
from .pools import Pool, Pools, active, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...records import StoragePoolGetInfo, StoragePoolRef
    from ...xml.resources.pool import Pool as Model
    from ..driver import QemuDriver

WITH_BUILD = (
    const.STORAGE_POOL_CREATE_WITH_BUILD
    | const.STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE
    | const.STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE
)


class PoolCalls(QemuBase):
    """Storage pools."""

    # Which there are

    @call("storageConnectListAllStoragePools", FILTERS)
    def connect_list_all_storage_pools(self, flags: int = 0) -> "list[StoragePoolRef]":
        return [
            pool.ref
            for pool in Pools(self.driver.store).all()
            if matches(flags, pool.now.type, pool.active, pool.persistent, pool.autostart)
        ]

    @call("")
    def connect_num_of_storage_pools(self) -> int:
        return len(self.connect_list_storage_pools())

    @call("")
    def connect_list_storage_pools(self) -> list[str]:
        return [pool.name for pool in Pools(self.driver.store).all() if pool.active]

    @call("")
    def connect_num_of_defined_storage_pools(self) -> int:
        return len(self.connect_list_defined_storage_pools())

    @call("")
    def connect_list_defined_storage_pools(self) -> list[str]:
        return [pool.name for pool in Pools(self.driver.store).all() if not pool.active]

    @call("")
    def storage_pool_lookup_by_name(self, name: str) -> "StoragePoolRef":
        return Pools(self.driver.store).by_name(name).ref

    @call("")
    def storage_pool_lookup_by_uuid(self, uuid: bytes) -> "StoragePoolRef":
        return Pools(self.driver.store).by_uuid(uuid).ref

    @call("")
    def storage_pool_lookup_by_target_path(self, path: str) -> "StoragePoolRef":
        from ...xml.values import sanitize_path

        return Pools(self.driver.store).by_target(sanitize_path(path)).ref

    # Definitions

    @call("storagePoolDefineXML", const.STORAGE_POOL_DEFINE_VALIDATE)
    def storage_pool_define_xml(self, xml: str, flags: int = 0) -> "StoragePoolRef":
        from ...xml.resources.pool import Pool as Model

        model, pools = Model.parse(xml, bool(flags)), Pools(self.driver.store)
        kind(self.driver.host, model)
        with pools.lock():
            pools.check(model)
            pools.write(model)
            ref = pools.by_name(model.name).ref
            _tell(self.driver, ref, const.STORAGE_POOL_EVENT_DEFINED)
        return ref

    @call("")
    def storage_pool_undefine(self, pool: "StoragePoolRef") -> None:
        pools = Pools(self.driver.store)
        with pools.lock_pool(pool.uuid), pools.lock():
            found = pools.by_uuid(pool.uuid)
            if found.active:
                raise fail(errors.OPERATION_INVALID, f"storage pool '{found.name}' is still active")
            pools.undefine(found)
            _tell(self.driver, found.ref, const.STORAGE_POOL_EVENT_UNDEFINED)

    @call("storagePoolGetXMLDesc", const.STORAGE_XML_INACTIVE)
    def storage_pool_get_xml_desc(self, pool: "StoragePoolRef", flags: int = 0) -> str:
        found = _seen(self, pool)
        if flags & const.STORAGE_XML_INACTIVE and found.later not in (None, found.now):
            return found.later.format()
        return _measured(self.driver.host, found)[0].format()

    @call("")
    def storage_pool_get_autostart(self, pool: "StoragePoolRef") -> int:
        return int(_seen(self, pool).autostart)

    @call("")
    def storage_pool_set_autostart(self, pool: "StoragePoolRef", autostart: int) -> None:
        pools = Pools(self.driver.store)
        with pools.lock():
            found = pools.by_uuid(pool.uuid)
            if not found.persistent:
                raise fail(errors.INTERNAL_ERROR, "pool has no config file")
            pools.set_autostart(found, bool(autostart))

    # Life

    @call("storagePoolCreateXML", WITH_BUILD)
    def storage_pool_create_xml(self, xml: str, flags: int = 0) -> "StoragePoolRef":
        from ...xml.resources.pool import Pool as Model

        build = _build_flags(flags)
        model, pools = Model.parse(xml), Pools(self.driver.store)
        with pools.lock_pool(model.uuid):
            with pools.lock():
                pools.check(model, live=True)
            _start(self.driver, pools, model, build)
        return pools.by_name(model.name).ref

    @call("storagePoolCreate", WITH_BUILD)
    def storage_pool_create(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        start_one(self.driver, pool, _build_flags(flags))

    @call("")
    def storage_pool_destroy(self, pool: "StoragePoolRef") -> None:
        pools = Pools(self.driver.store)
        with pools.lock_pool(pool.uuid):
            found = active(pools.by_uuid(pool.uuid))
            sweep(self.driver)
            kind(self.driver.host, found.now).stop()
            pools.stopped(found.name)
            _tell(self.driver, found.ref, const.STORAGE_POOL_EVENT_STOPPED)

    @call("storagePoolBuild", BUILD)
    def storage_pool_build(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        pools = Pools(self.driver.store)
        with pools.lock_pool(pool.uuid):
            found = pools.by_uuid(pool.uuid)
            if found.active:
                raise fail(errors.OPERATION_INVALID, f"storage pool '{found.name}' is already active")
            _refuse_both(flags)
            kind(self.driver.host, found.now).build(flags)
            _tell(self.driver, found.ref, const.STORAGE_POOL_EVENT_CREATED)

    @call("storagePoolDelete", const.STORAGE_POOL_DELETE_ZEROED)
    def storage_pool_delete(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        pools = Pools(self.driver.store)
        with pools.lock_pool(pool.uuid):
            found = pools.by_uuid(pool.uuid)
            if found.active:
                raise fail(errors.OPERATION_INVALID, f"storage pool '{found.name}' is still active")
            kind(self.driver.host, found.now).delete()
            _tell(self.driver, found.ref, const.STORAGE_POOL_EVENT_DELETED)

    @call("storagePoolRefresh")
    def storage_pool_refresh(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        """Nothing is kept that could be stale; a pool that cannot be read any more is stopped."""
        pools = Pools(self.driver.store)
        found = active(pools.by_uuid(pool.uuid))
        try:
            kind(self.driver.host, found.now).measure()
        except errors.VirtError:
            with pools.lock_pool(pool.uuid):
                pools.stopped(found.name)
                _tell(self.driver, found.ref, const.STORAGE_POOL_EVENT_STOPPED)
            raise
        self.driver.tell("storage_pool_event_refresh", found.ref)

    # What they are

    @call("")
    def storage_pool_get_info(self, pool: "StoragePoolRef") -> "StoragePoolGetInfo":
        found = _seen(self, pool)
        now, state = _measured(self.driver.host, found)
        info: StoragePoolGetInfo = records.StoragePoolGetInfo(state, now.capacity, now.allocation, now.available)
        return info

    @call("")
    def storage_pool_is_active(self, pool: "StoragePoolRef") -> int:
        return int(_seen(self, pool).active)

    @call("")
    def storage_pool_is_persistent(self, pool: "StoragePoolRef") -> int:
        return int(_seen(self, pool).persistent)


def _seen(calls: PoolCalls, ref: "StoragePoolRef") -> Pool:
    """A pool that is only looked at; a batch reads all definitions once. Raises NO_STORAGE_POOL."""
    pools = Pools(calls.driver.store)
    found: list[Pool] = calls._once("pools", pools.all)
    return pools.by_uuid(ref.uuid, found)


def start_one(driver: "QemuDriver", ref: "StoragePoolRef", build: "int | None" = None) -> None:
    """Start a pool. Raises OPERATION_INVALID when it is active."""
    pools = Pools(driver.store)
    with pools.lock_pool(ref.uuid):
        found = pools.by_uuid(ref.uuid)
        if found.active:
            raise fail(errors.OPERATION_INVALID, f"storage pool '{found.name}' is already active")
        _start(driver, pools, found.now, build)


def _start(driver: "QemuDriver", pools: Pools, model: "Model", build: "int | None") -> None:
    """Start an inactive pool; call it with its lock. `build` are the flags to build it with before."""
    storage = kind(driver.host, model)
    if build is not None:
        storage.build(build)
    storage.start()
    try:
        storage.measure()
        pools.write(model, live=True)
    except BaseException:
        storage.stop()
        raise
    _tell(driver, pools.by_name(model.name).ref, const.STORAGE_POOL_EVENT_STARTED)


def _tell(driver: "QemuDriver", ref: "StoragePoolRef", event: int) -> None:
    driver.tell("storage_pool_event_lifecycle", ref, event, 0)


def _measured(host: "Host", pool: Pool) -> "tuple[Model, int]":
    """A pool with its sizes, where they can be had, and its state."""
    if not pool.active:
        return pool.now, const.STORAGE_POOL_INACTIVE
    try:
        return kind(host, pool.now).measure(), const.STORAGE_POOL_RUNNING
    except errors.VirtError:
        return pool.now, const.STORAGE_POOL_INACCESSIBLE


def _refuse_both(flags: int, kind: str = "BUILD") -> None:
    names = f"VIR_STORAGE_POOL_{kind}_OVERWRITE", f"VIR_STORAGE_POOL_{kind}_NO_OVERWRITE"
    refuse_both(flags, const.STORAGE_POOL_BUILD_OVERWRITE, const.STORAGE_POOL_BUILD_NO_OVERWRITE, names)


def _build_flags(flags: int) -> "int | None":
    """Flags of a build that is wanted together with the start; None when none is."""
    if not flags & WITH_BUILD:
        return None
    overwrite, careful = (
        bool(flags & wanted)
        for wanted in (
            const.STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE,
            const.STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE,
        )
    )
    if overwrite and careful:
        _refuse_both(BUILD, "CREATE_WITH_BUILD")
    return overwrite * const.STORAGE_POOL_BUILD_OVERWRITE | careful * const.STORAGE_POOL_BUILD_NO_OVERWRITE
