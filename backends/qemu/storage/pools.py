"""The pools of a driver: their files, and finding them.

etc/storage/NAME.xml is the definition, etc/storage/autostart/NAME.xml a link to it. run/storage/BOOT/NAME.xml is the
definition by which an active pool was started: a pool that has none there is inactive, after each start of the machine
all are. Both are libvirt's own format.
"""

from ... import errors, records
from ...common import uuid_text
from ...pools import conflict
from ..places import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...hosts import Lock
    from ...records import StoragePoolRef
    from ...xml.resources.pool import Pool as Model
    from ..store import Store


def fail(code: int, detail: str, hint: str = "") -> errors.VirtError:
    """The error of libvirt's storage driver for `code` and `detail`, to be raised."""
    return errors.virt_error(code, detail, domain=errors.FROM_STORAGE, hint=hint)


class Pool:
    """One pool: `now` is what it was started by, or would be; `later` the definition of a persistent one."""

    def __init__(self, now: "Model", later: "Model | None", active: bool, autostart: bool):
        self.now, self.later = now, later
        self.active, self.autostart = active, autostart

    @property
    def name(self) -> str:
        return self.now.name

    @property
    def persistent(self) -> bool:
        return self.later is not None

    @property
    def ref(self) -> "StoragePoolRef":
        made: StoragePoolRef = records.StoragePoolRef(self.now.name, self.now.uuid)
        return made


def active(pool: Pool) -> Pool:
    """`pool`. Raises OPERATION_INVALID when it is not active."""
    if not pool.active:
        raise fail(errors.OPERATION_INVALID, f"storage pool '{pool.name}' is not active")
    return pool


class Pools:
    """All pools."""

    def __init__(self, store: "Store"):
        self._store = store
        self._host = store.host
        self._etc, self._run = store.beside("storage")

    # Finding them

    def all(self) -> "list[Pool]":
        """All pools as they are now.

        Raises INTERNAL_ERROR for a file that describes none.
        """
        defined, started = self._read(self._etc), self._read(self._run)
        links = self._host.listdir(f"{self._etc}/autostart") if defined else {}
        return [
            Pool(started.get(name) or defined[name], defined.get(name), name in started, f"{name}.xml" in links)
            for name in sorted({**defined, **started})
        ]

    def by_name(self, name: str) -> Pool:
        """Raises NO_STORAGE_POOL."""
        return self._found((pool for pool in self.all() if pool.name == name), f"name '{name}'")

    def by_uuid(self, uuid: bytes, pools: "list[Pool] | None" = None) -> Pool:
        """Among `pools` where they are known. Raises NO_STORAGE_POOL."""
        wanted = (pool for pool in (self.all() if pools is None else pools) if pool.now.uuid == uuid)
        return self._found(wanted, f"uuid '{uuid_text(uuid)}'")

    def by_target(self, path: str) -> Pool:
        """Raises NO_STORAGE_POOL."""
        return self._found((pool for pool in self.all() if pool.now.target.path == path), f"target path '{path}'")

    def _found(self, pools: "Iterator[Pool]", what: str) -> Pool:
        pool = next(pools, None)
        if pool is None:
            raise fail(errors.NO_STORAGE_POOL, f"no storage pool with matching {what}")
        return pool

    def _read(self, folder: str) -> "dict[str, Model]":
        from ...xml.resources.pool import Pool as Model

        found = {}
        for file, data in self._host.read_all(folder, ".xml").items():
            try:
                model = Model.parse(data.decode("utf-8"))
            except (UnicodeDecodeError, errors.VirtError):
                raise fail(errors.INTERNAL_ERROR, f"'{folder}/{file}' is damaged") from None
            found[model.name] = model
        return found

    # Changing them

    def lock(self) -> "Lock":
        """The lock of the set of pools; held for moments."""
        lock = self._store.lock("storage", "list of storage pools")
        self._store.sweep(self._etc)
        return lock

    def lock_pool(self, uuid: bytes) -> "Lock":
        """The lock of one pool, for whoever starts, stops or builds it."""
        return self._store.lock(f"pool-{uuid.hex()}", "storage pool")

    def check(self, model: "Model", live: bool = False) -> None:
        """Raise OPERATION_FAILED when name, uuid or storage is another's, OPERATION_INVALID when a pool that is to be
        started is active; call it with the lock."""
        file_name(model.name, ".xml")
        if model.name.startswith("."):
            raise fail(errors.XML_ERROR, f"name {model.name} cannot begin with '.'")
        for pool in self.all():
            if pool.name != model.name and conflict(pool.now, model):
                raise fail(errors.OPERATION_FAILED, f"Storage source conflict with pool: '{pool.name}'")
            if (pool.name == model.name) == (pool.now.uuid == model.uuid):
                if pool.name == model.name and live and pool.active:
                    raise fail(errors.OPERATION_INVALID, f"pool is already active as '{pool.name}'")
            elif pool.name == model.name:
                text = f"pool '{pool.name}' already exists with uuid {uuid_text(pool.now.uuid)}"
                raise fail(errors.OPERATION_FAILED, text)
            else:
                text = f"pool '{pool.name}' is already defined with uuid {uuid_text(model.uuid)}"
                raise fail(errors.OPERATION_FAILED, text)

    def write(self, model: "Model", live: bool = False) -> None:
        """Keep a definition; `live`, that of a pool that has been started."""
        folder = self._run if live else self._etc
        self._host.make_folders([folder, f"{self._etc}/autostart"])
        self._host.write(f"{folder}/{model.name}.xml", model.format().encode("utf-8", "surrogateescape"))

    def stopped(self, name: str) -> None:
        """Note that a pool is not active any more."""
        self._host.remove(f"{self._run}/{name}.xml")

    def undefine(self, pool: Pool) -> None:
        self._host.remove(f"{self._etc}/autostart/{pool.name}.xml", f"{self._etc}/{pool.name}.xml")

    def set_autostart(self, pool: Pool, wanted: bool) -> None:
        link = f"{self._etc}/autostart/{pool.name}.xml"
        if wanted:
            self._host.link(f"{self._etc}/{pool.name}.xml", link)
        else:
            self._host.remove(link)
