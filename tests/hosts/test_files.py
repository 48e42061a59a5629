"""Files of LocalHost and SshHost."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from tests.hosts.conftest import elsewhere
from tests.live.need import need_root
from tests.live.wait import wait_until
from vsh.backends.hosts import Host
from vsh.backends.hosts.local import LocalHost

NAMES = ["with blank", "$(touch owned)", "'quoted\"", "-n*ü"]


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


def test_looks_that_are_taken_together(host: Host, tmp_path: Path) -> None:
    path, missing = str(tmp_path / "file"), str(tmp_path / "missing")
    host.write(path, b"one")
    three = tmp_path.with_name(f"{tmp_path.name}-three")
    three.write_bytes(b"three")
    host.ahead(("read", path), ("stat", path), ("listdir", str(tmp_path)), ("read", missing))
    three.replace(path)
    assert host.read(path) in (b"one", b"three") and host.read(path) == b"three"
    assert list(host.listdir(str(tmp_path))) == ["file"]
    with pytest.raises(FileNotFoundError):
        host.read(missing)
    for change in (lambda: host.write(path, b"new"), lambda: host.lock(missing, 1).release()):
        host.ahead(("read", path))
        Path(path).write_bytes(b"old")
        change()
        assert host.read(path) == Path(path).read_bytes()


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
    host.remove(*folders)
    assert os.listdir(tmp_path) == ["a"]


def test_giving_away(host: Host, tmp_path: Path) -> None:
    need_root()
    host.give(str(tmp_path), (12, 34))
    assert os.stat(tmp_path).st_uid == 12 and os.stat(tmp_path).st_gid == 34


def test_failures_have_their_numbers(host: Host, tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        host.write(str(tmp_path / "no" / "file"), b"x")
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(tmp_path / "no" / "file") and caught.value.filename2 is None
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
    need_root()
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


def test_files_are_handed_over_here_only(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if isinstance(host, LocalHost):
        os.close(host.open_file(str(path), new=True))
        assert path.stat().st_mode & 0o777 == 0o600
        return
    with pytest.raises(OSError) as caught:
        host.open_file(str(path), new=True)
    assert caught.value.errno == errno.EOPNOTSUPP and not path.exists()
