"""This machine as a host: what survives a kill, who excludes whom, which process is which."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.wait import wait_until
from vsh.backends.hosts import Process
from vsh.backends.hosts.local import LocalHost

HOST = LocalHost()
ENV = {"PATH": "/usr/bin:/bin"}


def other(code: str, *argv: str) -> "subprocess.Popen[str]":
    """Python code in a process of its own, `HOST` at hand."""
    prelude = "import sys\nfrom vsh.backends.hosts.local import LocalHost\nHOST = LocalHost()\n"
    argv_ = [sys.executable, "-c", prelude + code, *argv]
    return subprocess.Popen(argv_, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_run() -> None:
    done = HOST.run(["sh", "-c", "cat; echo err >&2; exit 3"], b"in")
    assert (done.status, done.stdout, done.stderr) == (3, b"in", b"err\n")
    with pytest.raises(FileNotFoundError):
        HOST.run(["/nonexistent/program"])
    with pytest.raises(TimeoutError):
        HOST.run(["sleep", "5"], timeout=0.05)


def test_a_spawned_program_is_detached_and_logged(tmp_path: Path) -> None:
    log = tmp_path / "log"
    recorded: list[Process] = []
    script = "echo out; echo err >&2; read line || echo end; ps -o sid= -p $$; exec sleep 60"
    process = HOST.spawn(["sh", "-c", script], log=str(log), record=recorded.append, env=ENV)
    assert recorded == [process]
    wait_until(lambda: log.exists() and len(log.read_text().split()) == 4)
    assert log.read_text().split() == ["out", "err", "end", str(process.pid)]
    assert log.stat().st_mode & 0o777 == 0o600
    assert HOST.alive([process]) == [True]
    assert Process.read(str(process)) == process
    assert HOST.signal(process, signal.SIGTERM)
    wait_until(lambda: HOST.alive([process]) == [False])
    assert not HOST.signal(process, signal.SIGTERM)


def test_nothing_runs_that_was_not_recorded(tmp_path: Path) -> None:
    def refuse(process: Process) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        HOST.spawn(["touch", str(tmp_path / "ran")], log=str(tmp_path / "log"), record=refuse, env=ENV)
    # The same when whoever starts it is killed there.
    code = (
        "import os\n"
        "def record(process):\n    print(process, flush=True)\n    os.kill(os.getpid(), 9)\n"
        "HOST.spawn(['touch', sys.argv[1]], log=sys.argv[2], record=record, env={'PATH': '/usr/bin:/bin'})\n"
    )
    killed = other(code, str(tmp_path / "ran"), str(tmp_path / "log"))
    out, _ = killed.communicate(timeout=30)
    assert killed.returncode == -signal.SIGKILL
    process = Process.read(out.strip())
    wait_until(lambda: HOST.alive([process]) == [False])
    assert not (tmp_path / "ran").exists()


def test_a_process_is_told_from_later_ones_of_its_number() -> None:
    me = os.getpid()
    started = int(Path(f"/proc/{me}/stat").read_text().rpartition(")")[2].split()[19])
    mine = Process((me, started, HOST.boot_id()))
    others = [Process((me, started - 1, HOST.boot_id())), Process((me, started, "another boot"))]
    assert HOST.alive([mine, *others]) == [True, False, False]
    assert not HOST.signal(others[0], 0)


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    HOST.write(str(path), b"a" * 100_000)
    code = "while True:\n    for letter in b'ab': HOST.write(sys.argv[1], bytes([letter]) * 100_000, durable=False)\n"
    writer = other(code, str(path))
    try:
        end = time.monotonic() + 1.5
        seen = set()
        while time.monotonic() < end:
            data = HOST.read(str(path))
            assert len(data) == 100_000
            assert len(set(data)) == 1
            seen.add(data[0])
        assert len(seen) == 2
    finally:
        writer.kill()
        writer.communicate()
    assert path.stat().st_mode & 0o777 == 0o600
    left = [name for name in HOST.listdir(str(tmp_path)) if name.startswith(".tmp-")]
    assert len(left) <= 1
    path.unlink()
    (tmp_path / "sub").mkdir()
    with pytest.raises(FileNotFoundError):
        HOST.write(str(tmp_path / "none" / "file"), b"")
    with pytest.raises(OSError):
        HOST.write(str(tmp_path / "sub"), b"")
    assert not [name for name in HOST.listdir(str(tmp_path)) if name.startswith(".tmp-") and name not in left]


def test_folders(tmp_path: Path) -> None:
    HOST.make_folders([f"{tmp_path}/a/b", f"{tmp_path}/a"])
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    HOST.append(f"{tmp_path}/a/x.state", b"1")
    HOST.append(f"{tmp_path}/a/x.state", b"2")
    (tmp_path / "a/y").write_text("no")
    assert HOST.read_all(f"{tmp_path}/a", ".state") == {"x.state": b"12"}
    assert HOST.read_all(f"{tmp_path}/none", ".state") == HOST.listdir(f"{tmp_path}/none") == {}
    assert set(HOST.listdir(f"{tmp_path}/a")) == {"b", "x.state", "y"}
    before = HOST.stat(f"{tmp_path}/a/y")
    HOST.write(f"{tmp_path}/a/y", b"no")
    after = HOST.stat(f"{tmp_path}/a/y")
    assert before is not None and after is not None
    assert before.version != after.version
    HOST.link("y", f"{tmp_path}/a/l")
    HOST.link("y", f"{tmp_path}/a/l")
    assert os.readlink(f"{tmp_path}/a/l") == "y"
    HOST.remove(f"{tmp_path}/a", f"{tmp_path}/none")
    assert HOST.stat(f"{tmp_path}/a") is None


LOCKER = "lock = HOST.lock(sys.argv[1], 10)\nprint('locked', flush=True)\nsys.stdin.readline()\n"


def test_locks_exclude_and_end_with_their_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    holder = other(LOCKER, path)
    assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
    with pytest.raises(TimeoutError):
        HOST.lock(path, 0.05)
    holder.kill()
    holder.communicate()
    with HOST.lock(path, 5), pytest.raises(TimeoutError):
        HOST.lock(path, 0)  # nor does one process have it twice
    HOST.lock(path, 0).release()


def test_a_removed_lock_excludes_whoever_waited_for_it(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    lock = HOST.lock(path, 0)
    waiter = other(LOCKER, path)
    time.sleep(0.2)
    HOST.remove(path)
    lock.release()
    assert waiter.stdout is not None and waiter.stdout.readline() == "locked\n"
    with pytest.raises(TimeoutError):
        HOST.lock(path, 0.05)
    waiter.communicate("\n", timeout=10)


def test_sharing(tmp_path: Path) -> None:
    path = str(tmp_path / "driver.pid")
    sharer = other("lock = HOST.share(sys.argv[1])\nprint('shared', flush=True)\nsys.stdin.readline()\n", path)
    assert sharer.stdout is not None and sharer.stdout.readline() == "shared\n"
    HOST.share(path).release()
    code = (
        "import fcntl\nfile = open(sys.argv[1], 'r+')\ntry:\n    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)\n"
        "except OSError:\n    print('busy', flush=True)\nelse:\n    print('mine', flush=True)\nsys.stdin.readline()\n"
    )
    owner = other(code, path)
    assert owner.communicate("\n", timeout=30)[0] == "busy\n"
    sharer.communicate("\n", timeout=30)
    owner = other(code, path)
    assert owner.stdout is not None and owner.stdout.readline() == "mine\n"
    with pytest.raises(BlockingIOError):
        HOST.share(path)
    owner.communicate("\n", timeout=30)


def test_streams(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as unix, socket.create_server(("127.0.0.1", 0)) as tcp:
        unix.bind(path)
        unix.listen()
        for server, address in ((unix, path), (tcp, tcp.getsockname())):
            with HOST.open_stream(address) as stream:
                peer, _ = server.accept()
                peer.sendall(b"hello")
                peer.close()
                assert stream.recv(10) == b"hello"
    with pytest.raises(ConnectionRefusedError):
        HOST.open_stream(path)
