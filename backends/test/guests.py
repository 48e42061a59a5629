"""The domains of a test host, and what libvirt's virDomainObj and virDomainObjList do with them."""

from .. import errors, records
from ..common import uuid_text
from ..constants import domain as const
from ..moments import Moments
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..xml.domain import Domain
    from .definition import Definition

#: The clock of every guest starts here: seconds since 1970.
GUEST_TIME = 627319920


class Guest:
    """One domain.

    `now` is its definition, the running one while it runs; `later`, if it runs and is persistent, what it will be once
    it stops. `id` is -1 unless it runs.
    """

    def __init__(self, definition: "Definition"):
        self.now = definition
        self.later: Definition | None = None
        self.id = -1
        self.state = const.DOMAIN_SHUTOFF
        self.reason = const.DOMAIN_SHUTOFF_UNKNOWN
        self.persistent = False
        self.autostart = False
        self.managed_save = False
        self.removed = False
        self.snapshots = Moments()
        self.checkpoints = Moments()
        self.messages: list[tuple[int, str]] = []
        self.seconds, self.nseconds = GUEST_TIME, 0
        self.frozen: set[str] = set()
        self.polling: list[tuple[int, dict[str, int]]] = []  #: I/O threads that were added, and how they poll

    @property
    def active(self) -> bool:
        return self.id != -1

    @property
    def ref(self) -> "records.DomainRef":
        ref: records.DomainRef = records.DomainRef(self.now.name, self.now.uuid, self.id)
        return ref

    def described(self) -> "Domain":
        """The model of its definition, with the id it has now."""
        model = self.now.model
        model.id = self.id
        return model

    def set_state(self, state: int, reason: int) -> None:
        self.state, self.reason = state, reason

    def start(self, id: int, reason: int) -> None:
        """Let it run under `id`; a persistent one keeps its definition for afterwards."""
        self.set_state(const.DOMAIN_RUNNING, reason)
        self.id = id
        if self.persistent and self.later is None:
            self.later = self.now.copy()
        self.managed_save = False

    def stop(self, reason: int) -> None:
        """Let it stop; what was changed only while it ran is lost."""
        if self.later is not None:
            self.now, self.later = self.later, None
            self.id = -1
        self.set_state(const.DOMAIN_SHUTOFF, reason)

    def impact(self, flags: int) -> int:
        """`flags` with VIR_DOMAIN_AFFECT_LIVE or _CONFIG in place of _CURRENT.

        Raises OPERATION_INVALID for a live change of a stopped domain or a lasting one of a transient domain.
        """
        if not flags & 3:
            flags |= 1 if self.active else 2
        if flags & 1 and not self.active:
            raise fail(errors.OPERATION_INVALID, "domain is not running", errors.FROM_DOMAIN)
        if flags & 2 and not self.persistent:
            raise fail(
                errors.OPERATION_INVALID, "transient domains do not have any persistent config", errors.FROM_DOMAIN
            )
        return flags

    def definitions(self, flags: int) -> "tuple[Definition | None, Definition | None]":
        """The live and the lasting definition that `flags` (VIR_DOMAIN_AFFECT_*) ask to change.

        Raises like `impact`.
        """
        flags = self.impact(flags)
        if not self.active:
            return None, self.now
        return self.now if flags & 1 else None, self.later if flags & 2 else None

    def definition(self, flags: int) -> "Definition":
        """The one definition that `flags` ask for; raises like `impact`, and INVALID_ARG when they ask for both."""
        if flags & 3 == 3:
            raise errors.VirtError(
                errors.INVALID_ARG,
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
                domain=errors.FROM_DOMAIN,
                str1="virDomainObjGetOneDefState",
                str2="flags",
            )
        live, lasting = self.definitions(flags)
        found = live or lasting
        assert found is not None
        return found


class Guests:
    """All domains of a host, by uuid and by name."""

    def __init__(self) -> None:
        self.by_uuid: dict[bytes, Guest] = {}
        self.by_name: dict[str, Guest] = {}

    def __iter__(self) -> "Iterator[Guest]":
        return iter(self.by_uuid.values())

    def add(self, definition: "Definition", live: bool = False) -> "tuple[Guest, bool]":
        """Give a definition to the domain of that name and uuid, or to a new one; `live` when it shall run by it.

        Returns the domain and whether it had a definition that this one replaced. Raises OPERATION_FAILED when either
        name or uuid belongs to another domain, OPERATION_INVALID when one that shall run by the definition runs.
        """
        guest = self.by_uuid.get(definition.uuid)
        if guest is None:
            other = self.by_name.get(definition.name)
            if other:
                raise fail(
                    errors.OPERATION_FAILED,
                    f"domain '{definition.name}' already exists with uuid {uuid_text(other.now.uuid)}",
                    errors.FROM_DOMAIN,
                )
            guest = Guest(definition)
            self.by_uuid[definition.uuid] = self.by_name[definition.name] = guest
            return guest, False
        if guest.now.name != definition.name:
            raise fail(
                errors.OPERATION_FAILED,
                f"domain '{guest.now.name}' is already defined with uuid {uuid_text(definition.uuid)}",
                errors.FROM_DOMAIN,
            )
        if live and guest.active:
            raise fail(errors.OPERATION_INVALID, f"domain '{definition.name}' is already active", errors.FROM_DOMAIN)
        if guest.active:
            replaced, guest.later = guest.later, definition
            return guest, replaced is not None
        if live:
            guest.later = guest.later or guest.now
        guest.now = definition
        return guest, True

    def remove(self, guest: Guest) -> None:
        """Forget a domain."""
        guest.removed = True
        self.by_uuid.pop(guest.now.uuid, None)
        self.by_name.pop(guest.now.name, None)

    def rename(self, guest: Guest, name: str) -> None:
        """Give a domain a free name."""
        del self.by_name[guest.now.name]
        guest.now.name = name
        self.by_name[name] = guest
