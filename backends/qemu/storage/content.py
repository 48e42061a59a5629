"""What is in volumes: wiping it, carrying it out and in."""

from ... import errors
from ...constants import storage as const
from ...streams import Stream, not_open
from .pools import fail
from .programs import attempt, run, system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host, Lock
    from ...xml.resources.volume import Volume

#: Bytes that are carried at once.
CHUNK = 1 << 18
#: Bytes that are wiped at once.
PIECE = 8 << 20
#: As far as a file can reach.
LAST = 2**63 - 1
#: virStorageVolWipeAlgorithm -> what scrub(1) calls it
PATTERNS = {
    const.STORAGE_VOL_WIPE_ALG_NNSA: "nnsa",
    const.STORAGE_VOL_WIPE_ALG_DOD: "dod",
    const.STORAGE_VOL_WIPE_ALG_BSI: "bsi",
    const.STORAGE_VOL_WIPE_ALG_GUTMANN: "gutmann",
    const.STORAGE_VOL_WIPE_ALG_SCHNEIER: "schneier",
    const.STORAGE_VOL_WIPE_ALG_PFITZNER7: "pfitzner7",
    const.STORAGE_VOL_WIPE_ALG_PFITZNER33: "pfitzner33",
    const.STORAGE_VOL_WIPE_ALG_RANDOM: "random",
}


def wipe(host: "Host", volume: "Volume", algorithm: int) -> None:
    """Overwrite a volume's storage so that what was there cannot be read again."""
    path = str(volume.target and volume.target.path)
    if algorithm == const.STORAGE_VOL_WIPE_ALG_TRIM:
        raise fail(errors.ARGUMENT_UNSUPPORTED, "'trim' algorithm not supported")
    if volume.type == "dir":
        what = f"Failed to open storage volume with path '{path}'"
        raise system_error(IsADirectoryError(21, "Is a directory"), what)
    if algorithm in PATTERNS:
        run(host, ["scrub", "-f", "-p", PATTERNS[algorithm], path])
        return
    if algorithm != const.STORAGE_VOL_WIPE_ALG_ZERO:
        raise fail(errors.INVALID_ARG, f"wiping algorithm {algorithm} not supported")
    if volume.type == "file" and volume.allocation < volume.physical:
        # Holes hold nothing that could be overwritten: the file begins anew.
        for size in (0, volume.physical):
            attempt(host, ["truncate", "-s", str(size), "--", path], f"Failed to truncate volume with path '{path}'")
        return
    try:
        for offset in range(0, volume.allocation, PIECE):
            host.write_at(path, bytes(min(PIECE, volume.allocation - offset)), offset)
    except OSError as error:
        raise system_error(error, f"Failed to write to storage volume with path '{path}'") from None
    attempt(host, ["sync", path], f"cannot sync data to volume with path '{path}'")


class VolumeStream(Stream):
    """A stream on the file of a volume."""

    def __init__(self, host: "Host", volume: "Volume", offset: int, length: int):
        self.host, self.path = host, str(volume.target and volume.target.path)
        self.at = offset
        self.size = volume.physical
        #: where it ends; None: nowhere
        self.end: int | None = offset + length if length else None
        self.open = True
        if offset > LAST:
            raise system_error(OSError(22, "Invalid argument"), f"Unable to seek {self.path} to {offset}")
        if volume.type == "dir":
            what = f"Unable to open stream for '{self.path}'"
            raise system_error(IsADirectoryError(21, "Is a directory"), what)

    def _check(self) -> None:
        if not self.open:
            raise not_open()

    def finish(self, timeout: "float | None" = None) -> None:
        self._check()
        self.abort()

    def abort(self) -> None:
        self.open = False


class Download(VolumeStream):
    """A volume's content; `sparse` tells of holes instead of zeroes."""

    def __init__(self, host: "Host", volume: "Volume", offset: int, length: int, sparse: bool):
        super().__init__(host, volume, offset, length)
        self.end = self.size if self.end is None else min(self.end, self.size)
        self._data = _extents(host, self.path, self.size) if sparse else [(0, self.size)]

    def recv(self, size: int, timeout: "float | None" = None) -> "bytes | None":
        self._check()
        until = self._until()
        if until is None:
            return None
        size = min(size, CHUNK, until - self.at)
        if size <= 0:
            return b""
        try:
            data = self.host.read(self.path, size, self.at)
        except OSError as error:
            raise system_error(error, f"cannot read from '{self.path}'") from None
        self.at += len(data)
        return data

    def recv_hole(self, timeout: "float | None" = None) -> int:
        self._check()
        if self._until() is not None:
            return 0
        end = self.end or 0
        length = min((begin for begin, _ in self._data if begin > self.at), default=end)
        length = min(length, end) - self.at
        self.at += length
        return length

    def _until(self) -> "int | None":
        """Where the data ends that comes next; None when a hole does."""
        end = self.end or 0
        if self.at >= end:
            return self.at
        return next((min(stop, end) for begin, stop in self._data if begin <= self.at < stop), None)


class Upload(VolumeStream):
    """New content for a volume, which is locked until it ends."""

    def __init__(self, host: "Host", volume: "Volume", offset: int, length: int, lock: "Lock"):
        super().__init__(host, volume, offset, length)
        self._lock = lock

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        self._check()
        self._room(len(data))
        try:
            self.host.write_at(self.path, data, self.at)
        except OSError as error:
            raise system_error(error, f"cannot write to '{self.path}'") from None
        self.at += len(data)

    def send_hole(self, length: int, timeout: "float | None" = None) -> None:
        self._check()
        self._room(length)
        inside = max(0, min(length, self.size - self.at))
        if inside:
            words = ["fallocate", "--punch-hole", "-o", str(self.at), "-l", str(inside), self.path]
            attempt(self.host, words, f"cannot make a hole in '{self.path}'")
        self.at += length
        if self.at > self.size:
            attempt(self.host, ["truncate", "-s", str(self.at), "--", self.path], f"cannot extend '{self.path}'")
            self.size = self.at

    def _room(self, length: int) -> None:
        if self.end is not None and self.at + length > self.end:
            raise system_error(OSError(28, "No space left on device"), "cannot write to stream")

    def abort(self) -> None:
        super().abort()
        self._lock.release()


def _extents(host: "Host", path: str, size: int) -> "list[tuple[int, int]]":
    """Where there is data: (begin, end) of each piece."""
    import json

    told = json.loads(run(host, ["qemu-img", "map", "--output=json", "-f", "raw", path]))
    return [
        (int(piece["start"]), min(size, int(piece["start"]) + int(piece["length"]))) for piece in told if piece["data"]
    ]
