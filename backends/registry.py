"""Which driver answers to a URI.

Adapters are named as strings and imported on use.
"""

import os

from . import errors
from .uri import Uri, choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import driver
    from .credentials import Ask

#: Drivers that work inside this process: scheme -> "module:class". URIs with a host or a transport go to REMOTE, but
#: for QEMU's that ask to do without libvirt over SSH.
LOCAL = {
    "test": "vsh.backends.test:TestDriver",
}
QEMU = "vsh.backends.qemu:QemuDriver"
REMOTE = "vsh.backends.libvirt:LibvirtDriver"
#: Transports by which programs can be run on the other machine.
SHELLS = ("ssh", "libssh", "libssh2")
#: The group of entry points (importlib.metadata) in which other packages offer drivers for schemes not known here.
ENTRY_POINTS = "vsh.drivers"
#: Schemes that libvirt's own daemons serve.
SERVED = (
    "qemu",
    "lxc",
    "xen",
    "test",
    "vbox",
    "bhyve",
    "vz",
    "parallels",
    "ch",
    "openvz",
    "vmwareplayer",
    "vmwarews",
    "vmwarefusion",
    "network",
    "storage",
    "nodedev",
    "interface",
    "nwfilter",
    "secret",
)


def open(text: "str | None", readonly: bool = False, ask: "Ask | None" = None) -> "driver.Connection":
    """Connect to `text`, or to what `uri.choose` and then `probe` find.

    Raises VirtError.
    """
    return reach(Uri(choose(text) or probe()), readonly, ask)


def reach(uri: Uri, readonly: bool = False, ask: "Ask | None" = None) -> "driver.Connection":
    """Connect to `uri` by the driver for it: over SSH without libvirt where there is only QEMU.

    Raises VirtError.
    """
    cls = driver_class(uri)
    if uri.transport not in SHELLS:
        return cls.open(uri, readonly, ask)
    from .ssh import Lent, NoDaemon

    try:
        return cls.open(uri, readonly, ask)
    except NoDaemon as found:
        return _load(QEMU).open(Lent(uri.text, found.link), readonly, ask)


def driver_class(uri: Uri) -> "type[driver.Driver]":
    """The driver for `uri`: a local one, an entry point's, else the libvirt client.

    Raises VirtError(NO_CONNECT) for a broken plug-in.
    """
    if uri.scheme in LOCAL and not uri.transport and not uri.host:
        return _load(LOCAL[uri.scheme])
    if uri.scheme == "qemu" and _direct(uri):
        return _load(QEMU)
    if uri.scheme not in SERVED and not uri.transport:
        from importlib.metadata import entry_points

        for entry in entry_points(group=ENTRY_POINTS, name=uri.scheme):
            return _load(entry.value)
    return _load(REMOTE)


def _direct(uri: Uri) -> bool:
    """Whether vsh manages QEMU by itself: where it is told to, and where there is no libvirt that could; over SSH that
    is found out on the way (`reach`)."""
    here = not uri.transport and not uri.host
    if not here and (not uri.host or uri.transport not in SHELLS):
        return False
    if uri.path == "/embed" or uri.params.get("mode") == "direct":
        return True
    if not here:
        return False
    if uri.path not in ("/system", "/session") or "mode" in uri.params or "socket" in uri.params:
        return False
    return not (daemon_installed() or any(_answers(path) for path, served in sockets() if served == f"qemu://{uri.path}"))


def daemon_installed() -> bool:
    """Whether there is a libvirt daemon for QEMU to be started."""
    if os.environ.get("VIRTD_PATH") or os.environ.get("LIBVIRTD_PATH"):
        return True
    return any(_installed(name) for name in ("libvirtd", "virtqemud"))


def _installed(program: str) -> bool:
    folders = [*os.environ.get("PATH", "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    return any(os.access(f"{folder}/{program}", os.X_OK) for folder in folders if folder)


def _answers(path: str) -> bool:
    """Whether somebody listens on a unix socket."""
    if not os.path.exists(path):
        return False
    import socket

    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _load(name: str) -> "type[driver.Driver]":
    module, _, attribute = name.partition(":")
    try:
        found: type[driver.Driver] = getattr(__import__(module, fromlist=[attribute]), attribute)
    except ImportError as error:
        raise errors.virt_error(errors.NO_CONNECT, f"{name}: {error}") from None
    return found


def sockets() -> "list[tuple[str, str]]":
    """The libvirt sockets of this user, best first: (path, URI)."""
    found = []
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    if os.geteuid() != 0:
        for daemon in ("libvirt", "virtqemud"):
            found.append((f"{runtime}/libvirt/{daemon}-sock", "qemu:///session"))
    for daemon, scheme in (
        ("libvirt", "qemu"),
        ("virtqemud", "qemu"),
        ("virtxend", "xen"),
        ("virtlxcd", "lxc"),
        ("virtvboxd", "vbox"),
    ):
        path = "/system" if scheme != "vbox" else "/session"
        for run in ("/run", "/var/run"):
            found.append((f"{run}/libvirt/{daemon}-sock", f"{scheme}://{path if scheme != 'lxc' else '/'}"))
    return found


def probe() -> str:
    """A URI that works here: that of the first libvirt socket that answers, else QEMU's where there is no libvirt.

    Raises VirtError(NO_CONNECT) with one line that says what could be used. The test host is never chosen: nobody
    should manage it by mistake.
    """
    for path, uri in sockets():
        if _answers(path):
            return uri
    if not daemon_installed() and _installed(f"qemu-system-{os.uname().machine}"):
        return "qemu:///session" if os.geteuid() else "qemu:///system"
    raise errors.VirtError(
        errors.NO_CONNECT,
        "no hypervisor found here: no libvirt socket answers; choose one with -c URI, such as "
        "qemu:///system (once libvirtd runs), qemu+tcp://HOST/system, or test:///default to try vsh",
    )
