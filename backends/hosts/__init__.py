"""Where an adapter's commands run and its files lie: this machine, or another one.

An adapter touches the machine only through its `Host`, so that it works the same where every call is a round trip over
a slow line. Calls therefore take many things at once where callers have many (`read_all`, `alive`), and errors are
OSErrors everywhere.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Self


#: Where Linux says which start of the machine this is.
BOOT_ID = "/proc/sys/kernel/random/boot_id"
#: As many bytes of a file are read where nobody says how many.
LARGEST = 64 << 20


class Finished(tuple):  # type: ignore[type-arg]
    """What a program that has ended left: (status, stdout, stderr); status is -N when signal N ended it."""

    __slots__ = ()

    @property
    def status(self) -> int:
        status: int = self[0]
        return status

    @property
    def stdout(self) -> bytes:
        text: bytes = self[1]
        return text

    @property
    def stderr(self) -> bytes:
        text: bytes = self[2]
        return text


class Process(tuple):  # type: ignore[type-arg]
    """A process, told from all others that ever had its number: (pid, start time in ticks since boot, boot id).

    `str(process)` is one word, from which `Process.read` makes it again.
    """

    __slots__ = ()

    @property
    def pid(self) -> int:
        pid: int = self[0]
        return pid

    def __str__(self) -> str:
        return "/".join(map(str, self))

    @classmethod
    def read(cls, text: str) -> "Process":
        """Raises ValueError."""
        pid, started, boot = text.split("/")
        return cls((int(pid), int(started), boot))


class Stat(tuple):  # type: ignore[type-arg]
    """A file: (mode, size in bytes, modification time in ns, inode, uid, gid).

    `version` changes whenever the file is replaced or changed.
    """

    __slots__ = ()

    @property
    def mode(self) -> int:
        mode: int = self[0]
        return mode

    @property
    def regular(self) -> bool:
        """Whether it is a regular file."""
        return self.mode & 0o170000 == 0o100000

    @property
    def socket(self) -> bool:
        """Whether it is a unix socket."""
        return self.mode & 0o170000 == 0o140000

    @property
    def block(self) -> bool:
        """Whether it is a block device."""
        return self.mode & 0o170000 == 0o060000

    @property
    def size(self) -> int:
        size: int = self[1]
        return size

    @property
    def mtime_ns(self) -> int:
        mtime: int = self[2]
        return mtime

    @property
    def inode(self) -> int:
        inode: int = self[3]
        return inode

    @property
    def version(self) -> str:
        return f"{self[2]}.{self[1]}.{self[3]}"

    @property
    def owner(self) -> "tuple[int, int]":
        return self[4], self[5]


class File(tuple):  # type: ignore[type-arg]
    """A file in full: (mode, size in bytes, bytes on the disk, times of access, modification and change in ns, uid,
    gid, its first bytes)."""

    __slots__ = ()

    @property
    def mode(self) -> int:
        mode: int = self[0]
        return mode

    @property
    def kind(self) -> str:
        """regular, folder, block or other."""
        return {0o100000: "regular", 0o040000: "folder", 0o060000: "block"}.get(self.mode & 0o170000, "other")

    @property
    def size(self) -> int:
        size: int = self[1]
        return size

    @property
    def used(self) -> int:
        used: int = self[2]
        return used

    @property
    def times(self) -> "tuple[int, int, int]":
        return self[3], self[4], self[5]

    @property
    def owner(self) -> "tuple[int, int]":
        return self[6], self[7]

    @property
    def head(self) -> bytes:
        head: bytes = self[8]
        return head


class Lock:
    """A lock that is held until `release()`, the end of a `with`, or the end of this process, whatever ends it."""

    def release(self) -> None:
        """Give it up; harmless when repeated."""
        raise NotImplementedError

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.release()


class Channel:
    """Bytes to and from something on the host. Any thread may call; one may receive while another sends."""

    def recv(self, size: int, timeout: "float | None" = None) -> bytes:
        """Up to `size` bytes; b"" at its end. Raises TimeoutError after `timeout` seconds."""
        raise NotImplementedError

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        """Send all of `data`. Raises TimeoutError; OSError when nobody takes it."""
        raise NotImplementedError

    def close(self) -> None:
        """End it; harmless when repeated. Whoever receives gets its end."""
        raise NotImplementedError


class User(tuple):  # type: ignore[type-arg]
    """Somebody with an account: (name, uid, gid)."""

    __slots__ = ()

    @property
    def name(self) -> str:
        name: str = self[0]
        return name

    @property
    def uid(self) -> int:
        uid: int = self[1]
        return uid

    @property
    def gid(self) -> int:
        gid: int = self[2]
        return gid


class Host:
    """A machine. Every path is absolute; every failure an OSError with its errno."""

    #: seconds between two looks at what changes by itself: a look costs more where it is far
    pause = 0.1

    def ahead(self, *calls: "tuple[str, ...]") -> None:
        """Looks (`read` `read_all` `listdir` `stat` `me`, as name and arguments) that this thread takes next.

        Over a line they are all taken now, at the cost of one; each serves the next such call, unless something is
        changed first.
        """

    def run(self, argv: "Sequence[str]", stdin: bytes = b"", timeout: "float | None" = None) -> Finished:
        """Run a program to its end. Raises FileNotFoundError when there is none, TimeoutError after `timeout` s."""
        raise NotImplementedError

    def spawn(
        self,
        argv: "Sequence[str]",
        *,
        log: str,
        record: "Callable[[Process], None]",
        env: "Mapping[str, str]",
        files: "Sequence[int]" = (),
    ) -> Process:
        """Start a program that outlives us: in a session of its own, no input, its output appended to `log`. Only on
        this machine it inherits open `files`, under their numbers.

        `record(process)` is called before the program begins and not after it may have: whoever is killed at any
        point has either recorded the process or started nothing.
        """
        raise NotImplementedError

    def alive(self, processes: "Sequence[Process]") -> "list[bool]":
        """For each process, whether it still runs (one that is dead and not yet reaped does not)."""
        raise NotImplementedError

    def signal(self, process: Process, number: int) -> bool:
        """Send a signal to this very process; False when it is gone."""
        raise NotImplementedError

    def pin(self, thread: int, cpus: "Iterable[int]") -> None:
        """Let a thread run on these processors alone."""
        raise NotImplementedError

    def open_stream(self, address: "str | tuple[str, int]") -> "Socket":
        """A connected socket to a unix socket's path or to (host, port)."""
        raise NotImplementedError

    def open_device(self, path: str) -> "Channel":
        """A terminal, or a unix socket, to talk to."""
        raise NotImplementedError

    def open_file(self, path: str, new: bool, write: bool = False) -> int:
        """A file descriptor, to be given to another process: `new` makes the file and writes, else it is read, or
        both read and written.

        Only this machine has such; elsewhere it raises OSError(EOPNOTSUPP).
        """
        raise OSError(95, "files of another machine cannot be handed over", path)

    def open_tap(self, name: str, queues: int) -> "tuple[str, list[int]]":
        """The name and the descriptors of a tap device, one for each queue; it is made if it is missing, and then goes
        with its last descriptor. A "%d" in `name` lets the kernel choose a number. Only this machine has such.
        """
        raise OSError(95, "network devices of another machine cannot be handed over", name)

    def receive_tap(self, argv: "Sequence[str]") -> "tuple[str, int]":
        """The same from a program that is given `--fd` and hands the device over through that socket."""
        raise OSError(95, "network devices of another machine cannot be handed over", argv[0])

    def read(self, path: str, limit: int = LARGEST, offset: int = 0) -> bytes:
        """The file's bytes from `offset`, at most `limit`."""
        raise NotImplementedError

    def read_all(self, folder: str, suffix: str) -> "dict[str, bytes]":
        """name -> content of the files in `folder` whose names end in `suffix`; none when there is no folder."""
        raise NotImplementedError

    def write(self, path: str, data: bytes, mode: int = 0o600, durable: bool = True) -> None:
        """Put `data` in place of the file: whoever is killed at any point leaves the old file or the new one, whole;
        `durable`, even if the machine stops."""
        raise NotImplementedError

    def append(self, path: str, data: bytes, mode: int = 0o600) -> int:
        """Add `data` to the end of the file in one piece; the file's size then."""
        raise NotImplementedError

    def write_at(self, path: str, data: bytes, offset: int, durable: bool = False) -> None:
        """Put `data` into an existing file or device, in place of what is there from `offset` on; `durable`, and see to
        it that all of the file is on the disk."""
        raise NotImplementedError

    def listdir(self, folder: str) -> "dict[str, Stat]":
        """name -> what is in `folder`; none when there is no folder."""
        raise NotImplementedError

    def stat(self, path: str) -> "Stat | None":
        """The file, or None when there is none; symbolic links are followed."""
        raise NotImplementedError

    def examine(self, paths: "Iterable[str]", head: int) -> "dict[str, File]":
        """path -> the file, with its first `head` bytes where it is a regular file or a block device that we may read;
        what is not there is left out."""
        raise NotImplementedError

    def space(self, path: str) -> "tuple[int, int]":
        """Bytes of the file system that holds `path`, and how many of them are free."""
        raise NotImplementedError

    def make_folders(self, paths: "Iterable[str]", mode: int = 0o700) -> None:
        """Make these folders, and those above them, where they are missing."""
        raise NotImplementedError

    def remove(self, *paths: str) -> None:
        """Remove files and, with all in them, folders; what is not there is no error."""
        raise NotImplementedError

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of what has it."""
        raise NotImplementedError

    def give(self, path: str, owner: "tuple[int, int]") -> None:
        """Make `owner` (uid, gid) the owner of a file or folder."""
        raise NotImplementedError

    def link(self, target: str, path: str) -> None:
        """Make `path` a symbolic link to `target` unless it exists."""
        raise NotImplementedError

    def lock(self, path: str, timeout: float) -> Lock:
        """Take the exclusive lock of that name (flock; the file is made). Raises TimeoutError.

        Its holder may remove the file: whoever waits for it then starts anew on the next one.
        """
        raise NotImplementedError

    def share(self, path: str) -> Lock:
        """Hold a shared POSIX lock on the file's first byte, which is made when missing.

        Raises BlockingIOError when another program has it exclusively.
        """
        raise NotImplementedError

    def boot_id(self) -> str:
        """What is different after each start of the machine."""
        raise NotImplementedError

    def me(self) -> "tuple[int, Mapping[str, str]]":
        """Who we are there: effective uid, and an environment that has those of HOME and XDG_* that are set."""
        raise NotImplementedError

    def user(self, key: "str | int") -> "User | None":
        """The user of that name or number."""
        raise NotImplementedError

    def group(self, name: str) -> "int | None":
        """The number of the group of that name."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave the machine; what `spawn` started stays."""
