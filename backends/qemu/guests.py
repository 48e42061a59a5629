"""The domains of a driver as they are at one moment: definitions and what runs, looked up together."""

from ..constants import domain as const
from . import journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .. import records
    from ..moments import Moments
    from .store import Entry, Running, Store

STARTING, RUNNING, STOPPED = "starting", "running", "stopped"


class Guest:
    """One domain at one moment; `entry` is its definition's, None for a transient one.

    What costs a look at further files is looked up when asked for.
    """

    def __init__(self, store: "Store", entry: "Entry | None", record: "Running | None", alive: bool):
        self._store = store
        self.entry = entry
        self.record = record
        self.active = alive
        known = entry or record
        assert known is not None
        self.name: str = known.name
        self.uuid: bytes = known.uuid
        self.id = record.id if record is not None and alive else -1
        self._state: tuple[int, int] | None = None

    @property
    def ref(self) -> "records.DomainRef":
        from .. import records

        ref: records.DomainRef = records.DomainRef(self.name, self.uuid, self.id)
        return ref

    @property
    def figures(self) -> "Entry":
        """Memory and vCPUs: of the running one while it runs."""
        found = self.record.figures if self.record is not None and self.active else self.entry
        assert found is not None
        return found

    @property
    def persistent(self) -> bool:
        return self.entry is not None

    @property
    def standing(self) -> "tuple[int, int]":
        """State and reason."""
        if self._state is None:
            self._state = self._look()
        return self._state

    @property
    def state(self) -> int:
        return self.standing[0]

    def _look(self) -> "tuple[int, int]":
        record = self.record
        if record is None:
            return const.DOMAIN_SHUTOFF, const.DOMAIN_SHUTOFF_UNKNOWN
        if record.phase == STOPPED:
            return const.DOMAIN_SHUTOFF, record.reason
        if record.phase == STARTING:
            if self.active:
                return const.DOMAIN_PAUSED, const.DOMAIN_PAUSED_STARTING_UP
            return const.DOMAIN_SHUTOFF, const.DOMAIN_SHUTOFF_FAILED
        try:
            text = self._store.host.read(record.journal)
        except FileNotFoundError:
            text = b""
        if self.active:
            state = journal.standing(text, record.begun)
            if record.moving and state[0] == const.DOMAIN_PAUSED:
                return const.DOMAIN_PAUSED, const.DOMAIN_PAUSED_MIGRATION
            return state
        return const.DOMAIN_SHUTOFF, record.reason or journal.ending(text)

    @property
    def exists(self) -> bool:
        """Whether there is such a domain: a transient one that has stopped is no more."""
        starting = self.record is not None and self.record.phase == STARTING
        return self.persistent or self.active or starting

    @property
    def unsettled(self) -> bool:
        """Whether somebody has to look, unless he is at it: it has ended, its start never did, a job may have, it is
        leaving, or it has powered off to start again."""
        record = self.record
        if record is None or record.phase == STOPPED:
            return False
        if record.phase == STARTING or not self.active or record.jobs or record.moving:
            return True
        return record.rebooting and self.state == const.DOMAIN_SHUTDOWN

    @property
    def autostart(self) -> bool:
        return self._store.host.stat(self._store.places.autostart(self.name)) is not None

    @property
    def managed_save(self) -> bool:
        return self._store.host.stat(self._store.places.saved(self.name)) is not None

    @property
    def snapshots(self) -> "Moments":
        from .blocks import trees

        return trees.load(self._store, "snapshot", self.name)

    @property
    def checkpoints(self) -> "Moments":
        from .blocks import trees

        return trees.load(self._store, "checkpoint", self.name)


class Guests:
    """All domains of a driver at one moment, by uuid and by name."""

    def __init__(self, store: "Store"):
        """Looks: four calls of the host, however many domains there are."""
        store.look_ahead()
        entries = store.entries()
        running = store.running()
        going = {r.uuid: r.process for r in running.values() if r.process is not None and r.phase != STOPPED}
        alive = dict(zip(going, store.host.alive([*going.values()]), strict=True))
        self.by_uuid: dict[bytes, Guest] = {}
        self.by_name: dict[str, Guest] = {}
        for entry in entries.values():
            self._add(Guest(store, entry, running.pop(entry.uuid, None), alive.get(entry.uuid, False)))
        for record in running.values():
            if alive.get(record.uuid) or record.phase != STOPPED:
                self._add(Guest(store, None, record, alive.get(record.uuid, False)))

    def _add(self, guest: Guest) -> None:
        self.by_uuid[guest.uuid] = self.by_name[guest.name] = guest

    def __iter__(self) -> "Iterator[Guest]":
        """Those that exist."""
        return iter([guest for guest in self.by_uuid.values() if guest.exists])
