"""The hosts that all tests of this folder are tried on, and code that runs elsewhere."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.live.sshd import Sshd
from vsh.backends import ssh
from vsh.backends.hosts import Host
from vsh.backends.hosts.local import LocalHost
from vsh.backends.hosts.ssh import SshHost
from vsh.backends.uri import Uri

#: Python code in a process of its own begins with this.
PRELUDE = "import os, sys\nfrom vsh.backends.hosts.local import LocalHost\nhost = LocalHost()\n"


@pytest.fixture(params=["local", "ssh", pytest.param("openssh", marks=pytest.mark.long)])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "local":
        yield LocalHost()
        return
    sshd: Sshd = request.getfixturevalue("sshd")
    more = {"command": "ssh"} if request.param == "openssh" else {}
    remote = SshHost(ssh.connect(Uri(f"qemu+ssh://root@127.0.0.1:{sshd.port}/system?{sshd.query(**more)}")))
    yield remote
    remote.close()


def elsewhere(code: str, *argv: str) -> "subprocess.Popen[str]":
    """Run Python code in a process of its own, this machine at hand as `host`."""
    command = [sys.executable, "-c", PRELUDE + code, *argv]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
