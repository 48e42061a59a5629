"""A proxy that makes a local socket as slow as a distant one."""

import queue
import socket
import threading
import time
from pathlib import Path
from typing import Self

Address = Path | tuple[str, int]


class DelayProxy:
    """Forwards connections to `target`, delaying each byte by half of `rtt` (seconds) in either direction.

    Order is kept and bandwidth is not limited, so requests in flight overlap as they do on a real line.
    (Establishing a connection costs nothing: that happens in the kernel.) `address` is where to connect: a
    path in `directory` for a unix socket, else a port of 127.0.0.1. `lost`, once set, swallows all that comes; `stuck`
    leaves it unread. `turns` counts round trips: how often a client spoke first, or after it had heard something. A
    context manager.
    """

    def __init__(self, target: Address, rtt: float, directory: Path | None = None) -> None:
        """Listen; on a unix socket in `directory` (a short path) if `target` is a path."""
        self._target = target
        self._delay = rtt / 2
        self.lost = threading.Event()
        self.stuck = threading.Event()
        self.turns = 0
        self.address: Address
        if isinstance(target, Path):
            assert directory is not None
            self.address = directory / "slow-sock"
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self.address))
            self._listener.listen()
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.address = ("127.0.0.1", self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening and cut all connections."""
        self._closed = True
        # shutdown() wakes the thread that waits in accept() or recv(); close() alone does not.
        for end in (self._listener, *self._open):
            _quietly_shut(end, socket.SHUT_RDWR)
        self._listener.close()
        if isinstance(self.address, Path):
            self.address.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def changed(self, data: bytes) -> bytes:
        """What arrives of `data`: all of it, unless a subclass knows better."""
        return data

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            try:
                far = _connect(self._target)
            except OSError:
                near.close()
                continue
            for end in (near, far):
                if end.family == socket.AF_INET:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [near, far]
            heard = threading.Event()
            heard.set()
            for source, sink in ((near, far), (far, near)):
                line: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                asks = heard if source is near else None
                threading.Thread(target=self._fill, args=(source, line, asks), daemon=True).start()
                tells = heard if sink is near else None
                threading.Thread(target=_drain, args=(line, sink, tells), daemon=True).start()

    def _fill(
        self, source: socket.socket, line: queue.SimpleQueue[tuple[float, bytes]], heard: threading.Event | None
    ) -> None:
        data = b"x"
        while data:
            try:
                data = source.recv(1 << 16)
                while self.stuck.is_set() and not self._closed:
                    time.sleep(0.05)
            except OSError:
                data = b""
            if self.lost.is_set() and not self._closed:
                continue
            if data and heard is not None and heard.is_set():
                heard.clear()
                self.turns += 1
            line.put((time.monotonic() + self._delay, self.changed(data)))


def _drain(
    line: queue.SimpleQueue[tuple[float, bytes]], sink: socket.socket, heard: threading.Event | None
) -> None:
    while True:
        due, data = line.get()
        time.sleep(max(0.0, due - time.monotonic()))
        if not data:
            _quietly_shut(sink, socket.SHUT_WR)
            return
        if heard is not None:
            heard.set()
        try:
            sink.sendall(data)
        except OSError:
            return


def _connect(target: Address) -> socket.socket:
    if isinstance(target, Path):
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(target))
        return far
    return socket.create_connection(target)


def _quietly_shut(end: socket.socket, how: int) -> None:
    try:
        end.shutdown(how)
    except OSError:
        pass
