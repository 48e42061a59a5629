"""What paramiko's transport and channels lack: ways to unix sockets, an end for a connection whose other side is
silent, and the order of what is sent on a channel that ends.

`direct-streamlocal@openssh.com` is OpenSSH's (its file PROTOCOL, 2.4). paramiko's public way to open a channel cannot
carry that request's payload.
"""

import threading
import time

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, cMSG_CHANNEL_OPEN, cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Code of a refusal to open a channel because nobody answers (RFC 4254, 5.1); OpenSSH gives it for what it forbids, too
CONNECT_FAILED = 2


class Channel(paramiko.Channel):
    """A channel on which nothing is sent after its close.

    paramiko's sends data and end-of-file when it does not hold the channel's lock any more, and then perhaps after the
    close that answers the other side's: OpenSSH ends the whole connection for that.
    """

    transport: "Any"

    def __init__(self, number: int):
        super().__init__(number)
        self._sending = threading.Lock()

    def execute(self, command: str) -> None:
        """Have the far side's shell run a command; whether it does shows in what comes of it."""
        request = paramiko.Message()
        request.add_byte(cMSG_CHANNEL_REQUEST)
        request.add_int(self.remote_chanid)
        request.add_string("exec")
        request.add_boolean(False)
        request.add_string(command)
        self.transport._send_user_message(request)

    def _send(self, data: bytes, message: paramiko.Message) -> int:
        with self._sending:
            sent: int = super()._send(data, message)  # type: ignore[misc]
            return sent

    def shutdown(self, how: int) -> None:
        with self._sending:
            super().shutdown(how)

    def close(self) -> None:
        with self.lock:
            messages = self._close_internal()  # type: ignore[attr-defined]
        self._end(messages)

    def _handle_close(self, message: paramiko.Message) -> None:
        with self.lock:
            messages = self._close_internal()  # type: ignore[attr-defined]
            self.transport._unlink_channel(self.chanid)
        # Not on this thread, which reads: whoever is sending may wait for what it reads.
        threading.Thread(target=self._end, args=(messages,), daemon=True).start()

    def _end(self, messages: "tuple[paramiko.Message | None, ...]") -> None:
        with self._sending:
            for message in messages:
                if message is not None:
                    try:
                        self.transport._send_user_message(message)
                    except (EOFError, OSError, paramiko.SSHException):
                        pass  # the connection is gone, and the channel with it


class Transport(paramiko.Transport):
    """A paramiko transport that can also reach unix sockets, and notices when nobody answers."""

    _channel_handler_table = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_CLOSE: Channel._handle_close,
    }

    def watch(self, interval: float, count: int) -> None:
        """Ask for a sign of life every `interval` seconds; when `count` in a row get none, end the connection."""
        threading.Thread(target=self._watch, args=(interval, count), name="vsh-ssh-alive", daemon=True).start()

    def _watch(self, interval: float, count: int) -> None:
        missed = 0
        asking: threading.Thread | None = None
        while self.is_active() and missed < count:
            begun = time.monotonic()
            self.completion_event = answered = threading.Event()
            if asking is None or not asking.is_alive():  # which it is while the line takes nothing
                asking = threading.Thread(target=self._ask, daemon=True)
                asking.start()
            missed = 0 if answered.wait(interval) else missed + 1
            time.sleep(max(0.0, begun + interval - time.monotonic()))
        self.close()

    def _ask(self) -> None:
        """Send a request that every server answers, if only to say that it does not know it (RFC 4254, 4)."""
        request = paramiko.Message()
        request.add_byte(cMSG_GLOBAL_REQUEST)
        request.add_string("keepalive@openssh.com")
        request.add_boolean(True)
        try:
            self._send_user_message(request)  # type: ignore[attr-defined]
        except (EOFError, OSError, paramiko.SSHException):
            pass  # which ends the transport, too

    def open(self, kind: str, timeout: float, *fields: "str | int") -> Channel:
        """A channel of a kind, whose request ends with `fields`.

        Raises ChannelException when the far side refuses, SSHException when it does not answer within `timeout`
        seconds.
        """
        with self.lock:
            window = self.default_window_size
            packet = self.default_max_packet_size
            number = self._next_channel()  # type: ignore[attr-defined]
            request = paramiko.Message()
            request.add_byte(cMSG_CHANNEL_OPEN)
            request.add_string(kind)
            request.add_int(number)
            request.add_int(window)
            request.add_int(packet)
            for field in fields:
                if isinstance(field, str):
                    request.add_string(field)
                else:
                    request.add_int(field)
            channel = Channel(number)
            self._channels.put(number, channel)  # type: ignore[attr-defined]
            self.channel_events[number] = event = threading.Event()
            self.channels_seen[number] = True
            channel._set_transport(self)  # type: ignore[attr-defined]
            channel._set_window(window, packet)  # type: ignore[attr-defined]
        self._send_user_message(request)  # type: ignore[attr-defined]
        deadline = time.monotonic() + timeout
        while not event.wait(0.1) and self.is_active() and time.monotonic() < deadline:
            pass
        if event.is_set() and self._channels.get(number) is not None:  # type: ignore[attr-defined]
            return channel
        if event.is_set() and self.is_active():
            self.get_exception()  # which may be another's
            raise paramiko.ChannelException(CONNECT_FAILED, "Connect failed")
        raise self.get_exception() or paramiko.SSHException("the far side does not answer")
