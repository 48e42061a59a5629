"""The storage pools of a test host, and finding them."""

from .. import errors, records
from ..common import passes, uuid_text
from ..constants import connect
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import StoragePoolRef
    from ..xml.resources.pool import Pool as PoolModel
    from ..xml.resources.volume import Volume
    from .driver import TestDriver

FILTERS = 0xFFFFF
#: Bytes in every pool that was not told otherwise by its volumes.
CAPACITY = 100 << 30
#: Types of pools in the order of VIR_CONNECT_LIST_STORAGE_POOLS_*, from DIR on.
TYPES = (
    "dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs", "vstorage",
    "iscsi-direct",
)  # fmt: skip
#: Types whose pools conflict, also with each other's, when they have a device in common.
ON_DEVICES = ("fs", "logical", "disk", "zfs")


class Pool:
    """One pool: `now` is its definition, `later` what was defined while it was active."""

    def __init__(self, definition: "PoolModel"):
        self.now = definition
        self.later: PoolModel | None = None
        self.active = False
        self.persistent = False
        self.autostart = False
        self.volumes: dict[str, Volume] = {}

    @property
    def ref(self) -> "StoragePoolRef":
        ref: StoragePoolRef = records.StoragePoolRef(self.now.name, self.now.uuid)
        return ref

    def measure(self) -> None:
        """Give the pool the size of a new one."""
        self.now.capacity, self.now.allocation, self.now.available = CAPACITY, 0, CAPACITY

    def use(self, size: int) -> None:
        """Allocate `size` bytes, or free them when negative."""
        self.now.allocation += size
        self.now.available = self.now.capacity - self.now.allocation

    def matches(self, flags: int) -> bool:
        """Whether it passes the filters VIR_CONNECT_LIST_STORAGE_POOLS_*."""
        own = connect.CONNECT_LIST_STORAGE_POOLS_DIR << TYPES.index(self.now.type)
        return passes(
            flags,
            (0x3, connect.CONNECT_LIST_STORAGE_POOLS_ACTIVE, connect.CONNECT_LIST_STORAGE_POOLS_INACTIVE, self.active),
            (0xC, *KEPT, self.persistent),
            (0x30, *STARTED, self.autostart),
            (FILTERS & ~0x3F, own, 0, True),
        )

    def conflicts(self, other: "PoolModel") -> bool:
        """Whether a pool with another name, defined by `other`, would use the same storage."""
        mine, its = self.now.source, other.source
        paths = {device.path for device in mine.devices} & {device.path for device in its.devices}
        if self.now.type in ON_DEVICES and other.type in ON_DEVICES:
            return bool(paths)
        if self.now.type != other.type:
            return False
        if self.now.type == "dir":
            return self.now.target.path == other.target.path
        if self.now.type in ("netfs", "gluster"):
            hosts = [host.name for host in mine.hosts], [host.name for host in its.hosts]
            return (mine.dir, mine.name) == (its.dir, its.name) and len(hosts[0]) == 1 and hosts[0] == hosts[1]
        if self.now.type == "iscsi":
            return bool(paths) and mine.iqn == its.iqn
        if self.now.type == "scsi":
            return mine.adapter == its.adapter
        return self.now.type == "mpath" or (self.now.type == "vstorage" and mine.name == its.name)


KEPT = (connect.CONNECT_LIST_STORAGE_POOLS_PERSISTENT, connect.CONNECT_LIST_STORAGE_POOLS_TRANSIENT)
STARTED = (connect.CONNECT_LIST_STORAGE_POOLS_AUTOSTART, connect.CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART)


class Pools:
    """All pools of a host."""

    def __init__(self) -> None:
        self.by_uuid: dict[bytes, Pool] = {}

    def by_name(self, name: str) -> "Pool | None":
        return next((pool for pool in self.by_uuid.values() if pool.now.name == name), None)

    def add(self, definition: "PoolModel", live: bool = False) -> Pool:
        """Give a definition to the pool of that name and uuid, or to a new one; `live` when it shall run by it.

        Raises OPERATION_FAILED when name, uuid or storage is another's, OPERATION_INVALID when one that shall run does.
        """
        for pool in self.by_uuid.values():
            if pool.now.name != definition.name and pool.conflicts(definition):
                text = f"Storage source conflict with pool: '{pool.now.name}'"
                raise fail(errors.OPERATION_FAILED, text, errors.FROM_STORAGE)
        known = self.by_uuid.get(definition.uuid)
        if known is None:
            other = self.by_name(definition.name)
            if other:
                text = f"pool '{definition.name}' already exists with uuid {uuid_text(other.now.uuid)}"
                raise fail(errors.OPERATION_FAILED, text, errors.FROM_STORAGE)
            known = self.by_uuid[definition.uuid] = Pool(definition)
        elif known.now.name != definition.name:
            text = f"pool '{known.now.name}' is already defined with uuid {uuid_text(known.now.uuid)}"
            raise fail(errors.OPERATION_FAILED, text, errors.FROM_STORAGE)
        elif live and known.active:
            raise fail(errors.OPERATION_INVALID, f"pool is already active as '{known.now.name}'", errors.FROM_STORAGE)
        elif known.active:
            known.later = definition
        else:
            known.now = definition
        known.measure()
        return known


def names(host: "TestDriver", active: bool) -> list[str]:
    """Names of the active pools, or of the others."""
    return [pool.now.name for pool in host.pools.by_uuid.values() if pool.active == active]


def named(host: "TestDriver", name: str) -> Pool:
    """The pool called `name`; raises NO_STORAGE_POOL."""
    pool = host.pools.by_name(name)
    if pool is None:
        raise fail(errors.NO_STORAGE_POOL, f"no storage pool with matching name '{name}'")
    return pool


def active(host: "TestDriver", name: str) -> Pool:
    """The same, for calls that need it to be active; raises OPERATION_INVALID when it is not."""
    pool = named(host, name)
    if not pool.active:
        raise fail(errors.OPERATION_INVALID, f"storage pool '{name}' is not active")
    return pool


def inactive(host: "TestDriver", name: str) -> Pool:
    """The same, for calls that need it to be inactive; raises OPERATION_INVALID when it is not."""
    pool = named(host, name)
    if pool.active:
        raise fail(errors.OPERATION_INVALID, f"storage pool '{name}' is active")
    return pool


def identified(host: "TestDriver", uuid: bytes) -> Pool:
    """The pool with this UUID; raises NO_STORAGE_POOL."""
    pool = host.pools.by_uuid.get(uuid)
    if pool is None:
        raise fail(errors.NO_STORAGE_POOL, f"no storage pool with matching uuid '{uuid_text(uuid)}'")
    return pool
