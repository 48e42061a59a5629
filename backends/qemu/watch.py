"""Events, whichever process brings them about: the file that all of ours append to, and each guest's own journal.

Nobody has to run for them to be written; any number of processes may read along, each at its own place. Reading is
looking again every `Host.pause` seconds.
"""

import json
import threading

from .. import errors, events, records
from ..constants import domain as const
from ..constants.connect import CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE as REGISTER_NOCASE
from ..constants.connect import CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX as REGISTER_REGEX
from ..dispatch import Dispatcher
from . import told
from .base import fail
from .ending import settle_all
from .guests import Guests
from .journal import OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..hosts import Process, Stat
    from ..records import DomainRef
    from .driver import QemuDriver
    from .told import Told

#: Whose events there are.
FAMILIES = ("domain", "secret", "storage_pool")
#: QEMU's events that are lifecycle events: name -> event, detail. Its last one is told by whoever cleans up.
_LIFECYCLE = {
    "STOP": (const.DOMAIN_EVENT_SUSPENDED, const.DOMAIN_EVENT_SUSPENDED_PAUSED),
    "RESUME": (const.DOMAIN_EVENT_RESUMED, const.DOMAIN_EVENT_RESUMED_UNPAUSED),
    "SUSPEND": (const.DOMAIN_EVENT_PMSUSPENDED, const.DOMAIN_EVENT_PMSUSPENDED_MEMORY),
    "WAKEUP": (const.DOMAIN_EVENT_STARTED, const.DOMAIN_EVENT_STARTED_WAKEUP),
    "GUEST_PANICKED": (const.DOMAIN_EVENT_CRASHED, const.DOMAIN_EVENT_CRASHED_PANICKED),
}
#: The kind of QEMU's own events.
MONITOR = "qemu_domain_monitor_event"
_WATCHDOG = ("none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi")


def wanted(event: "str | None", flags: int) -> "Callable[[str], bool]":
    """Whether one of QEMU's events has a name that is asked for: any, that one, or as the flags say one in which a
    regular expression is found. Raises VirtError.
    """
    import re

    if event is None:
        return lambda name: True
    regex, nocase = flags & REGISTER_REGEX, flags & REGISTER_NOCASE
    try:
        pattern = re.compile(event if regex else re.escape(event) + r"\Z", re.IGNORECASE if nocase else 0)
    except re.error as error:
        raise fail(errors.INVALID_ARG, f"failed to compile regex '{event}': {error}") from None
    return lambda name: bool(pattern.search(name) if regex else pattern.match(name))


class Tail:
    """The lines that are appended to a file, from `offset` on."""

    def __init__(self, driver: "QemuDriver", path: str, offset: int):
        self._host = driver.host
        self.path = path
        self._offset = offset
        self._rest = b""
        #: whose journal it is, once it has said so
        self.ref: DomainRef | None = None

    def read(self, size: int) -> "list[bytes]":
        """New complete lines of a file that has `size` bytes now."""
        if size < self._offset:
            self._offset, self._rest = 0, b""  # another one
        if size == self._offset:
            return []
        try:
            more = self._host.read(self.path, offset=self._offset)
        except FileNotFoundError:
            return []
        self._offset += len(more)
        *found, self._rest = (self._rest + more).split(b"\n")
        return found


class Watch:
    """The subscriptions of one connection and the thread that looks."""

    def __init__(self, driver: "QemuDriver"):
        self._driver = driver
        self._subscriptions: list[events.Subscription] = []
        self._dispatcher = Dispatcher()
        self._stop = threading.Event()
        #: what was there when all was told, None before and while something is to be settled
        self._seen: tuple[object, ...] | None = None
        self._going: list[Process] = []
        self._tails: dict[str, Tail] = {}
        for key, (name, stat) in self._files().items():
            self._tails[key] = Tail(driver, f"{driver.places.run}/{name}", stat.size)
        for guest in Guests(driver.store):
            if guest.record is not None:
                name = guest.record.journal.rpartition("/")[2]
                if name in self._tails:
                    self._tails[name].ref = guest.ref
        self._thread = threading.Thread(target=self._look, name="vsh-qemu-events", daemon=True)
        self._thread.start()

    def _files(self) -> "dict[str, tuple[str, Stat]]":
        """What tells a file from others -> its name, the file. Ours change their names."""
        found = {}
        for name, stat in self._driver.host.listdir(self._driver.places.run).items():
            if name in (told.NAME, told.OLD):
                found[f"{stat.inode}"] = (name, stat)
            elif name.endswith(OUTPUT):
                found[name] = (name, stat)
        return found

    def subscribe(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> "events.Subscription":
        if kind not in events.KINDS:
            raise fail(errors.INVALID_ARG, f"there are no events called '{kind}'")
        if events.KINDS[kind][0] not in FAMILIES:
            family = events.KINDS[kind][0].title().replace("_", "")
            raise errors.no_support(f"virConnect{family}EventRegisterAny")
        return self._add(kind, ref, callback)

    def subscribe_monitor(self, ref: "Any", callback: "Callable[[Any], None]") -> "events.Subscription":
        return self._add(MONITOR, ref, callback)

    def _add(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> "events.Subscription":
        subscription = events.Subscription(kind, ref, callback, self._subscriptions_remove)
        self._subscriptions.append(subscription)
        return subscription

    def _subscriptions_remove(self, subscription: "events.Subscription") -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in list(self._subscriptions):
            subscription.close()
        self._stop.set()
        self._dispatcher.close()

    def _look(self) -> None:
        while not self._stop.wait(self._driver.host.pause):
            try:
                self._once()
            except (OSError, errors.VirtError):
                continue  # something is being replaced: look again

    def _once(self) -> None:
        host = self._driver.host
        seen = host.listdir(self._driver.places.run), host.alive(self._going)
        if seen == self._seen:
            return
        guests = Guests(self._driver.store)
        active = [guest.record for guest in guests.by_uuid.values() if guest.active]
        self._going = [record.process for record in active if record is not None and record.process is not None]
        # Whoever notices that a guest has ended says so for all.
        unsettled = [guest.uuid for guest in guests.by_uuid.values() if guest.unsettled]
        settle_all(self._driver, unsettled)
        found: list[Told] = []
        files = self._files()
        for key, (name, stat) in files.items():
            tail = self._tails.get(key)
            if tail is None:
                tail = self._tails[key] = Tail(self._driver, "", 0)
            tail.path = f"{self._driver.places.run}/{name}"
            for line in tail.read(stat.size):
                found += _of_guest(self._driver, tail, line) if key == name else told.read(line)
        for key in self._tails.keys() - files.keys():
            del self._tails[key]
        for _, kind, ref, fields in sorted(found, key=lambda told: told[0]):
            self._emit(kind, ref, *fields)
        self._seen = None if unsettled else seen

    def _emit(self, kind: str, ref: "Any", *fields: object) -> None:
        event = None
        for subscription in list(self._subscriptions):
            if subscription.kind == kind and subscription.ref in (None, ref):
                event = event or getattr(records, records.class_name(kind))(ref, *fields)
                self._dispatcher.post(subscription, event)


def _of_guest(driver: "QemuDriver", tail: Tail, line: bytes) -> "list[Told]":
    """What a line of a guest's journal tells; [] for what is no event."""
    try:
        message = json.loads(line)
        if "return" in message:
            told = message["id"]
            tail.ref = records.DomainRef(told["name"], bytes.fromhex(told["uuid"]), told["id"])
        ref = tail.ref
        if ref is None:
            return []
        name, data, stamp = message["event"], message.get("data", {}), message["timestamp"]
        when = stamp["seconds"] * 1_000_000 + stamp["microseconds"]
    except (ValueError, KeyError, TypeError):
        return []
    details = json.dumps(data, separators=(",", ":"), ensure_ascii=False) if data else None
    raw = (when, MONITOR, ref, (name, stamp["seconds"], stamp["microseconds"], details))
    if name == "BLOCK_WRITE_THRESHOLD":
        from .blocks.thresholds import passed

        fields = passed(driver, ref.uuid, data)
        return [raw, *((when, "domain_event_block_threshold", ref, told) for told in fields)]
    return [raw, *_of_libvirt(name, data, when, ref)]


def _of_libvirt(name: str, data: "dict[str, Any]", when: int, ref: "DomainRef") -> "list[Told]":
    """The event of libvirt's that one of QEMU's is, if it is one."""
    if name in _LIFECYCLE:
        return [(when, "domain_event_lifecycle", ref, _LIFECYCLE[name])]
    if name == "RESET" and data.get("guest"):
        return [(when, "domain_event_reboot", ref, ())]
    if name == "RTC_CHANGE":
        return [(when, "domain_event_rtc_change", ref, (int(data.get("offset", 0)),))]
    if name == "WATCHDOG" and data.get("action") in _WATCHDOG:
        return [(when, "domain_event_watchdog", ref, (_WATCHDOG.index(data["action"]),))]
    if name == "BALLOON_CHANGE":
        return [(when, "domain_event_balloon_change", ref, (int(data.get("actual", 0)) // 1024,))]
    if name == "DEVICE_DELETED" and data.get("device"):
        return [(when, "domain_event_device_removed", ref, (data["device"],))]
    return []
