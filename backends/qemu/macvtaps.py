"""Macvtap devices: an interface of the host's that a guest has directly (`<interface type='direct'>`).

Unlike taps they last until they are removed; which a guest has is written down before they are made.
"""

from .. import errors
from .base import fail
from .links import ip
from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Finished
    from ..xml.domain import Domain
    from ..xml.interfaces import Interface
    from .driver import QemuDriver
    from .store import Running

#: What ip(8) calls libvirt's modes.
MODES = {"vepa": "vepa", "private": "private", "bridge": "bridge", "passthrough": "passthru"}
MOST = 8192
#: How often a name is chosen that somebody else then takes.
TRIES = 10


def open_one(driver: "QemuDriver", record: "Running", net: "Interface") -> "list[int]":
    """Make the device of an interface, whose name is filled in; its open file. Raises VirtError."""
    if driver.host.me()[0] != 0:
        raise fail(errors.CONFIG_UNSUPPORTED, "interface type 'direct' takes root without libvirt")
    name = _make(driver, record, net)
    _checked(name, ip(driver, "link", "set", "dev", name, "up"))
    shown = _checked(name, ip(driver, "-o", "link", "show", "dev", name))
    path = f"/dev/tap{shown.partition(':')[0].strip()}"
    try:
        file = driver.host.open_file(path, new=False, write=True)
    except OSError as error:
        raise system_error(error, f"cannot open macvtap tap device {path}") from None
    net.target = name
    return [file]


def _make(driver: "QemuDriver", record: "Running", net: "Interface") -> str:
    """Make the device under the name that it is to have, or one that nobody has."""
    address = net.mac.hex(":")
    for _ in range(TRIES):
        name = net.target or _free(driver)
        record.links.append(f"{name} {address}")
        driver.store.write_running(record)
        made = ["link", "add", "link", str(net.dev), "name", name, "address", address, "type", "macvtap"]
        done = ip(driver, *made, "mode", MODES[net.direct_mode])
        if net.target or not done.status or b"File exists" not in done.stderr:
            break  # else somebody else was quicker
    _checked(name, done)
    return name


def leave(driver: "QemuDriver", record: "Running | None", model: "Domain | None") -> None:
    """Remove those that no interface of a running guest has any more; all, if it has ended. A device that somebody else
    has made under such a name stays: ours have the guest's address."""
    if record is not None and record.links:
        kept = [net.target for net in model.devices.interfaces if net.type == "direct"] if model is not None else []
        for link in list(record.links):
            name, _, address = link.partition(" ")
            if name not in kept:
                shown = ip(driver, "-d", "-o", "link", "show", "dev", name).stdout.decode("utf-8", "replace")
                if " macvtap " in shown and f"link/ether {address} " in shown:
                    ip(driver, "link", "del", "dev", name)
                record.links.remove(link)
        driver.store.write_running(record)


def _free(driver: "QemuDriver") -> str:
    """A name that nobody has, and no guest of ours is about to have."""
    taken = {link.partition(" ")[0] for other in driver.store.running().values() for link in other.links}
    shown = ip(driver, "-o", "link", "show").stdout.decode("utf-8", "replace")
    taken |= {line.split(": ")[1].partition("@")[0] for line in shown.splitlines() if ": " in line}
    return next(name for number in range(MOST) if (name := f"macvtap{number}") not in taken)


def _checked(name: str, done: "Finished") -> str:
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise fail(errors.SYSTEM_ERROR, f"cannot create macvtap interface {name}: {said}")
    return done.stdout.decode("utf-8", "replace")
