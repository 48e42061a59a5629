"""Calls in flight on one transport, from any number of threads.

Whoever waits for a reply does the input and output (`_step`), as long as that is one thread at a time: a one-shot needs
no thread. As soon as a second thread calls, events or a stream are wanted, or `start_background` is called, a thread of
the channel's own takes that over for good, and everybody else waits for it.
"""

import _socket
import _thread
import os
import select
from time import monotonic

from .. import errors
from ..procedures import PROGRAMS
from ..rpc import frame
from ..rpc.codec import decode_error
from ..rpc.peer import Peer
from .outbox import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from ..procedures import Procedure
    from ..rpc.frame import Message
    from ..rpc.keepalive import Keepalive
    from .transport import SocketTransport as Transport

    class Receiver(Protocol):
        """A stream, as the channel sees it."""

        serial: int

        def deliver(self, message: Message) -> None: ...
        def fail(self, error: errors.VirtError) -> None: ...
        def drained(self) -> None: ...
        @property
        def full(self) -> bool: ...


#: Why a connection was lost, in virsh's words.
CLOSE_ERROR, CLOSE_EOF, CLOSE_KEEPALIVE = "I/O error", "end of file", "keepalive timeout"
#: How often a piece is read although a stream is full, so that keepalive requests behind its data are seen.
_TRICKLE = 1.0


class Call:
    """A call in flight; `done` once `reply` or `error` is there."""

    __slots__ = ("_ready", "done", "error", "on_reply", "procedure", "reply", "serial")

    def __init__(self, procedure: "Procedure", serial: int, on_reply: "Callable[[Message], None] | None"):
        self.procedure = procedure
        self.serial = serial
        self.on_reply = on_reply
        self.reply: Message | None = None
        self.error: errors.VirtError | None = None
        self.done = False
        self._ready = _thread.allocate_lock()
        self._ready.acquire()

    def finish(self, reply: "Message | None", error: "errors.VirtError | None") -> None:
        if not self.done:
            self.reply, self.error, self.done = reply, error, True
            self._ready.release()

    def wait(self, timeout: "float | None") -> None:
        """Wait for another thread to finish the call."""
        if self._ready.acquire(True, -1 if timeout is None else timeout):
            self._ready.release()


class Channel:
    """One transport and what happens on it.

    `on_event` gets messages that tell of events, `on_close` the reason when the connection is lost; both are called on
    whichever thread does the input.
    """

    def __init__(self, transport: "Transport"):
        self.transport = transport
        self.on_event: Callable[[Message], None] | None = None
        self.on_close: Callable[[str], None] | None = None
        self.failure: errors.VirtError | None = None
        self.keepalive: Keepalive | None = None
        self.background = False
        self.streams: dict[int, Receiver] = {}
        self.peer = Peer()
        self._calls: dict[int, Call] = {}
        self._abandoned: set[int] = set()
        self._outbox = Outbox(transport, self.peer.out)
        self._closing = False
        self._stepping = False
        self._pump: Any = _thread.RLock()
        self._bell, self._doorbell = _socket.socketpair()
        self._bell.setblocking(False)
        self._doorbell.setblocking(False)
        self._poller = select.poll()
        self._poller.register(self._bell.fileno(), select.POLLIN)
        #: What the poller waits for on the transport.
        self._awaited = -1

    def use(self, transport: "Transport") -> None:
        """Go on with another transport, which has the same file descriptor: one that encrypts, say."""
        self.transport = transport
        self._outbox = Outbox(transport, self.peer.out)

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent."""
        return self._outbox.size

    # For callers

    def submit(
        self,
        procedure: "Procedure",
        payload: bytes,
        fds: "Sequence[int]" = (),
        on_reply: "Callable[[Message], None] | None" = None,
        stream: "Receiver | None" = None,
    ) -> Call:
        """Prepare a call; it is sent, with all others prepared, by the next `wait`.

        `on_reply` sees the reply before any later message is looked at; `stream` is the stream that the call opens.
        Raises VirtError once the connection is lost.
        """
        call = Call(procedure, self.peer.next_serial(), on_reply)
        self._calls[call.serial] = call
        if stream is not None:
            stream.serial = call.serial
            self.streams[call.serial] = stream
        try:
            if self.failure is not None:
                raise closed()
            self.peer.call(procedure, call.serial, payload, fds)
        except BaseException:
            self._calls.pop(call.serial, None)
            self.streams.pop(call.serial, None)
            raise
        return call

    def wait(self, call: Call, timeout: "float | None" = None) -> "Message":
        """The reply to a call, which says OK.

        Raises the VirtError it says instead, that of a lost connection, or OPERATION_TIMEOUT after `timeout` seconds.
        When the wait is interrupted (KeyboardInterrupt), the reply is ignored once it comes.
        """
        deadline = None if timeout is None else monotonic() + timeout
        try:
            self.ring()
            while not call.done:
                if not self.background and self._pump.acquire(False):
                    self._pump_until(call, deadline)
                else:
                    self.start_background()
                    call.wait(timeout)
                if not call.done and deadline is not None and monotonic() >= deadline:
                    raise errors.virt_error(errors.OPERATION_TIMEOUT, f"{call.procedure.name} was not answered")
        except BaseException:
            self.abandon(call)
            while self._pump._is_owned():  # Interrupted between taking it and the `try` that gives it back.
                self._pump.release()
            raise
        if call.error is not None:
            raise call.error
        assert call.reply is not None
        if call.reply.status == frame.ERROR:
            raise decode_error(call.reply.payload)
        return call.reply

    def abandon(self, call: Call) -> None:
        """Forget a call; its reply is ignored once it comes."""
        if not call.done:
            self._abandoned.add(call.serial)
        self._calls.pop(call.serial, None)
        self.streams.pop(call.serial, None)
        _discard(call.reply)

    def ring(self) -> None:
        """Tell the thread that does the input and output, if there is one, that there is something to do."""
        if self._stepping or self.background:
            try:
                self._doorbell.send(b"\0")
            except OSError:
                pass  # Full: it will wake up anyway. Closed: there is nothing to tell any more.

    def start_background(self) -> None:
        """Leave input and output to a thread of the channel's own from now on."""
        if not self.background:
            self.background = True
            _thread.start_new_thread(self._run, ())
            self.ring()

    def close(self) -> None:
        """End everything; calls in flight fail."""
        self._closing = True
        if self._pump.acquire(False):
            try:
                self._die(closed(), None)
            finally:
                self._pump.release()
        else:
            self.ring()

    def end(self, why: str, reason: str) -> None:
        """Give the connection up, on the thread that reads."""
        self._die(errors.virt_error(errors.INTERNAL_ERROR, why, domain=errors.FROM_RPC), reason)

    # Input and output: one thread at a time, the holder of _pump

    def _run(self) -> None:
        with self._pump:
            try:
                while self.failure is None:
                    self._step(None)
            except Exception:
                pass  # Already told to everybody who waits, as the failure of the connection.

    def _pump_until(self, call: Call, deadline: "float | None") -> None:
        try:
            self._stepping = True
            while not call.done and not self.background:
                left = None if deadline is None else max(0.0, deadline - monotonic())
                self._step(left)
                if left == 0:
                    break
        finally:
            self._stepping = False
            self._pump.release()

    def _step(self, timeout: "float | None") -> None:
        """Send what there is, wait until something happens, receive what came."""
        # An interrupt while polling leaves everything as it was. Elsewhere it may strike between a message and its
        # bookkeeping: then the connection is given up, for it cannot be known what was lost.
        if self._outbox or self._closing:
            self._guard(self._send)
        if self.failure is None:
            self._guard(self._handle, self._poll(timeout))

    def _guard(self, action: "Callable[..., None]", *args: object) -> None:
        try:
            action(*args)
        except errors.VirtError as error:
            self._die(error, CLOSE_ERROR)
        except BaseException as error:
            what = f"connection given up: {type(error).__name__} while a message was handled"
            failure = errors.virt_error(errors.INTERNAL_ERROR, what)
            failure.__cause__ = error
            self._die(failure, CLOSE_ERROR)
            raise

    def _handle(self, ready: "list[tuple[int, int]]") -> None:
        if self.keepalive is not None:
            self._tick(self.keepalive)
        for fd, events in ready:
            if self.failure is not None:
                return
            if fd == self._bell.fileno():
                self._bell.recv(4096)
            elif events & ~select.POLLOUT:
                self._receive()

    def _poll(self, timeout: "float | None") -> "list[tuple[int, int]]":
        reading = select.POLLIN
        if self.streams and not self._calls and any(stream.full for stream in list(self.streams.values())):
            reading, timeout = 0, _TRICKLE
        if self.keepalive is not None:
            due = max(0.0, self.keepalive.due - monotonic())
            timeout = due if timeout is None else min(due, timeout)
        sending = select.POLLOUT if self._outbox else 0
        if self._awaited != reading | sending:
            self._awaited = reading | sending
            self._poller.register(self.transport.fileno(), self._awaited)
        ready = self._poller.poll(None if timeout is None else int(timeout * 1000) + 1)
        if not ready and not reading:
            ready = [(self.transport.fileno(), select.POLLIN)]
        return ready

    def _tick(self, keepalive: "Keepalive") -> None:
        verdict = keepalive.tick(monotonic())
        if verdict:
            self.peer.ping()
        elif verdict is False:
            error = errors.virt_error(
                errors.INTERNAL_ERROR, "connection closed due to keepalive timeout", domain=errors.FROM_RPC
            )
            self._die(error, CLOSE_KEEPALIVE)

    def _receive(self) -> None:
        try:
            data, fds = self.transport.recv()
        except BlockingIOError:
            return
        except OSError as error:
            self._die(_system_error(f"Cannot recv data: {error.strerror or error}"), CLOSE_ERROR)
            return
        if not data:
            self._die(_system_error("End of file while reading data: Input/output error"), CLOSE_EOF)
            return
        if self.keepalive is not None:
            self.keepalive.heard(monotonic())
        for message in self.peer.receive(data, fds):
            self._dispatch(message)

    def _dispatch(self, message: "Message") -> None:
        if message.type in (frame.REPLY, frame.REPLY_WITH_FDS):
            self._reply(message)
        elif message.type == frame.EVENT:
            if self.on_event is not None:
                self.on_event(message)
        elif message.type in (frame.STREAM, frame.STREAM_HOLE):
            stream = self.streams.get(message.serial)
            if stream is not None:  # Else it was closed here, and the other side did not know yet.
                stream.deliver(message)
        else:
            m = message
            raise frame.broken(f"got unexpected RPC call prog {m.program} vers {m.version} proc {m.procedure}")

    def _reply(self, message: "Message") -> None:
        call = self._calls.get(message.serial)
        m = message
        if call is None or (m.program, m.procedure) != (PROGRAMS[call.procedure.program][0], call.procedure.number):
            _discard(message)
            if message.serial in self._abandoned:
                self._abandoned.discard(message.serial)
                return
            raise frame.broken(f"no call waiting for reply with prog {m.program} vers {m.version} serial {m.serial}")
        if message.status == frame.ERROR:
            self.streams.pop(message.serial, None)
        elif call.on_reply is not None:
            call.on_reply(message)
        self._calls.pop(message.serial, None)
        call.finish(message, None)

    def _send(self) -> None:
        if self._closing:
            self._die(closed(), None)
            return
        try:
            sent = self._outbox.send()
        except OSError as error:
            # What the other side said before it went is worth more than the news that it is gone.
            self._receive()
            self._die(_system_error(f"Cannot write data: {error.strerror or error}"), CLOSE_ERROR)
            return
        if sent:
            for stream in list(self.streams.values()):
                stream.drained()

    def _die(self, error: errors.VirtError, reason: "str | None") -> None:
        if self.failure is not None:
            return
        self.failure = error
        self.transport.close()
        self._bell.close()
        self._doorbell.close()
        self.peer.close()
        for call in list(self._calls.values()):
            call.finish(None, error)
        for stream in list(self.streams.values()):
            stream.fail(error)
        if reason is not None and self.on_close is not None:
            self.on_close(reason)


def closed() -> errors.VirtError:
    """What calls on a lost connection raise."""
    return errors.virt_error(errors.INTERNAL_ERROR, "client socket is closed", domain=errors.FROM_RPC)


def _system_error(text: str) -> errors.VirtError:
    return errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_RPC)


def _discard(message: "Message | None") -> None:
    """Close the file descriptors of a reply that nobody gets."""
    for fd in message.fds if message is not None else ():
        os.close(fd)
