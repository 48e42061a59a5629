"""`net-dhcp-leases`: who got which address."""

from vsh.backends.constants.connect import CONNECT_LIST_NETWORKS_ACTIVE

from ..declare import Opt, command
from ..errors import failing
from ..named import NETWORK
from ..results import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import NetworkDhcpLease

    from ..context import Context

#: virIPAddrType.
PROTOCOLS = {0: "ipv4", 1: "ipv6"}


def macs(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the MAC addresses that have leases from the network that was typed."""
    network = NETWORK.find(ctx, given.get("network", ""))
    return [lease.mac for lease in ctx.connection.network_get_dhcp_leases(network, None, 0) if lease.mac]


@command(
    "net-dhcp-leases",
    group="network",
    options=[
        NETWORK.option(CONNECT_LIST_NETWORKS_ACTIVE, resolve=False),
        Opt("mac", "only those of this MAC address", complete=macs),
    ],
)
def leases(ctx: "Context", network: str, mac: "str | None" = None) -> Table:
    """List the addresses that a network's DHCP server has given out, until when and to whom."""
    import time

    ref = NETWORK.find(ctx, network)
    with failing(f"Failed to get leases info for {network}"):
        found = ctx.connection.network_get_dhcp_leases(ref, mac, 0)
    found = sorted(found, key=lambda lease: (lease.mac or "").lower())
    rows = [
        [
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(lease.expirytime)),
            *(word or "-" for word in (lease.mac, PROTOCOLS.get(lease.type), f"{lease.ipaddr}/{lease.prefix}")),
            *(word or "-" for word in (lease.hostname, lease.clientid)),
        ]
        for lease in found
    ]
    headers = ["Expiry Time", "MAC address", "Protocol", "IP address", "Hostname", "Client ID or DUID"]
    return Table(headers, rows, [_record(lease) for lease in found])


def _record(lease: "NetworkDhcpLease") -> "dict[str, object]":
    return {
        "expires_at_seconds": lease.expirytime,
        "mac": lease.mac,
        "protocol": PROTOCOLS.get(lease.type),
        "address": lease.ipaddr,
        "prefix": lease.prefix,
        "hostname": lease.hostname,
        "client_id": lease.clientid,
        "iaid": lease.iaid,
        "interface": lease.iface,
    }
