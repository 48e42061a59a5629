"""Locks of LocalHost and SshHost."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hosts.conftest import elsewhere
from tests.live.sshd import Sshd, bare
from vsh.backends import ssh
from vsh.backends.hosts import Host
from vsh.backends.hosts.local import LocalHost
from vsh.backends.hosts.ssh import SshHost
from vsh.backends.uri import Uri


def test_locks_exclude_each_other_here_and_there(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "lock it")
    for one, other in ((host, LocalHost()), (LocalHost(), host), (host, host)):
        with one.lock(path, 5):
            with pytest.raises(TimeoutError):
                other.lock(path, 0)
            start = time.monotonic()
            with pytest.raises(TimeoutError):
                other.lock(path, 0.4)
            assert 0.3 < time.monotonic() - start < 5
        other.lock(path, 5).release()
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_locks_end_with_their_holder(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    holder = elsewhere("lock = host.lock(sys.argv[1], 10)\nprint('locked', flush=True)\nsys.stdin.read()\n", path)
    assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
    with pytest.raises(TimeoutError):
        host.lock(path, 0.05)
    holder.kill()
    holder.communicate()
    host.lock(path, 5).release()


def test_a_lock_file_that_was_removed_excludes_nobody(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    held = host.lock(path, 5)
    taken: list[object] = []
    waiter = threading.Thread(target=lambda: taken.append(host.lock(path, 20)))
    waiter.start()
    time.sleep(0.3)
    os.unlink(path)
    held.release()
    waiter.join(20)
    assert taken and os.path.exists(path)
    with pytest.raises(TimeoutError):
        LocalHost().lock(path, 0)
    taken[0].release()  # type: ignore[attr-defined]


EXCLUSIVE = (
    "import fcntl, sys\n"
    "file = open(sys.argv[1], 'a+')\n"
    "try:\n    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)\n"
    "except OSError:\n    sys.exit(9)\n"
    "print('held', flush=True); sys.stdin.read()\n"
)


@pytest.mark.parametrize("missing", [["python3"], ["python3", "perl"]], ids=str)
def test_a_shared_presence_with_less(new_sshd: Callable[..., Sshd], tmp_path: Path, missing: list[str]) -> None:
    """perl holds the lock as well; without it nobody does, but one that another program has is still seen."""
    sshd = new_sshd(prefix=bare(without=missing))
    there = SshHost(ssh.connect(Uri(f"qemu+ssh://root@127.0.0.1:{sshd.port}/system?{sshd.query()}")))
    argv = [sys.executable, "-c", EXCLUSIVE, str(tmp_path / "lock")]
    with there.share(argv[-1]):
        taken = subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=30).returncode
        assert taken == (0 if "perl" in missing else 9)
    argv[2] = EXCLUSIVE.replace(" | fcntl.LOCK_NB", "")  # over there a lock ends shortly after its release
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError):
            there.share(argv[-1])
    finally:
        holder.communicate(timeout=30)
        there.close()


def test_a_shared_presence(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "driver.pid")
    first, second = host.share(path), host.share(path)
    argv = [sys.executable, "-c", EXCLUSIVE, path]
    assert subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=30).returncode == 9
    first.release()
    second.release()
    # Over there a lock ends shortly after its release.
    argv[2] = EXCLUSIVE.replace(" | fcntl.LOCK_NB", "")
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError):
            host.share(path)
    finally:
        holder.communicate(timeout=30)
