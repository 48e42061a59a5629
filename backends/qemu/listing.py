"""Which domains there are, and finding one."""

from .. import errors
from ..common import FILTERS, matches, uuid_text
from .base import QemuBase, call, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef, DomainStatsRecord
    from .guests import Guest


class ListingCalls(QemuBase):
    """Which domains there are, and finding one."""

    @call("qemuConnectListAllDomains", FILTERS)
    def connect_list_all_domains(self, flags: int = 0) -> "list[DomainRef]":
        return [guest.ref for guest in self._listed() if matches(guest, flags)]

    @call("")
    def connect_get_all_domain_stats(
        self, doms: "list[DomainRef]", stats: int, flags: int = 0
    ) -> "list[DomainStatsRecord]":
        from .domstats import domstats

        guests = self._guests()
        return domstats(self.driver, [self._guest(dom, guests) for dom in doms] if doms else guests, stats, flags)

    @call("")
    def connect_num_of_domains(self) -> int:
        return sum(guest.active for guest in self._guests())

    @call("")
    def connect_list_domains(self) -> list[int]:
        return [guest.id for guest in self._guests() if guest.active]

    @call("")
    def connect_num_of_defined_domains(self) -> int:
        return sum(not guest.active for guest in self._guests())

    @call("")
    def connect_list_defined_domains(self) -> list[str]:
        return [guest.name for guest in self._guests() if not guest.active]

    @call("")
    def domain_lookup_by_id(self, id: int) -> "DomainRef":
        return _found(next((g for g in self._listed() if g.active and g.id == id), None), f"id {id}")

    @call("")
    def domain_lookup_by_uuid(self, uuid: bytes) -> "DomainRef":
        return _found(self._listed().by_uuid.get(uuid), f"uuid '{uuid_text(uuid)}'")

    @call("")
    def domain_lookup_by_name(self, name: str) -> "DomainRef":
        return _found(self._listed().by_name.get(name), f"name '{name}'")


def _found(guest: "Guest | None", what: str) -> "DomainRef":
    if guest is None or not guest.exists:
        raise fail(errors.NO_DOMAIN, f"no domain with matching {what}")
    return guest.ref
