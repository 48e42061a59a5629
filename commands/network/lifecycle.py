"""Networks come and go: `net-define`, `net-create`, `net-start`, `net-destroy`, `net-undefine`, `net-autostart`."""

from vsh.backends.constants import connect
from vsh.backends.constants import network as constants

from ..declare import Data, Flag, command
from ..errors import failing
from ..files import read_file
from ..named import NETWORK, facts
from ..results import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

ACTIVE, INACTIVE = connect.CONNECT_LIST_NETWORKS_ACTIVE, connect.CONNECT_LIST_NETWORKS_INACTIVE
FILE = (
    Data("file", "a file with the network's XML"),
    Flag("validate", "refuse XML that does not match libvirt's schema"),
)


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
    ref = NETWORK.find(ctx, network)
    with failing(f"Failed to start network {network}"):
        ctx.connection.network_create(ref)
    return Message(f"Network {network} started", network=facts(ref))


@command("net-destroy", group="network", options=[NETWORK.option(ACTIVE, resolve=False)])
def destroy(ctx: "Context", network: str) -> Message:
    """Stop a network at once.

    Its definition stays, if it has one. Domains that use it lose their link.
    """
    ref = NETWORK.find(ctx, network)
    with failing(f"Failed to destroy network {network}"):
        ctx.connection.network_destroy(ref)
    return Message(f"Network {network} destroyed", network=facts(ref))


@command(
    "net-undefine",
    group="network",
    options=[NETWORK.option(connect.CONNECT_LIST_NETWORKS_PERSISTENT, resolve=False)],
)
def undefine(ctx: "Context", network: str) -> Message:
    """Forget the definition of a network.

    An active network stays until it is destroyed.
    """
    ref = NETWORK.find(ctx, network)
    with failing(f"Failed to undefine network {network}"):
        ctx.connection.network_undefine(ref)
    return Message(f"Network {network} has been undefined", network=facts(ref))


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
    ref = NETWORK.find(ctx, network)
    mark = "unmark" if disable else "mark"
    with failing(f"failed to {mark} network {network} as autostarted"):
        ctx.connection.network_set_autostart(ref, int(not disable))
    return Message(f"Network {network} {mark}ed as autostarted", network=facts(ref), autostart=not disable)
