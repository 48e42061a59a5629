"""The content of volumes: `vol-upload`, `vol-download`."""

import errno
import os
import stat

from vsh.backends.constants import storage as constants
from vsh.backends.errors import FROM_STREAMS, SYSTEM_ERROR, VirtError, virt_error

from ..declare import Data, Flag, Int, command
from ..errors import CommandError, failing
from ..results import Done
from .lookup import IN_POOL, VOL, find_volume, given, volume_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vsh.backends.records import StorageVolRef
    from vsh.backends.streams import Stream

    from ..context import Context

#: Bytes that are read, sent or written at once: what libvirt's protocol carries in one message.
PIECE = 262120
ULLONG = 2**64

FILE = Data("file", "the file on this side", empty=True)
RANGE = (
    Int("offset", "where in the volume to begin, in bytes", least=0, most=ULLONG - 1),
    Int("length", "how many bytes; all unless given", least=1 - ULLONG, most=ULLONG - 1),
)


@command("vol-upload", group="volume", options=[VOL, FILE, IN_POOL, *RANGE, Flag("sparse", "skip holes of the file")])
def upload(
    ctx: "Context",
    vol: str,
    file: str,
    pool: "str | None" = None,
    offset: int = 0,
    length: int = 0,
    sparse: bool = False,
) -> Done:
    """Write a file into a volume.

    What the volume had there is lost. With --sparse the holes of the file become holes of the volume.
    """
    ref = find_volume(ctx, vol, pool)
    given("file", file)
    try:
        source = os.open(file, os.O_RDONLY)
    except OSError:
        raise CommandError(f"cannot read {file}") from None
    try:
        with failing(f"cannot upload to volume {vol}"):
            flags = constants.STORAGE_VOL_UPLOAD_SPARSE_STREAM * sparse
            _, stream = ctx.connection.storage_vol_upload(ref, offset, length % ULLONG, flags)
        meter = Meter(ctx, "Upload", os.fstat(source).st_size if ctx.watched else 0)
        sent = _finish(stream, vol, "send", lambda: _send(stream, source, sparse, meter))
        meter.end()
    finally:
        os.close(source)
    return Done(volume=volume_facts(ref), file=file, offset_bytes=offset, sent_bytes=sent)


@command(
    "vol-download", group="volume", options=[VOL, FILE, IN_POOL, *RANGE, Flag("sparse", "keep holes of the volume")]
)
def download(
    ctx: "Context",
    vol: str,
    file: str,
    pool: "str | None" = None,
    offset: int = 0,
    length: int = 0,
    sparse: bool = False,
) -> Done:
    """Write the content of a volume into a file.

    A file that is there is overwritten; one that was not is removed if the download fails. With --sparse the holes of
    the volume become holes of the file.
    """
    ref = find_volume(ctx, vol, pool)
    given("file", file)
    target, created = _create(file)
    done = False
    try:
        with failing(f"cannot download from volume {vol}"):
            flags = constants.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM * sparse
            _, stream = ctx.connection.storage_vol_download(ref, offset, length % ULLONG, flags)
        meter = Meter(ctx, "Download", _left(ctx, ref, offset, length) if ctx.watched else 0)
        received = _finish(stream, vol, "recv", lambda: _receive(stream, target, meter))
        meter.end()
        done = True
    finally:
        os.close(target)
        if created and not done:
            os.unlink(file)
    data = {"volume": volume_facts(ref), "file": file, "offset_bytes": offset, "received_bytes": received}
    return Done(**data)


class Meter:
    """Shows how many of `total` bytes were moved; nothing where the total is not known, 0."""

    def __init__(self, ctx: "Context", label: str, total: int):
        self.ctx, self.label, self.total = ctx, label, total
        self.done = 0

    def moved(self, count: int) -> None:
        """So many bytes more."""
        self.done += count
        if self.total:
            self.ctx.progress(self.label, max(1, self.total - self.done), self.total)

    def end(self) -> None:
        """All of it, however much that was."""
        if self.total and self.done:
            self.ctx.progress(self.label, 0, self.done)


def _left(ctx: "Context", ref: "StorageVolRef", offset: int, length: int) -> int:
    """How many bytes will come, as far as that can be known beforehand."""
    if length > 0:
        return length
    try:
        info = ctx.connection.storage_vol_get_info_flags(ref, constants.STORAGE_VOL_GET_PHYSICAL)
    except VirtError:
        return 0
    return max(0, info.allocation - offset)


def _create(file: str) -> "tuple[int, bool]":
    """The descriptor of an empty file, and whether there was none before.

    Raises CommandError.
    """
    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        pass
    except OSError:
        raise CommandError(f"cannot create {file}") from None
    try:
        return os.open(file, os.O_WRONLY | os.O_TRUNC), False
    except OSError:
        raise CommandError(f"cannot create {file}") from None


def _finish(stream: "Stream", vol: str, way: str, carry: "Callable[[], int]") -> int:
    """Carry data through `stream` ("send" or "recv") and end it; how many bytes, holes included.

    Raises CommandError; whatever happens, the stream is closed.
    """
    try:
        with failing(f"cannot {'send data to' if way == 'send' else 'receive data from'} volume {vol}"):
            try:
                size = carry()
            except OSError as error:
                problem = f"{way} handler failed: {error.strerror}"
                raise virt_error(SYSTEM_ERROR, problem, domain=FROM_STREAMS) from error
        with failing(f"cannot close volume {vol}"):
            stream.finish()
    finally:
        stream.abort()
    return size


def _send(stream: "Stream", source: int, sparse: bool, meter: Meter) -> int:
    """Send a file from its beginning to its end; bytes sent, holes included."""
    if not sparse:
        return _send_data(stream, source, None, meter)
    end, at = os.lseek(source, 0, os.SEEK_END), 0
    while at < end:
        data = _seek(source, at, os.SEEK_DATA, end)
        if data > at:
            stream.send_hole(data - at)
            meter.moved(data - at)
        at = _seek(source, data, os.SEEK_HOLE, end) if data < end else end
        os.lseek(source, data, os.SEEK_SET)
        _send_data(stream, source, at - data, meter)
    return end


def _seek(source: int, at: int, whence: int, end: int) -> int:
    """Where the next data or hole begins; files that know no holes are all data."""
    if at >= end:
        return end
    try:
        return os.lseek(source, at, whence)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return end
        if error.errno == errno.EINVAL:
            return at if whence == os.SEEK_DATA else end
        raise


def _send_data(stream: "Stream", source: int, size: "int | None", meter: Meter) -> int:
    """Send the next `size` bytes of a file, or all that is left of it."""
    sent = 0
    while size is None or sent < size:
        data = os.read(source, PIECE if size is None else min(PIECE, size - sent))
        if not data:
            break
        stream.send(data)
        sent += len(data)
        meter.moved(len(data))
    return sent


def _receive(stream: "Stream", target: int, meter: Meter) -> int:
    """Write to a file what comes; bytes received, holes included."""
    is_file = stat.S_ISREG(os.fstat(target).st_mode)
    size = 0
    while (data := stream.recv(PIECE)) != b"":
        if data is not None:
            _write(target, data)
            size += len(data)
            meter.moved(len(data))
            continue
        hole = stream.recv_hole()
        size += hole
        meter.moved(hole)
        if is_file:
            os.ftruncate(target, os.lseek(target, hole, os.SEEK_CUR))
        else:  # devices and pipes keep what they have: a hole is zeroes to them
            for at in range(0, hole, PIECE):
                _write(target, bytes(min(PIECE, hole - at)))
    return size


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
