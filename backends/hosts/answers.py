"""What programs on another machine say, and what it means."""

import _socket
import errno
import os
import select
import time

from . import File, Finished, Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ssh import AnyRemote

#: Seconds that a call may take which does no more than handle files.
PATIENCE = 60.0
#: What programs say, in the order in which it is looked for.
MESSAGES = (
    ("No such file", errno.ENOENT),
    ("nonexistent", errno.ENOENT),
    ("Permission denied", errno.EACCES),
    ("Operation not permitted", errno.EPERM),
    ("No space left", errno.ENOSPC),
    ("quota exceeded", errno.EDQUOT),
    ("Read-only file system", errno.EROFS),
    ("File exists", errno.EEXIST),
    ("Not a directory", errno.ENOTDIR),
    ("Is a directory", errno.EISDIR),
    ("Directory nonexistent", errno.ENOENT),
    ("File name too long", errno.ENAMETOOLONG),
    ("Device or resource busy", errno.EBUSY),
    ("Too many levels", errno.ELOOP),
)
#: Exit statuses of our scripts that have a meaning of their own.
NO_PROGRAM, LOCKED, INCOMPLETE = 127, 75, 74


def next_line(program: "AnyRemote", what: str) -> str:
    """The line that a program over there says next; raises what it says else."""
    said = b""
    while not said.endswith(b"\n"):
        piece = program.socket.recv(4096)
        if not piece:
            status, words = program.finish(PATIENCE)
            raise failure(Finished((status, b"", words)), what)
        said += piece
    return said.decode().strip()


def await_stream(stream: _socket.socket, events: int, deadline: "float | None") -> int:
    """Wait for events of select.poll on a stream; those that came. Raises TimeoutError."""
    poller = select.poll()  # for select(2) knows no descriptor above 1023
    poller.register(stream, events)
    came = poller.poll(None if deadline is None else max(0, int((deadline - time.monotonic()) * 1000) + 1))
    if not came:
        raise TimeoutError("no end in time")
    return came[0][1]


def converse(stream: _socket.socket, data: bytes, deadline: "float | None", what: str) -> bytes:
    """Send all of `data` and receive until the end, whichever the other side does first. Raises TimeoutError."""
    stream.setblocking(False)
    left, out, sending = memoryview(data), bytearray(), True
    while True:
        if sending and not left:
            sending = False
            stream.shutdown(_socket.SHUT_WR)
        try:
            came = await_stream(stream, select.POLLIN | (select.POLLOUT if sending else 0), deadline)
        except TimeoutError as error:
            raise TimeoutError(f"{what}: {error}") from None
        if came & select.POLLOUT:
            try:
                left = left[stream.send(left[: 1 << 18]) :]
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                sending = False
        if came & ~select.POLLOUT:
            try:
                piece = stream.recv(1 << 18)
            except BlockingIOError:
                continue
            except ConnectionResetError:  # it ended before it had read everything
                piece = b""
            if not piece:
                return bytes(out)
            out += piece


def stat_of(line: str) -> "tuple[str, Stat]":
    """A line of our stat(1): mode (hexadecimal), size, time, inode, uid, gid, name."""
    mode, size, changed, inode, uid, gid, name = line.split(" ", 6)
    return name, Stat((int(mode, 16), int(size), _nanoseconds(changed), int(inode), int(uid), int(gid)))


def file_of(words: "list[bytes]", head: bytes) -> File:
    """A file from what our `examine` says: its numbers, and its first bytes in base64."""
    import binascii

    mode, size, blocks, unit, accessed, modified, changed, uid, gid = words
    times = map(_nanoseconds, (accessed.decode(), modified.decode(), changed.decode()))
    numbers = (int(mode, 16), int(size), int(blocks) * int(unit), *times, int(uid), int(gid))
    return File((*numbers, binascii.a2b_base64(head)))


def _nanoseconds(time: str) -> int:
    seconds, _, fraction = time.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9] or 0)


def failure(done: Finished, what: str) -> OSError:
    """The error that a program's words stand for; one that says nothing known is EIO with its words."""
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.status == INCOMPLETE:
        return ConnectionResetError(errno.ECONNRESET, "the connection ended before all data was there", what)
    for words, number in MESSAGES:
        if words in said:
            return OSError(number, os.strerror(number), what)
    return OSError(errno.EIO, said.replace("\n", "; ") or f"exit status {done.status}", what)
