"""The driver's files: definitions, what runs, who may touch it.

Definitions (etc/NAME.xml) are the truth and are replaced whole. What runs is told by one small file for each domain
(run/UUID.state), written before its process is. The index (lib/index) holds of every definition what `list` and
`dominfo` ask for; it is only a cache: an entry counts as long as its file is the one it was made from, so nobody has to
keep it.

Locks: one for each domain, and one for the set of all (names, uuids, ids), taken in this order.
"""

from .. import errors
from ..constants.domain import DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK as AGENT_TIMEOUT
from ..constants.domain import DOMAIN_RUNNING_BOOTED as RUNNING_BOOTED
from ..hosts import Process
from . import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host, Lock
    from ..xml.domain import Domain
    from .places import Places

#: What is on disk; a newer format is refused.
FORMAT = 1
#: As long as libvirt waits for whoever is at a domain: seconds.
PATIENCE = 30.0
#: What a killed writer left is removed after so long: ns.
STALE = 3600 * 10**9
_NUMBERS = ("memory", "current_memory", "vcpus", "max_vcpus")


class Entry:
    """What the index knows of a definition: sizes are KiB."""

    __slots__ = ("current_memory", "file", "max_vcpus", "memory", "name", "os_type", "title", "uuid", "vcpus")

    def __init__(self, name: str, file: str, uuid: bytes, title: str, os_type: str, *numbers: int):
        self.name, self.file, self.uuid, self.title, self.os_type = name, file, uuid, title, os_type
        self.memory, self.current_memory, self.vcpus, self.max_vcpus = numbers

    @classmethod
    def of(cls, model: "Domain", file: str) -> "Entry":
        numbers = [int(getattr(model, name)) for name in _NUMBERS]
        return cls(model.name, file, model.uuid, model.title or "", model.os.type, *numbers)

    def row(self) -> "list[str]":
        numbers = [str(getattr(self, name)) for name in _NUMBERS]
        return [self.name, self.file, self.uuid.hex(), self.title, self.os_type, *numbers]

    @classmethod
    def read(cls, row: "list[str]") -> "Entry":
        """Raises ValueError, TypeError."""
        name, file, uuid, title, os_type, *numbers = row
        return cls(name, file, bytes.fromhex(uuid), title, os_type, *map(int, numbers))


class Running:
    """A domain's file of the running: `phase` is starting, running or stopped.

    `lent` are files that its user has for the time being, and whose they are (ownership.py); `detached` PCI devices
    taken from the host's drivers (host/pcidevices.py), `links` network devices that were made for it, with their
    addresses (macvtaps.py). `helpers` are the programs that serve it; `paths` are its own files and folders, removed
    when it has stopped by these names and no others, `transient_paths` only if the domain goes with it; `figures` are
    its index entry as of the start; `reason` is why it stopped, or is about to; `ports` are TCP ports it listens on;
    `begun` is the reason why it ran first (virDomainRunningReason); `nodes` the last number that an image has had, and
    `detected` those of images that no definition names; `jobs` are its block jobs (blocks/blockstate.py).
    """

    def __init__(self, name: str, uuid: bytes, id: int, phase: str, figures: Entry):
        self.name, self.uuid, self.id, self.phase = name, uuid, id, phase
        self.figures = figures
        self.process: Process | None = None
        self.helpers: list[Process] = []
        self.reason = 0
        self.paths: list[str] = []
        self.transient_paths: list[str] = []
        self.lent: dict[str, tuple[int, int]] = {}
        self.detached: list[str] = []
        self.links: list[str] = []
        self.monitor = ""
        self.journal = ""
        self.ports: list[int] = []
        self.begun = RUNNING_BOOTED
        self.agent_timeout = AGENT_TIMEOUT
        self.moving: list[str] = []
        self.speed = 0
        self.rebooting = False
        self.nodes = 0
        self.jobs: list[list[str]] = []
        self.detected: list[int] = []

    def dump(self) -> bytes:
        rows = [
            ["format", str(FORMAT)],
            ["name", self.name],
            ["uuid", self.uuid.hex()],
            ["id", str(self.id)],
            ["phase", self.phase],
            ["process", str(self.process or "")],
            ["helpers", *map(str, self.helpers)],
            ["reason", str(self.reason)],
            ["monitor", self.monitor],
            ["journal", self.journal],
            ["figures", *self.figures.row()],
            ["paths", *self.paths],
            ["transient_paths", *self.transient_paths],
            ["ports", *map(str, self.ports)],
            ["begun", str(self.begun)],
            ["agent-timeout", str(self.agent_timeout)],
            ["moving", *self.moving],
            ["speed", str(self.speed)],
            ["rebooting", str(int(self.rebooting))],
            ["nodes", str(self.nodes)],
            ["detected", *map(str, self.detected)],
            ["detached", *self.detached],
            ["links", *self.links],
            *(["job", *job] for job in self.jobs),
            *(["lent", path, str(uid), str(gid)] for path, (uid, gid) in self.lent.items()),
        ]
        return lines.dump(rows)

    @classmethod
    def load(cls, data: bytes) -> "Running":
        """Raises VirtError for what a newer vsh wrote, ValueError and KeyError for garbage."""
        rows = lines.load(data)
        told = {row[0]: row[1:] for row in rows}
        if int(told["format"][0]) > FORMAT:
            raise too_new(told["format"][0])
        made = cls(
            told["name"][0],
            bytes.fromhex(told["uuid"][0]),
            int(told["id"][0]),
            told["phase"][0],
            Entry.read(told["figures"]),
        )
        made.process = Process.read(told["process"][0]) if told["process"][0] else None
        made.helpers = [Process.read(text) for text in told.get("helpers", []) if text]
        made.reason = int(told["reason"][0])
        made.monitor, made.journal = told["monitor"][0], told["journal"][0]
        made.paths = [path for path in told["paths"] if path]
        made.transient_paths = [path for path in told.get("transient_paths", []) if path]
        made.ports = [int(port) for port in told["ports"] if port]
        made.begun = int(told["begun"][0])
        made.moving = told.get("moving", [])
        made.speed = int(told.get("speed", ["0"])[0])
        made.rebooting = told.get("rebooting", ["0"]) == ["1"]
        made.agent_timeout = int(told.get("agent-timeout", [AGENT_TIMEOUT])[0])
        made.nodes = int(told["nodes"][0])
        made.jobs = [row[1:] for row in rows if row[0] == "job"]
        made.lent = {row[1]: (int(row[2]), int(row[3])) for row in rows if row[0] == "lent"}
        made.links = [name for name in told.get("links", []) if name]
        made.detached = [name for name in told.get("detached", []) if name]
        made.detected = [int(number) for number in told["detected"]]
        return made


def too_new(format: str) -> errors.VirtError:
    return errors.virt_error(
        errors.CONFIG_UNSUPPORTED,
        f"these domains were written by a newer vsh (format {format}, this one knows {FORMAT})",
        domain=errors.FROM_QEMU,
    )


def system_error(error: OSError, what: str) -> errors.VirtError:
    """The error for a failed access to files, as libvirt words it."""
    return errors.virt_error(errors.SYSTEM_ERROR, f"{what}: {error.strerror or error}", domain=errors.FROM_QEMU)


class Store:
    """The files of one driver."""

    def __init__(self, host: "Host", places: "Places"):
        self.host = host
        self.places = places
        self._index: dict[str, Entry] = {}

    def open(self) -> "Lock | None":
        """Say that we are here; the lock is held as long as the driver is open. None where something is missing
        (`make`).

        Raises VirtError when libvirt's embedded driver has the root, or a newer vsh has written there.
        """
        places = self.places
        try:
            found = self.host.read(f"{places.lib}/format").decode("ascii", "replace").strip()
            shared = self.host.share(f"{places.run}/driver.pid")
        except FileNotFoundError:
            return None
        except BlockingIOError:
            raise errors.virt_error(
                errors.RESOURCE_BUSY,
                f"another driver, libvirt's embedded one, has '{places.run}'",
                domain=errors.FROM_QEMU,
                hint="close it first",
            ) from None
        except OSError as error:
            raise system_error(error, f"cannot use '{places.lib}'") from None
        if not found.isdigit() or int(found) > FORMAT:
            shared.release()
            raise too_new(found)
        return shared

    def make(self) -> None:
        """Make what is missing: all folders, of which that of the running goes with a restart of the machine, and the
        marker. Raises VirtError."""
        marker = f"{self.places.lib}/format"
        try:
            self.host.make_folders(self.places.folders(), 0o711 if self.privileged else 0o700)
            if self.host.stat(marker) is None:
                self.host.write(marker, f"{FORMAT}\n".encode())
        except OSError as error:
            raise system_error(error, f"cannot use '{self.places.lib}'") from None

    def beside(self, what: str) -> "tuple[str, str]":
        """Where definitions of other things than domains are kept, and what is known until the machine starts anew."""
        etc, run = (folder.rpartition("/")[0] for folder in (self.places.etc, self.places.run))
        return f"{etc}/{what}", f"{run}/{what}/{self.host.boot_id()}"

    @property
    def privileged(self) -> bool:
        """Whether guests run as another user than we do, who must find a way to their folders."""
        return self.host.me()[0] == 0

    def lock_domain(self, uuid: bytes) -> "Lock":
        """The lock of one domain.

        Raises VirtError(OPERATION_TIMEOUT) when somebody has it for too long.
        """
        return self._lock(self.lock_path(uuid), "state change")

    def lock_path(self, uuid: bytes) -> str:
        return f"{self.places.run}/{uuid.hex()}.lock"

    def lock_all(self) -> "Lock":
        """The lock of the set of domains; held for moments."""
        return self.lock("domains", "list of domains")

    def lock(self, name: str, what: str) -> "Lock":
        """The lock of that name, which `what` is guarded by."""
        return self._lock(f"{self.places.run}/{name}.lock", what)

    def _lock(self, path: str, what: str) -> "Lock":
        try:
            return self.host.lock(path, PATIENCE)
        except TimeoutError:
            raise errors.virt_error(
                errors.OPERATION_TIMEOUT,
                f"cannot acquire {what} lock (held by another vsh)",
                domain=errors.FROM_QEMU,
            ) from None
        except OSError as error:
            raise system_error(error, f"cannot lock '{path}'") from None

    def forget_lock(self, uuid: bytes) -> None:
        """Remove the lock of a domain that is no more; call it with the lock."""
        self.host.remove(self.lock_path(uuid))

    def look_ahead(self) -> None:
        """Say that `entries` and `running` come next."""
        places = self.places
        index = ("read", f"{places.lib}/index")
        self.host.ahead(("listdir", places.etc), index, ("read_all", places.run, ".state"))

    def entries(self) -> "dict[str, Entry]":
        """name -> entry of every definition."""
        files = self.host.listdir(self.places.etc)
        self._read_index()
        found: dict[str, Entry] = {}
        renewed = []
        for file, stat in files.items():
            if not file.endswith(".xml"):
                if file.startswith(".tmp-"):
                    self._sweep(file, stat.mtime_ns)
                continue
            name = file[:-4]
            entry = self._index.get(name)
            if entry is None or entry.file != stat.version:
                entry = self._index_file(name, stat.version)
                if entry is None:
                    continue
                renewed.append(entry)
            found[name] = entry
        if renewed or len(found) < len(self._index):
            self._index = found
            self._write_index()
        return found

    def sweep(self, folder: str) -> None:
        """Remove what killed writers left in a folder; call it with the lock that all who write there take."""
        left = [name for name in self.host.listdir(folder) if name.startswith(".tmp-")]
        self.host.remove(*(f"{folder}/{name}" for name in left))

    def _sweep(self, file: str, mtime_ns: int) -> None:
        """Remove what a killed writer left."""
        import time

        if time.time_ns() - mtime_ns > STALE:
            self.host.remove(f"{self.places.etc}/{file}")

    def _index_file(self, name: str, version: str) -> "Entry | None":
        """The entry of one definition; None when it is gone or no definition."""
        from .definitions import read_definition

        try:
            return Entry.of(read_definition(self, name), version)
        except (FileNotFoundError, errors.VirtError):
            return None

    def _read_index(self) -> None:
        try:
            rows = lines.load(self.host.read(f"{self.places.lib}/index"))
            if rows[:1] == [["vsh-index", str(FORMAT)]]:
                self._index = {row[0]: Entry.read(row) for row in rows[1:]}
        except (OSError, ValueError, TypeError, IndexError):
            self._index = {}

    def _write_index(self) -> None:
        rows = [["vsh-index", str(FORMAT)], *(entry.row() for entry in self._index.values())]
        try:
            self.host.write(f"{self.places.lib}/index", lines.dump(rows), durable=False)
        except OSError:
            pass  # others cannot write here: they read definitions

    def running(self) -> "dict[bytes, Running]":
        """uuid -> what is known of domains that run or have run."""
        found = {}
        for name, data in self.host.read_all(self.places.run, ".state").items():
            try:
                record = Running.load(data)
            except (ValueError, KeyError, IndexError, TypeError):
                detail = f"'{self.places.run}/{name}' is damaged"
                raise errors.virt_error(errors.INTERNAL_ERROR, detail, domain=errors.FROM_QEMU) from None
            found[record.uuid] = record
        return found

    def read_running(self, uuid: bytes) -> "Running | None":
        try:
            return Running.load(self.host.read(self._state(uuid)))
        except FileNotFoundError:
            return None

    def write_running(self, record: Running) -> None:
        self.host.write(self._state(record.uuid), record.dump())

    def forget_running(self, uuid: bytes) -> None:
        self.host.remove(self._state(uuid), self.live_xml(uuid))

    def _state(self, uuid: bytes) -> str:
        return f"{self.places.run}/{uuid.hex()}.state"

    def live_xml(self, uuid: bytes) -> str:
        """The file of the definition by which a domain runs."""
        return f"{self.places.run}/{uuid.hex()}.xml"

    def next_id(self) -> int:
        """An id for a domain that starts; call it with the lock of the set."""
        path = f"{self.places.run}/next-id"
        try:
            id = int(self.host.read(path))
        except (FileNotFoundError, ValueError):
            id = max((record.id for record in self.running().values()), default=0) + 1
        self.host.write(path, f"{id + 1}\n".encode())
        return id
