"""One authenticated SSH connection, and the byte streams and programs on it, by paramiko."""

import errno
import logging
import os
import shlex
import socket
import subprocess
import threading
import time

import paramiko

from .. import errors
from ..uri import Uri
from . import hostkeys, unreachable
from .login import log_in
from .settings import TIMEOUT, Settings, resolve
from .transport import Channel, Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..credentials import Ask

#: Seconds between signs of life that the other side is asked for, where the configuration has no ServerAliveInterval.
ALIVE = 10.0
# What paramiko has to say comes as exceptions, too; without a handler its log would go to standard error.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Full(OSError):
    """There is no room for one more program on a connection."""


class Link:
    """A connection to one host, shared by any number of threads."""

    def __init__(self, settings: Settings, uri: Uri, ask: "Ask | None", known: hostkeys.Known):
        """Connect and log in.

        Raises VirtError: SYSTEM_ERROR when the host cannot be reached, AUTH_FAILED when one side does not trust the
        other.
        """
        self.settings = settings
        self.alias = settings.alias
        self.user = settings.user
        self.reason = ""
        self._place = f"{settings.alias} port {settings.port}"
        self.timeout = settings.number("connecttimeout", TIMEOUT)
        self._before: Link | None = None  # the jump host that this connection goes through
        try:
            self._transport = Transport(self._reach(uri, ask))
        except BaseException:
            self._end_jump()
            raise
        try:
            self._start(known, ask)
            log_in(self._transport, settings, uri, ask)
        except BaseException as error:
            self.close()
            if isinstance(error, paramiko.SSHException | EOFError | OSError):
                raise unreachable(self._place, str(error) or "the connection was closed") from error
            raise
        self._transport.watch(
            settings.number("serveraliveinterval", ALIVE), int(settings.number("serveralivecountmax", 3))
        )

    def _reach(self, uri: Uri, ask: "Ask | None") -> "socket.socket | Channel":
        s = self.settings
        jumps = s.one("proxyjump", "none")
        if jumps != "none":
            *earlier, last = jumps.split(",")
            jump = Uri(last if "://" in last else f"ssh://{last}")
            inner = resolve(jump.host, jump.user, jump.port)
            if earlier:
                inner.override("proxyjump", ",".join(earlier))
            refuse_beyond_us(inner)
            self._before = Link(inner, jump, ask, hostkeys.Known(inner))
            return self._before._channel("direct-tcpip", s.host, s.port, "", 0)
        command = s.one("proxycommand", "none")
        if command != "none":
            ours, theirs = socket.socketpair()
            with theirs:
                # ssh_config(5): a string for the user's shell.
                argv = [os.environ.get("SHELL", "/bin/sh"), "-c", f"exec {s.expand(command)}"]
                subprocess.Popen(argv, stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True)
            return ours
        try:
            stream = socket.create_connection((s.host, s.port), self.timeout)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return stream
        except OSError as error:
            raise unreachable(self._place, error.strerror or str(error)) from None

    def _start(self, known: hostkeys.Known, ask: "Ask | None") -> None:
        transport = self._transport
        if known.types():
            # As ssh does: ask for a key of a type that can be compared.
            options = transport.get_security_options()
            ours = list(options.key_types)
            first = [t for t in ours if t in known.types() or ("rsa" in t and "ssh-rsa" in known.types())]
            options.key_types = first + [t for t in ours if t not in first]
        transport.banner_timeout = transport.handshake_timeout = self.timeout
        transport.auth_timeout = max(self.timeout, 60)
        transport.start_client(timeout=self.timeout)
        hostkeys.check(known, transport.get_remote_server_key(), self.settings, ask)

    # What happens on it

    @property
    def alive(self) -> bool:
        """False once the other side is gone."""
        return self._transport.is_active()

    def open_unix(self, path: str) -> socket.socket:
        """A socket whose other end is the unix socket `path` over there.

        Raises ConnectionRefusedError when nobody answers at `path`, or the server forbids it or does not know how;
        ConnectionResetError when the connection is lost.
        """
        return bridge(self._channel("direct-streamlocal@openssh.com", path, "", 0))

    def open_early(self, path: str) -> "Early":
        """The same, not waited for."""
        return Early(lambda: self._channel("direct-streamlocal@openssh.com", path, "", 0))

    def open_tcp(self, host: str, port: int) -> socket.socket:
        """The same for a TCP port that is reached from over there."""
        return bridge(self._channel("direct-tcpip", host, port, "", 0))

    def start(self, argv: "Sequence[str]") -> "Remote":
        """Start a program over there; its input and output are the socket of what is returned.

        Raises Full when as many run on this connection as the server allows.
        """
        try:
            channel = self._channel("session")
        except ConnectionRefusedError:
            what = f"{self.alias} lets no more programs run on one SSH connection (MaxSessions of its sshd_config)"
            raise Full(errno.EUSERS, what) from None
        try:
            channel.execute(command_line(argv))
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ConnectionResetError(104, f"SSH connection to {self.settings.alias}: {error}") from None
        return Remote(channel)

    def hasten(self) -> None:
        """Have small answers sent at once: OpenSSH's server lets them wait for ours (Nagle's algorithm) until it has
        started a program."""
        try:
            channel = self._channel("session")
            channel.execute("true")
            _close(channel)
        except (paramiko.SSHException, EOFError, OSError):
            pass  # it starts none, or has gone

    def close(self) -> None:
        """End the connection and everything on it."""
        self._transport.close()
        self._end_jump()

    def _end_jump(self) -> None:
        if self._before is not None:
            self._before.close()

    def _channel(self, kind: str, *fields: "str | int") -> Channel:
        try:
            return self._transport.open(kind, self.timeout, *fields)
        except paramiko.ChannelException:
            raise ConnectionRefusedError(111, "Connection refused") from None
        except (paramiko.SSHException, EOFError) as error:
            raise ConnectionResetError(104, f"SSH connection to {self.settings.alias}: {error}") from None


class Remote:
    """A program over there: `socket` is its standard input and output."""

    def __init__(self, channel: Channel):
        self._channel = channel
        self._errors: list[bytes] = []
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()
        self.socket = bridge(channel)

    def _read_errors(self) -> None:
        while piece := self._channel.recv_stderr(65536):
            if sum(map(len, self._errors)) < 1 << 20:
                self._errors.append(piece)

    def finish(self, timeout: float) -> "tuple[int, bytes]":
        """Exit status (-1 when a signal ended it) and what it wrote to standard error, once it has ended.

        Raises TimeoutError; ConnectionResetError when that can never be known.
        """
        deadline = time.monotonic() + timeout
        while not self._channel.exit_status_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no end after {timeout} s")
            self._channel.status_event.wait(0.05)
        status = self._channel.recv_exit_status()
        if status == -1 and not self._channel.transport.is_active():
            raise ConnectionResetError(104, "the SSH connection was lost")
        self._reader.join(max(0.0, deadline - time.monotonic()))
        return status, b"".join(self._errors)

    def abandon(self) -> None:
        """Hang up; what does not need its input and output runs on over there."""
        self.socket.close()
        _close(self._channel)


class Early:
    """A stream that is handed out before it is known whether it can be had; it has the methods of Remote."""

    def __init__(self, opening: "Callable[[], Channel]"):
        self.socket, theirs = socket.socketpair()
        self._failure = ""
        self._known = threading.Event()
        threading.Thread(target=self._open, args=(opening, theirs), daemon=True).start()

    def _open(self, opening: "Callable[[], Channel]", theirs: socket.socket) -> None:
        try:
            join(opening(), theirs)
        except OSError as error:
            self._failure = error.strerror or str(error)
            theirs.close()
        self._known.set()

    def finish(self, timeout: float) -> "tuple[int, bytes]":
        """1 and why it could not be had; 0 where it could. Raises TimeoutError."""
        if not self._known.wait(timeout):
            raise TimeoutError(f"no end after {timeout} s")
        return int(bool(self._failure)), self._failure.encode()

    def abandon(self) -> None:
        """Hang up."""
        self.socket.close()


def _close(channel: Channel) -> None:
    try:
        channel.close()
    except (OSError, EOFError, paramiko.SSHException):
        pass  # the connection is gone, and the channel with it


def command_line(argv: "Sequence[str]") -> str:
    """Arguments as a line for the POSIX shell over there: the only place where vsh quotes for one."""
    return shlex.join(argv)


def bridge(channel: Channel) -> socket.socket:
    """A socket joined to a channel; the end of either ends both."""
    ours, theirs = socket.socketpair()
    join(channel, theirs)
    return ours


def join(channel: Channel, theirs: socket.socket) -> None:
    """Join a socket to a channel by two threads, since a channel cannot be polled."""
    receiver = threading.Thread(target=_to_socket, args=(channel, theirs), daemon=True)
    receiver.start()
    threading.Thread(target=_to_channel, args=(channel, theirs, receiver), daemon=True).start()


def _to_socket(channel: Channel, to: socket.socket) -> None:
    try:
        while data := channel.recv(1 << 18):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        _close(channel)


def _to_channel(channel: Channel, source: socket.socket, receiver: threading.Thread) -> None:
    try:
        while data := source.recv(1 << 18):
            channel.sendall(data)
        channel.shutdown_write()
        # The other side closes it, once it has told how its program ended.
        receiver.join()
    except (OSError, EOFError, paramiko.SSHException):
        _close(channel)
    source.close()


def refuse_beyond_us(settings: Settings) -> None:
    """A jump host must be within what paramiko can do, for it cannot be left to another program.

    Raises VirtError(ARGUMENT_UNSUPPORTED).
    """
    reason = settings.beyond_us()
    if reason:
        raise errors.virt_error(
            errors.ARGUMENT_UNSUPPORTED,
            f"jump host {settings.alias}: {reason} needs OpenSSH",
            hint="add ?command=ssh to the URI, and the system's ssh does it all",
        )
