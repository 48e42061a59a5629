"""Networks come and go: `net-define`, `net-create`, `net-start`, `net-destroy`, `net-undefine`, `net-autostart`."""

from vsh.backends.constants import connect
from vsh.backends.constants import network as constants

from ..declare import Flag, command
from ..errors import failing
from ..files import VALIDATE, read_file, xml_file
from ..named import NETWORK, facts
from ..results import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

ACTIVE, INACTIVE = connect.CONNECT_LIST_NETWORKS_ACTIVE, connect.CONNECT_LIST_NETWORKS_INACTIVE
FILE = (xml_file("network"), VALIDATE)


@command("net-define", group="network", options=FILE)
def define(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Define a network from a file without starting it.

    A network that has the name and UUID of the file gets the new definition; if it is active, from its next start on.
    """
    xml = read_file(file)
    with failing(f"Failed to define network from {file}"):
        if validate:
            ref = ctx.connection.network_define_xml_flags(xml, constants.NETWORK_DEFINE_VALIDATE)
        else:
            ref = ctx.connection.network_define_xml(xml)
    return Message(f"Network {ref.name} defined from {file}", network=facts(ref), file=file)


@command("net-create", group="network", options=FILE)
def create(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Start a network from a file without storing it.

    It is gone once it is destroyed.
    """
    xml = read_file(file)
    with failing(f"Failed to create network from {file}"):
        if validate:
            ref = ctx.connection.network_create_xml_flags(xml, constants.NETWORK_CREATE_VALIDATE)
        else:
            ref = ctx.connection.network_create_xml(xml)
    return Message(f"Network {ref.name} created from {file}", network=facts(ref), file=file)


@command("net-start", group="network", options=[NETWORK.option(INACTIVE, resolve=False)])
def start(ctx: "Context", network: str) -> Message:
    """Start a network that is defined and not active."""
    return NETWORK.change(ctx, network, "start", "started", ctx.connection.network_create)


@command("net-destroy", group="network", options=[NETWORK.option(ACTIVE, resolve=False)])
def destroy(ctx: "Context", network: str) -> Message:
    """Stop a network at once.

    Its definition stays, if it has one. Domains that use it lose their link.
    """
    return NETWORK.change(ctx, network, "destroy", "destroyed", ctx.connection.network_destroy)


@command(
    "net-undefine",
    group="network",
    options=[NETWORK.option(connect.CONNECT_LIST_NETWORKS_PERSISTENT, resolve=False)],
)
def undefine(ctx: "Context", network: str) -> Message:
    """Forget the definition of a network.

    An active network stays until it is destroyed.
    """
    return NETWORK.change(ctx, network, "undefine", "has been undefined", ctx.connection.network_undefine)


@command(
    "net-autostart",
    group="network",
    options=[
        NETWORK.option(connect.CONNECT_LIST_NETWORKS_PERSISTENT, resolve=False),
        Flag("disable", "do not start it with the host"),
    ],
)
def autostart(ctx: "Context", network: str, disable: bool = False) -> Message:
    """Have a network start with the host, or not."""
    return NETWORK.autostart(ctx, network, disable)
