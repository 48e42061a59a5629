"""`iface-bridge`, `iface-unbridge`: put a host interface below a bridge, and take it out again."""

from vsh.backends.constants.interface import INTERFACE_XML_INACTIVE
from vsh.backends.errors import FROM_NONE, VirtError

from ..declare import Data, Flag, Int, command
from ..errors import CommandError, failing
from ..results import Message
from .lookup import facts, find_interface, interface_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element

    from vsh.backends.records import InterfaceRef

    from ..context import Context

#: What belongs to the device itself and goes with it.
OWN = ("mac", "bond", "vlan")
DELAY = Int(
    "delay", "how many seconds the bridge waits before it forwards for a new port", least=0, most=2**32 - 1, late=True
)


def _read(ctx: "Context", ref: "InterfaceRef", name: str, what: str) -> "tuple[_Element, str]":
    """The stored definition of an interface, and its type.

    Raises CommandError.
    """
    from vsh.backends.xml.parse import read_tree

    xml = ctx.connection.interface_get_xml_desc(ref, INTERFACE_XML_INACTIVE)
    with failing(f"Failed to parse configuration of {name}"):
        root = read_tree(xml, what, FROM_NONE)
    kind = root.get("type")
    if kind is None:
        raise CommandError(f"Existing device {name} has no type")
    return root, kind


def _check_name(root: "_Element", name: str) -> None:
    known = root.get("name")
    if known != name:
        raise CommandError(f"Interface name from config {known} doesn't match given supplied name {name}")


def _move(source: "_Element", target: "_Element") -> None:
    for node in list(source):
        if node.tag in OWN:
            target.append(node)


def _text(root: "_Element") -> str:
    from lxml import etree

    return etree.tostring(root, encoding="unicode")


@command(
    "iface-bridge",
    group="interface",
    options=[
        Data("interface", "the interface's name", empty=True, complete=interface_names()),
        Data("bridge", "the name of the new bridge", empty=True),
        Flag("no-stp", "without the spanning tree protocol"),
        DELAY,
        Flag("no-start", "do not start the bridge"),
    ],
)
def bridge(
    ctx: "Context",
    interface: str,
    bridge: str,
    no_stp: bool = False,
    delay: "Callable[[], int] | None" = None,
    no_start: bool = False,
) -> "Iterator[Message]":
    """Make a bridge and put an interface of the host below it.

    The bridge takes over the interface's addresses.
    """
    from lxml.etree import SubElement

    ref = find_interface(ctx, interface, ["name"])
    if not bridge:
        raise CommandError("Failed to get option 'bridge': Option argument is empty")
    try:
        ctx.connection.interface_lookup_by_name(bridge)
    except VirtError as error:
        missing = error
    else:
        raise CommandError(f"Network device {bridge} already exists")
    try:
        seconds = delay() if delay else 0
    except CommandError as error:
        raise CommandError(error.summary, missing) from error  # virsh shows the last failure, whatever it was for
    root, kind = _read(ctx, ref, interface, "(interface definition)")
    if kind == "bridge":
        raise CommandError(f"Existing device {interface} is already a bridge")
    _check_name(root, interface)
    port = SubElement(root, "bridge", {"stp": "off"} if no_stp else {"stp": "on", "delay": str(seconds)})
    root.set("type", "bridge")
    root.set("name", bridge)
    _move(root, SubElement(port, "interface", {"type": kind, "name": interface}))
    with failing(f"Failed to define new bridge interface {bridge}"):
        made = ctx.connection.interface_define_xml(_text(root), 0)
    yield Message(f"Created bridge {bridge} with attached device {interface}", bridge=facts(made), interface=facts(ref))
    if not no_start:
        with failing(f"Failed to start bridge interface {bridge}"):
            ctx.connection.interface_create(made, 0)
        yield Message(f"Bridge interface {bridge} started", started=facts(made))


@command(
    "iface-unbridge",
    group="interface",
    options=[
        Data("bridge", "the bridge's name", empty=True, complete=interface_names()),
        Flag("no-start", "do not start the interface that becomes free"),
    ],
)
def unbridge(ctx: "Context", bridge: str, no_start: bool = False) -> "Iterator[Message]":
    """Take the one interface below a bridge out of it, and undefine the bridge.

    The interface takes over the bridge's addresses.
    """
    ref = find_interface(ctx, bridge, ["name"], "bridge")
    root, kind = _read(ctx, ref, bridge, "(bridge interface definition)")
    if kind != "bridge":
        raise CommandError(f"Device {bridge} is not a bridge")
    _check_name(root, bridge)
    if root.find("bridge") is None:
        raise CommandError("No bridge node in xml document")
    ports = root.findall("bridge/interface")
    if len(ports) > 1:
        raise CommandError("Multiple interfaces attached to bridge")
    if not ports:
        raise CommandError("No interface attached to bridge")
    name, kind_of_port = ports[0].get("name"), ports[0].get("type")
    if name is None:
        raise CommandError(f"Device attached to bridge {bridge} has no name")
    if kind_of_port is None:
        raise CommandError(f"Attached device {name} has no type")
    root.set("type", kind_of_port)
    root.set("name", name)
    _move(ports[0], root)
    with failing(f"Failed to destroy bridge interface {bridge}"):
        ctx.connection.interface_destroy(ref, 0)
    with failing(f"Failed to undefine bridge interface {bridge}"):
        ctx.connection.interface_undefine(ref)
    with failing(f"Failed to define new interface {name}"):
        made = ctx.connection.interface_define_xml(_text(root), 0)
    yield Message(f"Device {name} un-attached from bridge {bridge}", interface=facts(made), bridge=facts(ref))
    if not no_start:
        with failing(f"Failed to start interface {name}"):
            ctx.connection.interface_create(made, 0)
        yield Message(f"Interface {name} started", started=facts(made))
