"""Certificates for what QEMU serves, or asks for, by TLS while a guest runs, as qemu.conf says where they are."""

import base64

from ..constants.secret import SECRET_USAGE_TYPE_TLS
from .qmp import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .driver import QemuDriver
    from .qmp import Monitor


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
