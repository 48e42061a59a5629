"""A daemon that does what a test tells it, right or wrong, on a unix socket of its own."""

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from vsh.backends import driver, procedures, registry
from vsh.backends.records import DomainRef
from vsh.backends.rpc.codec import codec
from vsh.backends.rpc.frame import Message
from vsh.backends.rpc.peer import Peer

Answer = Callable[["FakeDaemon", Message], None]
VM = DomainRef("vm", bytes(range(16)), 1)


class FakeDaemon:
    """Accepts one client. Authentication and opening are answered as libvirtd does; `answer` gets all other messages.

    peer, flush: to send what is right.  raw: to send what is not.  seen: names of the calls that came, in order.
    """

    def __init__(self, answer: Answer, auth: int = 0) -> None:
        self._answer = answer
        self._auth = auth
        self._folder = tempfile.TemporaryDirectory(prefix="vsh-", dir="/tmp")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self._folder.name}/sock")
        self._listener.listen()
        self.uri = f"test+unix:///default?socket={self._folder.name}/sock"
        self.peer = Peer()
        self._sending = threading.Lock()
        self.seen: list[str] = []
        self.client: socket.socket | None = None
        self._names = {procedures.lookup(n).number: n for g in procedures.GROUPS[:8] for n in procedures.table(g)}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.hang_up()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        self._folder.cleanup()

    def hang_up(self) -> None:
        """Close the connection."""
        if self.client is not None:
            try:
                self.client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def raw(self, data: bytes) -> None:
        """Send bytes, whatever they are."""
        assert self.client is not None
        try:
            self.client.sendall(data)
        except OSError:
            pass

    def flush(self) -> None:
        """Send what the peer has to say."""
        assert self.client is not None
        with self._sending:
            while self.peer.out:
                piece = self.peer.out.pop(0)
                if isinstance(piece, bytes):
                    self.raw(piece)
                else:
                    socket.send_fds(self.client, [b"\0"], [piece])
                    os.close(piece)

    def reply(self, call: Message, value: object) -> None:
        """Answer a call with a result."""
        self.peer.reply(call, codec(procedures.lookup(self._names[call.procedure])).encode_results(value))
        self.flush()

    def _run(self) -> None:
        try:
            self.client = self._listener.accept()[0]
        except OSError:
            return
        with self.client:
            while True:
                try:
                    data, fds, _, _ = socket.recv_fds(self.client, 1 << 16, 32)
                except OSError:
                    return
                if not data:
                    return
                for message in self.peer.receive(data, fds):
                    self._take(message)
                self.flush()

    def _take(self, message: Message) -> None:
        name = self._names.get(message.procedure, "?")
        self.seen.append(name)
        if name == "auth_list":
            self.reply(message, [self._auth])
        elif name in ("connect_open", "connect_close"):
            self.peer.reply(message, b"")
        elif name == "connect_supports_feature":
            self.reply(message, 1)
        else:
            self._answer(self, message)


@contextmanager
def talking_to(answer: Answer) -> Iterator[tuple[driver.Connection, FakeDaemon]]:
    """A connection to a daemon that answers so, and the daemon."""
    with FakeDaemon(answer) as daemon:
        connection = registry.open(daemon.uri)
        try:
            yield connection, daemon
        finally:
            connection.close()


def silent(daemon: FakeDaemon, call: Message) -> None:
    """Never answers."""


def hostname(daemon: FakeDaemon, call: Message) -> None:
    """Answers as the procedure wants, if it returns one string."""
    daemon.reply(call, "there")


def header(call: Message, size: int, **changes: int) -> bytes:
    """The header of an answer of `size` bytes to `call`, with what `changes` say in place of the right numbers."""
    fields = {"program": call.program, "procedure": call.procedure, "type": 1, "serial": call.serial, "status": 0}
    fields |= changes
    f = fields
    return struct.pack(">IIIiIII", size, f["program"], 1, f["procedure"], f["type"], f["serial"], f["status"])
