"""lxc-enter-namespace: a program in the namespaces that a daemon hands over."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.need import need, need_root
from tests.live.nursery import Nursery
from tests.live.side import Side
from vsh.backends import procedures
from vsh.backends.errors import NO_DOMAIN, NO_SUPPORT, virt_error
from vsh.backends.records import DomainGetSecurityLabel, NodeGetSecurityModel
from vsh.backends.rpc import frame
from vsh.backends.rpc.codec import codec
from vsh.backends.rpc.peer import Peer

NAMES = {
    (procedures.PROGRAMS[program][0], procedures.lookup(name).number): name
    for program, group in (("remote", "connect"), ("remote", "domain"), ("remote", "node"), ("lxc", "lxc"))
    for name in procedures.table(group)
}


class Daemon:
    """A daemon with one container, whose only namespace is that of host names, held by the process `pid`."""

    def __init__(self, path: Path, pid: int):
        self.uri = f"lxc+unix:///system?socket={path}"
        self._pid = pid
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
                peer = Peer()
                while data := client.recv(65536):
                    for call in peer.receive(data):
                        self._answer(peer, call)
                    self._send(client, peer)

    def _answer(self, peer: Peer, call: frame.Message) -> None:
        name = NAMES.get((call.program, call.procedure), "")
        box = ("box", bytes(range(16)), self._pid)
        answers: dict[str, Any] = {
            "auth_list": [0],
            "connect_open": None,
            "connect_close": None,
            "connect_supports_feature": 1,
            "connect_get_uri": "lxc:///system",
            "connect_set_identity": None,
            "connect_register_close_callback": None,
            "connect_unregister_close_callback": None,
            "domain_lookup_by_name": box,
            "node_get_security_model": NodeGetSecurityModel("none", ""),
            "domain_get_security_label": DomainGetSecurityLabel("", 0),
        }
        if name == "lxc_domain_open_namespace":
            namespace = os.open(f"/proc/{self._pid}/ns/uts", os.O_RDONLY)
            peer.reply(call, b"", [namespace])
            os.close(namespace)
        elif name == "domain_lookup_by_name" and b"box" not in call.payload:
            peer.fail(call, virt_error(NO_DOMAIN))
        elif name in answers:
            peer.reply(call, codec(procedures.lookup(name)).encode_results(answers[name]))
        else:
            peer.fail(call, virt_error(NO_SUPPORT, name))

    def _send(self, client: socket.socket, peer: Peer) -> None:
        """A descriptor travels beside one zero byte."""
        for piece in peer.out:
            if isinstance(piece, bytes):
                client.sendall(piece)
            else:
                socket.send_fds(client, [b"\0"], [piece])
                os.close(piece)
        peer.out.clear()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    need("unshare")
    need_root()
    process = subprocess.Popen(
        ["unshare", "--uts", "sh", "-c", "hostname inside; echo; exec sleep 100"], stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    try:
        with Nursery() as nursery:
            made = Daemon(nursery.directory / "socket", process.pid)
            yield made
            made.close()
    finally:
        process.kill()
        process.wait()


def test_a_program_inside(side: Side, daemon: Daemon) -> None:
    run = side.assert_same(
        "-c",
        daemon.uri,
        "lxc-enter-namespace box /bin/hostname; "
        "lxc-enter-namespace box --noseclabel -- /bin/sh -c 'hostname; echo $1' x y",
    )
    assert run.stdout.split() == ["inside", "inside", "y"] and run.status == 0
    assert side.vsh("-q", "-c", daemon.uri, "lxc-enter-namespace", "box", "/bin/echo", "a b").stdout == "a b\n"


def test_its_failures(side: Side, daemon: Daemon) -> None:
    for program in ("/bin/false", "/nosuch", "/", "/bin/sh -c 'exit 3'", "/bin/sh -c 'kill -9 $$'"):
        runs = [one("-c", daemon.uri, f"lxc-enter-namespace box {program}") for one in (side.virsh, side.vsh)]
        wanted, seen = ["".join(c for c in run.stderr if not c.isdigit()) for run in runs]
        assert seen == wanted and runs[0].status == runs[1].status == 1
    side.assert_same("-c", daemon.uri, "lxc-enter-namespace other /bin/true")
