"""Memory images that a program makes smaller, as qemu.conf's save_image_format and its like ask for.

QEMU writes and reads what is not compressed: it is packed once it is there, and unpacked before QEMU gets it.
"""

from .. import errors
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from .driver import QemuDriver

#: The programs, by the number that a saved image has for each (src/qemu/qemu_saveimage.h, virQEMUSaveFormat).
FORMATS = ("raw", "gzip", "bzip2", "xz", "lzop", "zstd")
#: $1 from byte $2 * $3 on goes through the rest of the words into $4; what stands before it goes there as it is.
_PACK = 'exec <"$1" >"$4" && dd bs="$2" count="$3" 2>/dev/null && shift 4 && exec "$@"'
_UNPACK = _PACK.replace("2>", "of=/dev/null 2>")


def chosen(driver: "QemuDriver", what: str) -> int:
    """The format of one kind of image, "save", "dump" or "snapshot". Raises VirtError for one that cannot be had."""
    name = driver.settings.text(f"{what}_image_format") or "raw"
    if name not in FORMATS:
        text = f"Invalid {what} image format specified in configuration file"
        raise fail(errors.OPERATION_FAILED, text, hint=f"use one of {', '.join(FORMATS)}")
    if name != "raw" and not _there(driver.host, name):
        text = f"Compression program for {what} image format in configuration file isn't available"
        raise fail(errors.OPERATION_FAILED, text, hint=f"install {name}")
    return FORMATS.index(name)


def _there(host: "Host", program: str) -> bool:
    try:
        return not host.run([program, "--version"]).status
    except FileNotFoundError:
        return False


def pack(host: "Host", path: str, offset: int, format: int, work: str) -> None:
    """Compress what stands in a file from `offset` on, by way of the file `work`. Raises VirtError, and the file is as
    it was."""
    if format:
        try:
            _through(host, _PACK, path, offset, work, [FORMATS[format], "-c"])
            host.rename(work, path)
        except BaseException:
            host.remove(work)
            raise


def unpack(host: "Host", path: str, offset: int, format: int, to: str) -> None:
    """Write what stands compressed in a file from `offset` on into another. Raises VirtError."""
    if format >= len(FORMATS):
        raise fail(errors.OPERATION_FAILED, f"unsupported save image format: {format}")
    more = ["--ignore-warn"] if FORMATS[format] == "lzop" else []
    _through(host, _UNPACK, path, offset, to, [FORMATS[format], "-dc", *more])


def _through(host: "Host", script: str, path: str, offset: int, to: str, program: "list[str]") -> None:
    host.write(to, b"", durable=False)
    size, count = (offset, 1) if offset else (1, 0)
    done = host.run(["sh", "-c", script, "sh", path, str(size), str(count), to, *program])
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise fail(errors.OPERATION_FAILED, f"{program[0]} failed on '{path}': {said or f'status {done.status}'}")
