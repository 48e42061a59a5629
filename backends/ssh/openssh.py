"""The same as `link`, by the system's ssh(1): for what only OpenSSH can do, or where it is asked for."""

import os
import socket
import subprocess

from .. import errors
from .link import command_line
from .settings import TIMEOUT, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..uri import Uri


#: What ssh's warnings stand in.
FRAME = b"@@@@@@@@"


class OpensshLink:
    """A host that is reached by one ssh process for each program; ControlMaster, if set, makes them share a connection.

    It has the methods of `link.Link`, but no streams to sockets: those go through programs over there.
    """

    def __init__(self, settings: Settings, uri: "Uri", program: str, reason: str):
        """`reason` says why paramiko does not do it; "" where the user wants it so."""
        self.alias = settings.alias
        self.user = settings.user
        self.reason = reason
        self.timeout = settings.number("connecttimeout", TIMEOUT)
        s = settings
        self._argv = [program, *(["-l", uri.user] if uri.user else []), *(["-p", str(uri.port)] if uri.port else [])]
        for key, value in s.overridden.items():
            self._argv += ["-o", f"{key}={quoted(value)}"]
        if uri.params.get("no_tty", "0") not in ("", "0"):
            self._argv += ["-o", "BatchMode=yes"]
        self._argv += ["-T", "-o", f"ConnectTimeout={int(self.timeout)}", "--", s.alias]

    @property
    def alive(self) -> bool:
        """Each program has a connection of its own, so there is nothing that could end."""
        return True

    def open_unix(self, path: str) -> socket.socket:
        """Raises ConnectionRefusedError, as `link.Link` where there is no way: ssh(1) has no stream to a unix socket
        without a listener on this side."""
        raise ConnectionRefusedError(111, "Connection refused")

    def open_tcp(self, host: str, port: int) -> socket.socket:
        """A socket whose other end is a TCP port that is reached from over there."""
        argv = [*self._argv[:-2], "-W", f"[{host}]:{port}", *self._argv[-2:]]
        return OpensshRemote(argv).socket

    def start(self, argv: "Sequence[str]") -> "OpensshRemote":
        """Start a program over there."""
        return OpensshRemote([*self._argv, command_line(argv)])

    def close(self) -> None:
        """Nothing outlives the programs."""


def quoted(text: str) -> str:
    """One word of ssh_config(5)."""
    if not set(text) & set(" \t\"'\\#"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class OpensshRemote:
    """A program over there: `socket` is its standard input and output."""

    def __init__(self, argv: "list[str]"):
        self.socket, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    argv, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE,
                    env={**os.environ, "LC_ALL": "C"},
                )  # fmt: skip
            except OSError as error:
                self.socket.close()
                raise errors.virt_error(
                    errors.SYSTEM_ERROR,
                    f"cannot run {argv[0]}: {error.strerror}",
                    hint="install OpenSSH's client, or leave out command= and ssh_transport",
                ) from None

    def finish(self, timeout: float) -> "tuple[int, bytes]":
        """Exit status (255 when ssh itself failed) and what was written to standard error. Raises TimeoutError."""
        try:
            _, said = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise TimeoutError(f"no end after {timeout} s") from None
        if FRAME in said:
            said = b"\n".join(text for line in said.splitlines() if (text := line.strip(b" @")))
        return self._process.returncode, said

    def abandon(self) -> None:
        """Hang up; what does not need its input and output runs on over there."""
        self.socket.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
