"""What waits to be sent on a transport: bytes, small pieces of them together, and file descriptors in their places."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .transport import SocketTransport as Transport

#: Small pieces are sent together up to this size.
_JOIN = 1 << 16


class Outbox:
    """`out` is what is to be sent, in order, numbers for file descriptors; others append to it."""

    def __init__(self, transport: "Transport", out: "list[bytes | int]"):
        self._transport = transport
        self._out = out
        self._begun: memoryview | None = None

    def __bool__(self) -> bool:
        return bool(self._out) or self._begun is not None

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return sum(len(piece) for piece in list(self._out) if isinstance(piece, bytes)) + len(self._begun or b"")

    def send(self) -> bool:
        """Send what the transport takes without waiting; whether it took anything.

        Raises OSError.
        """
        sent = False
        try:
            while self:
                if self._begun is None:
                    if isinstance(self._out[0], int):
                        self._transport.send_file(self._out[0])
                        del self._out[0]
                        continue
                    self._begun = memoryview(_join(self._out, _JOIN if self._transport.joins else 1))
                count = self._transport.send(self._begun)
                self._begun = self._begun[count:] if count < len(self._begun) else None
                sent = True
        except BlockingIOError:
            pass
        return sent


def _join(out: "list[bytes | int]", most: int) -> bytes:
    """Take bytes from the front of what is to be sent: small pieces together, until there are `most` bytes."""
    pieces, size = [], 0
    for piece in out:
        if isinstance(piece, int) or size >= most:
            break
        pieces.append(piece)
        size += len(piece)
    del out[: len(pieces)]
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
