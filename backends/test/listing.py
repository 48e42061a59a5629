"""Which domains there are, and finding one."""

from .. import errors
from ..common import FILTERS, matches
from .base import TestBase, call, fail, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from .guests import Guest


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
