"""Images that a running QEMU opens beside those it began with: making them, and what opens encrypted ones."""

from .. import definitions
from . import chains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..qmp import Monitor
    from .chains import Layer


def unlock(driver: "QemuDriver", monitor: "Monitor", model: "Domain", disk: "Disk", layer: "Layer") -> None:
    """Let QEMU have what opens a layer's image: secrets, certificates. Raises VirtError."""
    from ..argv import storage
    from ..argv.command import Command
    from ..argv.disks import access
    from ..plugs import plugging
    from ..readying import launch, write_secrets

    launched = launch(driver, model, model.id)
    command = Command(model, definitions.capabilities(driver, model), launched)
    name, storage_name = chains.nodes(layer)
    storage.objects(command, access(disk, layer), storage_name, name)
    try:
        write_secrets(driver, launched)
        plugging.plug(monitor, plugging.parse(command.argv))
    finally:
        driver.host.remove(*launched.secrets)


def lock(monitor: "Monitor", layer: "Layer") -> None:
    """Take away what opened an image that was closed, as far as it is there."""
    from .blockstate import forget

    node, storage = chains.nodes(layer)
    source = chains.source_of(layer)
    for there, name in (
        (source.encryption, chains.secret_of(node)),
        (source.auth, f"{storage}-auth-secret0"),
        (source.cookies, f"{storage}-httpcookie-secret0"),
        (source.tls, f"obj{storage}_tls0"),
    ):
        if there:
            forget(monitor, "object-del", "id", name)


def making(layer: "Layer", storage: str, size: int, more: "dict[str, Any]") -> "dict[str, Any] | None":
    """What QEMU is told to make of a file that it has open as the node `storage`; None where there is nothing to make.

    `more` is what its format is told besides.
    """
    format, node = chains.format_of(layer), chains.nodes(layer)[0]
    key = chains.secret_of(node) if chains.source_of(layer).encryption is not None else None
    if format == "raw":
        return {"driver": "luks", "file": storage, "size": size, "key-secret": key} if key else None
    encrypt = {"encrypt": {"format": "luks", "key-secret": key}} if key else {}
    return {"driver": format, "file": storage, "size": size, **more, **encrypt}
