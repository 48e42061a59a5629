"""Files that guests use as another user than we are: each is lent to that user while a guest has it, and given back to
whom it belonged to afterwards (libvirt's dynamic_ownership).

What that user can use anyway stays as it is. What a guest has borrowed is written down before it is handed over; the
last guest that uses a file gives it back.
"""

from .. import errors
from ..xml.hostdev_source import UsbSource
from .blocks import chains
from .guests import STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..hosts import Stat
    from ..xml.disks import Disk
    from ..xml.domain import Domain
    from .driver import QemuDriver
    from .store import Running

    #: A path, and whether the guest writes there.
    Need = tuple[str, bool]

READ, WRITE = 4, 2


def needs(domain: "Domain") -> "list[Need]":
    """The files that a guest uses, as far as they are there before it starts."""
    found = [need for disk in domain.devices.disks for need in of_disk(disk)]
    system, devices = domain.os, domain.devices
    found += [(path, False) for path in (system.kernel, system.initrd, system.dtb) if path]
    for port in (*devices.serials, *devices.parallels, *devices.consoles, *devices.channels):
        if port.source.type in ("file", "dev", "pipe") and port.source.path:
            found.append((port.source.path, True))
    found += [(module.path, not module.readonly) for module in devices.memories if module.path]
    found += [(device.evdev or device.dev or "", True) for device in devices.inputs if device.evdev or device.dev]
    found += [(tpm.device or "", True) for tpm in devices.tpms if tpm.type == "passthrough"]
    sources = [hostdev.source for hostdev in devices.hostdevs if isinstance(hostdev.source, UsbSource)]
    found += [(f"/dev/bus/usb/{source.bus:03}/{source.device:03}", True) for source in sources]
    return found


def of_disk(disk: "Disk") -> "list[Need]":
    """The same for one disk: its image, and those below it, which are only read."""
    return [
        (layer.source.path, layer is disk and not disk.readonly)
        for layer in chains.layers(disk)
        if layer.source.path and (layer.source.type in ("file", "block") or layer.source.located)
    ]


def lend(driver: "QemuDriver", record: "Running", needed: "Iterable[Need]") -> None:
    """Let a guest's user have files, and write down whose they were; call it with the domain's lock.

    Raises SYSTEM_ERROR for a file that cannot be given away.
    """
    owner = _user(driver)
    if owner is None:
        return
    host = driver.host
    with driver.store.lock("owners", "owners of files"):
        others = _lent(driver, record)
        given = []
        for path, write in needed:
            stat = host.stat(path)
            if stat is None:
                continue
            given += [] if usable(stat, owner, write) else [path]
            if path in others or path in given:
                record.lent.setdefault(path, others.get(path, stat.owner))
        driver.store.write_running(record)
        for path in given:
            try:
                host.give(path, owner)
            except OSError as error:
                text = f"unable to give '{path}' to user and group {owner[0]}:{owner[1]}: {error.strerror}"
                raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_QEMU) from None


def hand_over(driver: "QemuDriver", path: str, record: "Running | None" = None) -> None:
    """Let guests' user have an image that was made for a guest: while `record`'s runs, or for good where nothing is
    lent."""
    if _user(driver) is None:
        driver.give(path)
    elif record is not None:
        lend(driver, record, [(path, True)])


def leave(
    driver: "QemuDriver", record: "Running | None", model: "Domain", paths: "Iterable[str] | None" = None
) -> None:
    """Give back those of `paths` (of all that a guest borrowed) that by its new definition it has no more."""
    if record is not None and record.lent:
        kept = {path for path, _ in needs(model)}
        take_back(driver, record, [path for path in (record.lent if paths is None else paths) if path not in kept])


def take_back(driver: "QemuDriver", record: "Running", paths: "Iterable[str] | None" = None) -> None:
    """Give files (or all) that a guest borrowed to whom they belonged, unless somebody changed that or another guest
    has them too; call it with the domain's lock."""
    if not record.lent:
        return
    owner = _user(driver)
    with driver.store.lock("owners", "owners of files"):
        others = _lent(driver, record)
        for path in list(record.lent if paths is None else paths):
            was = record.lent.pop(path, None)
            stat = driver.host.stat(path) if was is not None and path not in others else None
            if was is not None and stat is not None and stat.owner == owner:
                driver.host.give(path, was)
        driver.store.write_running(record)


def usable(stat: "Stat", owner: "tuple[int, int]", write: bool) -> bool:
    """Whether a user, by number and group, may read a file, and write it if that is needed, by its mode."""
    uid, gid = owner
    shift = 6 if stat.owner[0] == uid else 3 if stat.owner[1] == gid else 0
    wanted = READ | (WRITE if write else 0)
    return (stat.mode >> shift) & wanted == wanted


def _user(driver: "QemuDriver") -> "tuple[int, int] | None":
    return driver.settings.owner() if driver.settings.number("dynamic_ownership", 1) else None


def _lent(driver: "QemuDriver", record: "Running") -> "dict[str, tuple[int, int]]":
    """What the other guests have borrowed."""
    found: dict[str, tuple[int, int]] = {}
    for other in driver.store.running().values():
        if other.uuid != record.uuid and other.phase != STOPPED:
            found |= other.lent
    return found
