"""The ports of a network: `net-port-list`, `net-port-create`, `net-port-dumpxml`, `net-port-delete`."""

from vsh.backends.constants.connect import CONNECT_LIST_NETWORKS_ACTIVE
from vsh.backends.constants.network import NETWORK_PORT_CREATE_VALIDATE

from ..declare import Data, Flag, command
from ..document import XPATH, checked, shown
from ..errors import CommandError, failing
from ..files import VALIDATE, read_file, xml_file
from ..named import NETWORK, facts
from ..results import Message, Table, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import NetworkPortRef, NetworkRef

    from ..context import Context

ACTIVE = NETWORK.option(CONNECT_LIST_NETWORKS_ACTIVE)


def uuids(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the UUIDs of the ports of the network that was typed."""
    network = NETWORK.find(ctx, given.get("network", ""))
    return [uuid_of(port) for port in ctx.connection.network_list_all_ports(network, 0)]


ACTIVE_NAMED = NETWORK.option(CONNECT_LIST_NETWORKS_ACTIVE, resolve=False)
PORT = Data("port", "the port's UUID", complete=uuids, empty=True)


def uuid_of(port: "NetworkPortRef") -> str:
    """A port's UUID as people read it."""
    from vsh.backends.xml.values import format_uuid

    return format_uuid(port.uuid)


def find_port(ctx: "Context", network: str, text: str) -> "NetworkPortRef | None":
    """The port with the UUID `text` of a network; None, with a warning, when there is none.

    virsh does not fail then, and keeps the cause to itself.
    """
    from vsh.backends.xml.values import parse_uuid

    try:
        ref = NETWORK.find(ctx, network)
        if not text:
            raise CommandError("Failed to get option 'port': Option argument is empty")
        with failing(f"failed to get network port '{text}'"):
            return ctx.connection.network_port_lookup_by_uuid(ref, parse_uuid(text))
    except CommandError as error:
        ctx.warn(error.summary)
    except ValueError:
        ctx.warn(f"failed to get network port '{text}'")
    return None


@command(
    "net-port-list",
    group="network",
    options=[ACTIVE_NAMED, Flag("uuid", "just the UUIDs"), Flag("table", "a table; this is the default")],
)
def list_ports(ctx: "Context", network: str, uuid: bool = False, table: bool = False) -> "Table | Text":
    """List the ports of an active network: what is plugged into it."""
    if table and uuid:
        raise CommandError("Only one argument from --table and --uuid may be specified.")
    ports = sorted(uuid_of(port) for port in ctx.connection.network_list_all_ports(NETWORK.find(ctx, network), 0))
    records = [{"uuid": port} for port in ports]
    if uuid:
        return Text("".join(f"{port}\n" for port in ports), data=records)
    return Table(["UUID"], [[port] for port in ports], records)


@command(
    "net-port-create",
    group="network",
    options=[
        ACTIVE,
        xml_file("port"),
        VALIDATE,
    ],
)
def create(ctx: "Context", network: "NetworkRef", file: str, validate: bool = False) -> Message:
    """Add a port to an active network, from a file."""
    xml = read_file(file)
    with failing(f"Failed to create network from {file}"):
        port = ctx.connection.network_port_create_xml(network, xml, NETWORK_PORT_CREATE_VALIDATE * validate)
    line = f"Network port {uuid_of(port)} created from {file}"
    return Message(line, network=facts(network), port=uuid_of(port), file=file)


@command("net-port-dumpxml", group="network", options=[ACTIVE_NAMED, PORT, *XPATH])
def dumpxml(ctx: "Context", network: str, port: str, xpath: "str | None" = None, wrap: bool = False) -> "Text | None":
    """Show the XML definition of a network's port.

    As in virsh, it is no failure if there is no such port.
    """
    ref = find_port(ctx, network, port)
    if ref is None:
        return None
    checked(xpath)
    return shown(ctx, ctx.connection.network_port_get_xml_desc(ref, 0), xpath, wrap)


@command("net-port-delete", group="network", options=[ACTIVE_NAMED, PORT])
def delete(ctx: "Context", network: str, port: str) -> "Message | None":
    """Remove a port from an active network.

    As in virsh, it is no failure if there is no such port.
    """
    ref = find_port(ctx, network, port)
    if ref is None:
        return None
    with failing(f"Failed to delete network port {uuid_of(ref)}"):
        ctx.connection.network_port_delete(ref, 0)
    return Message(f"Network port {uuid_of(ref)} deleted", network=facts(ref.net), port=uuid_of(ref))
