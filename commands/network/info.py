"""What a network is: `net-info`, `net-dumpxml`, `net-name`, `net-uuid`."""

from vsh.backends.constants.network import NETWORK_XML_INACTIVE
from vsh.backends.errors import VirtError

from ..answers import truth, yes_no
from ..declare import Flag, command
from ..document import XPATH, checked, shown
from ..named import NETWORK, facts
from ..results import Pairs, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import NetworkRef

    from ..context import Context


@command("net-info", group="network", options=[NETWORK.option()])
def info(ctx: "Context", network: "NetworkRef") -> Pairs:
    """Show basic facts about a network."""
    active, persistent, autostart, bridge = ctx.connection.batch(
        [(f"network_{call}", (network,)) for call in ("is_active", "is_persistent", "get_autostart", "get_bridge_name")]
    )
    data: dict[str, Any] = facts(network)
    rows = [("Name:", network.name), ("UUID:", data["uuid"])]
    if not isinstance(active, VirtError):
        rows.append(("Active:", yes_no(active)))
    rows.append(("Persistent:", yes_no(persistent, "unknown")))
    rows.append(("Autostart:", yes_no(autostart, "no autostart")))
    if not isinstance(bridge, VirtError):
        rows.append(("Bridge:", bridge))
    data |= {"active": truth(active), "persistent": truth(persistent), "autostart": truth(autostart)}
    return Pairs(rows, data | {"bridge": None if isinstance(bridge, VirtError) else bridge})


@command(
    "net-dumpxml",
    group="network",
    options=[NETWORK.option(), Flag("inactive", "the definition for the next start"), *XPATH],
)
def dumpxml(
    ctx: "Context", network: "NetworkRef", inactive: bool = False, xpath: "str | None" = None, wrap: bool = False
) -> Text:
    """Show the XML definition of a network.

    It can be edited and given to net-define.
    """
    checked(xpath)
    return shown(ctx, ctx.connection.network_get_xml_desc(network, NETWORK_XML_INACTIVE * inactive), xpath, wrap)


@command("net-name", group="network", options=[NETWORK.option(by=["uuid"])])
def name(ctx: "Context", network: "NetworkRef") -> Text:
    """Show the name of the network with this UUID."""
    return Text(network.name + "\n", data=facts(network))


@command("net-uuid", group="network", options=[NETWORK.option(by=["name"])])
def uuid(ctx: "Context", network: "NetworkRef") -> Text:
    """Show the UUID of the network with this name."""
    return Text(facts(network)["uuid"] + "\n", data=facts(network))
