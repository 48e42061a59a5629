"""The shell that stays: every byte arrives, answers belong to their questions, and its end is told."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vsh.backends.hosts.shell import Shell

SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
BYTES = bytes(range(1, 256)) + b"\n\n"


class Here:
    """A link whose programs run on this machine, `sh` being the shell that is tried."""

    def __init__(self, sh: Sequence[str]):
        self.sh = sh

    def start(self, argv: Sequence[str]) -> "Program":
        return Program([*self.sh, *argv[1:]])


class Program:
    def __init__(self, argv: Sequence[str]):
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(argv, stdin=theirs, stdout=theirs)

    def abandon(self) -> None:
        self.socket.close()
        self.process.wait(10)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    if not shutil.which(SHELLS[request.param][0]):
        pytest.skip(f"{request.param} is not installed")
    shell = Shell(Here(SHELLS[request.param]))  # type: ignore[arg-type]
    yield shell
    shell.close()


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds


def test_every_byte_arrives(shell: Shell) -> None:
    assert shell.run("cat", (), BYTES, soon()) == (0, BYTES, b"")
    for word in (os.fsdecode(BYTES), "", "-n", "\\", "$(id)", "%s", "'"):
        assert shell.run('printf %s "$1"', [word], b"", soon()) == (0, os.fsencode(word), b"")
    assert shell.run('echo "$2" >&2; exec 4<&-; cd /; exit 7', ["a", "b c"], b"", soon()) == (7, b"", b"b c")


def test_answers_belong_to_their_questions(shell: Shell) -> None:
    with pytest.raises(TimeoutError):
        shell.run("sleep 0.3; echo late", (), b"", soon(0.05))
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda n: shell.run('echo "$1"', [str(n)], b"", soon()).stdout, range(40)))
    assert said == [f"{n}\n".encode() for n in range(40)] and shell.alive


def test_what_ends_it_is_told(shell: Shell) -> None:
    shell._program.process.kill()  # type: ignore[attr-defined]
    with pytest.raises(ConnectionResetError):
        shell.run("echo", (), b"", soon())
    assert not shell.alive


def test_locks(shell: Shell, tmp_path: Path) -> None:
    path = str(tmp_path / "it's\na lock")

    def free() -> bool:
        return subprocess.run(["flock", "-n", path, "true"]).returncode == 0

    first, second = shell.descriptor(), shell.descriptor()
    assert shell.take(path, first, soon()).status == 0 and not free()
    assert shell.take(path, second, soon()).status == 1
    os.unlink(path)
    assert shell.take(path, second, soon()).status == 0 and not free()
    shell.drop(second, soon())
    assert free()
    assert shell.take("/nosuch/lock", second, soon()).status == 2
    left = [shell.descriptor() for _ in range(6)]
    assert left[-1] == 0 and len(set(left)) == 6
