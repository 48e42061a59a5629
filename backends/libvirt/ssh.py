"""A libvirt daemon on another machine, through SSH.

First the daemon's unix socket is opened by the SSH server itself, which needs no helper over there; where that is
forbidden or unknown, `virt-ssh-helper`, nc(1) or socat(1) over there join the connection to it. `proxy=native` insists
on virt-ssh-helper, `proxy=netcat` or `netcat=` on nc (https://libvirt.org/uri.html#ssh-transport).
"""

from .. import errors, ssh
from ..ssh.sockets import joiner
from ..ssh.warm import WarmLink, WarmRemote
from .dial import mode_of, remote_name, unreachable
from .transport import SocketTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Callable

    from ..credentials import Ask
    from ..ssh import AnyLink, AnyRemote
    from ..uri import Uri

#: Seconds that a program over there has to say why it failed.
PATIENCE = 5.0
#: Says what there is over there: a helper, sockets, a daemon that is not running, QEMU.
SURVEY = (
    "command -v virt-ssh-helper >/dev/null && echo helper; "
    'for path in "$0" "$@"; do test -S "$path" && echo "$path"; done; '
    "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; command -v libvirtd virtqemud >/dev/null && echo daemon; "
    'IFS=:; for folder in $PATH; do set -- "$folder"/qemu-system-*; [ -x "$1" ] && echo qemu && break; done; '
    "test -x /usr/libexec/qemu-kvm && echo qemu"
)


class SshTransport(SocketTransport):
    """A stream through SSH as `channel` wants it; owns the link it goes through.

    Where a program over there joins it to the daemon, and ends before the daemon has said anything, `recv` raises
    OSError with what the program had to say.
    """

    delivers = True

    def __init__(self, link: "AnyLink", stream: "Socket", program: "AnyRemote | None" = None, *, opened: bool = False):
        super().__init__(stream, local=False)
        self.secure = True
        self.opened = opened
        self._link = link
        self._program = program

    def recv(self) -> "tuple[bytes, list[int]]":
        try:
            data, fds = super().recv()
        except ConnectionResetError:  # what was sent meanwhile found nobody
            if self._program is None:
                raise
            data, fds = b"", []
        program, self._program = self._program, None
        if not data and program is not None:
            try:
                status, said = program.finish(PATIENCE)
            except TimeoutError:
                return data, fds
            self.refused = isinstance(program, WarmRemote) and program.early and status != 0
            text = said.decode("utf-8", "replace").strip().replace("\n", "; ") or f"exit status {status}"
            if not status and not said:
                return data, fds
            raise ConnectionResetError(104, f"{text} (on {self._link.alias})")
        return data, fds

    def close(self) -> None:
        super().close()
        self._link.close()


def dial_ssh(uri: "Uri", readonly: bool, ask: "Ask | None", tell: "Callable[[str], None] | None") -> SshTransport:
    """Reach the daemon that `uri` names; `ask` and `tell` as in `ssh.connect`.

    Raises VirtError.
    """
    if not uri.host:
        raise errors.virt_error(errors.INVALID_ARG, "Missing server name in the URI", hint="SCHEME+ssh://HOST/PATH")
    proxy = uri.params.get("proxy", "auto")
    if proxy not in ("auto", "netcat", "native"):
        raise errors.virt_error(
            errors.INVALID_ARG, f"Unknown proxy mode '{proxy}'", hint="proxy is auto, netcat or native"
        )
    if proxy == "auto" and "netcat" in uri.params:
        proxy = "netcat"
    link = ssh.connect(uri, ask, tell)
    try:
        return _reach(uri, readonly, link, proxy)
    except ssh.NoDaemon:
        raise  # the connection is of use yet
    except OSError as error:
        link.close()
        raise ssh.unreachable(uri.host, error.strerror or str(error)) from None
    except BaseException:
        link.close()
        raise


def _reach(uri: "Uri", readonly: bool, link: "AnyLink", proxy: str) -> SshTransport:
    if isinstance(link, WarmLink) and (session := link.open_ready(readonly)) is not None:
        return SshTransport(link, session, opened=True)
    if proxy == "native":
        return _through(link, _helper(uri, readonly))
    paths = _paths(uri, readonly, link)
    if proxy == "netcat":
        return _joined(uri, link, paths[-1])
    for path in paths:
        try:
            if isinstance(link, WarmLink):
                return SshTransport(link, *link.open_early(path))
            return SshTransport(link, link.open_unix(path))
        except ConnectionResetError as error:
            raise unreachable(f"{uri.host}:{path}", error, session=False) from None
        except OSError:
            continue
    # Either nobody listens there or the server does not do that: programs over there can tell.
    there = _output(link, ["sh", "-c", SURVEY, *paths]).split("\n")
    if "qemu" in there and "daemon" not in there and not set(paths) & set(there) and _for_qemu(uri):
        raise ssh.NoDaemon(link)
    if "helper" in there and "socket" not in uri.params:
        # It also starts a session daemon, and knows where a daemon listens that was built with other folders.
        return _through(link, _helper(uri, readonly))
    path = next((p for p in paths if p in there), "")
    if not path:
        missing = FileNotFoundError(2, "No such file or directory")
        raise unreachable(f"{uri.host}:{paths[-1]}", missing, session=False)
    return _joined(uri, link, path)


def _for_qemu(uri: "Uri") -> bool:
    """Whether QEMU can be managed without libvirt by this URI."""
    named = {name.lower() for name in uri.params}
    return uri.scheme == "qemu" and uri.path in ("/system", "/session") and named <= set(ssh.PARAMETERS)


def _paths(uri: "Uri", readonly: bool, link: "AnyLink") -> "list[str]":
    """The sockets over there, the likeliest first."""
    if "socket" in uri.params:
        return [uri.params["socket"]]
    mode = mode_of(uri)
    names = [name for name, kind in ((f"virt{uri.scheme}d", "direct"), ("libvirt", "legacy")) if mode in (kind, "auto")]
    if uri.path == "/session" and link.user != "root":
        runtime = _output(link, ["sh", "-c", 'printf %s "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"'])
        return [f"{runtime}/libvirt/{name}-sock" for name in names]
    return [f"/var/run/libvirt/{name}-sock{'-ro' if readonly else ''}" for name in names]


def _helper(uri: "Uri", readonly: bool) -> "list[str]":
    return ["virt-ssh-helper", *(["-r"] if readonly else []), remote_name(uri) or f"{uri.scheme}://{uri.path}"]


def _joined(uri: "Uri", link: "AnyLink", path: str) -> SshTransport:
    if "netcat" in uri.params:
        return _through(link, [uri.params["netcat"], "-U", path])
    return _through(link, joiner(path))


def _through(link: "AnyLink", argv: "list[str]") -> SshTransport:
    program = link.start(argv)
    return SshTransport(link, program.socket, program)


def _output(link: "AnyLink", argv: "list[str]") -> str:
    """What a short program over there says.

    Raises VirtError(SYSTEM_ERROR) when the connection cannot be had after all.
    """
    program = link.start(argv)
    out = b""
    try:
        stream = program.socket
        stream.shutdown(1)
        stream.settimeout(link.timeout)
        while piece := stream.recv(65536):
            out += piece
        stream.close()
        status, said = program.finish(PATIENCE)
    except OSError as error:
        status, said = 255, str(error).encode()
    if status == 255:  # ssh(1)'s own failure
        raise ssh.unreachable(link.alias, said.decode("utf-8", "replace").strip().replace("\n", "; "))
    return out.decode("utf-8", "surrogateescape").strip()
