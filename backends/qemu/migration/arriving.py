"""Migration, the destination's half: prepare and finish.

A guest that arrives is one that is starting until it is finished: whoever finds it without an owner undoes it, so that
it never runs twice.
"""

import json
import time

from ... import errors, records
from ...constants import domain as const
from .. import definitions, ending
from ..base import QemuBase, call, fail
from ..guests import RUNNING, Guests
from ..qmp import Monitor
from . import moves, nbdcopies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...params import TypedParams
    from ...records import DomainMigrateFinish3Params, DomainMigratePrepare3Params
    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..store import Running

#: virDrvFeature: what a connection can do.
CHANGE_PROTECTION, OFFLINE, PARAMETERS = 7, 12, 13
#: TCP ports for migrations, as libvirt has them.
FIRST, LAST = 49152, 49215
#: Seconds in which a guest's state is read after all of it was sent.
PATIENCE = 60.0


class ArrivingCalls(QemuBase):
    """A guest arrives."""

    def connect_supports_feature(self, feature: int) -> int:
        return int(feature in (CHANGE_PROTECTION, OFFLINE, PARAMETERS))

    @call("qemuDomainMigratePrepare3Params", moves.FLAGS)
    def domain_migrate_prepare3_params(
        self, params: "TypedParams", cookie_in: bytes, flags: int = 0
    ) -> "DomainMigratePrepare3Params":
        driver = self.driver
        told = moves.read_cookie(cookie_in)
        moves.refuse(flags, params)
        model = definitions.read_text(str(params["destination_xml"]))
        name = str(params.get("destination_name") or "")
        if name:
            model.name = name
        driver.places.definition(model.name)
        here = [driver.host.boot_id(), driver.places.run]
        if told["home"] == here:
            text = f"Attempt to migrate guest to the same host {here[1]}"
            raise fail(errors.INTERNAL_ERROR, text, hint="name another driver's root")
        near = told["home"][0] == here[0]
        if told["files"] and not near:
            text = "Migration without shared storage is unsafe"
            raise errors.virt_error(errors.MIGRATE_UNSAFE, text, domain=errors.FROM_QEMU)
        lock = driver.lock(model.uuid)
        try:
            from ..define import check_unique

            check_unique(Guests(driver.store), model, live=not flags & const.MIGRATE_OFFLINE)
            answer = {"kind": moves.KIND, "uri": self.uri.text, "disks": []}
            uri = ""
            if not flags & const.MIGRATE_OFFLINE:
                uri, more = _receive(driver, model, params, told, near, flags)
                answer |= more
        except BaseException:
            lock.release()
            raise
        self._moves[model.uuid] = lock
        self._arrivals[model.name] = (model.uuid, told["lasting"])
        prepared: DomainMigratePrepare3Params = records.DomainMigratePrepare3Params(json.dumps(answer).encode(), uri)
        return prepared

    @call("qemuDomainMigrateFinish3Params", moves.FLAGS)
    def domain_migrate_finish3_params(
        self, params: "TypedParams", cookie_in: bytes, cancelled: int, flags: int = 0
    ) -> "DomainMigrateFinish3Params":
        driver, store = self.driver, self.driver.store
        name = str(params["destination_name"])
        if name not in self._arrivals:
            raise fail(errors.NO_DOMAIN, f"no domain with matching name '{name}'")
        uuid, lasting = self._arrivals.pop(name)
        try:
            record = store.read_running(uuid)
            if cancelled:
                if record is not None and not flags & const.MIGRATE_OFFLINE:
                    _undo(driver, record)
                text = errors.text(errors.MIGRATE_FINISH_OK)
                raise errors.VirtError(errors.MIGRATE_FINISH_OK, text, domain=errors.FROM_QEMU)
            if not flags & const.MIGRATE_OFFLINE:
                if record is None:
                    raise fail(errors.OPERATION_FAILED, f"domain '{name}' is not processing incoming migration")
                try:
                    _finish(driver, record, flags, lasting, params)
                except BaseException:
                    _undo(driver, record)
                    raise
            else:
                _persist(driver, name, lasting, params)
            guest = Guests(store).by_uuid[uuid]
            done: DomainMigrateFinish3Params = records.DomainMigrateFinish3Params(guest.ref, b"")
            return done
        finally:
            lock = self._moves.pop(uuid, None)
            if lock is not None:
                lock.release()


def _receive(
    driver: "QemuDriver", model: "Domain", given: "TypedParams", told: "dict[str, Any]", near: bool, flags: int
) -> "tuple[str, dict[str, Any]]":
    """Start a QEMU that waits for its guest: where it listens, and what the source must know of disks."""
    from ..launching import start

    increment = bool(flags & const.MIGRATE_NON_SHARED_INC)
    made = nbdcopies.make_missing(driver, model, told["disks"], increment) if told["disks"] else []
    found: dict[str, Any] = {}
    uris: list[str] = []

    def arrive(monitor: "Monitor", record: "Running") -> None:
        folder = record.paths[0]
        uri = str(given.get("migrate_uri") or "")
        if not uri and near and not flags & const.MIGRATE_PARALLEL:  # for that QEMU makes the connections itself
            uri = f"unix:{folder}/migration.sock"
        elif not uri:
            uri = f"tcp:{'127.0.0.1' if near else _hostname(driver)}:{_port(driver)}"
        monitor.execute("migrate-set-capabilities", capabilities=moves.capabilities(flags, False))
        if "parallel.connections" in given:
            monitor.do("migrate-set-parameters", {"multifd-channels": given["parallel.connections"]})
        if flags & const.MIGRATE_TLS:
            moves.secure(driver, monitor, serves=True)
            found["host"] = _hostname(driver)
        if told["disks"]:
            server = _server(driver, given, near, folder)
            listen: dict[str, Any] = {"type": "unix", "data": {"path": server.get("path")}}
            if not near:
                listen = {"type": "inet", "data": {"host": "0.0.0.0", "port": server["port"]}}
            credentials = moves.CREDENTIALS if flags & const.MIGRATE_TLS else None
            nbdcopies.serve(monitor, model, told["disks"], listen, credentials)
            aliases = {disk.target: str(disk.info.alias) for disk in model.devices.disks}
            found["server"] = server
            found["disks"] = [disk | {"alias": aliases[disk["target"]]} for disk in told["disks"]]
        monitor.execute("migrate-incoming", uri=_listening(uri, str(given.get("listen_address") or "")))
        uris.append(uri)

    try:
        start(driver, model, True, transient=True, arriving=arrive, begun=const.DOMAIN_RUNNING_MIGRATED)
    except BaseException:
        driver.host.remove(*made)
        raise
    return uris[0], found


def _server(driver: "QemuDriver", given: "TypedParams", near: bool, folder: str) -> "dict[str, Any]":
    if near:
        return {"type": "unix", "path": f"{folder}/disks.sock"}
    port = int(given.get("disks_port") or 0) or _port(driver, 1)
    return {"type": "inet", "host": _hostname(driver), "port": str(port)}


def _hostname(driver: "QemuDriver") -> str:
    return driver.host.read("/proc/sys/kernel/hostname").decode().strip()


def _port(driver: "QemuDriver", skip: int = 0) -> int:
    """A port that nobody listens on."""
    from ..readying import listening

    taken = listening(driver)
    free = [port for port in range(FIRST, LAST + 1) if port not in taken]
    if len(free) <= skip:
        text = f"Unable to find an unused port in range 'migration' ({FIRST}-{LAST})"
        raise fail(errors.INTERNAL_ERROR, text)
    return free[skip]


def _listening(uri: str, address: str) -> str:
    """Where QEMU listens for what is sent to `uri`."""
    kind, _, rest = uri.partition(":")
    if kind == "unix":
        return f"unix:{rest.replace('///', '/')}"
    host, _, port = rest.removeprefix("//").rpartition(":")
    if kind != "tcp" or not host or not port.isdigit():
        raise fail(errors.INVALID_ARG, f"cannot receive a migration at '{uri}'", hint="tcp://HOST:PORT, unix:///PATH")
    return f"tcp:{address or '0.0.0.0'}:{port}"


def _undo(driver: "QemuDriver", record: "Running") -> None:
    ending.kill(driver, record)
    record.reason = const.DOMAIN_SHUTOFF_FAILED
    ending.finish(driver, record)


def _finish(driver: "QemuDriver", record: "Running", flags: int, lasting: str, given: "TypedParams") -> None:
    """The guest is all here, or with post-copy may run: let it."""
    from ..launching import complete

    store = driver.store
    model = definitions.read_live(store, record.uuid)
    model.id = record.id
    runs = not flags & const.MIGRATE_PAUSED
    if flags & const.MIGRATE_PERSIST_DEST:
        _persist(driver, record.name, lasting, given)
    with Monitor(driver.host, record.monitor) as monitor:
        _await(monitor, ("completed", "postcopy-active"))
        if monitor.execute("query-named-block-nodes", flat=True) and flags & moves.COPIES:
            monitor.execute("nbd-server-stop")
        complete(driver, monitor, model, record)
        record.phase = RUNNING
        record.moving = [moves.ARRIVED, "", "running" if runs else "paused"]
        store.write_running(record)  # from now on it is here
        if runs:
            monitor.execute("cont")
        _await(monitor, ("completed",))
        if flags & const.MIGRATE_TLS:
            moves.unsecure(monitor)
        record.moving = []
        store.write_running(record)
    ref = Guests(store).by_uuid[record.uuid].ref
    driver.publish(ref, const.DOMAIN_EVENT_STARTED, const.DOMAIN_EVENT_STARTED_MIGRATED)


def _await(monitor: "Monitor", wanted: "tuple[str, ...]") -> None:
    pause, deadline = 0.005, time.monotonic() + PATIENCE
    while (status := monitor.execute("query-migrate").get("status")) not in wanted:
        if status in ("failed", "cancelled") or time.monotonic() > deadline:
            raise fail(errors.OPERATION_FAILED, "migration failed: the guest's state did not arrive")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def _persist(driver: "QemuDriver", name: str, lasting: str, given: "TypedParams") -> None:
    """Define what has arrived."""
    xml = str(given.get("persistent_xml") or "") or lasting or str(given["destination_xml"])
    model = definitions.read(driver, xml)
    model.name = name
    definitions.write_definition(driver.store, model)
