"""A daemon that does nothing but tell its clients of events."""

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vsh.backends import procedures
from vsh.backends.errors import NO_SUPPORT, virt_error
from vsh.backends.events import FAMILIES, message
from vsh.backends.rpc.codec import codec, encode_event
from vsh.backends.rpc.frame import Message
from vsh.backends.rpc.peer import Peer

KINDS = [f"domain_event_{name}" for name in FAMILIES["domain"]]
CALLS = {procedures.lookup(name).number: name for name in procedures.table("connect")}
#: What the daemon answers; register_any is answered with the event's id.
ANSWERS: dict[str, Any] = {
    "auth_list": [0],
    "connect_open": None,
    "connect_close": None,
    "connect_supports_feature": 1,
    "connect_get_uri": "test:///default",
    "connect_set_identity": None,
    "connect_register_close_callback": None,
    "connect_unregister_close_callback": None,
    "connect_domain_event_callback_deregister_any": None,
}


class Announcer:
    """Serves one client after the other on the unix socket `path`.

    Each is told of all of `events` (kind, record) of the kinds it registered for, as soon as it has registered for
    `last`.
    """

    def __init__(self, path: Path, events: Sequence[tuple[str, Sequence[Any]]], last: str):
        self._events = events
        self._last = KINDS.index(last)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.uri = f"test+unix:///default?socket={path}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        peer = Peer()
        registered: set[str] = set()
        try:
            while data := client.recv(65536):
                complete = [self._answer(peer, call, registered) for call in peer.receive(data)]
                send(client, peer)
                if any(complete):
                    time.sleep(0.1)  # libvirt drops events that come before it has noted their callback
                    for kind, record in self._events:
                        if kind in registered:
                            peer.event(message(kind), encode_event(kind, KINDS.index(kind), record))
                    send(client, peer)
        except ConnectionError:
            pass  # the client is gone

    def _answer(self, peer: Peer, call: Message, registered: set[str]) -> bool:
        """Answer a call; whether it was the registration for the last kind."""
        name = CALLS.get(call.procedure, "")
        if name == "connect_domain_event_callback_register_any":
            procedure = codec(procedures.lookup(name))
            number = procedure.decode_args(call.payload)[0]
            registered.add(KINDS[number])
            peer.reply(call, procedure.encode_results(number))
            return bool(number == self._last)
        if name in ANSWERS:
            peer.reply(call, codec(procedures.lookup(name)).encode_results(ANSWERS[name]))
        else:
            peer.fail(call, virt_error(NO_SUPPORT, name))
        return False


def send(client: socket.socket, peer: Peer) -> None:
    """Send what the peer has to say."""
    client.sendall(b"".join(piece for piece in peer.out if isinstance(piece, bytes)))
    peer.out.clear()
