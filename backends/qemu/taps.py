"""The host's ends of interfaces: tap devices on bridges or alone, whose files QEMU inherits.

They are made without being kept: whatever becomes of QEMU, they go with it.
"""

import os

from .. import errors
from . import macvtaps
from .base import fail
from .links import ip
from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..xml.devices import Vsock
    from ..xml.domain import Domain
    from ..xml.interfaces import Interface
    from .argv.launch import Launch
    from .driver import QemuDriver
    from .store import Running

#: Where distributions put QEMU's helper, which makes a tap device on a bridge for whoever may use it.
BRIDGE_HELPERS = ("/usr/lib/qemu/qemu-bridge-helper", "/usr/libexec/qemu-bridge-helper")
VHOST, VSOCK = "/dev/vhost-net", "/dev/vhost-vsock"
#: linux/vhost.h; smaller numbers are reserved
VHOST_VSOCK_SET_GUEST_CID, FIRST_CID = 0x4008AF60, 3
EADDRINUSE = 98


def open_all(driver: "QemuDriver", record: "Running", domain: "Domain", launched: "Launch") -> None:
    """Open what a domain's interfaces need into the files of its launch. Raises VirtError; `close` what is open."""
    for net in domain.devices.interfaces:
        open_one(driver, record, domain, net, launched)
    for vsock in domain.devices.vsocks:
        open_vsock(driver, vsock, launched)


def open_one(
    driver: "QemuDriver", record: "Running", domain: "Domain", net: "Interface", launched: "Launch"
) -> None:
    """The same for one, whose name on the host is filled in."""
    alias = str(net.info.alias)
    if net.type == "direct":
        launched.files[alias] = macvtaps.open_one(driver, record, net)
        _open_vhost(driver, domain, net, launched)
        return
    if net.type not in ("bridge", "ethernet"):
        return
    name = net.target or "vnet%d"
    if net.type == "bridge" and driver.host.me()[0] != 0:
        name, files = _ask_helper(driver, net)
    else:
        try:
            name, files = driver.host.open_tap(name, max(1, net.driver.queues))
        except OSError as error:
            hint = "only root, or the user that it was made for, may use it" if error.errno == 1 else ""
            text = f"Unable to create tap device {name}: {error.strerror}"
            raise errors.virt_error(errors.SYSTEM_ERROR, text, hint=hint) from None
        launched.files[alias] = files
        if net.type == "bridge":
            _join(driver, net, name)
        elif net.target_managed is not False:
            _set(driver, name, "mtu", str(net.mtu), "up") if net.mtu else _set(driver, name, "up")
    launched.files[alias] = files
    net.target = name
    _open_vhost(driver, domain, net, launched)


def close(launched: "Launch") -> None:
    """Close our ends of a launch's files: QEMU has its own, or will not."""
    for file in [file for files in launched.files.values() for file in files]:
        os.close(file)
    launched.files = {}


def _ask_helper(driver: "QemuDriver", net: "Interface") -> "tuple[str, list[int]]":
    helper = next((path for path in BRIDGE_HELPERS if driver.host.stat(path) is not None), BRIDGE_HELPERS[0])
    if net.driver.queues > 1:
        raise fail(errors.CONFIG_UNSUPPORTED, "multiple queues of a bridged interface take root")
    try:
        name, file = driver.host.receive_tap([helper, "--use-vnet", f"--br={net.bridge}"])
    except OSError as error:
        text = f"{helper}: failed to communicate with bridge helper: {error.strerror}"
        hint = f"let the bridge be used in /etc/qemu/bridge.conf (allow {net.bridge}), and set the helper's setuid bit"
        raise errors.virt_error(errors.INTERNAL_ERROR, text, hint=hint) from None
    return name, [file]


def _join(driver: "QemuDriver", net: "Interface", name: str) -> None:
    """Put a new device on its bridge. Its address is the guest's but for the first byte, so that it is never the
    lowest on the bridge, whose own it would become."""
    done = ip(driver, "-o", "link", "show", "dev", str(net.bridge))
    words = done.stdout.decode("utf-8", "replace").split()
    if done.status or "mtu" not in words:
        raise errors.virt_error(errors.SYSTEM_ERROR, f"Cannot get interface MTU on '{net.bridge}': No such device")
    mtu = net.mtu or words[words.index("mtu") + 1]
    address = (b"\xfe" + net.mac[1:]).hex(":")
    _set(driver, name, "address", address, "mtu", str(mtu), "master", str(net.bridge), "up")


def _set(driver: "QemuDriver", name: str, *what: str) -> None:
    done = ip(driver, "link", "set", "dev", name, *what)
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise fail(errors.INTERNAL_ERROR, f"cannot set up tap device {name}: {said}")


def open_vsock(driver: "QemuDriver", vsock: "Vsock", launched: "Launch") -> None:
    """Open the kernel's side of a vsock, under the number that it has or, if any will do, the first that is free."""
    import fcntl
    import struct

    try:
        file = driver.host.open_file(VSOCK, new=False, write=True)
    except OSError as error:
        raise system_error(error, f"unable to open vhost-vsock device '{VSOCK}'") from None
    launched.files[str(vsock.info.alias)] = [file]
    number = FIRST_CID if vsock.auto else vsock.cid
    while True:
        try:
            fcntl.ioctl(file, VHOST_VSOCK_SET_GUEST_CID, struct.pack("Q", number))
        except OSError as error:
            if error.errno != EADDRINUSE or not vsock.auto:
                raise system_error(error, "failed to set guest cid") from None
            number += 1
        else:
            vsock.cid = number
            return


def _open_vhost(driver: "QemuDriver", domain: "Domain", net: "Interface", launched: "Launch") -> None:
    """The kernel's own virtio, where it is to be had: a guest under TCG has no use for it."""
    wanted = net.driver.name if net.virtio else ""
    if domain.type != "kvm" or not net.virtio or wanted == "qemu":
        return
    files: list[int] = []
    launched.files[f"vhost{net.info.alias}"] = files
    try:
        for _ in range(max(1, net.driver.queues)):
            files.append(driver.host.open_file(net.backend_vhost or VHOST, new=False, write=True))
    except OSError:
        if wanted == "vhost":
            text = "vhost-net was requested for an interface, but is unavailable"
            raise fail(errors.CONFIG_UNSUPPORTED, text) from None
        for file in launched.files.pop(f"vhost{net.info.alias}"):
            os.close(file)
