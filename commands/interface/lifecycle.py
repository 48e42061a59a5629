"""Host interfaces come and go: define, undefine, start, destroy, and transactions around such changes."""

from vsh.backends.constants import connect
from vsh.backends.constants.interface import INTERFACE_DEFINE_VALIDATE

from ..declare import command
from ..errors import failing
from ..files import VALIDATE, read_file, xml_file
from ..results import Message
from .lookup import facts, find_interface, interface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

ACTIVE, INACTIVE = connect.CONNECT_LIST_INTERFACES_ACTIVE, connect.CONNECT_LIST_INTERFACES_INACTIVE


@command(
    "iface-define",
    group="interface",
    options=[xml_file("interface"), VALIDATE],
)
def define(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Define a host interface from a file without starting it.

    An interface that has the name of the file gets the new definition.
    """
    xml = read_file(file)
    with failing(f"Failed to define interface from {file}"):
        ref = ctx.connection.interface_define_xml(xml, INTERFACE_DEFINE_VALIDATE * validate)
    return Message(f"Interface {ref.name} defined from {file}", interface=facts(ref), file=file)


@command("iface-undefine", group="interface", options=[interface()])
def undefine(ctx: "Context", interface: str) -> Message:
    """Forget the definition of a host interface."""
    ref = find_interface(ctx, interface)
    with failing(f"Failed to undefine interface {interface}"):
        ctx.connection.interface_undefine(ref)
    return Message(f"Interface {interface} undefined", interface=facts(ref))


@command("iface-start", group="interface", options=[interface(among=INACTIVE)])
def start(ctx: "Context", interface: str) -> Message:
    """Start a host interface."""
    ref = find_interface(ctx, interface)
    with failing(f"Failed to start interface {interface}"):
        ctx.connection.interface_create(ref, 0)
    return Message(f"Interface {interface} started", interface=facts(ref))


@command("iface-destroy", group="interface", options=[interface(among=ACTIVE)])
def destroy(ctx: "Context", interface: str) -> Message:
    """Stop a host interface at once."""
    ref = find_interface(ctx, interface)
    with failing(f"Failed to destroy interface {interface}"):
        ctx.connection.interface_destroy(ref, 0)
    return Message(f"Interface {interface} destroyed", interface=facts(ref))


@command("iface-begin", group="interface")
def begin(ctx: "Context") -> Message:
    """Remember how the host's interfaces are defined.

    Changes that follow are kept by iface-commit and undone by iface-rollback, or when the host starts anew.
    """
    with failing("Failed to begin network config change transaction"):
        ctx.connection.interface_change_begin(0)
    return Message("Network config change transaction started", transaction="started")


@command("iface-commit", group="interface")
def commit(ctx: "Context") -> Message:
    """Keep the changes to the host's interfaces since iface-begin."""
    with failing("Failed to commit network config change transaction"):
        ctx.connection.interface_change_commit(0)
    return Message("Network config change transaction committed", transaction="committed")


@command("iface-rollback", group="interface")
def rollback(ctx: "Context") -> Message:
    """Undo the changes to the host's interfaces since iface-begin."""
    with failing("Failed to rollback network config change transaction"):
        ctx.connection.interface_change_rollback(0)
    return Message("Network config change transaction rolled back", transaction="rolled_back")
