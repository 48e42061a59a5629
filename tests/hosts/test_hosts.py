"""One suite for LocalHost and SshHost."""

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
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.sshd import Sshd, bare
from tests.live.wait import wait_until
from vsh.backends import ssh
from vsh.backends.hosts import Host, Process
from vsh.backends.hosts.local import LocalHost
from vsh.backends.hosts.ssh import SshHost
from vsh.backends.uri import Uri

ENV = {"PATH": "/usr/bin:/bin", "WORD": "a b'c"}
#: Python code in a process of its own begins with this.
PRELUDE = "import os, sys\nfrom vsh.backends.hosts.local import LocalHost\nhost = LocalHost()\n"
NAMES = ["with blank", "$(touch owned)", "'quoted\"", "-n*ü"]


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


def test_programs(host: Host) -> None:
    done = host.run(["sh", "-c", 'printf %s "$1"; cat; echo oh >&2; exit 3', "sh", "a  b"], b"\0in")
    assert (done.status, done.stdout, done.stderr) == (3, b"a  b\0in", b"oh\n")
    with pytest.raises(FileNotFoundError):
        host.run(["/nowhere/program"])
    with pytest.raises(TimeoutError):
        host.run(["sleep", "20"], timeout=0.3)


def test_files_in_full(host: Host, tmp_path: Path) -> None:
    names = [tmp_path / name for name in (*NAMES, "folder", "fifo", "nosuch", "secret")]
    data = bytes(range(256)) * 40
    for path in names[:-3]:
        path.write_bytes(data)
    names[-4].unlink()
    names[-4].mkdir()
    os.mkfifo(names[-3])
    names[-1].touch(0o640)
    os.utime(names[0], ns=(10**18 + 1, 10**18 + 500))
    names[0].chmod(0o604)
    paths = list(map(str, names))
    found = host.examine(paths, 300)
    assert list(found) == [path for path in paths if "nosuch" not in path]
    first = found[paths[0]]
    real = names[0].stat()
    assert first.times == (10**18 + 1, 10**18 + 500, real.st_ctime_ns)
    assert (first.kind, first.mode & 0o777, first.owner) == ("regular", 0o604, (os.getuid(), os.getgid()))
    assert (first.size, first.used, first.head) == (len(data), real.st_blocks * 512, data[:300])
    assert [file.kind for file in found.values()] == ["regular"] * 4 + ["folder", "other", "regular"]
    assert found[paths[-4]].head == found[paths[-1]].head == b""
    whole, free = host.space(str(tmp_path))
    stat = os.statvfs(tmp_path)
    assert whole == stat.f_frsize * stat.f_blocks and 0 <= free <= whole
    with pytest.raises(FileNotFoundError):
        host.space(paths[-2])


def test_writing_within_a_file(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"a" * 200_000)
    host.write_at(str(path), b"b" * 100_001, 1)
    host.write_at(str(path), b"c" * 5, 199_999)
    assert path.read_bytes() == b"a" + b"b" * 100_001 + b"a" * 99_997 + b"c" * 5
    with pytest.raises(FileNotFoundError):
        host.write_at(f"{path}x", b"", 0)
    assert host.append(str(path), b"tail") == 200_008


def test_much_output_and_input(host: Host) -> None:
    data = os.urandom(3 << 20)
    assert host.run(["cat"], data, timeout=60).stdout == data
    assert host.run(["true"], data, timeout=60).status == 0


@pytest.mark.parametrize("name", NAMES)
def test_files(host: Host, tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    assert host.stat(path) is None
    with pytest.raises(FileNotFoundError):
        host.read(path)
    data = b"\0\xff\n" * 1000 + b"end"
    host.write(path, data)
    assert host.read(path) == data == Path(path).read_bytes()
    assert host.read(path, 10) == data[:10] and host.read(path, 10, 5) == data[5:15]
    first = host.stat(path)
    assert first is not None and first.mode & 0o7777 == 0o600 and first.size == len(data)
    assert first == LocalHost().stat(path)
    host.write(path, data)
    rewritten = host.stat(path)
    assert rewritten is not None and rewritten.version != first.version
    host.write(path, b"", 0o644)
    second = host.stat(path)
    assert second is not None and second.size == 0 and second.mode & 0o7777 == 0o644 and second.version != first.version
    host.append(path, b"one\n")
    host.append(path, b"")
    host.append(path, b"two\n")
    assert host.read(path) == b"one\ntwo\n"
    assert host.listdir(str(tmp_path)) == {name: host.stat(path)}
    host.rename(path, f"{path}.new")
    assert os.listdir(tmp_path) == [f"{name}.new"]
    host.remove(f"{path}.new", f"{path}.new")
    assert os.listdir(tmp_path) == []


def test_files_are_replaced_whole(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "file"
    host.write(str(path), b"a" * 100_000)
    code = "while True:\n    for letter in b'ab': host.write(sys.argv[1], bytes([letter]) * 100_000, durable=False)\n"
    writer = elsewhere(code, str(path))
    try:
        whole, seen = {b"a" * 100_000, b"b" * 100_000}, set()
        wait_until(lambda: path.read_bytes()[:1] == b"b")
        for _ in range(10):
            seen.add(host.read(str(path)))
        wait_until(lambda: seen.add(host.read(str(path))) or seen >= whole)
    finally:
        writer.kill()
        writer.communicate()
    assert seen == whole
    assert path.stat().st_mode & 0o777 == 0o600


def test_folders(host: Host, tmp_path: Path) -> None:
    folders = [str(tmp_path / "a" / "b c"), str(tmp_path / "d")]
    host.make_folders(folders)
    host.make_folders(folders)
    assert {os.stat(path).st_mode & 0o777 for path in [*folders, str(tmp_path / "a")]} == {0o700}
    for name in ("one.xml", ".hidden.xml", "two.xml", "other"):
        host.write(f"{folders[0]}/{name}", name.encode() + b"\0")
    assert host.read_all(folders[0], ".xml") == {"one.xml": b"one.xml\0", "two.xml": b"two.xml\0"}
    assert host.read_all(folders[1], ".xml") == {} == host.read_all("/nowhere", ".xml")
    assert set(host.listdir(folders[0])) == {"one.xml", ".hidden.xml", "two.xml", "other"}
    assert host.listdir("/nowhere") == {} == host.listdir(folders[1])
    host.link("target", f"{folders[1]}/link")
    host.link("another", f"{folders[1]}/link")
    assert os.readlink(f"{folders[1]}/link") == "target"
    host.give(folders[1], (12, 34))
    assert os.stat(folders[1]).st_uid == 12 and os.stat(folders[1]).st_gid == 34
    host.remove(*folders)
    assert os.listdir(tmp_path) == ["a"]


def test_failures_have_their_numbers(host: Host, tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        host.write(str(tmp_path / "no" / "file"), b"x")
    assert caught.value.errno == errno.ENOENT
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as caught:
        host.make_folders([str(tmp_path / "file" / "folder")])
    assert caught.value.errno in (errno.ENOTDIR, errno.EEXIST)
    (tmp_path / "folder").mkdir()
    for change in (lambda to: host.write(to, b"x"), lambda to: host.rename(str(tmp_path / "file"), to)):
        with pytest.raises(OSError) as caught:
            change(str(tmp_path / "folder"))
        assert caught.value.errno == errno.EISDIR
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"] and os.listdir(tmp_path / "folder") == []
    with pytest.raises(OSError) as caught:
        host.write("/proc/nosuch", b"x")
    assert caught.value.errno in (errno.ENOENT, errno.EACCES, errno.EPERM)


def test_a_full_disk_keeps_what_was(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)], check=True, timeout=30)
    try:
        host.write(f"{path}/file", b"old")
        with pytest.raises(OSError) as caught:
            host.write(f"{path}/file", bytes(1 << 20))
        assert caught.value.errno == errno.ENOSPC
        assert os.listdir(path) == ["file"] and (path / "file").read_bytes() == b"old"
    finally:
        subprocess.run(["umount", str(path)], check=True, timeout=30)


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


def test_streams(host: Host, tmp_path: Path) -> None:
    path = str(tmp_path / "a socket")
    with socket.socket(socket.AF_UNIX) as unix, socket.create_server(("127.0.0.1", 0)) as tcp:
        unix.bind(path)
        unix.listen()
        for listener, address in ((unix, path), (tcp, tcp.getsockname())):
            threading.Thread(target=lambda one=listener: one.accept()[0].sendall(b"hello"), daemon=True).start()
            with host.open_stream(address) as stream:
                assert stream.recv(100) == b"hello"
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
        with listener.accept()[0] as there:
            device.send(b"hello", 30)
            assert there.recv(10) == b"hello"
            there.sendall(b"you")
            assert device.recv(10, 30) == b"you"
        assert device.recv(1, 30) == b""
        device.close()


def test_files_are_handed_over_here_only(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if isinstance(host, LocalHost):
        os.close(host.open_file(str(path), new=True))
        assert path.stat().st_mode & 0o777 == 0o600
        return
    with pytest.raises(OSError) as caught:
        host.open_file(str(path), new=True)
    assert caught.value.errno == errno.EOPNOTSUPP and not path.exists()


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


def test_this_boot(host: Host) -> None:
    assert host.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_who_is_there(host: Host, request: pytest.FixtureRequest) -> None:
    uid, environ = host.me()
    home = pwd.getpwuid(uid).pw_dir if isinstance(host, LocalHost) else str(request.getfixturevalue("sshd").directory)
    assert uid == os.geteuid() and environ["HOME"] == home
    assert all(name in ("HOME",) or name.startswith("XDG_") for name in environ) or environ is os.environ
    mail = pwd.getpwnam("mail")
    assert host.user("mail") == host.user(mail.pw_uid) == ("mail", mail.pw_uid, mail.pw_gid)
    for key in ("nosuch", "", "-x", str(mail.pw_uid), "$(id -un)", ".*", 987654):
        assert host.user(key) is None
    assert host.group("mail") == mail.pw_gid
    for name in ("nosuch", str(mail.pw_gid), ""):
        assert host.group(name) is None
