"""Node devices come and go: create, destroy, define, undefine, start, autostart, update."""

from vsh.backends.constants import connect
from vsh.backends.constants import node as constants
from vsh.backends.errors import VirtError

from ..declare import Alias, Flag, command
from ..domain.impact import EXCLUSIVE, impact
from ..errors import failing
from ..files import VALIDATE, read_file, xml_file
from ..results import Message
from .lookup import device, find_device, find_device_or_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import NodeDeviceRef

    from ..context import Context

INACTIVE = connect.CONNECT_LIST_NODE_DEVICES_INACTIVE
FILE = (xml_file("device"), VALIDATE)


@command("nodedev-create", group="nodedev", options=FILE)
def create(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Create a device on the host from a file: a virtual SCSI host or a mediated device.

    It can then be given to a domain, and is gone once it is destroyed.
    """
    xml = read_file(file)
    with failing(f"Failed to create node device from {file}"):
        ref = ctx.connection.node_device_create_xml(xml, constants.NODE_DEVICE_CREATE_XML_VALIDATE * validate)
    return Message(f"Node device {ref.name} created from {file}", device=ref.name, file=file)


@command("nodedev-define", group="nodedev", options=FILE)
def define(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Store the definition of a device from a file without starting it."""
    xml = read_file(file)
    with failing(f"Failed to define node device from '{file}'"):
        ref = ctx.connection.node_device_define_xml(xml, constants.NODE_DEVICE_DEFINE_XML_VALIDATE * validate)
    return Message(f"Node device '{ref.name}' defined from '{file}'", device=ref.name, file=file)


@command("nodedev-destroy", group="nodedev", options=[Alias("name", "device"), device()])
def destroy(ctx: "Context", device: str) -> Message:
    """Remove a device from the host.

    Its definition stays, if it has one.
    """
    ref = find_device_or_host(ctx, device)
    with failing(f"Failed to destroy node device '{device}'"):
        ctx.connection.node_device_destroy(ref.name)
    return Message(f"Destroyed node device '{device}'", device=ref.name)


@command("nodedev-undefine", group="nodedev", options=[device()])
def undefine(ctx: "Context", device: str) -> Message:
    """Forget the definition of a device."""
    ref = find_device_or_host(ctx, device)
    with failing(f"Failed to undefine node device '{device}'"):
        ctx.connection.node_device_undefine(ref.name, 0)
    return Message(f"Undefined node device '{device}'", device=ref.name)


@command("nodedev-start", group="nodedev", options=[device(among=INACTIVE)])
def start(ctx: "Context", device: str) -> Message:
    """Start a device that is defined and not active."""
    ref = find_device(ctx, device)
    with failing(f"Failed to start device {device}"):
        ctx.connection.node_device_create(ref.name, 0)
    return Message(f"Device {device} started", device=ref.name)


@command("nodedev-autostart", group="nodedev", options=[device(), Flag("disable", "do not start it with the host")])
def autostart(ctx: "Context", device: str, disable: bool = False) -> Message:
    """Have a device start with the host, or not."""
    ref = find_device_or_host(ctx, device)
    mark = "unmark" if disable else "mark"
    with failing(f"failed to {mark} device {device} as autostarted"):
        ctx.connection.node_device_set_autostart(ref.name, int(not disable))
    return Message(f"Device {device} {mark}ed as autostarted", device=ref.name, autostart=not disable)


@command(
    "nodedev-update",
    group="nodedev",
    options=[
        device(find_device),
        xml_file("device"),
        Flag("config", "the stored definition, for the next start"),
        Flag("live", "the active device"),
        Flag("current", "the active device if it is active, else the stored definition; this is the default"),
    ],
    exclusive=EXCLUSIVE,
)
def update(
    ctx: "Context", device: "NodeDeviceRef", file: str, config: bool = False, live: bool = False, current: bool = False
) -> Message:
    """Change a device, active or stored, to what a file says."""
    xml = read_file(file)
    with failing(f"Failed to update node device {device.name} from '{file}'"):
        ctx.connection.node_device_update(device.name, xml, impact(config, live))
    changed_live = live or (not config and _active(ctx, device))
    changed_config = config or not changed_live
    affected = ["persistent config"] * changed_config + ["live state"] * changed_live
    line = f"Updated node device {device.name} {' and '.join(affected)}"
    return Message(line, device=device.name, config=changed_config, live=changed_live)


def _active(ctx: "Context", device: "NodeDeviceRef") -> bool:
    try:
        return bool(ctx.connection.node_device_is_active(device.name))
    except VirtError:
        return True  # virsh counts an answer it does not get as yes
