"""Saved guests as files, in libvirt's format (src/qemu/qemu_saveimage.h): libvirt restores ours, and we its.

A header of 92 bytes, the definition as XML that ends in a NUL, what only libvirt reads (its cookie), room, QEMU's
migration stream. Until all is there the header says that it is not.
"""

import struct

from .. import errors
from . import definitions
from .base import fail
from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from ..xml.domain import Domain

COMPLETE, PARTIAL = b"LibvirtQemudSave", b"LibvirtQemudPart"
VERSION = 2
#: magic, version, length of the XML, whether the guest ran, compression, offset of the cookie, unused
HEADER = struct.Struct("=16s5I56x")
#: So many bytes are free behind a definition, so that it may become longer, and more up to a multiple of ROOM.
SPARE, ROOM = 1024, 4096
#: Larger definitions are none.
LARGEST = 16 << 20


class Image:
    """What stands before the stream: `ran` says whether the guest is to run on; `offset` is where the stream begins,
    `room` how many bytes XML and cookie have, `format` what the stream is compressed by (packing.FORMATS)."""

    def __init__(self, xml: bytes, ran: bool, cookie: bytes = b"", format: int = 0):
        self.xml = xml
        self.ran = ran
        self.cookie = cookie
        self.format = format
        self.room = -(-(len(xml) + SPARE) // ROOM) * ROOM
        self.offset = HEADER.size + self.room

    @classmethod
    def of(cls, domain: "Domain", ran: bool, format: int = 0) -> "Image":
        xml = domain.format(inactive=True, secure=True).encode("utf-8", "surrogateescape") + b"\0"
        return cls(xml, ran, format=format)

    def head(self, complete: bool) -> bytes:
        magic, cookie = COMPLETE if complete else PARTIAL, len(self.xml) if self.cookie else 0
        told = HEADER.pack(magic, VERSION, self.room, self.ran, self.format, cookie)
        return told + (self.xml + self.cookie).ljust(self.room, b"\0")

    def rewrite(self, host: "Host", path: str) -> None:
        """Put it in place of what stands before the stream in its file. Raises OPERATION_FAILED when it has no room."""
        if len(self.xml + self.cookie) > self.room:
            raise fail(errors.OPERATION_FAILED, "new xml too large to fit in file")
        host.write_at(path, self.head(complete=True), 0, durable=True)

    @classmethod
    def read(cls, host: "Host", path: str) -> "Image":
        """Raises VirtError for what is no saved guest, or cannot be read."""
        try:
            data = host.read(path, HEADER.size)
        except OSError as error:
            raise system_error(error, f"Failed to open file '{path}'") from None
        if len(data) < HEADER.size:
            raise fail(errors.OPERATION_FAILED, "failed to read qemu header")
        magic, version, length, ran, format, cookie = HEADER.unpack(data)
        if magic == PARTIAL:
            raise fail(errors.OPERATION_FAILED, f"save image is incomplete: '{path}'")
        if magic != COMPLETE:
            raise fail(errors.OPERATION_FAILED, f"image magic is incorrect: '{path}'")
        if version > VERSION:
            raise fail(errors.OPERATION_FAILED, f"image version is not supported ({version} > {VERSION})")
        if not 0 < length <= LARGEST:
            raise fail(errors.OPERATION_FAILED, f"invalid header data length: {length}")
        rest = host.read(path, length, HEADER.size)
        if len(rest) < length:
            raise fail(errors.OPERATION_FAILED, "failed to read domain XML")
        xml, own = (rest[:cookie], rest[cookie:]) if cookie else (rest.rstrip(b"\0") + b"\0", b"")
        made = cls(xml, bool(ran), own, format)
        made.room, made.offset = length, HEADER.size + length
        return made

    def model(self) -> "Domain":
        """The saved domain's definition."""
        text = self.xml.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        return definitions.read_text(text)
