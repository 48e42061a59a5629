"""What all calls of the driver share: the check of flags, finding a domain, the words of errors."""

import time

from .. import driver, errors
from ..common import named_like, refuse_flags, uuid_text
from .guests import Guests
from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from ..hosts import Lock
    from ..moments import Moments
    from ..records import DomainRef
    from .driver import QemuDriver
    from .guests import Guest

    F = TypeVar("F", bound=Callable[..., Any])


#: Seconds for which a batch believes the listing right before it.
FRESH = 0.1


def fail(code: int, detail: "str | None" = None, *, hint: str = "") -> errors.VirtError:
    """The driver's error for `code` and `detail`, to be raised."""
    return errors.virt_error(code, detail, domain=errors.FROM_QEMU, hint=hint)


def not_running() -> errors.VirtError:
    """What calls raise that need a running domain."""
    return errors.virt_error(errors.OPERATION_INVALID, "domain is not running", domain=errors.FROM_DOMAIN)


def call(function: str, supported: int = 0) -> "Callable[[F], F]":
    """Make a method a call: flags outside `supported` are refused as libvirt's `function` refuses them, and what the
    host refuses becomes libvirt's error.

    `flags` is the method's last parameter; a method without is given as `call("")`.
    """

    def decorate(method: "Any") -> "Any":
        place = method.__code__.co_argcount - 2

        def checked(self: "QemuBase", *args: "Any", **named: "Any") -> "Any":
            if function:
                flags = args[place] if len(args) > place else named.get("flags", 0)
                refuse_flags(function, flags, supported, errors.FROM_QEMU)
            if not self._batching:
                self._seen = None
            try:
                return method(self, *args, **named)
            except OSError as error:
                raise system_error(error, f"cannot access '{error.filename}'" if error.filename else "failed") from None

        return named_like(checked, method)

    return decorate


class QemuBase(driver.Connection):
    """Base of the groups of calls."""

    driver: "QemuDriver"
    prefix = "qemu"
    origin = errors.FROM_QEMU
    #: uuid -> the lock of a domain that migrates, which the process that leads it has until the end
    _moves: "dict[bytes, Lock]"
    #: name -> uuid of a domain that arrives, and its lasting definition elsewhere
    _arrivals: "dict[str, tuple[bytes, str]]"
    _seen: "Guests | None" = None
    _batching = False
    _looked = 0.0
    #: what calls of a batch found out for those after them
    _found: "dict[Any, Any]"

    def _guests(self) -> Guests:
        """The domains as they are now; within a batch, as they were when it first asked, or as they were listed right
        before it."""
        if self._seen is not None:
            return self._seen
        guests = Guests(self.driver.store)
        unsettled = [] if self.readonly else [guest.uuid for guest in guests.by_uuid.values() if guest.unsettled]
        if unsettled:
            from .ending import settle_all

            if settle_all(self.driver, unsettled):
                guests = Guests(self.driver.store)
        if self._batching:
            self._seen = guests
        return guests

    def _listed(self) -> Guests:
        """The domains as they are now, kept for a batch of questions about what is found among them."""
        self._seen = guests = self._guests()
        self._looked = time.monotonic()
        return guests

    def batch(self, calls: "Sequence[tuple[str, tuple[Any, ...]]]") -> "list[Any]":
        """The results of independent calls, which see the domains as they are at one moment."""
        if time.monotonic() - self._looked > FRESH:
            self._seen = None
        self._found = {}
        self._batching = all("_get_" in name or "_is_" in name or "_has_" in name for name, _ in calls)
        try:
            self._announce(calls)
            return super().batch(calls)
        finally:
            if self._batching:
                self._batching, self._seen = False, None

    def _announce(self, calls: "Sequence[tuple[str, tuple[Any, ...]]]") -> None:
        """Have the host look ahead at the files that calls of a batch will ask for, one each."""
        places = self.driver.places
        files = {"domain_get_autostart": places.autostart, "domain_has_managed_save_image": places.saved}
        if self._batching and any(name in files for name, _ in calls):
            guests = self._guests().by_uuid
            found = [(files[name], guests.get(args[0].uuid)) for name, args in calls if name in files]
            self.driver.host.ahead(*(("stat", file(guest.name)) for file, guest in found if guest is not None))

    def _once(self, key: "Any", find: "Callable[[], Any]") -> "Any":
        """What `find` returns; within a batch it is asked once for each key."""
        if not self._batching:
            return find()
        if key not in self._found:
            self._found[key] = find()
        return self._found[key]

    def _guest(self, dom: "DomainRef", guests: "Guests | None" = None) -> "Guest":
        """The domain behind a reference, among `guests` where they are known; raises NO_DOMAIN when it is gone."""
        guest = (guests or self._guests()).by_uuid.get(dom.uuid)
        if guest is None or not guest.exists:
            raise fail(errors.NO_DOMAIN, f"no domain with matching uuid '{uuid_text(dom.uuid)}' ({dom.name})")
        return guest

    def _tree(self, kind: str, dom: "DomainRef") -> "Moments":
        """A domain's snapshots or checkpoints (moment_queries.SNAPSHOT, CHECKPOINT)."""
        from . import plans

        guest = self._guest(dom)
        if not self.readonly and plans.pending(self.driver, dom.uuid):
            self._lock(dom).release()  # whoever looks next ends what another began
            guest = self._guest(dom)
        return guest.snapshots if kind == "snapshot" else guest.checkpoints

    def _lock(self, dom: "DomainRef") -> "Lock":
        """The lock of an existing domain; raises NO_DOMAIN, OPERATION_TIMEOUT.

        What was known before may have changed.
        """
        self._guest(dom)
        return self.driver.lock(dom.uuid)

    def _active(self, dom: "DomainRef") -> "Guest":
        """The same, for calls that need it to run; raises OPERATION_INVALID when it does not."""
        guest = self._guest(dom)
        if not guest.active:
            raise not_running()
        return guest
