"""One side of a conversation: what to send, what arrived.

A peer does no input or output: bytes that arrive are given to `receive`, and what is to be sent lies in `out`. Client
and daemon use the same class; keepalive requests are answered here.
"""

import os
from itertools import count

from .. import errors, procedures
from . import frame
from .codec import encode_error, encode_hole
from .frame import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import VirtError
    from ..procedures import Procedure

#: The keepalive program (virkeepaliveprotocol.x) and its two messages.
KEEPALIVE, PING, PONG = 0x6B656570, 1, 2
_PING = Message(KEEPALIVE, 1, PING, frame.EVENT, 0, frame.OK).encode()
_PONG = Message(KEEPALIVE, 1, PONG, frame.EVENT, 0, frame.OK).encode()


class Peer:
    """State of one side: serial numbers, half a message that arrived, what waits to be sent.

    `out` holds, in order, bytes and file descriptors (int): a descriptor is sent as one zero byte with SCM_RIGHTS
    beside it, then closed, for it is a duplicate. Any thread may send; `receive` is for one at a time.
    """

    def __init__(self) -> None:
        self.out: list[bytes | int] = []
        self._framer = frame.Framer()
        self._serials = count()

    # What arrives

    def receive(self, data: bytes, fds: "Sequence[int]" = ()) -> list[Message]:
        """The messages that `data` completes, keepalive apart; `fds` came beside it and belong to the messages.

        Raises VirtError(RPC) when the other side breaks the protocol; the conversation is over then.
        """
        messages = []
        for message in self._framer.feed(data, fds):
            if message.program != KEEPALIVE:
                messages.append(message)
            elif message.procedure == PING and message.type == frame.EVENT:
                self.out.append(_PONG)
        return messages

    # What is sent

    def next_serial(self) -> int:
        """A number for a call."""
        return next(self._serials) & 0xFFFFFFFF

    def call(self, procedure: "Procedure", serial: int, payload: bytes, fds: "Sequence[int]" = ()) -> None:
        """Send a call."""
        kind = frame.CALL_WITH_FDS if fds else frame.CALL
        self._send(_message(procedure, kind, serial, frame.OK, payload, fds))

    def reply(self, call: Message, payload: bytes, fds: "Sequence[int]" = ()) -> None:
        """Answer a call."""
        kind = frame.REPLY_WITH_FDS if fds else frame.REPLY
        self._answer(call, kind, frame.OK, payload, fds)

    def fail(self, call: Message, error: "VirtError") -> None:
        """Answer a call, or a message of a stream, with an error."""
        kind = frame.STREAM if call.type in (frame.STREAM, frame.STREAM_HOLE) else frame.REPLY
        self._answer(call, kind, frame.ERROR, encode_error(error))

    def event(self, procedure: "Procedure", payload: bytes) -> None:
        """Tell of an event."""
        self._send(_message(procedure, frame.EVENT, 0, frame.OK, payload))

    def stream(self, procedure: "Procedure", serial: int, data: bytes, status: int = frame.CONTINUE) -> None:
        """Send a piece of the stream that the call `serial` opened.

        No data with CONTINUE is the end of the data, OK the wish to finish (or agreement), ERROR an abort.
        """
        self._send(_message(procedure, frame.STREAM, serial, status, data))

    def hole(self, procedure: "Procedure", serial: int, length: int) -> None:
        """Send a hole of `length` bytes in a stream."""
        self._send(_message(procedure, frame.STREAM_HOLE, serial, frame.CONTINUE, encode_hole(length)))

    def ping(self) -> None:
        """Ask the other side whether it lives."""
        self.out.append(_PING)

    def close(self) -> None:
        """Close the file descriptors that were never sent or never delivered."""
        for fd in [piece for piece in self.out if isinstance(piece, int)] + self._framer.leftover_fds():
            os.close(fd)
        self.out.clear()

    def _answer(self, call: Message, kind: int, status: int, payload: bytes, fds: "Sequence[int]" = ()) -> None:
        self._send(Message(call.program, call.version, call.procedure, kind, call.serial, status, payload, fds))

    def _send(self, message: Message) -> None:
        self.out.extend([message.encode(), *_duplicates(message.fds)])


def _duplicates(fds: "Sequence[int]") -> list[int]:
    """Descriptors of our own, which their giver may close.

    Raises VirtError(SYSTEM_ERROR) with libvirt's words when one of them is not open.
    """
    own: list[int] = []
    for fd in fds:
        try:
            own.append(os.dup(fd))
        except OSError as error:
            for done in own:
                os.close(done)
            detail = f"Cannot duplicate FD {fd}: {error.strerror}"
            raise errors.virt_error(errors.SYSTEM_ERROR, detail, domain=errors.FROM_RPC) from error
    return own


def _message(
    procedure: "Procedure", kind: int, serial: int, status: int, payload: bytes, fds: "Sequence[int]" = ()
) -> Message:
    program, version = procedures.PROGRAMS[procedure.program]
    return Message(program, version, procedure.number, kind, serial, status, payload, fds)
