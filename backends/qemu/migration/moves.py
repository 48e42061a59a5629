"""Migration, what both halves share: flags and parameters, cookies, how far one is."""

import json

from ... import errors
from ...constants import domain as const
from .. import tls
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...params import TypedParams
    from ..driver import QemuDriver
    from ..qmp import Monitor

FLAGS = (
    const.MIGRATE_LIVE | const.MIGRATE_PERSIST_DEST | const.MIGRATE_UNDEFINE_SOURCE | const.MIGRATE_PAUSED
    | const.MIGRATE_NON_SHARED_DISK | const.MIGRATE_NON_SHARED_INC | const.MIGRATE_CHANGE_PROTECTION
    | const.MIGRATE_UNSAFE | const.MIGRATE_OFFLINE | const.MIGRATE_COMPRESSED | const.MIGRATE_ABORT_ON_ERROR
    | const.MIGRATE_AUTO_CONVERGE | const.MIGRATE_POSTCOPY | const.MIGRATE_PARALLEL
    | const.MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES | const.MIGRATE_TLS
)  # fmt: skip
#: QEMU's object for the certificates of a migration.
CREDENTIALS = "libvirt_migrate_tls0"
COPIES = const.MIGRATE_NON_SHARED_DISK | const.MIGRATE_NON_SHARED_INC
#: What our cookies say of themselves; libvirt's are XML.
KIND = "vsh-qemu-migration-1"
#: Flags -> QEMU's capability, on both sides.
CAPABILITIES = {
    const.MIGRATE_COMPRESSED: "xbzrle",
    const.MIGRATE_AUTO_CONVERGE: "auto-converge",
    const.MIGRATE_POSTCOPY: "postcopy-ram",
    const.MIGRATE_PARALLEL: "multifd",
}
#: virDomainMigrate parameters -> QEMU's, for numbers that are passed as they are.
NUMBERS = {
    "auto_converge.initial": "cpu-throttle-initial",
    "auto_converge.increment": "cpu-throttle-increment",
    "compression.xbzrle.cache": "xbzrle-cache-size",
    "parallel.connections": "multifd-channels",
}
#: How far one is: before anything may run elsewhere, after all has been sent, and when it is here but may not run yet.
BEGUN, SENT, ARRIVED = "begun", "sent", "arrived"


def refuse(flags: int, given: "TypedParams") -> None:
    """Raise VirtError for what cannot be done, or makes no sense."""
    if flags & const.MIGRATE_OFFLINE:
        if flags & COPIES:
            raise fail(errors.OPERATION_INVALID, "offline migration cannot handle non-shared storage")
        if not flags & const.MIGRATE_PERSIST_DEST:
            raise fail(errors.OPERATION_INVALID, "offline migration must be specified with the persistent flag set")
    known = {"migrate_uri", "destination_name", "destination_xml", "persistent_xml", "bandwidth", "bandwidth.postcopy",
             "listen_address", "migrate_disks", "disks_port", "compression", "tls.destination",
             *NUMBERS}  # fmt: skip
    for name, _, value in given.items:
        if name not in known or (name == "compression" and value != "xbzrle"):
            what = f"{name} {value}" if name == "compression" else name
            raise fail(errors.ARGUMENT_UNSUPPORTED, f"migration without libvirt does not know '{what}'")


def read_cookie(cookie: bytes) -> "dict[str, Any]":
    """What the other side says. Raises VirtError when it is not one of ours."""
    try:
        told: dict[str, Any] = json.loads(cookie)
        if told["kind"] == KIND:
            return told
    except (ValueError, KeyError, TypeError):
        pass
    raise fail(errors.OPERATION_UNSUPPORTED, "cannot migrate between libvirt and QEMU without libvirt")


def secure(driver: "QemuDriver", monitor: "Monitor", serves: bool, host: str = "") -> None:
    """Have QEMU send or receive over TLS alone; `host` is what the other side's certificate must be for."""
    tls.add(driver, monitor, "migrate", CREDENTIALS, serves)
    monitor.do("migrate-set-parameters", {"tls-creds": CREDENTIALS, "tls-hostname": host})


def unsecure(monitor: "Monitor") -> None:
    """Take away what `secure` has left in QEMU."""
    monitor.do("migrate-set-parameters", {"tls-creds": "", "tls-hostname": ""})
    tls.remove(monitor, CREDENTIALS)


def capabilities(flags: int, copying_disks: bool) -> "list[dict[str, object]]":
    """What both QEMUs are told to be capable of."""
    names = {name: bool(flags & flag) for flag, name in CAPABILITIES.items()}
    names |= {"pause-before-switchover": copying_disks, "events": True}
    return [{"capability": name, "state": state} for name, state in names.items()]
