"""The client's end of a stream."""

from collections import deque
from threading import Condition
from time import monotonic

from .. import errors
from ..rpc import frame
from ..rpc.codec import decode_error, decode_hole
from ..streams import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..procedures import Procedure
    from ..rpc.frame import Message
    from .channel import Channel

#: What libvirt's daemons send and take in one message (VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX).
PIECE = 262120
#: A stream that holds this much unread is full, and one that holds the latter has failed.
FULL, LIMIT = 8 << 20, 64 << 20
#: A sender waits while this much is waiting to be sent on the connection, and goes on when half of it has gone.
UNSENT = 4 << 20
#: How long the daemon may take to agree to an abort.
ABORT = 5.0


class ClientStream(Stream):
    """A stream that a call opened.

    The protocol knows no flow control but the socket's. So when a reader is slow and FULL bytes wait for it, the
    connection is read only a piece a second (to see the daemon's keepalive requests) unless a call waits for its reply;
    when LIMIT bytes wait nevertheless, the stream is aborted with an error, and the connection goes on.
    """

    def __init__(self, channel: "Channel", procedure: "Procedure"):
        self.serial = 0
        self._channel = channel
        self._procedure = procedure
        self._changed = Condition()
        #: What came and was not read yet: bytes, or the length of a hole.
        self._pieces: deque[memoryview | int] = deque()
        self._size = 0
        self._ended = False
        self._closed = False
        self._agreed = False
        self._error: errors.VirtError | None = None

    # The contract's side

    def recv(self, size: int, timeout: "float | None" = None) -> "bytes | None":
        with self._changed:
            self._wait(lambda: bool(self._pieces) or self._ended, timeout)
            if not self._pieces:
                return b""
            piece = self._pieces[0]
            if isinstance(piece, int):
                return None
            if len(piece) > size:
                self._pieces[0] = piece[size:]
            else:
                self._pieces.popleft()
            was_full = self.full
            self._size -= min(size, len(piece))
        if was_full and not self.full:
            self._channel.ring()
        whole = piece.obj  # The bytes as they came, where nothing of them was taken before.
        return whole if isinstance(whole, bytes) and len(whole) == len(piece) <= size else bytes(piece[:size])

    def recv_hole(self, timeout: "float | None" = None) -> int:
        with self._changed:
            self._wait(lambda: bool(self._pieces) or self._ended, timeout)
            if not self._pieces or not isinstance(self._pieces[0], int):
                return 0
            length = self._pieces[0]
            self._pieces.popleft()
            return length

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        deadline = None if timeout is None else monotonic() + timeout
        for at in range(0, len(data), PIECE):
            with self._changed:
                left = None if deadline is None else deadline - monotonic()
                self._wait(lambda: self._channel.unsent < UNSENT, left)
            self._channel.peer.stream(self._procedure, self.serial, data[at : at + PIECE])
            self._channel.ring()

    def send_hole(self, length: int, timeout: "float | None" = None) -> None:
        with self._changed:
            self._wait(lambda: self._channel.unsent < UNSENT, timeout)
        self._channel.peer.hole(self._procedure, self.serial, length)
        self._channel.ring()

    def finish(self, timeout: "float | None" = None) -> None:
        with self._changed:
            self._check()
            self._drop()
            self._channel.peer.stream(self._procedure, self.serial, b"", frame.OK)
            self._channel.ring()
            try:
                self._wait(lambda: self._agreed, timeout)
            finally:
                self._close()

    def abort(self) -> None:
        with self._changed:
            if self._closed or self._error is not None or self._channel.failure is not None:
                self._close()
                return
            self._channel.peer.stream(self._procedure, self.serial, b"", frame.ERROR)
            self._channel.ring()
            try:
                self._wait(lambda: self._agreed, ABORT)
            except errors.VirtError:
                pass
            self._close()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closed:
            raise errors.virt_error(errors.INVALID_STREAM, "stream is closed", domain=errors.FROM_STREAMS)

    def _wait(self, ready: "Callable[[], bool]", timeout: "float | None") -> None:
        """Wait, with the lock held, until `ready()`."""
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            self._check()
            if ready():
                return
            left = None if deadline is None else deadline - monotonic()
            if left is not None and left <= 0:
                raise errors.virt_error(errors.OPERATION_TIMEOUT, "the stream did not move", domain=errors.FROM_STREAMS)
            self._changed.wait(left)

    def _close(self) -> None:
        self._closed = True
        self._drop()
        self._channel.streams.pop(self.serial, None)
        self._changed.notify_all()
        self._channel.ring()

    def _drop(self) -> None:
        self._pieces.clear()
        self._size = 0

    # The channel's side, on its thread

    @property
    def full(self) -> bool:
        """Whether the reader is too slow."""
        return self._size >= FULL

    def deliver(self, message: "Message") -> None:
        """A message of this stream has come."""
        with self._changed:
            if message.status == frame.ERROR:
                self.fail(decode_error(message.payload))
            elif message.status == frame.OK:
                self._agreed = True
            elif message.type == frame.STREAM_HOLE:
                self._pieces.append(decode_hole(message.payload))
            elif not message.payload:
                self._ended = True
            elif self._size + len(message.payload) > LIMIT:
                self._channel.peer.stream(self._procedure, self.serial, b"", frame.ERROR)
                what = f"stream aborted: {LIMIT >> 20} MiB came and were not read"
                self.fail(errors.virt_error(errors.OPERATION_FAILED, what, domain=errors.FROM_STREAMS))
            else:
                self._pieces.append(memoryview(message.payload))
                self._size += len(message.payload)
            self._changed.notify_all()

    def fail(self, error: errors.VirtError) -> None:
        """The stream has ended with an error."""
        with self._changed:
            self._error = self._error or error
            self._drop()
            self._channel.streams.pop(self.serial, None)
            self._changed.notify_all()

    def drained(self) -> None:
        """Something was sent."""
        if self._channel.unsent <= UNSENT // 2:
            with self._changed:
                self._changed.notify_all()
