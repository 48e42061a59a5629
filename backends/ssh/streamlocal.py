"""Channels to unix sockets on the far side: OpenSSH's `direct-streamlocal@openssh.com` (its file PROTOCOL, 2.4).

paramiko's public way to open a channel cannot carry that request's payload, so this subclass sends it. Everything else
about such a channel is as for any other.
"""

import threading
import time

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN


class StreamLocalTransport(paramiko.Transport):
    """A paramiko transport that can also reach unix sockets."""

    def open_streamlocal(self, path: str, timeout: float) -> paramiko.Channel:
        """A channel to the unix socket at `path`.

        Raises ChannelException when the far side refuses (code 1: forbidden, 2: nobody answers there), SSHException
        when it does not answer within `timeout` seconds.
        """
        with self.lock:
            window = self.default_window_size
            packet = self.default_max_packet_size
            number = self._next_channel()  # type: ignore[attr-defined]
            request = paramiko.Message()
            request.add_byte(cMSG_CHANNEL_OPEN)
            request.add_string("direct-streamlocal@openssh.com")
            request.add_int(number)
            request.add_int(window)
            request.add_int(packet)
            request.add_string(path)
            request.add_string("")
            request.add_int(0)
            channel = paramiko.Channel(number)
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
        raise self.get_exception() or paramiko.SSHException("the far side does not answer")
