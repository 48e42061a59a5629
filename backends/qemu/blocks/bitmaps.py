"""QEMU's dirty bitmaps: what a disk's images say has been written since each checkpoint."""

from . import chains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.disks import Disk
    from ..qmp import Monitor

    #: node -> name of a bitmap -> what QEMU tells of it
    Bitmaps = dict[str, dict[str, dict[str, Any]]]
    Action = dict[str, Any]

#: Bytes that a bit of a temporary bitmap stands for.
GRANULARITY = 65536


def all_of(monitor: "Monitor") -> "Bitmaps":
    """The bitmaps of all nodes."""
    found: Bitmaps = {}
    for node in monitor.do("query-named-block-nodes", {"flat": True}):
        named = [bitmap for bitmap in node.get("dirty-bitmaps", ()) if "name" in bitmap]
        found[node["node-name"]] = {bitmap["name"]: bitmap for bitmap in named}
    return found


def add(node: str, name: str, lasting: bool = True, granularity: "int | None" = None) -> "Action":
    """A lasting one records from now on; one that does not last is to be filled from others."""
    data: dict[str, Any] = {"node": node, "name": name, "persistent": lasting, "disabled": not lasting}
    if granularity:
        data["granularity"] = granularity
    return {"type": "block-dirty-bitmap-add", "data": data}


def merge(node: str, name: str, sources: "list[tuple[str, str]]") -> "Action":
    bitmaps = [{"node": source, "name": bitmap} for source, bitmap in sources]
    return {"type": "block-dirty-bitmap-merge", "data": {"node": node, "target": name, "bitmaps": bitmaps}}


def recorded(disk: "Disk", name: str, known: "Bitmaps") -> "list[tuple[str, str]] | None":
    """The bitmaps that together tell what was written since a checkpoint: one in each image from the disk's own down
    to the one that was the disk's own then. None when one is missing or of no use."""
    nodes = [chains.nodes(layer)[0] for layer in chains.layers(disk)]
    found = []
    for node in nodes:
        bitmap = known.get(node, {}).get(name)
        if bitmap is None:
            break
        if bitmap.get("inconsistent") or not bitmap.get("recording"):
            return None
        found.append((node, name))
    return found or None


def collect(disk: "Disk", into: str, sources: "list[tuple[str, str]]") -> "list[Action]":
    """Make a temporary bitmap of a disk's own image out of several."""
    node = chains.nodes(disk)[0]
    return [add(node, into, lasting=False, granularity=GRANULARITY), merge(node, into, sources)]


def carried_over(base: str, overlay: str, known: "Bitmaps") -> "list[Action]":
    """What an image put above another must have, so that all checkpoints go on recording."""
    return [
        add(overlay, name, granularity=bitmap["granularity"])
        for name, bitmap in known.get(base, {}).items()
        if bitmap.get("persistent") and bitmap.get("recording") and not bitmap.get("inconsistent")
    ]


def taken_down(gone: "list[str]", base: str, known: "Bitmaps") -> "list[Action]":
    """What an image must have into which others were merged, so that no checkpoint is lost."""
    actions = []
    there = set(known.get(base, {}))
    for node in gone:
        for name, bitmap in known.get(node, {}).items():
            if not bitmap.get("persistent") or bitmap.get("inconsistent"):
                continue
            if name not in there:
                actions.append(add(base, name, granularity=bitmap["granularity"]))
                there.add(name)
            actions.append(merge(base, name, [(node, name)]))
    return actions


def drop(monitor: "Monitor", node: str, name: str) -> None:
    """Remove a bitmap if it is there."""
    from ..qmp import CommandFailed

    try:
        monitor.do("block-dirty-bitmap-remove", {"node": node, "name": name})
    except CommandFailed:
        pass
