"""A daemon that gives the answers it was told to give."""

import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vsh.backends import procedures
from vsh.backends.errors import NO_SUPPORT, VirtError, virt_error
from vsh.backends.rpc import frame
from vsh.backends.rpc.codec import codec
from vsh.backends.rpc.peer import Peer

#: (program, number) -> name of the call.
NAMES = {
    (procedures.PROGRAMS[procedures.lookup(name).program][0], procedures.lookup(name).number): name
    for group in procedures.GROUPS
    for name in procedures.table(group)
    if not procedures.lookup(name).event and group != "admin"
}
OPENING: dict[str, Any] = {
    "auth_list": [0],
    "connect_open": None,
    "connect_close": None,
    "connect_supports_feature": 1,
    "connect_get_uri": "test:///default",
    "connect_set_identity": None,
    "connect_register_close_callback": None,
    "connect_unregister_close_callback": None,
}


class Answering:
    """Serves one client after the other on the unix socket `path`; `uri` is `base` with that socket.

    `answers` are values of calls by name, errors, or for calls that hand over files lists of paths, which are opened.
    All other calls are not supported.
    """

    def __init__(self, path: Path, base: str, answers: Mapping[str, Any]):
        self.uri = f"{base}?socket={path}"
        self._answers = {**OPENING, **answers}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
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
        try:
            while data := client.recv(65536):
                for call in peer.receive(data):
                    self._answer(peer, call)
                send(client, peer)
        except ConnectionError:
            pass  # the client is gone

    def _answer(self, peer: Peer, call: frame.Message) -> None:
        name = NAMES.get((call.program, call.procedure), "")
        answer = self._answers.get(name, virt_error(NO_SUPPORT, name))
        if isinstance(answer, VirtError):
            peer.fail(call, answer)
        elif procedures.lookup(name).files == "F":
            files = [os.open(path, os.O_RDONLY) for path in answer]
            peer.reply(call, b"", files)
            for file in files:
                os.close(file)
        else:
            peer.reply(call, codec(procedures.lookup(name)).encode_results(answer))


def send(client: socket.socket, peer: Peer) -> None:
    """Send what the peer has to say; a descriptor travels beside one zero byte."""
    for piece in peer.out:
        if isinstance(piece, bytes):
            client.sendall(piece)
        else:
            socket.send_fds(client, [b"\0"], [piece])
            os.close(piece)
    peer.out.clear()
