"""`nodedev-list`: the devices of a host."""

from vsh.backends.constants import connect as flags
from vsh.backends.errors import VirtError

from ..declare import Flag, Opt, command
from ..errors import CommandError, failing
from ..named import by_name
from ..results import Text
from ..tree import Tree
from ..words import split_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

#: The kinds of devices; flag number i of virConnectListAllNodeDeviceFlags asks for the i-th.
KINDS = (
    "system", "pci", "usb_device", "usb", "net", "scsi_host", "scsi_target", "scsi", "storage", "fc_host", "vports",
    "scsi_generic", "drm", "mdev_types", "mdev", "ccw", "css", "vdpa", "ap_card", "ap_queue", "ap_matrix", "vpd",
    "ccwgroup", "ccwgroup_member",
)  # fmt: skip
#: The root of the tree, which is not asked for its parent.
ROOT = "computer"


@command(
    "nodedev-list",
    group="nodedev",
    options=[
        Flag("tree", "draw which device hangs on which"),
        Opt("cap", "only devices that are of these kinds: A,B,...", empty=True, complete=lambda ctx, given: KINDS),
        Flag("inactive", "devices that are defined and not active, instead of active ones"),
        Flag("all", "active and inactive devices"),
        Flag("persistent", "only devices that are defined"),
        Flag("transient", "only devices that are not defined"),
    ],
)
def list_devices(
    ctx: "Context",
    tree: bool = False,
    cap: str = "",
    inactive: bool = False,
    all: bool = False,
    persistent: bool = False,
    transient: bool = False,
) -> "Text | Tree":
    """List the devices of the host.

    Without options those that are active.
    """
    if all and inactive:
        raise CommandError("Option --all is incompatible with --inactive")
    if tree and (cap or inactive):
        raise CommandError("Option --tree is incompatible with --cap and --inactive")
    wanted = 0
    for kind in split_list(cap) if cap else []:
        if kind not in KINDS:
            raise CommandError("Invalid capability type", hint=f"kinds are {', '.join(KINDS)}")
        wanted |= 1 << KINDS.index(kind)
    wanted |= flags.CONNECT_LIST_NODE_DEVICES_INACTIVE * (inactive or all)
    wanted |= flags.CONNECT_LIST_NODE_DEVICES_ACTIVE * (not inactive)
    wanted |= flags.CONNECT_LIST_NODE_DEVICES_PERSISTENT * persistent
    wanted |= flags.CONNECT_LIST_NODE_DEVICES_TRANSIENT * transient
    with failing("Failed to list node devices"):
        refs = sorted(ctx.connection.connect_list_all_node_devices(wanted), key=by_name)
    if not tree:
        lines = "".join(f"{ref.name}\n" for ref in refs)
        return Text(lines, data=[{"name": ref.name} for ref in refs])
    below = [ref.name for ref in refs if ref.name != ROOT]
    answers = ctx.connection.batch([("node_device_get_parent", (name,)) for name in below])
    parents = dict(zip(below, answers, strict=True))
    known = {name: None if isinstance(parent, VirtError) else parent for name, parent in parents.items()}
    return Tree([(ref.name, known.get(ref.name)) for ref in refs])
