"""A daemon that does nothing but tell its clients of events."""

import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.commands.answering import Answering, send
from vsh.backends import procedures
from vsh.backends.events import FAMILIES, message
from vsh.backends.rpc.codec import codec, encode_event
from vsh.backends.rpc.frame import Message
from vsh.backends.rpc.peer import Peer

KINDS = [f"domain_event_{name}" for name in FAMILIES["domain"]]
REGISTER = procedures.lookup("connect_domain_event_callback_register_any")


class Announcer(Answering):
    """Serves one client after the other on the unix socket `path`.

    Each is told of all of `events` (kind, record) of the kinds it registered for, as soon as it has registered for
    `last`.
    """

    def __init__(self, path: Path, events: Sequence[tuple[str, Sequence[Any]]], last: str):
        self._events = events
        self._last = KINDS.index(last)
        super().__init__(path, "test+unix:///default", {"connect_domain_event_callback_deregister_any": None})

    def _serve(self, client: socket.socket) -> None:
        peer = Peer()
        registered: set[str] = set()
        try:
            while data := client.recv(65536):
                complete = [self._register(peer, call, registered) for call in peer.receive(data)]
                send(client, peer)
                if any(complete):
                    time.sleep(0.1)  # libvirt drops events that come before it has noted their callback
                    for kind, record in self._events:
                        if kind in registered:
                            peer.event(message(kind), encode_event(kind, KINDS.index(kind), record))
                    send(client, peer)
        except ConnectionError:
            pass  # the client is gone

    def _register(self, peer: Peer, call: Message, registered: set[str]) -> bool:
        """Answer a call; whether it was the registration for the last kind, which is answered with its event's id."""
        if call.procedure != REGISTER.number:
            self._answer(peer, call)
            return False
        number = codec(REGISTER).decode_args(call.payload)[0]
        registered.add(KINDS[number])
        peer.reply(call, codec(REGISTER).encode_results(number))
        return bool(number == self._last)
