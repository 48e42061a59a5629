"""IP addresses of guests, and statistics of many domains at once."""

from .. import errors, records
from ..common import matches
from ..constants import connect
from ..constants import domain as const
from ..params import INT, UINT, ULLONG, TypedParams
from .base import TestBase, call, fail
from .networks import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainInterface, DomainIpAddr, DomainRef, DomainStatsRecord
    from .driver import TestDriver
    from .guests import Guest

#: Where addresses may be read from: leases, agent, ARP.
SOURCES = 3
#: Hosts of a network are apart so many addresses for each domain.
STRIDE = 20
#: Filters of virConnectGetAllDomainStats; the others of lists are refused.
STATS_FILTERS = 0xFF
STATS_FLAGS = (
    STATS_FILTERS
    | connect.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    | connect.CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    | connect.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
)
STATS = const.DOMAIN_STATS_STATE | const.DOMAIN_STATS_IOTHREAD


class AddressCalls(TestBase):
    """What guests tell about themselves."""

    @call("testDomainInterfaceAddresses")
    def domain_interface_addresses(self, dom: "DomainRef", source: int, flags: int = 0) -> "list[DomainInterface]":
        """The same whatever the source."""
        if source >= SOURCES:
            raise fail(errors.ARGUMENT_UNSUPPORTED, f"Unknown IP address data source {source}")
        guest = self._active(dom)
        kind, address = records.of_struct("domain_interface"), records.of_struct("domain_ip_addr")
        found = []
        for number, interface in enumerate(guest.now.model.devices.interfaces):
            if interface.type == "network":
                addresses = on_network(self.driver, interface.network or "", STRIDE * (guest.id - 1) + number + 1)
            else:
                addresses = [address(connect.IP_ADDR_TYPE_IPV4, f"192.168.0.{1 + number}", 24)]
            found.append(kind(interface.target, interface.mac.hex(":"), addresses))
        return found

    @call("testConnectGetAllDomainStats", STATS_FLAGS)
    def connect_get_all_domain_stats(
        self, doms: "list[DomainRef]", stats: int, flags: int = 0
    ) -> "list[DomainStatsRecord]":
        if flags & connect.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS and stats & ~STATS:
            text = f"Stats types bits 0x{stats & ~STATS:x} are not supported by this daemon"
            raise fail(errors.ARGUMENT_UNSUPPORTED, text)
        guests = self.driver.guests
        asked = [guests.by_uuid[dom.uuid] for dom in doms if dom.uuid in guests.by_uuid] if doms else list(guests)
        kind = records.of_struct("domain_stats_record")
        wanted = [guest for guest in asked if matches(guest, flags & STATS_FILTERS)]
        return [kind(guest.ref, statistics(guest, stats or STATS)) for guest in wanted]


def on_network(host: "TestDriver", name: str, offset: int) -> "list[DomainIpAddr]":
    """The address that follows the first of a network's DHCP range, or its own one, by `offset`."""
    from ipaddress import ip_address

    ips = named(host, name).now.ips
    if not ips:
        return []
    first = ip_address((ips[0].ranges[0].start if ips[0].ranges else ips[0].address) or "")
    kind = connect.IP_ADDR_TYPE_IPV6 if ips[0].family == "ipv6" else connect.IP_ADDR_TYPE_IPV4
    return [records.of_struct("domain_ip_addr")(kind, str(first + offset), ips[0].bits)]


def statistics(guest: "Guest", stats: int) -> TypedParams:
    """The statistics of a domain that `stats` (VIR_DOMAIN_STATS_*) asks for."""
    found = TypedParams()
    if stats & const.DOMAIN_STATS_STATE:
        found.add("state.state", INT, guest.state).add("state.reason", INT, guest.reason)
    if stats & const.DOMAIN_STATS_IOTHREAD and guest.active and guest.polling:
        found.add("iothread.count", UINT, len(guest.polling))
        for number, polling in guest.polling:
            found.add(f"iothread.{number}.poll-max-ns", ULLONG, polling["poll_max_ns"])
            found.add(f"iothread.{number}.poll-grow", UINT, polling["poll_grow"])
            found.add(f"iothread.{number}.poll-shrink", UINT, polling["poll_shrink"])
    return found
