"""Saving guests to files and restoring them; managed saves."""

import errno
import os
import time

from .. import errors
from ..constants import domain as const
from . import definitions, ending, packing
from .base import QemuBase, call, fail
from .guests import Guests
from .handing import FILE, hand
from .images import COMPLETE, Image
from .lifecycle import ends, monitor_of
from .plans import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from ..records import DomainRef
    from ..xml.domain import Domain
    from .driver import QemuDriver
    from .guests import Guest
    from .qmp import Monitor
    from .store import Running

SAVE = const.DOMAIN_SAVE_BYPASS_CACHE | const.DOMAIN_SAVE_RUNNING | const.DOMAIN_SAVE_PAUSED
#: As fast as it goes: bytes a second (QEMU's largest number).
FASTEST = 2**63 - 1 - 2**33


class SaveCalls(QemuBase):
    """Saving guests to files and restoring them; managed saves."""

    @call("qemuDomainSaveFlags", SAVE)
    def domain_save_flags(self, dom: "DomainRef", to: str, dxml: "str | None", flags: int = 0) -> None:
        with self._lock(dom):
            save(self.driver, self._active(dom), to, flags, dxml)

    @call("qemuDomainManagedSave", SAVE)
    def domain_managed_save(self, dom: "DomainRef", flags: int = 0) -> None:
        places = self.driver.places
        with self._lock(dom):
            guest = self._active(dom)
            if not guest.persistent:
                raise fail(errors.OPERATION_INVALID, "cannot do managed save for transient domain")
            path = places.saved(guest.name)
            self.driver.host.make_folders([os.path.dirname(path)])
            save(self.driver, guest, path, flags)

    @call("qemuDomainManagedSaveRemove")
    def domain_managed_save_remove(self, dom: "DomainRef", flags: int = 0) -> None:
        with self._lock(dom):
            self.driver.host.remove(self.driver.places.saved(self._guest(dom).name))

    @call("qemuDomainRestoreFlags", SAVE)
    def domain_restore_flags(self, from_: str, dxml: "str | None", flags: int = 0) -> None:
        driver = self.driver
        image = Image.read(driver.host, from_)
        model = definitions.other(driver, image.model(), dxml)
        driver.places.definition(model.name)
        with driver.lock(model.uuid):
            restore(driver, image, from_, flags, model=model)


def save(driver: "QemuDriver", guest: "Guest", path: str, flags: int, dxml: "str | None" = None) -> None:
    """Write a running guest to a file, with another definition if that is given, and end it; call it with the domain's
    lock.

    Raises VirtError, and the guest runs on as before.
    """
    record = guest.record
    assert record is not None
    path = check_target(driver.host, path, devices=True)
    running = guest.state == const.DOMAIN_RUNNING
    runs_on = bool(flags & const.DOMAIN_SAVE_RUNNING) or (running and not flags & const.DOMAIN_SAVE_PAUSED)
    plan = Plan(driver, guest.uuid, "save", {"image": [path], "running": ["1" if running else "0"]})
    plan.write()
    try:
        image = begin_image(driver, guest, path, runs_on, "save", dxml)
        if running:
            with monitor_of(driver, guest) as monitor:
                monitor.execute("stop")
        finish_image(driver, guest, path, image, "domain save job")
        with monitor_of(driver, guest) as monitor:
            _quit(driver, record, monitor)
    except BaseException:
        settle(driver, plan)
        raise
    if not ends(driver, guest):
        ending.kill(driver, record)
    plan.clear()
    ending.finish(driver, record)


def _quit(driver: "QemuDriver", record: "Running", monitor: "Monitor") -> None:
    """End a guest whose state is in its image."""
    record.reason = const.DOMAIN_SHUTOFF_SAVED
    driver.store.write_running(record)
    monitor.execute("quit")


def settle(driver: "QemuDriver", plan: Plan) -> None:
    """Undo a save that was cut short: the guest goes on as before; once its image is there the guest ends.

    Of a QEMU that does not answer nothing is known: it can be destroyed, and the plan stays.
    """
    (path,), (running,) = plan.told["image"], plan.told["running"]
    guest = Guests(driver.store).by_uuid.get(plan.uuid)
    if guest is not None and guest.active and guest.record is not None:
        try:
            with monitor_of(driver, guest) as monitor:
                status = monitor.execute("query-status")["status"]
                if status == "postmigrate" and is_complete(driver.host, plan.uuid, path):
                    _quit(driver, guest.record, monitor)
                else:
                    go_on(monitor, running == "1")
        except (OSError, errors.VirtError):
            return
    forget_part(driver.host, plan.uuid, path)
    plan.clear()


def go_on(monitor: "Monitor", running: bool) -> None:
    """Have a guest go on that was stopped to be saved or dumped, or be paused and nothing else."""
    monitor.execute("migrate_cancel")
    while monitor.execute("query-migrate").get("status") in ("setup", "active", "device", "cancelling"):
        time.sleep(0.01)
    # A guest is brought out of the state after a migration, too, in which it cannot be saved again.
    if monitor.execute("query-status")["status"] in ("postmigrate", "finish-migrate", *(["paused"] if running else [])):
        monitor.execute("cont")
        if not running:
            monitor.execute("stop")


def check_target(host: "Host", path: str, devices: bool = False) -> str:
    """Where an image for `path` goes: what is there is replaced, a regular file or where a symbolic link leads; a block
    device is filled, if `devices` may be.

    Raises VirtError where something else is there, or no folder.
    """
    found = host.run(["readlink", "-f", "--", path]).stdout.rstrip(b"\n").decode("utf-8", "surrogateescape") or path
    there = host.stat(found)
    fit = there is None or there.regular or (devices and there.block)
    why = "" if fit else "it is there, and no regular file"
    if there is None and host.stat(os.path.dirname(found)) is None:
        why = os.strerror(errno.ENOENT)
    if why:
        raise fail(errors.SYSTEM_ERROR, f"Failed to create file '{path}': {why}")
    return found


def beside(uuid: bytes, path: str) -> str:
    """What a domain's file is called while it is worked on: no name that anybody gives one."""
    return f"{os.path.dirname(path)}/.{uuid.hex()}.part"


def _part(host: "Host", uuid: bytes, path: str) -> str:
    """What a domain's image is called while it is written; a device has its own name."""
    there = host.stat(path)
    return path if there is not None and there.block else beside(uuid, path)


def _packed(part: str) -> str:
    """What an image is called while it is being compressed."""
    return f"{part}.packed"


def forget_part(host: "Host", uuid: bytes, path: str) -> None:
    """Remove an image that is not complete; a device stays, with what says that it is not."""
    part = _part(host, uuid, path)
    if part != path:
        host.remove(part, _packed(part))


def is_complete(host: "Host", uuid: bytes, path: str) -> bool:
    """Whether an image that was begun is all there."""
    part = _part(host, uuid, path)
    return host.stat(part) is None if part != path else host.read(path, len(COMPLETE)) == COMPLETE


def begin_image(
    driver: "QemuDriver", guest: "Guest", path: str, runs_on: bool, kind: str, dxml: "str | None" = None
) -> Image:
    """Begin a guest's image beside `path` with its definition, and let QEMU have the file; `kind` is as qemu.conf has
    it. Raises VirtError."""
    assert guest.record is not None
    host, part = driver.host, _part(driver.host, guest.uuid, path)
    model = definitions.other(driver, definitions.read_live(driver.store, guest.uuid, inactive=True), dxml)
    image = Image.of(model, runs_on, packing.chosen(driver, kind) if part != path else 0)
    try:
        if part == path:
            host.write_at(part, image.head(complete=False), 0)
        else:
            host.write(part, image.head(complete=False), durable=False)
        hand(host, guest.record.monitor, part, offset=image.offset, writing=True)
    except BaseException:
        forget_part(host, guest.uuid, path)
        raise
    return image


def finish_image(driver: "QemuDriver", guest: "Guest", path: str, image: Image, what: str) -> None:
    """Have QEMU write its state into an image that was begun, which is then there; `what` is the job in words.

    Raises VirtError; the part is the caller's to remove (forget_part).
    """
    migrate(driver, guest, what)
    part = _part(driver.host, guest.uuid, path)
    packing.pack(driver.host, part, image.offset, image.format, _packed(part))
    driver.host.write_at(part, COMPLETE, 0, durable=True)
    if part != path:
        driver.host.rename(part, path)


def migrate(driver: "QemuDriver", guest: "Guest", what: str) -> None:
    """Have QEMU write its state into the file that it was handed, and wait until it has; others may ask QEMU
    meanwhile.

    Raises VirtError, OPERATION_ABORTED for a job that somebody gave up.
    """
    with monitor_of(driver, guest) as monitor:
        monitor.execute("migrate-set-parameters", max_bandwidth=FASTEST)
        monitor.execute("migrate", uri=f"fd:{FILE}")
    pause = 0.005
    while True:
        with monitor_of(driver, guest) as monitor:
            told = monitor.execute("query-migrate")
        if told.get("status") == "completed":
            return
        if told.get("status") == "cancelled":
            raise fail(errors.OPERATION_ABORTED, f"{what}: canceled by client")
        if told.get("status") == "failed":
            raise fail(errors.OPERATION_FAILED, f"{what}: {told.get('error-desc', 'QEMU does not say why')}")
        time.sleep(pause)
        pause = min(pause * 1.5, driver.host.pause)


def restore(
    driver: "QemuDriver", image: Image, path: str, flags: int, transient: bool = True, model: "Domain | None" = None
) -> None:
    """Run a saved guest, as `model` if that is given; call it with the domain's lock.

    Raises VirtError; the file stays.
    """
    from .launching import start

    runs = bool(flags & const.DOMAIN_SAVE_RUNNING) or (image.ran and not flags & const.DOMAIN_SAVE_PAUSED)
    model = model or image.model()
    start(driver, model, not runs, transient, (path, image), begun=const.DOMAIN_RUNNING_RESTORED)


def await_incoming(monitor: "Monitor") -> None:
    """Have a QEMU that waits for it take its state from the file that it was handed.

    Raises VirtError when it cannot.
    """
    monitor.execute("migrate-incoming", uri=f"fd:{FILE}")
    pause = 0.005
    while monitor.execute("query-migrate").get("status") != "completed":
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
