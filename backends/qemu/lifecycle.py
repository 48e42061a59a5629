"""Starting, stopping and everything between."""

import contextlib
import time

from .. import errors
from ..constants import domain as const
from . import definitions, ending
from .base import QemuBase, call, fail, not_running
from .guests import Guests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from .driver import QemuDriver
    from .guests import Guest
    from .qmp import Monitor

START = (
    const.DOMAIN_START_PAUSED | const.DOMAIN_START_BYPASS_CACHE | const.DOMAIN_START_FORCE_BOOT
    | const.DOMAIN_START_VALIDATE | const.DOMAIN_START_RESET_NVRAM
)  # fmt: skip
SIGTERM = 15
#: Seconds that a guest's process has to end when asked; then it is made to.
GRACE = 10.0
#: Seconds for which we wait until a guest that is to reboot has powered off; later the next one to come resets it.
REBOOT = 30.0
WAYS = const.DOMAIN_SHUTDOWN_ACPI_POWER_BTN | const.DOMAIN_SHUTDOWN_GUEST_AGENT


def monitor_of(driver: "QemuDriver", guest: "Guest") -> "Monitor":
    """A connection to a running guest's monitor; raises VirtError when it has just ended."""
    from .qmp import Monitor

    assert guest.record is not None
    try:
        return Monitor(driver.host, guest.record.monitor)
    except (FileNotFoundError, ConnectionRefusedError):
        raise not_running() from None


class LifecycleCalls(QemuBase):
    """Starting, stopping and everything between."""

    @call("qemuDomainCreateWithFlags", START)
    def domain_create_with_flags(self, dom: "DomainRef", flags: int = 0) -> "DomainRef":
        from .launching import start

        driver = self.driver
        with self._lock(dom):
            guest = self._guest(dom)
            if guest.active:
                raise fail(errors.OPERATION_INVALID, "domain is already running")
            saved = driver.places.saved(guest.name)
            if guest.managed_save and not flags & const.DOMAIN_START_FORCE_BOOT:
                from .images import Image
                from .save import restore

                wanted = const.DOMAIN_SAVE_PAUSED if flags & const.DOMAIN_START_PAUSED else 0
                restore(driver, Image.read(driver.host, saved), saved, wanted, transient=False)
            else:
                model = definitions.read_definition(driver.store, guest.name)
                new = bool(flags & const.DOMAIN_START_RESET_NVRAM)
                start(driver, model, bool(flags & const.DOMAIN_START_PAUSED), new_variables=new)
            driver.host.remove(saved)
            return Guests(driver.store).by_uuid[dom.uuid].ref

    @call("qemuDomainCreateXML", START)
    def domain_create_xml(self, xml_desc: str, flags: int = 0) -> "DomainRef":
        from .launching import start

        driver = self.driver
        model = definitions.read(driver, xml_desc, bool(flags & const.DOMAIN_START_VALIDATE))
        driver.places.definition(model.name)
        with driver.lock(model.uuid):
            new = bool(flags & const.DOMAIN_START_RESET_NVRAM)
            start(driver, model, bool(flags & const.DOMAIN_START_PAUSED), transient=True, new_variables=new)
            return Guests(driver.store).by_uuid[model.uuid].ref

    @call("qemuDomainDestroyFlags", const.DOMAIN_DESTROY_GRACEFUL | const.DOMAIN_DESTROY_REMOVE_LOGS)
    def domain_destroy_flags(self, dom: "DomainRef", flags: int = 0) -> None:
        driver = self.driver
        with self._lock(dom):
            guest = self._active(dom)
            record = guest.record
            assert record is not None and record.process is not None
            # Before it ends: the journal alone would not know who wanted it.
            record.reason = const.DOMAIN_SHUTOFF_DESTROYED
            driver.store.write_running(record)
            driver.host.signal(record.process, SIGTERM)
            if not ends(driver, guest):
                if flags & const.DOMAIN_DESTROY_GRACEFUL:
                    record.reason = 0
                    driver.store.write_running(record)
                    text = f"Failed to terminate process {record.process.pid} with SIGTERM: Device or resource busy"
                    raise errors.virt_error(errors.SYSTEM_ERROR, text)
                ending.kill(driver, record)
            ending.finish(driver, record)
            if flags & const.DOMAIN_DESTROY_REMOVE_LOGS:
                driver.host.remove(driver.places.console_log(guest.name))

    @call("qemuDomainShutdownFlags", WAYS)
    def domain_shutdown_flags(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._active(dom)
        if guest.record is not None and guest.record.rebooting:
            with self._lock(dom):
                _when_off(self, self._active(dom), reboot=False)
        if not _by_agent(self, guest, flags, "powerdown"):
            with monitor_of(self.driver, guest) as monitor:
                monitor.execute("system_powerdown")

    @call("qemuDomainReboot", WAYS)
    def domain_reboot(self, dom: "DomainRef", flags: int = 0) -> None:
        """By ACPI, QEMU stops a guest that has powered off, and whoever sees it so resets it: we, for a while."""
        guest = self._active(dom)
        if _by_agent(self, guest, flags, "reboot"):
            return
        with self._lock(dom):
            guest = self._active(dom)
            _when_off(self, guest, reboot=True)
            with monitor_of(self.driver, guest) as monitor:
                monitor.execute("system_powerdown")
        deadline = time.monotonic() + REBOOT
        while time.monotonic() < deadline:
            record = self._guest(dom).record
            if record is None or not record.rebooting:
                return
            time.sleep(self.driver.host.pause)

    @call("qemuDomainReset")
    def domain_reset(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._active(dom)
        with monitor_of(self.driver, guest) as monitor:
            monitor.execute("system_reset")

    @call("")
    def domain_suspend(self, dom: "DomainRef") -> None:
        # One that we are moving may be suspended, which helps it along.
        with contextlib.nullcontext() if dom.uuid in self._moves else self._lock(dom):
            guest = self._active(dom)
            if guest.state == const.DOMAIN_PMSUSPENDED:
                raise fail(errors.OPERATION_INVALID, "domain is pmsuspended")
            if guest.state != const.DOMAIN_PAUSED:
                with monitor_of(self.driver, guest) as monitor:
                    monitor.execute("stop")
                _await_state(self, dom, const.DOMAIN_PAUSED)

    @call("")
    def domain_resume(self, dom: "DomainRef") -> None:
        with self._lock(dom):
            guest = self._active(dom)
            if guest.state == const.DOMAIN_PMSUSPENDED:
                raise fail(errors.OPERATION_INVALID, "domain is pmsuspended")
            if guest.state == const.DOMAIN_RUNNING:
                raise fail(errors.OPERATION_INVALID, "domain is already running")
            with monitor_of(self.driver, guest) as monitor:
                monitor.execute("cont")
            _await_state(self, dom, const.DOMAIN_RUNNING)


def _when_off(calls: QemuBase, guest: "Guest", reboot: bool) -> None:
    """Say whether a guest that powers off is to start again; call it with the domain's lock."""
    from .argv.machine import set_actions

    driver, record = calls.driver, guest.record
    assert record is not None
    record.rebooting = reboot
    driver.store.write_running(record)
    told = set_actions(definitions.read_live(driver.store, guest.uuid)) | ({"shutdown": "pause"} if reboot else {})
    with monitor_of(driver, guest) as monitor:
        monitor.do("set-action", told)


def _by_agent(calls: QemuBase, guest: "Guest", flags: int, mode: str) -> bool:
    """Have the guest's agent shut it down or reboot it, if `flags` let it; whether it did.

    Raises VirtError where nothing else may be tried.
    """
    if flags & const.DOMAIN_SHUTDOWN_ACPI_POWER_BTN and not flags & const.DOMAIN_SHUTDOWN_GUEST_AGENT:
        return False
    from .agent.calls import order

    try:
        request = {"execute": "guest-shutdown", "arguments": {"mode": mode}}
        order(calls, guest, request, ("SHUTDOWN", "RESET"))
    except errors.VirtError:
        if flags == const.DOMAIN_SHUTDOWN_GUEST_AGENT:
            raise
        return False
    return True


def ends(driver: "QemuDriver", guest: "Guest", patience: float = GRACE) -> bool:
    """Wait for the end of a guest's process; whether it came."""
    assert guest.record is not None and guest.record.process is not None
    deadline, pause = time.monotonic() + patience, 0.001
    while driver.host.alive([guest.record.process])[0]:
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return True


def _await_state(calls: QemuBase, dom: "DomainRef", state: int) -> None:
    """Wait until the journal tells of a change that QEMU has confirmed: the next command is to see it."""
    deadline = time.monotonic() + 5
    while calls._active(dom).state != state and time.monotonic() < deadline:
        time.sleep(0.001)
