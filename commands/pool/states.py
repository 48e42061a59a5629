"""Pools and their sizes in words."""

from vsh.backends.constants.storage import STORAGE_POOL_DEGRADED, STORAGE_POOL_RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import StoragePoolGetInfo

#: virStoragePoolState.
STATES = ("inactive", "building", "running", "degraded", "inaccessible")
#: virStoragePoolType's names, in the order of CONNECT_LIST_STORAGE_POOLS_DIR and its followers.
TYPES = (
    "dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs", "vstorage",
    "iscsi-direct",
)  # fmt: skip


def state_name(state: int) -> str:
    """The name of a pool's state."""
    return STATES[state] if 0 <= state < len(STATES) else "unknown"


def measured(info: "StoragePoolGetInfo") -> bool:
    """Whether a pool is in a state in which its sizes say something."""
    return info.state in (STORAGE_POOL_RUNNING, STORAGE_POOL_DEGRADED)


def sizes(info: "StoragePoolGetInfo | None") -> "dict[str, Any]":
    """A pool's sizes for machines."""
    known = info if info is not None and measured(info) else None
    return {
        "capacity_bytes": known.capacity if known else None,
        "allocation_bytes": known.allocation if known else None,
        "available_bytes": known.available if known else None,
    }
