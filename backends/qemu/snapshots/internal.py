"""Internal snapshots: within the disks' own images, and with the memory in one of them."""

from ... import errors
from .. import definitions
from ..base import fail
from ..blocks import chains
from ..lifecycle import monitor_of
from ..storage.disks import locate
from .overlays import run_job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...xml.domain import Domain
    from ...xml.resources.snapshot import Snapshot
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..qmp import Monitor
    from ..store import Store


def targets(snapshot: "Snapshot") -> "list[str]":
    """The disks whose images hold a snapshot."""
    return [entry.name or "" for entry in snapshot.disks if entry.snapshot == "internal"]


def paths(store: "Store", model: "Domain", names: "list[str]") -> "list[str]":
    """The images of some of a domain's disks, as far as it has them.

    Raises VirtError for a volume that cannot be found.
    """
    locate(store, model.devices.disks)
    disks = {disk.target: disk for disk in model.devices.disks}
    return [str(disks[name].source.path) for name in names if name in disks]


def take_offline(host: "Host", images: "list[str]", name: str) -> None:
    """Raises VirtError; whoever planned it undoes what was done."""
    for path in images:
        if name in _within(host, path):
            raise fail(errors.OPERATION_FAILED, f"image '{path}' has a snapshot '{name}' already")
    for path in images:
        chains.qemu_img(host, "snapshot", "-c", name, path)


def check(host: "Host", images: "list[str]", name: str) -> None:
    """Raises OPERATION_FAILED unless all images have a snapshot."""
    for path in images:
        if name not in _within(host, path):
            raise fail(errors.OPERATION_FAILED, f"image '{path}' has no snapshot '{name}'")


def has_bitmaps(host: "Host", path: str) -> bool:
    """Whether an image keeps bitmaps, of checkpoints say."""
    if host.stat(path) is None:
        return False
    return bool(chains.info(host, path, "qcow2").get("format-specific", {}).get("data", {}).get("bitmaps"))


def apply_offline(host: "Host", images: "list[str]", name: str) -> None:
    """Put the images back to where they were. Raises VirtError."""
    for path in images:
        chains.qemu_img(host, "snapshot", "-a", name, path)


def drop_offline(host: "Host", images: "list[str]", name: str) -> None:
    """Take a snapshot out of the images that have it."""
    for path in images:
        if host.stat(path) is not None and name in _within(host, path):
            chains.qemu_img(host, "snapshot", "-d", name, path)


def _within(host: "Host", path: str) -> "list[str]":
    return [snapshot["name"] for snapshot in chains.info(host, path, "qcow2").get("snapshots", ())]


def take_live(monitor: "Monitor", model: "Domain", names: "list[str]", name: str) -> None:
    """The memory goes into the first image. Raises VirtError."""
    devices = _nodes(model, names)
    run_job(monitor, "snapshot-save", {"tag": name, "vmstate": devices[0], "devices": devices})


def drop_live(monitor: "Monitor", model: "Domain", names: "list[str]", name: str) -> None:
    run_job(monitor, "snapshot-delete", {"tag": name, "devices": _nodes(model, names)})


def _nodes(model: "Domain", names: "list[str]") -> "list[str]":
    return [chains.nodes(disk)[0] for disk in model.devices.disks if disk.target in names]


def drop(driver: "QemuDriver", guest: "Guest", names: "list[str]", name: str, images: "list[str]") -> None:
    """Take a snapshot out of a domain's images, wherever the domain stands; `images` are those that it had then."""
    if guest.active:
        model = definitions.read_live(driver.store, guest.uuid)
        locate(driver.store, model.devices.disks)
        with monitor_of(driver, guest) as monitor:
            drop_live(monitor, model, names, name)
        open_now = {layer.source.path for disk in model.devices.disks for layer in chains.layers(disk)}
        images = [path for path in images if path not in open_now]
    drop_offline(driver.host, images, name)
