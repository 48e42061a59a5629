"""`domiflist`, `domif-getlink`, `domifstat` and `domifaddr`: a domain's network interfaces."""

from vsh.backends.constants.domain import DOMAIN_XML_INACTIVE

from ..declare import Alias, Data, Flag, Opt, command
from ..domain.lookup import ACTIVE, DOMAIN, Domain, find_domain, find_named
from ..domain.targets import attribute, definition, interface_names
from ..errors import CommandError, failing
from ..results import Notice, Table, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import DomainInterface, DomainRef

    from ..context import Context

#: Where domifaddr can ask, by virDomainInterfaceAddressesSource.
SOURCES = ("lease", "agent", "arp")
#: By virIPAddrType.
FAMILIES = {0: "ipv4", 1: "ipv6"}


@command("domiflist", group="monitor", options=[DOMAIN, Flag("inactive", "those of the stored definition")])
def domiflist(ctx: "Context", domain: "DomainRef", inactive: bool = False) -> Table:
    """List the network interfaces of a domain.

    The name of the device on the host, what it is connected to, its model and its MAC address.
    """
    records = [
        {
            "interface": attribute(one, "target", "dev"),
            "type": one.get("type"),
            "source": attribute(one, "source", "bridge", "dev", "network", "name", "path"),
            "model": attribute(one, "model", "type"),
            "mac": attribute(one, "mac", "address"),
        }
        for one in definition(ctx, domain, DOMAIN_XML_INACTIVE * inactive).iterfind("devices/interface")
    ]
    rows = [[value or "-" for value in record.values()] for record in records]
    return Table(["Interface", "Type", "Source", "Model", "MAC"], rows, records)


@command(
    "domif-getlink",
    group="monitor",
    options=[
        DOMAIN,
        Data("interface", "the interface's MAC address or its name on the host", complete=interface_names),
        Alias("persistent", "config"),
        Flag("config", "its state in the stored definition"),
    ],
)
def domif_getlink(ctx: "Context", domain: "DomainRef", interface: str, config: bool = False) -> Text:
    """Show whether the link of an interface is up.

    Down is like a cable that is not plugged in.
    """
    from vsh.backends.xml.values import format_mac, parse_mac

    try:
        mac = format_mac(parse_mac(interface))
    except ValueError:
        mac = ""
    found = [
        one
        for one in definition(ctx, domain, DOMAIN_XML_INACTIVE * config).iterfind("devices/interface")
        if (mac and attribute(one, "mac", "address") == mac) or attribute(one, "target", "dev") == interface
    ]
    if not found:
        raise CommandError(f"Interface (mac: {mac}) not found." if mac else f"Interface (dev: {interface}) not found.")
    if len(found) > 1:
        raise CommandError("multiple matching interfaces found")
    state = attribute(found[0], "link", "state") or "up"
    return Text(f"{interface} {state}", data={"interface": interface, "link": state})


@command(
    "domifstat",
    group="monitor",
    options=[
        Domain(ACTIVE, find_named),
        Data("interface", "the interface's name on the host or its MAC address", complete=interface_names),
    ],
)
def domifstat(ctx: "Context", domain: "tuple[str, DomainRef]", interface: str) -> Text:
    """Show what went through an interface of a running domain.

    Bytes, packets, errors and dropped packets in both directions, as the guest sees them.
    """
    name, ref = domain
    with failing(f"Failed to get interface stats {name} {interface}"):
        statistics = ctx.connection.domain_interface_stats(ref, interface)._asdict()
    lines = [f"{interface} {field} {value}\n" for field, value in statistics.items() if value >= 0]
    data = {field: value if value >= 0 else None for field, value in statistics.items()}
    return Text("".join(lines), data={"interface": interface, **data})


@command(
    "domifaddr",
    group="monitor",
    options=[
        Domain(ACTIVE, resolve=None),
        Opt("interface", "only this interface, by its name", complete=interface_names),
        Flag("full", "repeat name and MAC for each address"),
        Opt(
            "source",
            "who knows: lease (libvirt's DHCP servers, the default), agent (in the guest) or arp (the host's table)",
            complete=lambda ctx, given: SOURCES,
        ),
    ],
)
def domifaddr(
    ctx: "Context", domain: str, interface: "str | None" = None, full: bool = False, source: str = "lease"
) -> "Iterator[Notice | Text]":
    """Show the addresses of a running domain's interfaces.

    Leases and ARP know those on the host's networks, the agent all that the guest has.
    """
    if source not in SOURCES:
        raise CommandError(f"Unknown data source '{source}'")
    ref = find_domain(ctx, domain)
    with failing("Failed to query for interfaces addresses"):
        found = ctx.connection.domain_interface_addresses(ref, SOURCES.index(source), 0)
    found = [one for one in found if interface in (None, one.name)]
    yield Notice(f" {'Name':<10} {'MAC address':<20} {'Protocol':<8}     Address\n{'-' * 79}\n")
    data = [
        {
            "name": one.name,
            "mac": one.hwaddr,
            "addresses": [
                {"family": FAMILIES.get(address.type), "address": address.addr, "prefix": address.prefix}
                for address in one.addrs
            ],
        }
        for one in found
    ]
    yield Text("".join(line for one in found for line in _addresses(one, full)), data=data)


def _addresses(one: "DomainInterface", full: bool) -> "Iterator[str]":
    if not one.addrs:
        yield f" {one.name:<10} {one.hwaddr or 'N/A':<17}    {'N/A':<12} N/A\n"
    for i, address in enumerate(one.addrs):
        name, mac = (one.name, one.hwaddr or "") if full or i == 0 else ("-", "-")
        yield f" {name:<10} {mac:<17}    {FAMILIES.get(address.type, 'unknown'):<12} {address.addr}/{address.prefix}\n"
