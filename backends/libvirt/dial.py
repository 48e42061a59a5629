"""From a URI to a transport: which socket, which host, which daemon to start.

The rules are those of libvirt's remote driver (https://libvirt.org/uri.html, remote_sockets.c).
"""

import os

from .. import errors
from .transport import connect_tcp, connect_unix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..credentials import Ask
    from ..uri import Uri
    from .transport import SocketTransport as Transport

TCP_PORT = 16509
SILENCE = "is it stopped, stuck or overloaded? its log may tell; `systemctl restart` or killing it may help"
#: Parameters that are for the client; all others go to the daemon.
OWN_PARAMETERS = (
    *("name", "socket", "mode", "auth", "authfile", "command", "netcat", "proxy", "keyfile", "sshauth", "known_hosts"),
    *("known_hosts_verify", "no_verify", "no_tty", "no_sanity", "pkipath", "tls_priority"),
)


def dial(
    uri: "Uri", readonly: bool, ask: "Ask | None" = None, tell: "Callable[[str], None] | None" = None
) -> "Transport":
    """Reach the daemon that `uri` names; `ask` and `tell` are for logging in by SSH (ssh.connect).

    Raises VirtError(SYSTEM_ERROR) when it does not answer, VirtError(INVALID_ARG) when the URI asks for the impossible.
    """
    if "mode" in uri.params:
        mode_of(uri)
    transport = uri.transport or ("tls" if uri.host else "unix")
    if transport == "tcp":
        return connect_tcp(uri.host or "localhost", uri.port or TCP_PORT)
    if transport == "tls":
        from .tls import connect_tls

        return connect_tls(uri)
    if transport == "unix":
        return _dial_unix(uri, readonly)
    if transport == "ext":
        return _run_command(uri)
    from .ssh import dial_ssh

    return dial_ssh(uri, readonly, ask, tell)


def _run_command(uri: "Uri") -> "Transport":
    """The transport ext: a program of the user's own whose input and output lead to the daemon."""
    import socket
    import subprocess

    from .transport import SocketTransport

    command = uri.params.get("command")
    if not command:
        raise errors.virt_error(errors.INVALID_ARG, "remote_open: for 'ext' transport, command is required")
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            argv = [command, *uri.params.get("argv", "").split()]
            subprocess.Popen(argv, stdin=theirs.fileno(), stdout=theirs.fileno())
        except OSError as error:
            ours.close()
            raise errors.virt_error(
                errors.SYSTEM_ERROR, f"Cannot run '{command}': {error.strerror}", domain=errors.FROM_RPC
            ) from None
    return SocketTransport(ours, local=False)


def remote_name(uri: "Uri") -> str:
    """The URI as the daemon is to see it: without transport, host and the client's own parameters."""
    own = {name.lower(): value for name, value in uri.params.items()}
    if "name" in own:
        return own["name"]
    if uri.scheme == "remote":
        return ""
    rest = "&".join(f"{_quote(k)}={_quote(v)}" for k, v in uri.params.items() if k.lower() not in OWN_PARAMETERS)
    return f"{uri.scheme}://{_quote(uri.path, '/:@&=+$,;')}{'?' if rest else ''}{rest}"


def _quote(text: str, safe: str = "") -> str:
    keep = f"-_.!~*'(){safe}".encode()
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(c) if c in keep or (c < 128 and chr(c).isalnum()) else f"%{c:02X}" for c in raw)


def _dial_unix(uri: "Uri", readonly: bool) -> "Transport":
    if uri.host:
        raise errors.virt_error(
            errors.INVALID_ARG,
            f"using unix socket and remote server '{uri.host}' is not supported.",
            hint="leave out the host, or the +unix",
        )
    session = os.geteuid() != 0 and (uri.path == "/session" or (uri.scheme == "test" and bool(uri.transport)))
    path, daemon = uri.params.get("socket", ""), ""
    if not path:
        path, daemon = _socket_path(uri, readonly, session)
    try:
        return connect_unix(path)
    except OSError as error:
        failure = error
    if daemon and session and isinstance(failure, FileNotFoundError | ConnectionRefusedError) and _autostart():
        return _start(daemon, path)
    raise unreachable(path, failure, session)


def _socket_path(uri: "Uri", readonly: bool, session: bool) -> tuple[str, str]:
    """The socket to use and the name of the daemon behind it."""
    mode = mode_of(uri)
    direct, legacy = _paths(f"virt{uri.scheme}d", readonly, session), _paths("libvirt", readonly, session)
    if mode == "auto":
        # Where there is neither socket, what is installed tells which will be there.
        modular = not os.path.exists(legacy) and not _find("libvirtd") and _find(f"virt{uri.scheme}d")
        mode = "direct" if os.path.exists(direct) or modular else "legacy"
    return (direct, f"virt{uri.scheme}d") if mode == "direct" else (legacy, "libvirtd")


def mode_of(uri: "Uri") -> str:
    """Which daemons to look for: auto, legacy (libvirtd) or direct (one for each driver).

    Raises VirtError(INVALID_ARG).
    """
    mode = uri.params["mode"] if "mode" in uri.params else _configured_mode()
    if mode not in ("auto", "legacy", "direct"):
        raise errors.virt_error(
            errors.INVALID_ARG, f"Unknown remote mode '{mode}'", hint="mode is auto, legacy or direct"
        )
    return mode


def _paths(name: str, readonly: bool, session: bool) -> str:
    if session:
        return f"{_runtime_folder()}/{name}-sock"
    path = f"/var/run/libvirt/{name}-sock"
    return f"{path}-ro" if readonly and os.path.exists(f"{path}-ro") else path


def _runtime_folder() -> str:
    home = os.environ.get("XDG_RUNTIME_DIR") or os.environ.get("XDG_CACHE_HOME")
    return f"{home or os.path.expanduser('~/.cache')}/libvirt"


def _configured_mode() -> str:
    """`remote_mode` of libvirt.conf."""
    from ..uri import config_path

    path = config_path(os.environ)
    if not os.path.exists(path):
        return "auto"
    from ..conf import read_conf

    mode = read_conf(path).get("remote_mode")
    return mode if isinstance(mode, str) else "auto"


def unreachable(path: str, failure: OSError, session: bool) -> errors.VirtError:
    """The error of a daemon whose socket does not answer."""
    hint = "is the daemon running?"
    if isinstance(failure, PermissionError):
        hint = "only root and, in most distributions, the members of group libvirt may use this socket"
    elif isinstance(failure, TimeoutError):
        hint = SILENCE
    elif isinstance(failure, FileNotFoundError) and not session:
        hint = "no libvirt daemon runs here (start libvirtd or virtqemud), or its socket is elsewhere: ?socket=PATH"
    return errors.virt_error(
        errors.SYSTEM_ERROR,
        f"Failed to connect socket to '{path}': {failure.strerror or failure}",
        domain=errors.FROM_RPC,
        hint=hint,
    )


def mute(uri: "Uri", patience: float) -> errors.VirtError:
    """The error of a daemon that accepts a connection and says nothing."""
    text = f"the daemon of '{uri.text}' accepted the connection, but did not answer within {patience:g} seconds"
    return errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_RPC, hint=SILENCE)


# Session daemons


def _autostart() -> bool:
    return os.environ.get("LIBVIRT_AUTOSTART") != "0"


def _start(daemon: str, path: str) -> "Transport":
    """Start this user's daemon, as libvirt does, and connect to it; it ends 120 s after its last client."""
    import time

    program = os.environ.get("VIRTD_PATH") or os.environ.get("LIBVIRTD_PATH") or _find(daemon)
    if not program:
        raise errors.virt_error(
            errors.SYSTEM_ERROR,
            f"Failed to connect socket to '{path}': {daemon} is not installed",
            domain=errors.FROM_RPC,
            hint="install libvirt's daemon for this hypervisor, or choose another connection with -c URI",
        )
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    pid = os.posix_spawn(program, [program, "--daemon", "--timeout=120"], os.environ, file_actions=null)
    os.waitpid(pid, 0)
    for _ in range(500):
        try:
            return connect_unix(path)
        except OSError as error:
            failure = error
        time.sleep(0.01)
    raise unreachable(path, failure, True)


def _find(daemon: str) -> str:
    folders = [*os.environ.get("PATH", "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    return next((f"{folder}/{daemon}" for folder in folders if os.access(f"{folder}/{daemon}", os.X_OK)), "")
