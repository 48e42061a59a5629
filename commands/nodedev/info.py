"""What a node device is: `nodedev-info`, `nodedev-dumpxml`."""

from vsh.backends.constants.node import NODE_DEVICE_XML_INACTIVE
from vsh.backends.errors import VirtError

from ..answers import truth, yes_no
from ..declare import Flag, command
from ..document import XPATH, checked, shown
from ..results import Pairs, Text
from .lookup import device, find_device_or_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vsh.backends.records import NodeDeviceRef

    from ..context import Context


@command(
    "nodedev-dumpxml",
    group="nodedev",
    options=[device(find_device_or_host, late=True), *XPATH, Flag("inactive", "the definition for the next start")],
)
def dumpxml(
    ctx: "Context",
    device: "Callable[[], NodeDeviceRef]",
    xpath: "str | None" = None,
    wrap: bool = False,
    inactive: bool = False,
) -> Text:
    """Show the XML description of a node device."""
    checked(xpath)
    flags = NODE_DEVICE_XML_INACTIVE * inactive
    return shown(ctx, ctx.connection.node_device_get_xml_desc(device().name, flags), xpath, wrap)


@command("nodedev-info", group="nodedev", options=[device(find_device_or_host)])
def info(ctx: "Context", device: "NodeDeviceRef") -> Pairs:
    """Show basic facts about a node device."""
    calls = ("get_parent", "is_active", "is_persistent", "get_autostart")
    parent, active, persistent, autostart = ctx.connection.batch(
        [(f"node_device_{call}", (device.name,)) for call in calls]
    )
    known = None if isinstance(parent, VirtError) else parent
    # virsh counts an answer it does not get as yes.
    rows = [("Name:", device.name), ("Parent:", known or ""), ("Active:", yes_no(active, "yes"))]
    rows += [("Persistent:", yes_no(persistent, "yes")), ("Autostart:", yes_no(autostart, "no autostart"))]
    data = {"active": truth(active), "persistent": truth(persistent), "autostart": truth(autostart)}
    return Pairs(rows, {"name": device.name, "parent": known, **data})
