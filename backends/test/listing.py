"""Which domains there are, and finding one."""

from .. import errors
from ..constants import connect as const
from ..constants.domain import DOMAIN_PAUSED, DOMAIN_RUNNING, DOMAIN_SHUTOFF
from .base import TestBase, call, fail, locked, passes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from .guests import Guest

#: VIR_CONNECT_LIST_DOMAINS_*: the flag of a domain in each state (any other: OTHER).
STATES = {
    DOMAIN_RUNNING: const.CONNECT_LIST_DOMAINS_RUNNING,
    DOMAIN_PAUSED: const.CONNECT_LIST_DOMAINS_PAUSED,
    DOMAIN_SHUTOFF: const.CONNECT_LIST_DOMAINS_SHUTOFF,
}
FILTERS = 0xFFFF


def matches(guest: "Guest", flags: int) -> bool:
    """Whether a domain passes the filters VIR_CONNECT_LIST_DOMAINS_*."""
    return not flags or passes(
        flags,
        (0x3, const.CONNECT_LIST_DOMAINS_ACTIVE, const.CONNECT_LIST_DOMAINS_INACTIVE, guest.active),
        (0xC, const.CONNECT_LIST_DOMAINS_PERSISTENT, const.CONNECT_LIST_DOMAINS_TRANSIENT, guest.persistent),
        (0xF0, STATES.get(guest.state, const.CONNECT_LIST_DOMAINS_OTHER), 0, True),
        (0x300, const.CONNECT_LIST_DOMAINS_MANAGEDSAVE, const.CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, guest.managed_save),
        (0xC00, const.CONNECT_LIST_DOMAINS_AUTOSTART, const.CONNECT_LIST_DOMAINS_NO_AUTOSTART, guest.autostart),
        (0x3000, const.CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, const.CONNECT_LIST_DOMAINS_NO_SNAPSHOT, guest.snapshots),
        (
            0xC000,
            const.CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
            const.CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
            guest.checkpoints,
        ),
    )


class ListingCalls(TestBase):
    """Which domains there are, and finding one."""

    @call("testConnectListAllDomains", FILTERS)
    def connect_list_all_domains(self, flags: int = 0) -> "list[DomainRef]":
        return [guest.ref for guest in self.driver.guests if matches(guest, flags)]

    @locked
    def connect_num_of_domains(self) -> int:
        return sum(guest.active for guest in self.driver.guests)

    @locked
    def connect_list_domains(self) -> list[int]:
        return [guest.id for guest in self.driver.guests if guest.active]

    @locked
    def connect_num_of_defined_domains(self) -> int:
        return sum(not guest.active for guest in self.driver.guests)

    @locked
    def connect_list_defined_domains(self) -> list[str]:
        return [guest.now.name for guest in self.driver.guests if not guest.active]

    @locked
    def domain_lookup_by_id(self, id: int) -> "DomainRef":
        return self._found(next((g for g in self.driver.guests if g.active and g.id == id), None))

    @locked
    def domain_lookup_by_uuid(self, uuid: bytes) -> "DomainRef":
        return self._found(self.driver.guests.by_uuid.get(uuid))

    @locked
    def domain_lookup_by_name(self, name: str) -> "DomainRef":
        return self._found(self.driver.guests.by_name.get(name))

    def _found(self, guest: "Guest | None") -> "DomainRef":
        if guest is None:
            raise fail(errors.NO_DOMAIN)
        return guest.ref
