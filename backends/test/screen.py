"""What a guest shows."""

import struct
import zlib

from ..errors import INVALID_STREAM
from ..streams import Stream
from .base import TestBase, call, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef

WIDTH, HEIGHT, GREY = 640, 480, 0x80


class ScreenCalls(TestBase):
    """What a guest shows."""

    @call("testDomainScreenshot")
    def domain_screenshot(self, dom: "DomainRef", screen: int, flags: int = 0) -> "tuple[str, ReadStream]":
        """A grey screen, whatever the domain and however it stands."""
        return "image/png", ReadStream(grey_png())


class ReadStream(Stream):
    """A stream of bytes that are there already."""

    def __init__(self, data: bytes):
        self._data: bytes | None = data

    def recv(self, size: int, timeout: "float | None" = None) -> bytes:
        data = self._open()
        self._data = data[size:]
        return data[:size]

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        self._open()
        raise fail(INVALID_STREAM, "the stream can only be read")

    def send_hole(self, length: int, timeout: "float | None" = None) -> None:
        self.send(b"")

    def recv_hole(self, timeout: "float | None" = None) -> int:
        self._open()
        return 0

    def finish(self, timeout: "float | None" = None) -> None:
        self._open()
        self._data = None

    def abort(self) -> None:
        self._data = None

    def _open(self) -> bytes:
        if self._data is None:
            raise fail(INVALID_STREAM, "the stream has ended")
        return self._data


def grey_png() -> bytes:
    """A grey picture."""
    rows = (b"\0" + bytes([GREY]) * WIDTH) * HEIGHT
    header = struct.pack(">2I5B", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
