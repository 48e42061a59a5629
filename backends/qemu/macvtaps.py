"""Macvtap devices: an interface of the host's that a guest has directly (`<interface type='direct'>`).

Unlike taps they last until they are removed; which a guest has is written down before they are made.
"""

from .. import errors
from .base import fail
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


def open_one(driver: "QemuDriver", record: "Running", net: "Interface") -> "list[int]":
    """Make the device of an interface, whose name is filled in; its open file. Raises VirtError."""
    if driver.host.me()[0] != 0:
        raise fail(errors.CONFIG_UNSUPPORTED, "interface type 'direct' takes root without libvirt")
    name = net.target or _free(driver)
    record.links.append(name)
    driver.store.write_running(record)
    made = ["link", "add", "link", str(net.dev), "name", name, "address", net.mac.hex(":"), "type", "macvtap"]
    _checked(driver, name, [*made, "mode", MODES[net.direct_mode]])
    _checked(driver, name, ["link", "set", "dev", name, "up"])
    shown = _checked(driver, name, ["-o", "link", "show", "dev", name])
    path = f"/dev/tap{shown.partition(':')[0].strip()}"
    try:
        file = driver.host.open_file(path, new=False, write=True)
    except OSError as error:
        raise system_error(error, f"cannot open macvtap tap device {path}") from None
    net.target = name
    return [file]


def leave(driver: "QemuDriver", record: "Running | None", model: "Domain | None") -> None:
    """Remove those that no interface of a running guest has any more; all, if it has ended."""
    if record is not None and record.links:
        kept = [net.target for net in model.devices.interfaces if net.type == "direct"] if model is not None else []
        for name in [name for name in record.links if name not in kept]:
            _ip(driver, ["link", "del", "dev", name])
            record.links.remove(name)
        driver.store.write_running(record)


def _free(driver: "QemuDriver") -> str:
    """A name that nobody has, and no guest of ours is about to have."""
    taken = {name for other in driver.store.running().values() for name in other.links}
    shown = _ip(driver, ["-o", "link", "show"]).stdout.decode("utf-8", "replace")
    taken |= {line.split(": ")[1].partition("@")[0] for line in shown.splitlines() if ": " in line}
    return next(name for number in range(MOST) if (name := f"macvtap{number}") not in taken)


def _checked(driver: "QemuDriver", name: str, argv: "list[str]") -> str:
    done = _ip(driver, argv)
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise fail(errors.SYSTEM_ERROR, f"cannot create macvtap interface {name}: {said}")
    return done.stdout.decode("utf-8", "replace")


def _ip(driver: "QemuDriver", argv: "list[str]") -> "Finished":
    try:
        return driver.host.run(["ip", *argv])
    except OSError as error:
        raise system_error(error, "ip") from None
