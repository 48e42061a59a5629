"""Saved guests as files, in libvirt's format (src/qemu/qemu_saveimage.h): libvirt restores ours, and we its.

A header of 92 bytes, the definition as XML that ends in a NUL, QEMU's migration stream. Until all is there the header
says that it is not.
"""

import struct

from .. import errors
from . import definitions
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from ..xml.domain import Domain

COMPLETE, PARTIAL = b"LibvirtQemudSave", b"LibvirtQemudPart"
VERSION = 2
#: magic, version, length of the XML, whether the guest ran, compression, offset of the cookie, unused
HEADER = struct.Struct("=16s5I56x")
#: Larger definitions are none.
LARGEST = 16 << 20


class Image:
    """What stands before the stream: `ran` says whether the guest is to run on; `offset` is where the stream begins."""

    def __init__(self, xml: bytes, ran: bool):
        self.xml = xml
        self.ran = ran
        self.offset = HEADER.size + len(xml)

    @classmethod
    def of(cls, domain: "Domain", ran: bool) -> "Image":
        return cls(domain.format(inactive=True, secure=True).encode("utf-8", "surrogateescape") + b"\0", ran)

    def head(self, complete: bool) -> bytes:
        magic = COMPLETE if complete else PARTIAL
        return HEADER.pack(magic, VERSION, len(self.xml), self.ran, 0, 0) + self.xml

    @classmethod
    def read(cls, host: "Host", path: str) -> "Image":
        """Raises VirtError for what is no saved guest, OSError for what cannot be read."""
        data = host.read(path, HEADER.size)
        if len(data) < HEADER.size:
            raise fail(errors.OPERATION_FAILED, "failed to read qemu header")
        magic, version, length, ran, compressed, cookie = HEADER.unpack(data)
        if magic == PARTIAL:
            raise fail(errors.OPERATION_FAILED, f"save image is incomplete: '{path}'")
        if magic != COMPLETE:
            raise fail(errors.OPERATION_FAILED, f"image magic is incorrect: '{path}'")
        if version > VERSION:
            raise fail(errors.OPERATION_FAILED, f"image version is not supported ({version} > {VERSION})")
        if compressed:
            raise fail(errors.OPERATION_UNSUPPORTED, f"'{path}' is compressed", hint="restore it with libvirt")
        if not 0 < length <= LARGEST:
            raise fail(errors.OPERATION_FAILED, f"invalid header data length: {length}")
        rest = host.read(path, length, HEADER.size)
        if len(rest) < length:
            raise fail(errors.OPERATION_FAILED, "failed to read domain XML")
        made = cls(rest, bool(ran))
        made.xml = rest[:cookie] if cookie else rest
        return made

    def model(self) -> "Domain":
        """The saved domain's definition."""
        text = self.xml.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        return definitions.read_text(text)
