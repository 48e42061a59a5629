"""What interfaces a host has: `iface-list`, `iface-dumpxml`, `iface-name`, `iface-mac`."""

from vsh.backends.constants import connect as flags
from vsh.backends.constants.interface import INTERFACE_XML_INACTIVE

from ..answers import activity, truth
from ..declare import Data, Flag, command
from ..document import XPATH, checked, shown
from ..errors import failing
from ..named import by_name
from ..results import Table, Text
from .lookup import facts, find_interface, interface, interface_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import InterfaceRef

    from ..context import Context


@command(
    "iface-list",
    group="interface",
    options=[Flag("inactive", "only interfaces that are not active"), Flag("all", "all interfaces")],
    exclusive=[("all", "inactive")],
)
def list_interfaces(ctx: "Context", inactive: bool = False, all: bool = False) -> Table:
    """List the network interfaces of the host.

    Without options those that are active.
    """
    wanted = flags.CONNECT_LIST_INTERFACES_INACTIVE if inactive else flags.CONNECT_LIST_INTERFACES_ACTIVE
    if all:
        wanted = flags.CONNECT_LIST_INTERFACES_ACTIVE | flags.CONNECT_LIST_INTERFACES_INACTIVE
    with failing("Failed to list interfaces"):
        refs = sorted(ctx.connection.connect_list_all_interfaces(wanted), key=by_name)
    answers = ctx.connection.batch([("interface_is_active", (ref,)) for ref in refs])
    rows, records = [], []
    for ref, active in zip(refs, answers, strict=True):
        rows.append([ref.name, activity(active), ref.mac])
        records.append({**facts(ref), "active": truth(active)})
    return Table(["Name", "State", "MAC Address"], rows, records)


@command(
    "iface-dumpxml",
    group="interface",
    options=[interface(find_interface), Flag("inactive", "the stored definition, not the present state"), *XPATH],
)
def dumpxml(
    ctx: "Context", interface: "InterfaceRef", inactive: bool = False, xpath: "str | None" = None, wrap: bool = False
) -> Text:
    """Show the XML description of a host interface.

    With --inactive it can be edited and given to iface-define.
    """
    checked(xpath)
    return shown(ctx, ctx.connection.interface_get_xml_desc(interface, INTERFACE_XML_INACTIVE * inactive), xpath, wrap)


def _macs(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    return [ref.mac for ref in ctx.connection.connect_list_all_interfaces(3)]


@command(
    "iface-name",
    group="interface",
    options=[Data("interface", "the interface's MAC address", empty=True, complete=_macs)],
)
def name(ctx: "Context", interface: str) -> Text:
    """Show the name of the interface with this MAC address."""
    ref = find_interface(ctx, interface, ["mac"])
    return Text(ref.name + "\n", data=facts(ref))


@command(
    "iface-mac",
    group="interface",
    options=[Data("interface", "the interface's name", empty=True, complete=interface_names())],
)
def mac(ctx: "Context", interface: str) -> Text:
    """Show the MAC address of the interface with this name."""
    ref = find_interface(ctx, interface, ["name"])
    return Text(ref.mac + "\n", data=facts(ref))
