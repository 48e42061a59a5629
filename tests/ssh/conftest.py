"""Somebody with an agent, a server and a daemon."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.nursery import Nursery
from tests.live.side import Run, private_environment, run, vsh_command
from tests.live.sshd import Sshd


class Person:
    """Somebody with an agent of their own, who manages the test host of `libvirtd` through `sshd`."""

    def __init__(self, home: Path, sshd: Sshd, libvirtd: Libvirtd):
        self.env = {**private_environment(home), "VSH_NO_AGENT": ""}
        (home / "run").mkdir(mode=0o700)
        self.folder = home / "run" / "vsh"
        self.sshd = sshd
        self.uri = self.through(sshd.port, libvirtd)

    def through(self, port: int, libvirtd: Libvirtd, scheme: str = "test", path: str = "/default") -> str:
        """A URI on a daemon, where `port` leads to the server."""
        query = self.sshd.query(socket=str(libvirtd.socket))
        return f"{scheme}+ssh://root@127.0.0.1:{port}{path}?{query}"

    def vsh(self, *argv: str, **env: str) -> Run:
        return run([*vsh_command(), *argv], "", {**self.env, **env}, 60)

    def works(self, **env: str) -> None:
        run = self.vsh("-c", self.uri, "list --name", **env)
        assert run == Run("test\n\n", "", 0) or run.stdout.startswith("test\n"), run

    def links(self) -> list[dict[str, object]]:
        run = self.vsh("--format=json", "agent", "status")
        assert run.status == 0, run.stderr
        found: list[dict[str, object]] = json.loads(run.stdout)["result"]
        return found

    def pids(self) -> list[int]:
        """The processes of agents that belong to this person."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"vsh.agent" in words and f"XDG_RUNTIME_DIR={self.env['XDG_RUNTIME_DIR']}\0".encode() in environ:
                found.append(int(entry.name))
        return found


@pytest.fixture
def person(sshd: Sshd, libvirtd: Libvirtd) -> Iterator[Person]:
    with Nursery() as nursery:
        someone = Person(nursery.directory, sshd, libvirtd)
        yield someone
        for pid in someone.pids():
            os.kill(pid, signal.SIGKILL)


def logins(sshd: Sshd) -> int:
    return sshd.log().count("Accepted publickey")
