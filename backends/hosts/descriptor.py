"""A channel that is a file descriptor of ours."""

import os
import select
import time

from . import Channel


class DescriptorChannel(Channel):
    """Owns `descriptor`, a terminal or a socket."""

    def __init__(self, descriptor: int):
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        # Readable once it is closed: whoever waits learns of it.
        self._closed, self._close = os.pipe()

    def recv(self, size: int, timeout: "float | None" = None) -> bytes:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if not self._wait(select.POLLIN, deadline):
                return b""
            try:
                return os.read(self._descriptor, size)
            except BlockingIOError:
                continue
            except OSError:
                return b""  # a terminal whose other end is gone

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        left = memoryview(data)
        while left:
            if not self._wait(select.POLLOUT, deadline):
                raise BrokenPipeError(32, os.strerror(32))
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                continue

    def _wait(self, event: int, deadline: "float | None") -> bool:
        """Wait until the descriptor is ready; False when this was closed."""
        if self._close < 0:
            return False
        poll = select.poll()
        poll.register(self._descriptor, event)
        poll.register(self._closed, select.POLLIN)
        patience = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        ready = dict(poll.poll(patience))
        if not ready:
            raise TimeoutError
        return self._closed not in ready

    def close(self) -> None:
        closing, self._close = self._close, -1
        if closing >= 0:
            os.close(closing)

    def __del__(self) -> None:
        self.close()
        os.close(self._closed)
        os.close(self._descriptor)
