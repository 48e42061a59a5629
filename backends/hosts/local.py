"""This machine."""

import errno
import fcntl
import os
import time

from . import BOOT_ID, LARGEST, Finished, Host, Lock, Process, Stat, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from . import Channel, File

#: Waits for permission on its input, then becomes the program.
GATE = 'read -r go && [ "$go" = go ] && exec "$@" </dev/null'
#: Python ignores these, and what it starts would too: SIGPIPE, SIGXFSZ.
DEFAULT_SIGNALS = (13, 25)
SHELL = "/bin/sh"
#: Files in /proc do not like to be asked for more at once.
CHUNK = 1 << 16


class LocalLock(Lock):
    """A lock that lives as long as its file descriptor."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LocalHost(Host):
    """This machine."""

    def __init__(self) -> None:
        self._boot_id = ""
        self._temporary = 0

    def run(self, argv: "Sequence[str]", stdin: bytes = b"", timeout: "float | None" = None) -> Finished:
        import subprocess

        try:
            done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{argv[0]}: no end after {timeout} s") from None
        return Finished((done.returncode, done.stdout, done.stderr))

    def spawn(
        self,
        argv: "Sequence[str]",
        *,
        log: str,
        record: "Callable[[Process], None]",
        env: "Mapping[str, str]",
        files: "Sequence[int]" = (),
    ) -> Process:
        gate, permission = os.pipe()
        try:
            pid = os.posix_spawn(
                SHELL,
                [SHELL, "-c", GATE, argv[0], *argv],
                env,
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, gate, 0),
                    (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                    *((os.POSIX_SPAWN_DUP2, file, file) for file in files),
                ),
                setsid=True,
                setsigdef=DEFAULT_SIGNALS,
            )
            process = Process((pid, _started(pid), self.boot_id()))
            record(process)
            os.write(permission, b"go\n")
        finally:
            os.close(gate)
            os.close(permission)
        return process

    def alive(self, processes: "Sequence[Process]") -> "list[bool]":
        return [boot == self.boot_id() and _started(pid) == started for pid, started, boot in processes]

    def signal(self, process: Process, number: int) -> bool:
        import signal

        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return False
        try:
            # The descriptor holds on to one process: if it is ours now, the signal cannot reach another.
            if not self.alive([process])[0]:
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    def pin(self, thread: int, cpus: "Iterable[int]") -> None:
        os.sched_setaffinity(thread, cpus)

    def open_stream(self, address: "str | tuple[str, int]") -> "socket.socket":
        import socket

        if not isinstance(address, str):
            return socket.create_connection(address)
        stream = socket.socket(socket.AF_UNIX)
        try:
            stream.connect(address)
        except BaseException:
            stream.close()
            raise
        return stream

    def open_device(self, path: str) -> "Channel":
        from .descriptor import DescriptorChannel

        here = self.stat(path)
        if here is not None and here.socket:
            return DescriptorChannel(self.open_stream(path).detach())
        return DescriptorChannel(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))

    def open_file(self, path: str, new: bool, write: bool = False) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if new else os.O_RDWR if write else os.O_RDONLY
        return os.open(path, flags | os.O_CLOEXEC, 0o600)

    def open_tap(self, name: str, queues: int) -> "tuple[str, list[int]]":
        from .taps import open_tap

        return open_tap(name, queues)

    def receive_tap(self, argv: "Sequence[str]") -> "tuple[str, int]":
        from .taps import receive_tap

        return receive_tap(argv)

    def read(self, path: str, limit: int = LARGEST, offset: int = 0) -> bytes:
        # Without a file object, whose making asks the kernel five more things: lists read hundreds of small files.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if offset:
                os.lseek(descriptor, offset, os.SEEK_SET)
            data = os.read(descriptor, min(limit, CHUNK))
            while len(data) < limit and (more := os.read(descriptor, min(limit - len(data), CHUNK))):
                data += more
        finally:
            os.close(descriptor)
        return data

    def read_all(self, folder: str, suffix: str) -> "dict[str, bytes]":
        found = {}
        for name in _names(folder):
            if name.endswith(suffix) and not name.startswith("."):
                try:
                    found[name] = self.read(f"{folder}/{name}")
                except FileNotFoundError:
                    continue  # gone since it was listed
        return found

    def write(self, path: str, data: bytes, mode: int = 0o600, durable: bool = True) -> None:
        folder = os.path.dirname(path)
        self._temporary += 1
        temporary = f"{folder}/.tmp-{os.getpid()}-{id(self):x}-{self._temporary}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            try:
                try:
                    _write(descriptor, data)
                    if durable:
                        os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                os.rename(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None  # nobody knows the other name
        if durable:
            _sync(folder)

    def append(self, path: str, data: bytes, mode: int = 0o600) -> int:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, mode)
        try:
            _write(descriptor, data)
            return os.lseek(descriptor, 0, os.SEEK_CUR)
        finally:
            os.close(descriptor)

    def write_at(self, path: str, data: bytes, offset: int, durable: bool = False) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.lseek(descriptor, offset, os.SEEK_SET)
            _write(descriptor, data)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def listdir(self, folder: str) -> "dict[str, Stat]":
        found = {}
        for name in _names(folder):
            here = self.stat(f"{folder}/{name}")
            if here is not None:
                found[name] = here
        return found

    def stat(self, path: str) -> "Stat | None":
        try:
            s = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stat((s.st_mode, s.st_size, s.st_mtime_ns, s.st_ino, s.st_uid, s.st_gid))

    def examine(self, paths: "Iterable[str]", head: int) -> "dict[str, File]":
        from .files import examine

        return examine(paths, head)

    def space(self, path: str) -> "tuple[int, int]":
        s = os.statvfs(path)
        return s.f_frsize * s.f_blocks, s.f_frsize * s.f_bfree

    def make_folders(self, paths: "Iterable[str]", mode: int = 0o700) -> None:
        for path in paths:
            if not os.path.isdir(path):
                os.makedirs(os.path.dirname(path), mode, exist_ok=True)
                try:
                    os.mkdir(path, mode)
                except FileExistsError:
                    if not os.path.isdir(path):
                        raise

    def remove(self, *paths: str) -> None:
        for path in paths:
            try:
                os.unlink(path)
            except FileNotFoundError:
                continue
            except IsADirectoryError:
                import shutil

                shutil.rmtree(path, ignore_errors=True)
                if os.path.isdir(path):
                    os.rmdir(path)  # says why

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new)
        _sync(os.path.dirname(new))

    def give(self, path: str, owner: "tuple[int, int]") -> None:
        os.chown(path, *owner)

    def link(self, target: str, path: str) -> None:
        try:
            os.symlink(target, path)
        except FileExistsError:
            pass

    def lock(self, path: str, timeout: float) -> Lock:
        deadline = None
        pause = 0.001
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _same_file(descriptor, path):
                    return LocalLock(descriptor)
                os.close(descriptor)
                continue
            except BlockingIOError:
                os.close(descriptor)
            now = time.monotonic()
            deadline = deadline or now + timeout
            if now >= deadline:
                raise TimeoutError(f"{path} is locked")
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def share(self, path: str) -> Lock:
        # For writing, where we may: the lock itself needs no more than reading.
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1)
        except BaseException:
            os.close(descriptor)
            raise
        return LocalLock(descriptor)

    def boot_id(self) -> str:
        if not self._boot_id:
            self._boot_id = self.read(BOOT_ID).decode().strip()
        return self._boot_id

    def me(self) -> "tuple[int, Mapping[str, str]]":
        return os.geteuid(), os.environ

    def user(self, key: "str | int") -> "User | None":
        import pwd

        try:
            found = pwd.getpwnam(key) if isinstance(key, str) else pwd.getpwuid(key)
        except (KeyError, ValueError, OverflowError):
            return None
        return User((found.pw_name, found.pw_uid, found.pw_gid))

    def group(self, name: str) -> "int | None":
        import grp

        try:
            return grp.getgrnam(name).gr_gid
        except (KeyError, ValueError):
            return None


def _names(folder: str) -> "list[str]":
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _same_file(descriptor: int, path: str) -> bool:
    """Whether an open file still has its name: a lock on one that was removed excludes nobody."""
    try:
        here = os.stat(path)
    except FileNotFoundError:
        return False
    there = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _started(pid: int) -> int:
    """When a process started, in ticks since boot; -1 when it does not run."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Its name, in parentheses, may hold anything; state is the first field after it, start time the 20th.
            fields = os.read(descriptor, 4096).rpartition(b")")[2].split()
        finally:
            os.close(descriptor)
    except (FileNotFoundError, ProcessLookupError):
        return -1
    # While other threads of a dead one are still ending, its files and their locks are still its own.
    if fields[0] == b"X" or (fields[0] == b"Z" and int(fields[17]) <= 1):
        try:
            os.waitpid(pid, os.WNOHANG)  # ours, if it is; nobody else asks for it
        except ChildProcessError:
            pass
        return -1
    return int(fields[19])
