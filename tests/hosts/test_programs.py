"""Programs, streams and people of LocalHost and SshHost."""

import errno
import os
import pty
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hosts.conftest import elsewhere
from tests.live.wait import wait_until
from vsh.backends.hosts import Host, Process
from vsh.backends.hosts.local import LocalHost

ENV = {"PATH": "/usr/bin:/bin", "WORD": "a b'c"}


def test_programs(host: Host) -> None:
    done = host.run(["sh", "-c", 'printf %s "$1"; cat; echo oh >&2; exit 3', "sh", "a  b"], b"\0in")
    assert (done.status, done.stdout, done.stderr) == (3, b"a  b\0in", b"oh\n")
    with pytest.raises(FileNotFoundError):
        host.run(["/nowhere/program"])
    with pytest.raises(TimeoutError):
        host.run(["sleep", "20"], timeout=0.3)


def test_much_output_and_input(host: Host) -> None:
    data = os.urandom(3 << 20)
    assert host.run(["cat"], data, timeout=60).stdout == data
    assert host.run(["true"], data, timeout=60).status == 0


def test_processes_outlive_us_and_are_told_apart(host: Host, tmp_path: Path) -> None:
    log = tmp_path / "log file"
    recorded: list[Process] = []

    def record(process: Process) -> None:
        assert not log.exists() or log.read_text() == ""  # nothing has begun yet
        recorded.append(process)

    script = 'echo "$WORD $1 $HOME"; echo err >&2; read line || echo end; ps -o sid= -p $$; exec sleep 60'
    process = host.spawn(["sh", "-c", script, "sh", "x y"], log=str(log), record=record, env=ENV)
    assert recorded == [process] and Process.read(str(process)) == process
    wait_until(lambda: log.read_text().count("\n") == 4)
    first, *rest = log.read_text().split("\n")
    assert first == "a b'c x y " and [line.strip() for line in rest] == ["err", "end", str(process.pid), ""]
    assert log.stat().st_mode & 0o777 == 0o600
    other = Process((process.pid, process[1] + 1, process[2]))
    rebooted = Process((process.pid, process[1], "another"))
    assert host.alive([process, other, rebooted, Process((999999, 1, process[2]))]) == [True, False, False, False]
    assert LocalHost().alive([process]) == [True] and host.alive([]) == []
    assert not host.signal(other, signal.SIGKILL) and host.alive([process]) == [True]
    assert host.signal(process, signal.SIGTERM)
    wait_until(lambda: host.alive([process]) == [False])
    assert not host.signal(process, signal.SIGTERM)


def test_nothing_starts_that_could_not_be_recorded(host: Host, tmp_path: Path) -> None:
    def record(process: Process) -> None:
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        host.spawn(["touch", str(tmp_path / "started")], log=str(tmp_path / "log"), record=record, env=ENV)
    time.sleep(0.3)
    assert not (tmp_path / "started").exists()


def test_nothing_starts_when_the_recorder_is_killed(tmp_path: Path) -> None:
    code = (
        "def record(process):\n    print(process, flush=True)\n    os.kill(os.getpid(), 9)\n"
        "host.spawn(['touch', sys.argv[1]], log=sys.argv[2], record=record, env={'PATH': '/usr/bin:/bin'})\n"
    )
    killed = elsewhere(code, str(tmp_path / "started"), str(tmp_path / "log"))
    told, _ = killed.communicate(timeout=30)
    assert killed.returncode == -signal.SIGKILL
    process = Process.read(told.strip())
    wait_until(lambda: LocalHost().alive([process]) == [False])
    assert not (tmp_path / "started").exists()


def greet(listener: socket.socket) -> None:
    """Say hello to two who come: with ssh(1) somebody looks first whether anybody listens."""
    for _ in range(2):
        with suppress(OSError):
            listener.accept()[0].sendall(b"hello")


def test_streams(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "a socket")
    with socket.socket(socket.AF_UNIX) as unix, socket.create_server(("127.0.0.1", 0)) as tcp:
        unix.bind(path)
        unix.listen()
        for listener, address in ((unix, path), (tcp, tcp.getsockname())):
            threading.Thread(target=greet, args=(listener,), daemon=True).start()
            with host.open_stream(address) as stream:
                assert stream.recv(100) == b"hello"
            listener.shutdown(socket.SHUT_RDWR)  # which ends who waits for one more
    with pytest.raises(ConnectionRefusedError):
        host.open_stream(path)
    with pytest.raises(OSError):
        host.open_stream(f"{path} nosuch")


def test_a_terminal(host: Host) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    device = host.open_device(path)
    for piece in (b"one\n", bytes(range(256))):
        device.send(piece, 30)
        got = b""
        while len(got) < len(piece):
            got += os.read(master, 1000)
        assert got == piece
        os.write(master, piece)
        got = b""
        while len(got) < len(piece):
            got += device.recv(1000, 30)
        assert got == piece
    with pytest.raises(TimeoutError):
        device.recv(1, 0.1)
    os.close(master)
    assert device.recv(1, 30) == b""
    device.close()
    with pytest.raises(FileNotFoundError):
        host.open_device(f"{path}-nosuch")


def test_a_socket_as_a_device(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        device = host.open_device(path)
        device.send(b"hello", 30)
        there = listener.accept()[0]
        if not (heard := there.recv(10)):  # with ssh(1) somebody looked first whether anybody listens
            there = listener.accept()[0]
            heard = there.recv(10)
        with there:
            assert heard == b"hello"
            there.sendall(b"you")
            assert device.recv(10, 30) == b"you"
        assert device.recv(1, 30) == b""
        device.close()


def test_this_boot(host: Host) -> None:
    assert host.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_who_is_there(host: Host, request: pytest.FixtureRequest) -> None:
    uid, environ = host.me()
    home = os.environ["HOME"] if isinstance(host, LocalHost) else str(request.getfixturevalue("sshd").directory)
    assert uid == os.geteuid() and environ["HOME"] == home
    assert all(name in ("HOME",) or name.startswith("XDG_") for name in environ) or environ is os.environ
    mail = pwd.getpwnam("mail")
    assert host.user("mail") == host.user(mail.pw_uid) == ("mail", mail.pw_uid, mail.pw_gid)
    for key in ("nosuch", "", "-x", str(mail.pw_uid), "$(id -un)", ".*", 987654):
        assert host.user(key) is None
    assert host.group("mail") == mail.pw_gid
    for name in ("nosuch", str(mail.pw_gid), ""):
        assert host.group(name) is None


ENDING = """
import ctypes, sys, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
sys.stdout.write("ready\\n")
sys.stdout.flush()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_lives_as_long_as_its_threads(host: Host) -> None:
    """Its first one may be gone already, and the locks on its files are not."""
    with subprocess.Popen([sys.executable, "-c", ENDING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        stat = Path(f"/proc/{process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        started = int(stat.read_text().rpartition(")")[2].split()[19])
        known = Process((process.pid, started, host.boot_id()))
        assert host.alive([known]) == [True]
        assert host.signal(known, signal.SIGKILL)
        wait_until(lambda: host.alive([known]) == [False])
