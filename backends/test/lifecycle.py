"""Starting, stopping and everything between."""

from .. import errors
from ..constants import domain as const
from .base import TestBase, call, fail, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..records import DomainRef
    from .guests import Guest

#: ACPI, guest agent, initctl, signal, paravirt
REBOOT_WAYS = 0x1F
#: Actions after which the domain runs again.
RESTARTS = ("restart", "rename-restart")


class LifecycleCalls(TestBase):
    """Starting, stopping and everything between."""

    @call("testDomainCreateWithFlags")
    def domain_create_with_flags(self, dom: "DomainRef", flags: int = 0) -> "DomainRef":
        guest = self._guest(dom)
        if guest.state != const.DOMAIN_SHUTOFF:
            raise fail(errors.INTERNAL_ERROR, f"Domain '{dom.name}' is already running")
        guest.start(self.driver.next_id(), const.DOMAIN_RUNNING_BOOTED)
        self._lifecycle(guest, const.DOMAIN_EVENT_STARTED, const.DOMAIN_EVENT_STARTED_BOOTED)
        return guest.ref

    def domain_create_with_files(self, dom: "DomainRef", files: "Sequence[int]", flags: int = 0) -> "DomainRef":
        """Starts it; the files are not looked at."""
        return self.domain_create_with_flags(dom, flags)

    @call("testDomainDestroyFlags", const.DOMAIN_DESTROY_GRACEFUL)
    def domain_destroy_flags(self, dom: "DomainRef", flags: int = 0) -> None:
        self._stop(self._active(dom), const.DOMAIN_SHUTOFF_DESTROYED, const.DOMAIN_EVENT_STOPPED_DESTROYED)

    @call("testDomainShutdownFlags")
    def domain_shutdown_flags(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._guest(dom)
        if guest.state == const.DOMAIN_SHUTOFF:
            raise fail(errors.INTERNAL_ERROR, f"domain '{dom.name}' not running")
        self._power_cycle(guest, guest.now.action("on_poweroff"))

    @call("testDomainReboot", REBOOT_WAYS)
    def domain_reboot(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._active(dom)
        self._power_cycle(guest, guest.now.action("on_reboot"))

    @call("testDomainReset")
    def domain_reset(self, dom: "DomainRef", flags: int = 0) -> None:
        self._active(dom)

    @locked
    def domain_suspend(self, dom: "DomainRef") -> None:
        guest = self._guest(dom)
        if guest.state in (const.DOMAIN_SHUTOFF, const.DOMAIN_PAUSED):
            raise fail(errors.INTERNAL_ERROR, f"domain '{dom.name}' not running")
        guest.set_state(const.DOMAIN_PAUSED, const.DOMAIN_PAUSED_USER)
        self._lifecycle(guest, const.DOMAIN_EVENT_SUSPENDED, const.DOMAIN_EVENT_SUSPENDED_PAUSED)

    @locked
    def domain_resume(self, dom: "DomainRef") -> None:
        guest = self._guest(dom)
        if guest.state != const.DOMAIN_PAUSED:
            raise fail(errors.INTERNAL_ERROR, f"domain '{dom.name}' not paused")
        guest.set_state(const.DOMAIN_RUNNING, const.DOMAIN_RUNNING_UNPAUSED)
        self._lifecycle(guest, const.DOMAIN_EVENT_RESUMED, const.DOMAIN_EVENT_RESUMED_UNPAUSED)

    def _power_cycle(self, guest: "Guest", action: str) -> None:
        """What follows when the guest powers off or reboots; libvirt's driver sends no event when it runs on."""
        if action in RESTARTS:
            guest.set_state(const.DOMAIN_RUNNING, const.DOMAIN_RUNNING_BOOTED)
        else:
            self._stop(guest, const.DOMAIN_SHUTOFF_SHUTDOWN, const.DOMAIN_EVENT_STOPPED_SHUTDOWN)
