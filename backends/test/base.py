"""What all calls of the test host share: the lock, the check of flags, finding a domain, sending an event."""

from .. import driver, errors
from ..common import named_like, refuse_flags, uuid_text
from ..constants.domain import DOMAIN_EVENT_STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ..moments import Moments
    from ..records import DomainRef
    from .driver import TestDriver
    from .guests import Guest

    F = TypeVar("F", bound=Callable[..., Any])


def fail(code: int, detail: "str | None" = None, domain: int = errors.FROM_TEST) -> errors.VirtError:
    """The test driver's error for `code` and `detail`, to be raised."""
    return errors.virt_error(code, detail, domain=domain)


def not_running() -> errors.VirtError:
    """What calls raise that need a running domain."""
    return fail(errors.OPERATION_INVALID, "domain is not running", errors.FROM_DOMAIN)


def call(function: str, supported: int = 0, told: int = 0) -> "Callable[[F], F]":
    """Make a method a call of the host: it runs under the host's lock, and flags outside `supported` are refused as
    libvirt's `function` refuses them (its name is part of the text).

    `flags` is the method's last parameter; `told` are flags that libvirt's library adds before its driver sees them.
    """

    def decorate(method: "Any") -> "Any":
        place = method.__code__.co_argcount - 2

        def checked(self: "TestBase", *args: "Any", **named: "Any") -> "Any":
            flags = args[place] if len(args) > place else named.get("flags", 0)
            refuse_flags(function, flags | told, supported, errors.FROM_TEST)
            with self.driver.lock:
                return method(self, *args, **named)

        return named_like(checked, method)

    return decorate


def locked(method: "F") -> "F":
    """Make a method without flags a call of the host: it runs under the host's lock."""

    def guarded(self: "TestBase", *args: "Any", **named: "Any") -> "Any":
        with self.driver.lock:
            return method(self, *args, **named)

    return named_like(guarded, method)  # type: ignore[no-any-return]


class TestBase(driver.Connection):
    """Base of the groups of calls."""

    __test__ = False  # not a pytest class
    driver: "TestDriver"
    prefix = "test"
    origin = errors.FROM_TEST

    def _tree(self, kind: str, dom: "DomainRef") -> "Moments":
        """A domain's snapshots or checkpoints (moment_queries.SNAPSHOT, CHECKPOINT)."""
        with self.driver.lock:
            guest = self._guest(dom)
            return guest.snapshots if kind == "snapshot" else guest.checkpoints

    def _guest(self, dom: "DomainRef") -> "Guest":
        """The domain behind a reference; raises NO_DOMAIN when it is gone."""
        guest = self.driver.guests.by_uuid.get(dom.uuid)
        if guest is None:
            detail = f"no domain with matching uuid '{uuid_text(dom.uuid)}' ({dom.name})"
            raise fail(errors.NO_DOMAIN, detail)
        return guest

    def _active(self, dom: "DomainRef") -> "Guest":
        """The same, for calls that need it to run; raises OPERATION_INVALID when it does not."""
        guest = self._guest(dom)
        if not guest.active:
            raise not_running()
        return guest

    def _lifecycle(self, guest: "Guest", event: int, detail: int) -> None:
        """Send a lifecycle event of `guest`."""
        self.driver.emit("domain_event_lifecycle", guest.ref, event, detail)

    def _stop(self, guest: "Guest", reason: int, detail: int) -> None:
        """Let `guest` stop, say why, and forget it if nothing but its running kept it."""
        guest.stop(reason)
        self._lifecycle(guest, DOMAIN_EVENT_STOPPED, detail)
        if not guest.persistent:
            self.driver.guests.remove(guest)
