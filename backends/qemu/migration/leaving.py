"""Migration, the source's half: begin, perform, confirm.

A guest that leaves has the domain's lock taken by the process that leads, for as long as it takes; `moving` in its file
of the running says how far it is, so that the next one to come knows what to do when that process was killed (`mend`).
QEMU's stream goes from one QEMU to the other; where both run on one machine we connect them ourselves, since the one's
user need not be able to reach the other's socket.
"""

import contextlib
import json
import time

from ... import errors
from ...constants import domain as const
from .. import definitions, ending
from ..base import QemuBase, call, fail, not_running
from ..qmp import Monitor
from . import nbdcopies
from .moves import (
    ARRIVED,
    BEGUN,
    COPIES,
    CREDENTIALS,
    FLAGS,
    KIND,
    NUMBERS,
    SENT,
    capabilities,
    read_cookie,
    refuse,
    secure,
    unsecure,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...hosts import Lock
    from ...params import TypedParams
    from ...records import DomainMigrateBegin3Params, DomainRef
    from ..driver import QemuDriver
    from ..store import Running

MIB = 1 << 20
#: As fast as it goes: bytes a second (QEMU's largest number).
FASTEST = 2**63 - 1 - 2**33
FILE = "vsh-migration"
#: Seconds for which nothing may happen while a guest leaves.
PATIENCE = 60.0


class LeavingCalls(QemuBase):
    """A guest leaves."""

    @call("qemuDomainMigrateBegin3Params", FLAGS)
    def domain_migrate_begin3_params(
        self, dom: "DomainRef", params: "TypedParams", flags: int = 0
    ) -> "DomainMigrateBegin3Params":
        from ... import records

        refuse(flags, params)
        driver, store = self.driver, self.driver.store
        lock = self._lock(dom)
        try:
            guest = self._guest(dom)
            if not guest.active and not flags & const.MIGRATE_OFFLINE:
                raise not_running()
            if guest.active and flags & const.MIGRATE_OFFLINE:
                raise fail(errors.OPERATION_INVALID, "cannot migrate a running domain offline")
            if guest.snapshots:
                raise fail(errors.OPERATION_INVALID, f"cannot migrate domain with {len(guest.snapshots)} snapshots")
            if guest.record is not None and guest.active and guest.record.jobs:
                raise fail(errors.OPERATION_INVALID, "domain has active block job")
            lasting = definitions.read_definition(store, guest.name) if guest.persistent else None
            if guest.active:
                model = definitions.read_live(store, dom.uuid, inactive=True)
                record = guest.record
                assert record is not None
                running = guest.state == const.DOMAIN_RUNNING
                record.moving = [BEGUN, "", "running" if running else "paused"]
                store.write_running(record)
            else:
                assert lasting is not None
                model = lasting
            there = definitions.other(driver, model, str(params.get("destination_xml") or "") or None)
            cookie = {
                "kind": KIND,
                "home": [driver.host.boot_id(), driver.places.run],
                "active": guest.active,
                "lasting": lasting.format(inactive=True, secure=True) if lasting is not None else "",
                "disks": nbdcopies.disks(driver, model, params) if flags & COPIES else [],
                "files": nbdcopies.local_files(model) if not flags & (COPIES | const.MIGRATE_UNSAFE) else [],
            }
        except BaseException:
            lock.release()
            raise
        self._moves[dom.uuid] = lock
        xml = there.format(inactive=True, secure=True)
        found: DomainMigrateBegin3Params = records.DomainMigrateBegin3Params(json.dumps(cookie).encode(), xml)
        return found

    @call("qemuDomainMigratePerform3Params", FLAGS)
    def domain_migrate_perform3_params(
        self, dom: "DomainRef", dconnuri: "str | None", params: "TypedParams", cookie_in: bytes, flags: int = 0
    ) -> bytes:
        driver = self.driver
        told = read_cookie(cookie_in)
        guest = self._guest(dom)
        record = guest.record
        if record is None or not guest.active:
            _release(self, dom)
            raise not_running()
        try:
            record.moving[1] = told["uri"]
            driver.store.write_running(record)
            _send(driver, record, params, told, flags)
            record.moving[0] = SENT
            driver.store.write_running(record)
        except BaseException:
            try:
                _stay(driver, record)
            finally:
                _release(self, dom)
            raise
        return json.dumps({"kind": KIND}).encode()

    @call("qemuDomainMigrateConfirm3Params", FLAGS)
    def domain_migrate_confirm3_params(
        self, dom: "DomainRef", params: "TypedParams", cookie_in: bytes, cancelled: int, flags: int = 0
    ) -> None:
        driver = self.driver
        try:
            guest = self._guest(dom)
            record = guest.record
            if record is not None and guest.active and record.moving:
                if cancelled:
                    _stay(driver, record)
                    return
                _await_end(driver, record)
                leave(driver, record)
            if not cancelled and flags & const.MIGRATE_UNDEFINE_SOURCE and guest.persistent:
                from ..define import forget

                forget(driver, guest)
        finally:
            _release(self, dom)


def _release(calls: QemuBase, dom: "DomainRef") -> None:
    lock: Lock | None = calls._moves.pop(dom.uuid, None)
    if lock is not None:
        lock.release()


def _send(driver: "QemuDriver", record: "Running", given: "TypedParams", told: "dict[str, Any]", flags: int) -> None:
    """Have QEMU send its guest. Raises VirtError when it did not come to an end."""
    disks = told["disks"]
    with Monitor(driver.host, record.monitor) as monitor:
        if not flags & const.MIGRATE_LIVE:
            monitor.execute("stop")
        tls = {}
        if flags & const.MIGRATE_TLS:
            tls = {"tls-creds": CREDENTIALS, "tls-hostname": _certified(given, told)}
            secure(driver, monitor, serves=False, host=tls["tls-hostname"])
        if disks:
            nbdcopies.begin(driver, monitor, told, flags, given, tls)
    if disks:
        nbdcopies.await_all(driver, record, disks)
    with Monitor(driver.host, record.monitor) as monitor:
        monitor.execute("migrate-set-capabilities", capabilities=capabilities(flags, bool(disks)))
        monitor.do("migrate-set-parameters", _parameters(record, given))
        uri = str(given.get("migrate_uri") or "")
        if uri.startswith("unix:"):
            stream = driver.host.open_stream(uri.removeprefix("unix:").replace("///", "/"))
            with contextlib.closing(stream):
                monitor.give_file(FILE, stream.fileno())
            uri = f"fd:{FILE}"
        monitor.execute("migrate", uri=_qemu_uri(uri))
    _follow(driver, record, disks, bool(flags & const.MIGRATE_ABORT_ON_ERROR))


def _certified(given: "TypedParams", told: "dict[str, Any]") -> str:
    """The name in the destination's certificate: as it is told, else that of the host that is connected to."""
    kind, _, place = str(given.get("migrate_uri") or "").partition(":")
    host = place.removeprefix("//").rpartition(":")[0] if kind == "tcp" else str(told["host"])
    return str(given.get("tls.destination") or "") or host.strip("[]")


def _qemu_uri(uri: str) -> str:
    return uri.replace("tcp://", "tcp:")


def _parameters(record: "Running", given: "TypedParams") -> "dict[str, Any]":
    speed = int(given.get("bandwidth") or 0) or record.speed
    found: dict[str, Any] = {"max-bandwidth": speed * MIB if speed and speed < FASTEST // MIB else FASTEST}
    found |= {theirs: given[ours] for ours, theirs in NUMBERS.items() if ours in given}
    if given.get("bandwidth.postcopy"):
        found["max-postcopy-bandwidth"] = int(given["bandwidth.postcopy"]) * MIB
    return found


def _follow(driver: "QemuDriver", record: "Running", disks: "list[dict[str, Any]]", careful: bool) -> None:
    """Look on until all has been sent, or the guest runs on elsewhere; `careful`, give up when a disk has an error."""
    pause, deadline, before, switching = 0.01, time.monotonic() + PATIENCE, None, False
    while True:
        with Monitor(driver.host, record.monitor) as monitor:
            told = monitor.execute("query-migrate")
            status = told.get("status")
            if status == "pre-switchover" and not switching:
                nbdcopies.end(monitor, disks)
                monitor.execute("migrate-continue", state="pre-switchover")
                switching = True  # QEMU may tell the old state for a moment
            if disks and status in ("active", "setup"):
                nbdcopies.check(monitor, disks)
            failing = careful and monitor.execute("query-status")["status"] == "io-error"
        if failing:
            raise fail(errors.OPERATION_FAILED, "migration out job: failed due to I/O error")
        if status in ("completed", "postcopy-active"):
            return
        if status == "cancelled":
            raise fail(errors.OPERATION_ABORTED, "migration out job: canceled by client")
        if status == "failed":
            said = told.get("error-desc", "")
            text = "job 'migration out' failed" if said else "job 'migration out' unexpectedly failed"
            raise fail(errors.OPERATION_FAILED, f"{text}: {said}" if said else text)
        if told.get("ram", {}).get("transferred") != before:
            before, deadline = told.get("ram", {}).get("transferred"), time.monotonic() + PATIENCE
        if time.monotonic() > deadline:
            monitor_cancel(driver, record)
            raise fail(errors.OPERATION_TIMEOUT, "the migration does not get on")
        time.sleep(pause)
        pause = min(pause * 1.5, driver.host.pause)


def monitor_cancel(driver: "QemuDriver", record: "Running") -> None:
    """Have QEMU give up, and wait until it has."""
    with Monitor(driver.host, record.monitor) as monitor:
        monitor.execute("migrate_cancel")
        deadline = time.monotonic() + PATIENCE
        while monitor.execute("query-migrate").get("status") in ("setup", "active", "cancelling", "pre-switchover"):
            if time.monotonic() > deadline:
                raise fail(errors.OPERATION_TIMEOUT, "QEMU does not give the migration up")
            time.sleep(0.01)


def _await_end(driver: "QemuDriver", record: "Running") -> None:
    """With post-copy the guest runs elsewhere while the rest of its memory still leaves."""
    pause = 0.01
    with Monitor(driver.host, record.monitor) as monitor:
        while monitor.execute("query-migrate").get("status") in ("postcopy-active", "device", "active"):
            time.sleep(pause)
            pause = min(pause * 1.5, driver.host.pause)


def _stay(driver: "QemuDriver", record: "Running") -> None:
    """A guest that was about to leave goes on here."""
    try:
        monitor_cancel(driver, record)
        with Monitor(driver.host, record.monitor) as monitor:
            nbdcopies.undo(monitor)
            unsecure(monitor)
            _go_on(driver, monitor, record)
    except (OSError, errors.VirtError):
        if record.process is not None and driver.host.alive([record.process])[0]:
            raise


def _go_on(driver: "QemuDriver", monitor: "Monitor", record: "Running") -> None:
    """Let a guest run again that is to; it is not on its way any more."""
    if record.moving[2:] == ["running"] and monitor.execute("query-status")["status"] != "running":
        monitor.execute("cont")
    record.moving = []
    driver.store.write_running(record)


def leave(driver: "QemuDriver", record: "Running") -> None:
    """A guest is elsewhere: its process here ends."""
    record.reason = const.DOMAIN_SHUTOFF_MIGRATED
    record.moving = []
    driver.store.write_running(record)
    ending.kill(driver, record)
    ending.finish(driver, record)


def mend(driver: "QemuDriver", record: "Running") -> bool:
    """Put in order what a process left that was killed while a guest left; call it with the domain's lock.

    Until all has been sent the guest is here. After that the destination decides: one that runs there has left, any
    other goes on here. False while the destination cannot be asked: then it stays paused.
    """
    if record.moving[0] == ARRIVED:
        with Monitor(driver.host, record.monitor) as monitor:
            _go_on(driver, monitor, record)
        return True
    if record.moving[0] == SENT:
        there = _runs_at(record)
        if there is None:
            return False
        if there:
            leave(driver, record)
            return True
    _stay(driver, record)
    return True


def _runs_at(record: "Running") -> "bool | None":
    """Whether a guest runs on its destination; None if that cannot be known."""
    from ... import registry

    try:
        connection = registry.open(record.moving[1], False, None)
    except errors.VirtError:
        return None
    try:
        found = connection.domain_lookup_by_uuid(record.uuid)
        return bool(connection.domain_is_active(found))
    except errors.VirtError as error:
        return False if error.code == errors.NO_DOMAIN else None
    finally:
        connection.close()
