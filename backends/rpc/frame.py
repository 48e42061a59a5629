"""Messages and the bytes between them.

A message is a length word (which counts itself), a header of six words, for messages with file descriptors their
number, and a payload. Each descriptor follows the message as one byte with SCM_RIGHTS beside it (virnetprotocol.x,
virnetsocket.c).
"""

from struct import Struct

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: virNetMessageType.
CALL, REPLY, EVENT, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS, STREAM_HOLE = range(7)
#: virNetMessageStatus.
OK, ERROR, CONTINUE = range(3)
#: VIR_NET_MESSAGE_MAX, without the length word.
MESSAGE_MAX = 33554432
FDS_MAX = 32

_length = Struct(">I")
_header = Struct(">IIIiIII")
_WITH_FDS = (CALL_WITH_FDS, REPLY_WITH_FDS)


class Message:
    """One message; `fds` are the file descriptors that came or go with it."""

    __slots__ = ("fds", "payload", "procedure", "program", "serial", "status", "type", "version")

    def __init__(
        self,
        program: int,
        version: int,
        procedure: int,
        type: int,
        serial: int,
        status: int,
        payload: bytes = b"",
        fds: "Sequence[int]" = (),
    ):
        self.program = program
        self.version = version
        self.procedure = procedure
        self.type = type
        self.serial = serial
        self.status = status
        self.payload = payload
        self.fds = fds

    def __repr__(self) -> str:
        return f"Message({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    def encode(self) -> bytes:
        """The bytes of the message, without those that carry file descriptors.

        Raises VirtError(RPC) when it is too long.
        """
        numbers = self.program, self.version, self.procedure, self.type, self.serial, self.status
        payload = _length.pack(len(self.fds)) + self.payload if self.type in _WITH_FDS else self.payload
        size = _header.size + len(payload)
        if size > MESSAGE_MAX + _length.size or len(self.fds) > FDS_MAX:
            raise broken(f"{size} bytes and {len(self.fds)} file descriptors do not fit into a message")
        return _header.pack(size, *numbers) + payload


def _cut(buffer: bytearray, start: int, end: int) -> bytes:
    """A part of `buffer`, copied once (a slice of its own would be a copy more)."""
    with memoryview(buffer) as view, view[start:end] as part:
        return bytes(part)


def broken(what: str) -> errors.VirtError:
    """The error for a peer that breaks the protocol."""
    return errors.VirtError(errors.RPC, what, domain=errors.FROM_RPC)


class Framer:
    """Cuts what arrives into messages.

    It keeps no more than what arrived and is not yet a message: at most one message and the piece last fed.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._fds: list[int] = []

    def feed(self, data: bytes, fds: "Sequence[int]" = ()) -> list[Message]:
        """The messages that `data` completes; `fds` are the file descriptors that came beside it.

        Raises VirtError(RPC) as soon as what arrived cannot become a message; nothing may be fed after that.
        """
        self._fds += fds
        if len(self._fds) > 2 * FDS_MAX:
            raise broken(f"{len(self._fds)} file descriptors received for no message")
        buffer = self._buffer
        buffer += data
        found, at = [], 0
        while len(buffer) - at >= _length.size:
            (size,) = _length.unpack_from(buffer, at)
            if size < _header.size:
                raise broken(f"packet {size} bytes received from peer too small, want {_header.size}")
            if size > MESSAGE_MAX + _length.size:
                raise broken(f"packet {size} bytes received from peer too large, want {MESSAGE_MAX}")
            if len(buffer) - at < size:
                break
            message = Message(*_header.unpack_from(buffer, at)[1:])
            start, end = at + _header.size, at + size
            if message.type in _WITH_FDS:
                count = self._count(buffer, start, end)
                if len(buffer) < end + count or len(self._fds) < count:
                    break
                message.fds, self._fds = self._fds[:count], self._fds[count:]
                start += _length.size
                message.payload = _cut(buffer, start, end)
                end += count
            else:
                message.payload = _cut(buffer, start, end)
            found.append(message)
            at = end
        del buffer[:at]
        return found

    def _count(self, buffer: bytearray, start: int, end: int) -> int:
        if end - start < _length.size:
            raise broken("message with file descriptors without their number")
        (count,) = _length.unpack_from(buffer, start)
        if count > FDS_MAX:
            raise broken(f"Received too many FDs {count}, expected {FDS_MAX} maximum")
        return int(count)

    def leftover_fds(self) -> list[int]:
        """File descriptors that came but belong to no complete message; the caller closes them."""
        fds, self._fds = self._fds, []
        return fds
