"""TLS of what QEMU serves or asks for while a guest runs: whether, and with which certificates, says qemu.conf."""

import base64

from ..constants.secret import SECRET_USAGE_TYPE_TLS
from .blocks.chains import layers
from .qmp import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..xml.disks import Disk
    from ..xml.storage import Source
    from .driver import QemuDriver
    from .qmp import Monitor


def choose(driver: "QemuDriver", disks: "Iterable[Disk]") -> None:
    """Let disks that NBD serves, and do not say so themselves, use TLS or not as qemu.conf says."""
    for disk in disks:
        for layer in layers(disk):
            choose_one(driver, layer.source)


def choose_one(driver: "QemuDriver", source: "Source") -> None:
    """The same for one source."""
    if source.protocol == "nbd" and source.tls is None:
        source.tls = driver.settings.number("nbd_tls", 0) != 0


def add(driver: "QemuDriver", monitor: "Monitor", user: str, name: str, serves: bool) -> None:
    """Let QEMU have the certificates for one kind of `user` (backup, migrate) as its object `name`.

    `serves` says which end it is. Raises VirtError, with QEMU's words where it cannot use them.
    """
    from uuid import UUID

    from .secrets import value_of

    settings = driver.settings
    remove(monitor, name)  # of somebody who was killed
    told: dict[str, object] = {"qom-type": "tls-creds-x509", "id": name, "dir": settings.tls_folder(user)}
    told |= {"endpoint": "server" if serves else "client", "verify-peer": not serves or settings.tls_verify(user)}
    secret = settings.tls_secret(user)
    if secret:
        data = base64.b64encode(value_of(driver, SECRET_USAGE_TYPE_TLS, UUID(secret).bytes)).decode("ascii")
        told["passwordid"] = _secret(name)
        monitor.do("object-add", {"qom-type": "secret", "id": _secret(name), "data": data, "format": "base64"})
    monitor.do("object-add", told)


def remove(monitor: "Monitor", name: str) -> None:
    """Take them away, as far as they are there."""
    for id in (name, _secret(name)):
        try:
            monitor.do("object-del", {"id": id})
        except CommandFailed:
            continue


def _secret(name: str) -> str:
    return f"{name}-secret0"
