"""The end of a guest: whoever notices it first cleans up, by what was written down when it started."""

from .. import records
from ..constants import domain as const
from . import journal
from .blocks import trees
from .guests import RUNNING, STARTING, STOPPED
from .store import STALE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .driver import QemuDriver
    from .guests import Guest
    from .store import Running

SIGKILL = 9
#: virDomainShutoffReason -> detail of VIR_DOMAIN_EVENT_STOPPED
DETAILS = {
    const.DOMAIN_SHUTOFF_SHUTDOWN: const.DOMAIN_EVENT_STOPPED_SHUTDOWN,
    const.DOMAIN_SHUTOFF_DESTROYED: const.DOMAIN_EVENT_STOPPED_DESTROYED,
    const.DOMAIN_SHUTOFF_CRASHED: const.DOMAIN_EVENT_STOPPED_CRASHED,
    const.DOMAIN_SHUTOFF_MIGRATED: const.DOMAIN_EVENT_STOPPED_MIGRATED,
    const.DOMAIN_SHUTOFF_SAVED: const.DOMAIN_EVENT_STOPPED_SAVED,
    const.DOMAIN_SHUTOFF_FAILED: const.DOMAIN_EVENT_STOPPED_FAILED,
    const.DOMAIN_SHUTOFF_FROM_SNAPSHOT: const.DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT,
}


def settle_all(driver: "QemuDriver", uuids: "list[bytes]") -> bool:
    """Clean up after these domains if they need it and nobody is at them; whether that changed anything."""
    changed = [settle(driver, uuid) for uuid in uuids]
    return any(changed)


def settle(driver: "QemuDriver", uuid: bytes) -> bool:
    """The same for one. A start whose process was killed is undone."""
    store = driver.store
    try:
        lock = driver.host.lock(store.lock_path(uuid), 0)
    except TimeoutError:
        return False  # whoever has it cleans up
    with lock:
        if store.read_running(uuid) is None:
            store.forget_lock(uuid)
            return True
        return tidy(driver, uuid)


def tidy(driver: "QemuDriver", uuid: bytes) -> bool:
    """The same for whoever has the domain's lock."""
    record = driver.store.read_running(uuid)
    if record is not None:
        alive = record.process is not None and driver.host.alive([record.process])[0]
        if record.phase == RUNNING and alive and record.rebooting and _start_again(driver, record):
            return True
        if record.phase == RUNNING and alive and record.jobs:
            return _look_at_jobs(driver, record)
        if record.phase == RUNNING and alive and record.moving:
            from .migration.leaving import mend

            return mend(driver, record)
        if record.phase == STOPPED or (record.phase == RUNNING and alive):
            return False
        if record.phase == STARTING:
            if alive and record.process is not None:
                kill(driver, record)
            record.reason = const.DOMAIN_SHUTOFF_FAILED
        finish(driver, record)
    return True


def _start_again(driver: "QemuDriver", record: "Running") -> bool:
    """Reset a guest that has powered off to reboot; whether it had."""
    from . import definitions
    from .argv.machine import set_actions
    from .qmp import Monitor

    try:
        with Monitor(driver.host, record.monitor) as monitor:
            if monitor.execute("query-status")["status"] != "shutdown":
                return False
            monitor.execute("system_reset")
            monitor.do("set-action", set_actions(definitions.read_live(driver.store, record.uuid)))
            monitor.execute("cont")
    except OSError:
        return False  # it is just ending
    record.rebooting = False
    driver.store.write_running(record)
    return True


def _look_at_jobs(driver: "QemuDriver", record: "Running") -> bool:
    from .blocks import blockstate
    from .qmp import Monitor

    try:
        with Monitor(driver.host, record.monitor) as monitor:
            return blockstate.look(driver, record, monitor)
    except OSError:
        return False  # it is just ending


def stop(driver: "QemuDriver", guest: "Guest", reason: int, returns: bool = False) -> None:
    """End a running guest for a `reason` (virDomainShutoffReason); call it with the domain's lock. It `returns` if it
    is about to start again: what belongs to a transient one stays."""
    record = guest.record
    assert record is not None
    record.reason = reason
    driver.store.write_running(record)
    kill(driver, record)
    finish(driver, record, returns)


def kill(driver: "QemuDriver", record: "Running") -> None:
    """End a guest's process, and wait until it is gone."""
    import time

    process = record.process
    if process is None or not driver.host.signal(process, SIGKILL):
        return
    pause = 0.001
    while driver.host.alive([process])[0]:
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def finish(driver: "QemuDriver", record: "Running", returns: bool = False) -> None:
    """Clean up after a guest that has ended, tell so, and forget a transient one unless it `returns`; call it with the
    domain's lock."""
    store, host = driver.store, driver.host
    ref: records.DomainRef = records.DomainRef(record.name, record.uuid, record.id)
    if record.jobs:
        from .blocks import blockstate

        blockstate.look(driver, record, None)
    if not record.reason:
        text = _journal(driver, record)
        record.reason = journal.ending(text)
        told = [line for name, line in journal.events(text) if name == "SHUTDOWN"]
        if told:
            guest = b'"guest": true' in told[-1]
            detail = const.DOMAIN_EVENT_SHUTDOWN_GUEST if guest else const.DOMAIN_EVENT_SHUTDOWN_HOST
            driver.publish(ref, const.DOMAIN_EVENT_SHUTDOWN, detail)
    driver.publish(ref, const.DOMAIN_EVENT_STOPPED, DETAILS.get(record.reason, const.DOMAIN_EVENT_STOPPED_FAILED))
    if record.helpers:
        from .helpers import stop_all

        stop_all(driver, record)
    if record.links:
        from .macvtaps import leave

        leave(driver, record, None)
    if record.detached:
        from .host.pcidevices import give_back

        give_back(driver, record)
    if record.lent:
        from .ownership import take_back

        take_back(driver, record)
    host.remove(*record.paths, store.live_xml(record.uuid), f"{driver.places.run}/{record.uuid.hex()}.done")
    _sweep(driver)
    if returns or any(entry.uuid == record.uuid for entry in store.entries().values()):
        record.phase, record.process, record.paths = STOPPED, None, []
        store.write_running(record)
    else:
        for kind in ("snapshot", "checkpoint"):
            host.remove(trees.folder(store, kind, record.name))
        host.remove(*record.transient_paths)
        store.forget_running(record.uuid)
        store.forget_lock(record.uuid)


def _journal(driver: "QemuDriver", record: "Running") -> bytes:
    try:
        return driver.host.read(record.journal)
    except FileNotFoundError:
        return b""


def _sweep(driver: "QemuDriver") -> None:
    """Remove journals that nobody reads any more, and what killed writers left."""
    import time

    host, run = driver.host, driver.places.run
    used = {record.journal for record in driver.store.running().values() if record.phase != STOPPED}
    old = []
    for folder in (run, f"{driver.places.lib}/plan"):
        for name, stat in host.listdir(folder).items():
            path, age = f"{folder}/{name}", time.time_ns() - stat.mtime_ns
            unread = name.endswith(journal.OUTPUT) and path not in used and age > journal.KEPT
            old += [path] if unread or (name.startswith(".tmp-") and age > STALE) else []
    if old:
        host.remove(*old)
