"""A connected socket as `channel` wants it; other transports (TLS, SSH) offer the same methods."""

import _socket  # Not socket: importing that takes 9 ms, for enumerations and a class nobody needs here.
import os
import sys
from _struct import pack
from errno import ETIMEDOUT

from .. import errors

#: What is read at once, and what is as long as nothing that long has come: room for it costs nothing.
CHUNK, LITTLE = 1 << 18, 1 << 14
#: How long, in seconds, a daemon may take to accept a connection, and then to say its first word.
PATIENCE = 30.0
_RIGHTS = _socket.CMSG_SPACE(4 * 32) if hasattr(_socket, "CMSG_SPACE") else 0


class SocketTransport:
    """A stream socket, non-blocking once it is given away.

    `passes_files`: file descriptors can be sent. `secure`: nobody else can listen. `distant`: a round trip takes long,
    so that it pays to guess. `joins`: small messages may be sent in one piece. `delivers`: what was sent arrives
    although we close at once. `refused`: there is nobody, as it turned out, and nobody has got what was sent. `opened`:
    a session was opened on it already.
    """

    joins = True
    delivers = False
    refused = False
    opened = False

    def __init__(self, socket: _socket.socket, *, local: bool):
        self._socket = socket
        self._room = LITTLE
        socket.setblocking(False)
        self.passes_files = self.secure = local
        self.distant = not local

    def fileno(self) -> int:
        return self._socket.fileno()

    def recv(self) -> tuple[bytes, list[int]]:
        """What has arrived, with the file descriptors beside it; b"" at the end.

        Raises BlockingIOError when nothing has, else OSError.
        """
        fds: list[int] = []
        if self.passes_files:
            data, beside, _, _ = self._socket.recvmsg(self._room, _RIGHTS, getattr(_socket, "MSG_CMSG_CLOEXEC", 0))
        else:
            data, beside = self._socket.recv(self._room), []
        self._room = CHUNK if len(data) >= LITTLE else LITTLE
        for level, kind, content in beside:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                fds += memoryview(content)[: len(content) // 4 * 4].cast("i")
        return data, fds

    def send(self, data: "bytes | memoryview") -> int:
        """Send what fits; how much that was.

        Raises BlockingIOError when nothing fits, else OSError.
        """
        return self._socket.send(data)

    def send_file(self, fd: int) -> None:
        """Send one file descriptor and close it.

        Raises as `send`.
        """
        self._socket.sendmsg([b"\0"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fd.to_bytes(4, sys.byteorder))])
        os.close(fd)

    def detach(self) -> _socket.socket:
        """The socket, which is the caller's from now on."""
        return _socket.socket(fileno=self._socket.detach())

    def close(self) -> None:
        self._socket.close()


def connect_unix(path: str) -> SocketTransport:
    """A transport over the unix socket at `path` (`@…` for the abstract namespace).

    Raises OSError; TimeoutError when nobody accepts.
    """
    socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        # Where the queue is full, connect(2) waits this long; without blocking it would not wait at all.
        socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDTIMEO, pack("@ll", *divmod(int(PATIENCE * 1e6), 1000000)))
        socket.connect("\0" + path[1:] if path.startswith("@") else path)
    except BlockingIOError:
        socket.close()
        raise TimeoutError(ETIMEDOUT, f"nobody accepted it for {PATIENCE:g} seconds") from None
    except OSError:
        socket.close()
        raise
    return SocketTransport(socket, local=True)


def connect_tcp(host: str, port: int) -> SocketTransport:
    """A transport over TCP. Raises as `open_tcp`."""
    advice = f"is libvirtd running there, with listen_tcp = 1 (libvirtd --listen), and is port {port} open?"
    return SocketTransport(open_tcp(host, port, advice), local=False)


def open_tcp(host: str, port: int, hint: str) -> _socket.socket:
    """A socket connected to the first of the host's addresses that answers; `hint` says what to do if none does.

    Raises VirtError(SYSTEM_ERROR) with libvirt's words.
    """
    try:
        # As bytes: text is first put through IDNA, whose import takes 10 ms.
        name = host.encode() if host.isascii() else host
        found = _socket.getaddrinfo(name, str(port), 0, _socket.SOCK_STREAM)
    except OSError as error:
        raise errors.virt_error(
            errors.SYSTEM_ERROR,
            f"Unable to resolve address '{host}' service '{port}': {error.strerror}",
            domain=errors.FROM_RPC,
            hint="check the host's name in the URI",
        ) from None
    failure = "no address"
    for family, kind, protocol, _, address in found:
        socket = _socket.socket(family, kind, protocol)
        try:
            socket.settimeout(PATIENCE)
            socket.connect(address)
            socket.settimeout(None)
            socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            return socket
        except OSError as error:
            socket.close()
            failure = error.strerror or (os.strerror(ETIMEDOUT) if isinstance(error, TimeoutError) else str(error))
    raise errors.virt_error(
        errors.SYSTEM_ERROR,
        f"unable to connect to server at '{host}:{port}': {failure}",
        domain=errors.FROM_RPC,
        hint=hint,
    )
