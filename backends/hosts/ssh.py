"""A machine that is reached by SSH; a POSIX shell and the usual small programs must be there (busybox will do).

Each call is one script with its arguments, run by a shell that stays (`shell`), or by one of its own where much flows,
where it may take long, and where it is to outlive us. Failures are told by the programs' words, which `answers`
turns into errno.
"""

import _socket
import _thread
import errno
import io
import os
import time

from . import BOOT_ID, LARGEST, File, Finished, Host, Lock, Process, Stat, User
from .answers import LOCKED, NO_PROGRAM, PATIENCE, converse, failure, file_of, next_line, stat_of
from .scripts import SCRIPTS
from .shell import Shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..ssh import AnyLink, AnyRemote
    from . import Channel

#: Scripts that change nothing, and may be run ahead.
LOOKING = ("read", "read_all", "listdir", "stat", "me")


class ShellLock(Lock):
    """A lock that a descriptor of the shell over there holds."""

    def __init__(self, shell: Shell, number: int):
        self._shell = shell
        self._number = number

    def release(self) -> None:
        number, self._number = self._number, 0
        if number:
            try:
                self._shell.drop(number, time.monotonic() + PATIENCE)
            except OSError:
                pass  # the connection is gone, and the lock with it


class SshLock(Lock):
    """A lock that a program over there holds until its input ends."""

    def __init__(self, program: "AnyRemote | None", *, shared: bool = False):
        self._program = program
        self._shared = shared

    def release(self) -> None:
        program, self._program = self._program, None
        if program is not None and self._shared:
            program.abandon()  # nobody waits for that one
        elif program is not None:
            program.socket.close()
            try:
                program.finish(PATIENCE)  # it has it until it has ended
            except OSError:
                pass  # the connection is gone, and the program with it


class SshHost(Host):
    """The machine at the other end of a link."""

    pause = 1.0

    def __init__(self, link: "AnyLink"):
        self._link = link
        self._boot_id = ""
        self._me: tuple[int, Mapping[str, str]] | None = None
        self._shell: Shell | None = None
        self._ahead: dict[int, dict[tuple[str, ...], tuple[Shell, int]]] = {}  # by thread
        self._making = _thread.allocate_lock()

    def close(self) -> None:
        if self._shell is not None:
            self._shell.close()
        self._link.close()

    def ahead(self, *calls: "tuple[str, ...]") -> None:
        deadline = time.monotonic() + PATIENCE
        self._said("", ())
        mine = self._ahead.setdefault(_thread.get_ident(), {})
        for name, *args in calls:
            words = (*args, str(LARGEST), "1") if name == "read" else tuple(args)
            shell = self._talk()
            mine[name, *words] = shell, shell.say(SCRIPTS[name], words, b"", deadline)

    # Programs

    def run(self, argv: "Sequence[str]", stdin: bytes = b"", timeout: "float | None" = None) -> Finished:
        done = self._by_itself("run", argv, stdin, None if timeout is None else time.monotonic() + timeout)
        if done.status == NO_PROGRAM and done.stderr == b"vsh: no such program\n":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
        return done

    def spawn(
        self,
        argv: "Sequence[str]",
        *,
        log: str,
        record: "Callable[[Process], None]",
        env: "Mapping[str, str]",
        files: "Sequence[int]" = (),
    ) -> Process:
        assert not files
        self._said("", ())
        words = [f"{name}={value}" for name, value in env.items()]
        program = self._link.start(["sh", "-c", SCRIPTS["spawn"], "sh", log, str(len(words)), *words, *argv])
        program.socket.settimeout(PATIENCE)
        try:
            process = Process.read(next_line(program, argv[0]))
            record(process)
            program.socket.sendall(b"go\n")
            next_line(program, argv[0])
        finally:
            program.abandon()
        return process

    def alive(self, processes: "Sequence[Process]") -> "list[bool]":
        if not processes:
            return []
        done = self._checked("alive", *map(str, processes))
        return [word == b"1" for word in done.split()]

    def signal(self, process: Process, number: int) -> bool:
        return self._checked("signal", str(process), str(number)).strip() == b"1"

    def pin(self, thread: int, cpus: "Iterable[int]") -> None:
        self._checked("pin", ",".join(map(str, sorted(cpus))), str(thread))

    def open_stream(self, address: "str | tuple[str, int]") -> _socket.socket:
        if not isinstance(address, str):
            return self._link.open_tcp(*address)
        from ..ssh.sockets import open_unix

        return open_unix(self._link, address)

    def open_device(self, path: str) -> "Channel":
        from .descriptor import DescriptorChannel

        stat = self.stat(path)
        if stat is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if stat.socket:
            return DescriptorChannel(self.open_stream(path).detach())
        return DescriptorChannel(self._holding("device", path, PATIENCE).socket.detach())

    # Facts

    def me(self) -> "tuple[int, Mapping[str, str]]":
        if self._me is None:
            uid, *words = self._checked("me").decode("utf-8", "surrogateescape").split("\0")[:-1]
            self._me = int(uid), dict(word.split("=", 1) for word in words)
        return self._me

    def user(self, key: "str | int") -> "User | None":
        entry = self._account("passwd", str(key))
        wanted = entry is not None and entry[0 if isinstance(key, str) else 2] == str(key)
        return User((entry[0], int(entry[2]), int(entry[3]))) if entry is not None and wanted else None

    def group(self, name: str) -> "int | None":
        entry = self._account("group", name)
        return int(entry[2]) if entry is not None and entry[0] == name else None

    def _account(self, database: str, key: str) -> "list[str] | None":
        """The fields of a line of the database of users or groups."""
        entry = self._checked("account", database, key).decode("utf-8", "surrogateescape")
        return entry.rstrip("\n").split(":") if entry else None

    def boot_id(self) -> str:
        if not self._boot_id:
            self._boot_id = self.read(BOOT_ID).decode().strip()
        return self._boot_id

    # Files

    def read(self, path: str, limit: int = LARGEST, offset: int = 0) -> bytes:
        return self._checked("read", path, str(limit), str(offset + 1))

    def read_all(self, folder: str, suffix: str) -> "dict[str, bytes]":
        import tarfile

        packed = self._do("read_all", folder, suffix).stdout
        found = {}
        if packed:
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                for member in archive:
                    file = archive.extractfile(member)
                    if file is not None:
                        found[member.name.removeprefix("./")] = file.read()
        return found

    def write(self, path: str, data: bytes, mode: int = 0o600, durable: bool = True) -> None:
        self._checked("write", path, f"{mode:o}", str(len(data)), "1" if durable else "", stdin=data)

    def append(self, path: str, data: bytes, mode: int = 0o600) -> int:
        return int(self._checked("append", path, f"{0o777 & ~mode:o}", str(len(data)), stdin=data))

    def write_at(self, path: str, data: bytes, offset: int, durable: bool = False) -> None:
        self._checked("write_at", path, str(offset), "1" if durable else "", stdin=data)

    def listdir(self, folder: str) -> "dict[str, Stat]":
        return dict(map(stat_of, self._checked("listdir", folder).decode("utf-8", "surrogateescape").splitlines()))

    def stat(self, path: str) -> "Stat | None":
        lines = self._checked("stat", path).decode("utf-8", "surrogateescape").splitlines()
        return stat_of(lines[0])[1] if lines else None

    def examine(self, paths: "Iterable[str]", head: int) -> "dict[str, File]":
        lines = iter(self._checked("examine", str(head), *paths).splitlines())
        return {path: file_of(line.split(), next(lines)) for path, line in zip(paths, lines, strict=False) if line}

    def space(self, path: str) -> "tuple[int, int]":
        unit, blocks, free = map(int, self._checked("space", path).split())
        return unit * blocks, unit * free

    def make_folders(self, paths: "Iterable[str]", mode: int = 0o700) -> None:
        self._checked("make_folders", f"{0o777 & ~mode:o}", *paths)

    def remove(self, *paths: str) -> None:
        if paths:
            self._checked("remove", *paths)

    def rename(self, old: str, new: str) -> None:
        self._checked("rename", old, new)

    def give(self, path: str, owner: "tuple[int, int]") -> None:
        self._checked("give", path, f"{owner[0]}:{owner[1]}")

    def link(self, target: str, path: str) -> None:
        self._checked("link", target, path)

    # Locks

    def lock(self, path: str, timeout: float) -> Lock:
        self._said("", ())
        shell = self._talk()
        number = shell.descriptor()
        if not number:
            return SshLock(self._holding("lock", path, timeout, str(int(timeout * 20))))
        end = time.monotonic() + timeout
        while (done := shell.take(path, number, end + PATIENCE)).status == 1:
            if time.monotonic() >= end:
                shell.drop(number, end + PATIENCE)
                raise TimeoutError(f"{path} is locked")
            time.sleep(min(0.05, max(0.0, end - time.monotonic())))
        if done.status:
            shell.drop(number, end + PATIENCE)
            raise failure(done, path)
        return ShellLock(shell, number)

    def share(self, path: str) -> Lock:
        try:
            return SshLock(self._holding("share", path, 0), shared=True)
        except TimeoutError:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), path) from None

    def _holding(self, script: str, path: str, timeout: float, *args: str) -> "AnyRemote":
        """A program over there that has what it is to have until its input ends. Raises TimeoutError."""
        self._said("", ())
        program = self._link.start(["sh", "-c", SCRIPTS[script], "sh", path, *args])
        stream = program.socket
        stream.settimeout(timeout + PATIENCE)
        if stream.recv(1) == b"1":
            return program
        stream.close()
        status, said = program.finish(PATIENCE)
        if status == LOCKED:
            raise TimeoutError(f"{path} is locked")
        raise failure(Finished((status, b"", said)), path)

    # How it is done

    def _checked(self, script: str, *args: str, stdin: bytes = b"") -> bytes:
        done = self._do(script, *args, stdin=stdin)
        if done.status:
            raise failure(done, args[0] if args else script)
        return done.stdout

    def _do(self, script: str, *args: str, stdin: bytes = b"") -> Finished:
        """Run one of SCRIPTS to its end: by the shell, unless that would have to read much or what it cannot."""
        deadline = time.monotonic() + PATIENCE
        if len(stdin) + sum(map(len, args)) > Shell.limit or b"\0" in stdin:
            return self._by_itself(script, args, stdin, deadline)
        shell, number = self._said(script, args)
        if shell is not None:
            return shell.hear(number, deadline)
        return self._talk().run(SCRIPTS[script], args, stdin, deadline)

    def _said(self, script: str, args: "tuple[str, ...]") -> "tuple[Shell | None, int]":
        """Where the answer to a call comes that was made ahead; what changes something makes those worthless."""
        mine = self._ahead.get(_thread.get_ident())
        if not mine:
            return None, 0
        if script in LOOKING:
            return mine.pop((script, *args), (None, 0))
        for shell, number in mine.values():
            shell.forget(number)
        mine.clear()
        return None, 0

    def _talk(self) -> Shell:
        with self._making:
            if self._shell is None or not self._shell.alive:
                self._shell = Shell(self._link)
            return self._shell

    def _by_itself(self, script: str, args: "Sequence[str]", stdin: bytes, deadline: "float | None") -> Finished:
        """Run one of SCRIPTS to its end, as a program of its own."""
        self._said("", ())
        program = self._link.start(["sh", "-c", SCRIPTS[script], "sh", *args])
        try:
            out = converse(program.socket, stdin, deadline, args[0] if args else script)
            program.socket.close()
        except BaseException:
            program.abandon()
            raise
        status, said = program.finish(PATIENCE if deadline is None else max(1.0, deadline - time.monotonic()))
        return Finished((status, out, said))
