"""Calls about storage pools."""

from .. import errors, records
from ..constants import storage as const
from ..pools import FILTERS
from .base import TestBase, call, fail, locked
from .pools import active, identified, inactive, named, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import StoragePoolGetInfo, StoragePoolRef
    from .driver import TestDriver

#: What virConnectFindStoragePoolSources finds.
LOGICAL_SOURCES = """\
<sources>
  <source>
    <device path='/dev/sda20'/>
    <name>testvg1</name>
    <format type='lvm2'/>
  </source>
  <source>
    <device path='/dev/sda21'/>
    <name>testvg2</name>
    <format type='lvm2'/>
  </source>
</sources>
"""
NETFS_SOURCES = """\
<sources>
  <source>
    <host name='%s'/>
    <dir path='/testshare'/>
    <format type='nfs'/>
  </source>
</sources>
"""


class PoolCalls(TestBase):
    """Storage pools."""

    @call("testConnectListAllStoragePools", FILTERS)
    def connect_list_all_storage_pools(self, flags: int = 0) -> "list[StoragePoolRef]":
        return [pool.ref for pool in self.driver.pools.by_uuid.values() if pool.matches(flags)]

    @locked
    def connect_num_of_storage_pools(self) -> int:
        return len(names(self.driver, active=True))

    @locked
    def connect_list_storage_pools(self) -> list[str]:
        return names(self.driver, active=True)

    @locked
    def connect_num_of_defined_storage_pools(self) -> int:
        return len(names(self.driver, active=False))

    @locked
    def connect_list_defined_storage_pools(self) -> list[str]:
        return names(self.driver, active=False)

    @call("testConnectFindStoragePoolSources")
    def connect_find_storage_pool_sources(self, type: str, src_spec: "str | None", flags: int = 0) -> str:
        from ..xml.resources.pool import parse_source

        if type == "dir":  # libvirt's driver takes the first type for none, and knows not what is none
            raise fail(errors.INTERNAL_ERROR, f"unknown storage pool type {type}")
        source = parse_source(src_spec, type) if src_spec is not None else None
        if type == "logical":
            return LOGICAL_SOURCES
        if type != "netfs":
            raise fail(errors.NO_SUPPORT, f"pool type '{type}' does not support source discovery")
        if source is None or not source.hosts:
            raise fail(errors.INVALID_ARG, "hostname must be specified for netfs sources")
        return NETFS_SOURCES % source.hosts[0].name

    @locked
    def storage_pool_lookup_by_name(self, name: str) -> "StoragePoolRef":
        return named(self.driver, name).ref

    @locked
    def storage_pool_lookup_by_uuid(self, uuid: bytes) -> "StoragePoolRef":
        return identified(self.driver, uuid).ref

    @call("testStoragePoolCreateXML")
    def storage_pool_create_xml(self, xml: str, flags: int = 0) -> "StoragePoolRef":
        from ..xml.resources.pool import Pool as Model

        pool = self.driver.pools.add(Model.parse(xml), live=True)
        pool.persistent, pool.active = False, True
        send(self.driver, pool.ref, const.STORAGE_POOL_EVENT_STARTED)
        return pool.ref

    @call("testStoragePoolDefineXML", const.STORAGE_POOL_DEFINE_VALIDATE)
    def storage_pool_define_xml(self, xml: str, flags: int = 0) -> "StoragePoolRef":
        from ..xml.resources.pool import Pool as Model

        pool = self.driver.pools.add(Model.parse(xml, bool(flags)))
        pool.persistent = True
        send(self.driver, pool.ref, const.STORAGE_POOL_EVENT_DEFINED)
        return pool.ref

    @locked
    def storage_pool_undefine(self, pool: "StoragePoolRef") -> None:
        found = inactive(self.driver, pool.name)
        send(self.driver, pool, const.STORAGE_POOL_EVENT_UNDEFINED)
        del self.driver.pools.by_uuid[found.now.uuid]

    @call("testStoragePoolCreate")
    def storage_pool_create(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        inactive(self.driver, pool.name).active = True
        send(self.driver, pool, const.STORAGE_POOL_EVENT_STARTED)

    @locked
    def storage_pool_destroy(self, pool: "StoragePoolRef") -> None:
        found = active(self.driver, pool.name)
        found.active = False
        send(self.driver, found.ref, const.STORAGE_POOL_EVENT_STOPPED)
        if not found.persistent:
            del self.driver.pools.by_uuid[found.now.uuid]

    @call("testStoragePoolBuild")
    def storage_pool_build(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        inactive(self.driver, pool.name)
        send(self.driver, pool, const.STORAGE_POOL_EVENT_CREATED)

    @call("testStoragePoolDelete")
    def storage_pool_delete(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        inactive(self.driver, pool.name)
        send(self.driver, pool, const.STORAGE_POOL_EVENT_DELETED)

    @call("testStoragePoolRefresh")
    def storage_pool_refresh(self, pool: "StoragePoolRef", flags: int = 0) -> None:
        active(self.driver, pool.name)
        self.driver.emit("storage_pool_event_refresh", pool)

    @locked
    def storage_pool_get_info(self, pool: "StoragePoolRef") -> "StoragePoolGetInfo":
        found = named(self.driver, pool.name)
        state = const.STORAGE_POOL_RUNNING if found.active else const.STORAGE_POOL_INACTIVE
        now = found.now
        info: StoragePoolGetInfo = records.StoragePoolGetInfo(state, now.capacity, now.allocation, now.available)
        return info

    @call("testStoragePoolGetXMLDesc")
    def storage_pool_get_xml_desc(self, pool: "StoragePoolRef", flags: int = 0) -> str:
        return named(self.driver, pool.name).now.format()

    @locked
    def storage_pool_get_autostart(self, pool: "StoragePoolRef") -> int:
        found = named(self.driver, pool.name)
        return int(found.persistent and found.autostart)

    @locked
    def storage_pool_set_autostart(self, pool: "StoragePoolRef", autostart: int) -> None:
        found = named(self.driver, pool.name)
        if not found.persistent:
            raise fail(errors.INVALID_ARG, "pool has no config file")
        found.autostart = bool(autostart)

    @locked
    def storage_pool_is_active(self, pool: "StoragePoolRef") -> int:
        return int(identified(self.driver, pool.uuid).active)

    @locked
    def storage_pool_is_persistent(self, pool: "StoragePoolRef") -> int:
        return int(identified(self.driver, pool.uuid).persistent)


def send(host: "TestDriver", ref: "StoragePoolRef", event: int) -> None:
    """Send a lifecycle event of a pool."""
    host.emit("storage_pool_event_lifecycle", ref, event, 0)
