"""What the first bytes of an image say: its format, size, backing image, encryption and features."""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: So many bytes have to be known: as far as the mark of an ISO image.
HEAD = 0x8200
#: (format, offset, mark, whether the rest of the header fits it)
MARKS: "tuple[tuple[str, int, bytes, Callable[[bytes], bool] | None], ...]" = (
    ("bochs", 0, b"Bochs Virtual HD Image", None),
    ("cloop", 0, b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop", None),
    ("iso", 32769, b"CD001", None),
    ("vpc", 0, b"conectix", None),
    ("vdi", 64, b"\x7f\x10\xda\xbe", None),
    ("ploop", 0, b"WithouFreSpacExt", None),
    ("cow", 0, b"OOOM", None),
    ("qcow", 0, b"QFI\xfb", lambda head: _big(head, 4, 4) == 1),
    ("qcow2", 0, b"QFI\xfb", lambda head: _big(head, 4, 4) in (2, 3)),
    ("qed", 0, b"QED\0", None),
    ("vmdk", 0, b"KDMV", lambda head: _little(head, 4, 4) in (1, 2, 3)),
)
#: The extension of a qcow2 header that names the backing image's format, and the one that ends them.
BACKING_FORMAT, LAST = 0xE2792ACA, 0
#: qcow2's compatible feature of lazy refcounts, and the incompatible one of subclusters.
LAZY_REFCOUNTS, EXTENDED_L2 = 1 << 0, 1 << 4


class Header:
    """`capacity` is in bytes, None where the header does not say it; `backing` is as it stands there."""

    def __init__(self, format: str):
        self.format = format
        self.capacity: int | None = None
        self.backing: str | None = None
        self.backing_format: str | None = None
        self.encryption = ""
        self.compat: str | None = None
        self.cluster_size = 0
        self.lazy_refcounts = self.extended_l2 = False


def read_header(head: bytes, size: int) -> Header:
    """What the first bytes of a file of `size` bytes say; "raw" where they say nothing that is known."""
    header = Header(_format(head))
    if head.startswith(b"LUKS\xba\xbe") and len(head) >= 112:
        header.encryption = "luks"
        header.capacity = size - 512 * _luks_offset(head)
    try:
        if header.format in READERS:
            READERS[header.format](header, head)
    except (struct.error, UnicodeDecodeError, IndexError):
        pass  # cut short: what is known is known
    return header


def _format(head: bytes) -> str:
    for format, offset, mark, fits in MARKS:
        if head[offset : offset + len(mark)] == mark and len(head) >= 72 and (fits is None or fits(head)):
            return format
    return "raw"


def _luks_offset(head: bytes) -> int:
    """Sectors before the payload: version 1 says it; version 2 has 16 MiB."""
    return _big(head, 104, 4) if _big(head, 6, 2) == 1 else 32768


def _qcow(header: Header, head: bytes) -> None:
    header.capacity = _big(head, 24, 8)
    encryption = _big(head, 36 if header.format == "qcow" else 32, 4)
    header.encryption = {1: "qcow", 2: "luks"}.get(encryption, "")
    offset, length = _big(head, 8, 8), _big(head, 16, 4)
    if offset and length <= 1023:
        header.backing = head[offset : offset + length].decode("utf-8", "surrogateescape") or None


def _qcow2(header: Header, head: bytes) -> None:
    _qcow(header, head)
    header.cluster_size = 1 << min(_big(head, 20, 4), 21)
    at = 72
    if _big(head, 4, 4) == 3:
        header.compat = "1.1"
        header.extended_l2 = bool(_big(head, 72, 8) & EXTENDED_L2)
        header.lazy_refcounts = bool(_big(head, 80, 8) & LAZY_REFCOUNTS)
        at = _big(head, 100, 4)
    while at + 8 <= len(head):
        kind, length = _big(head, at, 4), _big(head, at + 4, 4)
        if kind == LAST:
            break
        if kind == BACKING_FORMAT:
            header.backing_format = head[at + 8 : at + 8 + length].decode("utf-8")
        at += 8 + (length + 7) // 8 * 8


def _qed(header: Header, head: bytes) -> None:
    header.capacity = _little(head, 48, 8)
    if _little(head, 16, 8) & 1:
        offset, length = _little(head, 56, 4), _little(head, 60, 4)
        header.backing = head[offset : offset + length].decode("utf-8") or None
        if _little(head, 16, 8) & 4:
            header.backing_format = "raw"


def _vmdk(header: Header, head: bytes) -> None:
    header.capacity = _little(head, 12, 8) * 512
    name = _between(head, b'\nparentFileNameHint="', b'"')
    if name is not None and _between(head, b"\nparentCID=", b"\n") != "ffffffff":
        header.backing, header.backing_format = name, "vmdk"


def _between(data: bytes, before: bytes, after: bytes) -> "str | None":
    _, found, rest = data.partition(before)
    return rest.partition(after)[0].decode("utf-8") if found else None


def _capacity_at(
    read: "Callable[[bytes, int, int], int]", offset: int, unit: int = 1
) -> "Callable[[Header, bytes], None]":
    def reader(header: Header, head: bytes) -> None:
        header.capacity = read(head, offset, 8) * unit

    return reader


def _big(head: bytes, offset: int, length: int) -> int:
    return int.from_bytes(_piece(head, offset, length), "big")


def _little(head: bytes, offset: int, length: int) -> int:
    return int.from_bytes(_piece(head, offset, length), "little")


def _piece(head: bytes, offset: int, length: int) -> bytes:
    if len(head) < offset + length:
        raise IndexError(offset)
    return head[offset : offset + length]


READERS: "dict[str, Callable[[Header, bytes], None]]" = {
    "qcow": _qcow,
    "qcow2": _qcow2,
    "qed": _qed,
    "vmdk": _vmdk,
    "cow": _capacity_at(_big, 1032),
    "vdi": _capacity_at(_little, 368),
    "vpc": _capacity_at(_big, 40),
    "ploop": _capacity_at(_little, 36, 512),
    "bochs": _capacity_at(_little, 80),
}
