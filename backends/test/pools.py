"""The storage pools of a test host, and finding them."""

from .. import errors, records
from ..common import uuid_text
from ..pools import conflict, matches
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import StoragePoolRef
    from ..xml.resources.pool import Pool as PoolModel
    from ..xml.resources.volume import Volume
    from .driver import TestDriver

#: Bytes in every pool that was not told otherwise by its volumes.
CAPACITY = 100 << 30

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
        return matches(flags, self.now.type, self.active, self.persistent, self.autostart)


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
            if pool.now.name != definition.name and conflict(pool.now, definition):
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
