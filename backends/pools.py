"""What drivers with storage pools share: filters of lists, pools that would use the same storage, kinds of volumes."""

from .common import passes
from .constants import connect
from .constants import storage as const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .xml.resources.pool import Pool

FILTERS = 0xFFFFF
#: Types of pools in the order of VIR_CONNECT_LIST_STORAGE_POOLS_*, from DIR on.
TYPES = (
    "dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs", "vstorage",
    "iscsi-direct",
)  # fmt: skip
#: Types whose pools conflict, also with each other's, when they have a device in common.
ON_DEVICES = ("fs", "logical", "disk", "zfs")
#: What volumes are in pools of each type; in all others they are block devices.
VOLUMES = dict.fromkeys(("dir", "fs", "netfs", "vstorage"), const.STORAGE_VOL_FILE) | dict.fromkeys(
    ("sheepdog", "iscsi-direct", "gluster", "rbd"), const.STORAGE_VOL_NETWORK
)
RUNNING = (connect.CONNECT_LIST_STORAGE_POOLS_ACTIVE, connect.CONNECT_LIST_STORAGE_POOLS_INACTIVE)
KEPT = (connect.CONNECT_LIST_STORAGE_POOLS_PERSISTENT, connect.CONNECT_LIST_STORAGE_POOLS_TRANSIENT)
STARTED = (connect.CONNECT_LIST_STORAGE_POOLS_AUTOSTART, connect.CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART)


def matches(flags: int, type: str, active: bool, persistent: bool, autostart: bool) -> bool:
    """Whether a pool passes the filters VIR_CONNECT_LIST_STORAGE_POOLS_*."""
    own = connect.CONNECT_LIST_STORAGE_POOLS_DIR << TYPES.index(type)
    return passes(
        flags,
        (0x3, *RUNNING, active),
        (0xC, *KEPT, persistent),
        (0x30, *STARTED, autostart),
        (FILTERS & ~0x3F, own, 0, True),
    )


def conflict(one: "Pool", other: "Pool") -> bool:
    """Whether pools with different names would use the same storage."""
    mine, its = one.source, other.source
    paths = {device.path for device in mine.devices} & {device.path for device in its.devices}
    if one.type in ON_DEVICES and other.type in ON_DEVICES:
        return bool(paths)
    if one.type != other.type:
        return False
    if one.type == "dir":
        return one.target.path == other.target.path
    if one.type in ("netfs", "gluster"):
        hosts = [host.name for host in mine.hosts], [host.name for host in its.hosts]
        return (mine.dir, mine.name) == (its.dir, its.name) and len(hosts[0]) == 1 and hosts[0] == hosts[1]
    if one.type == "iscsi":
        return bool(paths) and mine.iqn == its.iqn
    if one.type == "scsi":
        return mine.adapter == its.adapter
    return one.type == "mpath" or (one.type in ("sheepdog", "vstorage") and mine.name == its.name)
