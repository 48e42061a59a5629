"""Chains of images as their files tell them: what stands behind a disk whose definition does not say."""

import json
import re
import time

from ... import errors
from ...xml.storage import LONGEST_CHAIN, BackingStore
from ..base import fail
from ..storage.images import read_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ...hosts import Host
    from ...xml.disks import Disk
    from ...xml.storage import Source

    Layer = Disk | BackingStore

_MAGIC = b"QFI\xfb"
#: As much of an image is read; the name of a backing file must stand in the first cluster.
_HEAD = 1 << 16
#: Seconds for which an image may be locked by somebody who is just leaving it.
LOCKED = 3.0
#: Formats other than qcow2 whose images can be backed.
_BACKED = ("qcow", "qed", "vmdk")
#: How images begin that are not raw.
_OTHERS = (_MAGIC, b"QED\0", b"KDMV", b"vhdxfile", b"conectix", b"LUKS\xba\xbe")
_PROTOCOL = re.compile(r"[A-Za-z0-9+.-]+:")


def layers(disk: "Disk") -> "Iterator[Layer]":
    """A disk and what it is backed by, the uppermost first; nothing for a drive without medium."""
    if disk.source.empty:
        return
    yield disk
    yield from below_all(disk)


def below_all(layer: "Layer") -> "Iterator[BackingStore]":
    """All that a layer stands on."""
    lower = below(layer)
    while lower is not None and lower.type:
        yield lower
        lower = lower.inner


def below(layer: "Layer") -> "BackingStore | None":
    """What a layer says that it is backed by: one without a type ends the chain, None says nothing."""
    return layer.inner if isinstance(layer, BackingStore) else layer.backing_store


def put_below(layer: "Layer", backing: "BackingStore | None") -> None:
    if isinstance(layer, BackingStore):
        layer.inner = backing
    else:
        layer.backing_store = backing


def format_of(layer: "Layer") -> str:
    return (layer.format if isinstance(layer, BackingStore) else layer.driver.type) or "raw"


def complete(host: "Host", disk: "Disk") -> None:
    """Write into a disk what its images say that they are backed by, as far as its definition does not.

    Raises OPERATION_INVALID where the format of an image is nowhere said, SYSTEM_ERROR where one is missing.
    """
    for count, layer in enumerate(layers(disk)):
        if count > LONGEST_CHAIN:
            raise fail(errors.OPERATION_UNSUPPORTED, f"the chain of disk '{disk.target}' is too long")
        if below(layer) is None and (layer.source.type in ("file", "block") or layer.source.located):
            found = backing(host, str(layer.source.path), format_of(layer))
            if found is not None:
                put_below(layer, found)


def backing(host: "Host", path: str, format: str) -> "BackingStore | None":
    """What an image says it is backed by; None where only QEMU understands it."""
    try:
        if format == "qcow2":
            header = read_header(host.read(path, _HEAD), 0)
            name, told = header.backing or "", header.backing_format or ""
        else:
            name, told = _other(host, path, format)
    except FileNotFoundError:
        return None  # QEMU says so, in words that the user knows
    if not name:
        return BackingStore()
    if name.startswith("json:"):
        name, told = _from_json(name.removeprefix("json:"), told)
    elif _PROTOCOL.match(name):
        return None
    if not name:
        return None
    if not name.startswith("/"):
        name = f"{path.rpartition('/')[0]}/{name}"
    try:
        head = host.read(name, 16)
    except OSError as error:
        text = f"Cannot access backing file '{name}' of storage file '{path}': {error.strerror}"
        raise errors.virt_error(errors.SYSTEM_ERROR, text) from None
    if not told and head.startswith(_OTHERS):
        text = f"format of backing image '{name}' of image '{path}' was not specified in the image metadata"
        raise fail(errors.OPERATION_INVALID, text, hint="qemu-img rebase -u -F FORMAT writes it there")
    stat = host.stat(name)
    made = BackingStore(type="block" if stat is not None and stat.block else "file", format=told or "raw")
    set_source(made.source, made.type, name)
    return made


def set_source(source: "Source", type: str, path: str) -> None:
    """Make a source that of a file or of a block device."""
    source.type = type
    source.file, source.dev = (path, None) if type == "file" else (None, path)


def name_of(layer: "Layer") -> str:
    """What other images call a layer's that they stand on: its path, for one on a network what QEMU calls it; "" for
    none."""
    if layer.source.path is None and layer.type == "network":
        from ..argv.storage import described

        return described(layer.source)
    return layer.source.path or ""


def source_of(layer: "Layer") -> "Source":
    """A copy of a layer's source, with what opens it, which a disk may say beside it."""
    source: Source = layer.source.copy()
    source.auth = getattr(layer, "auth", None) or source.auth
    source.encryption = getattr(layer, "encryption", None) or source.encryption
    return source


def _other(host: "Host", path: str, format: str) -> "tuple[str, str]":
    if format not in _BACKED:
        return "", ""
    told = info(host, path, format)
    return told.get("backing-filename", ""), told.get("backing-filename-format", "")


def info(host: "Host", path: str, format: str) -> "dict[str, Any]":
    """What qemu-img tells of one image, whoever has it open. Raises VirtError."""
    told: dict[str, Any] = json.loads(qemu_img(host, "info", "-U", "--output=json", "-f", format, path))
    return told


def qemu_img(host: "Host", *args: str) -> bytes:
    """The output of a qemu-img that succeeded. Raises INTERNAL_ERROR with its words."""
    deadline = time.monotonic() + LOCKED
    while True:
        try:
            done = host.run(["qemu-img", *args])
        except FileNotFoundError:
            raise fail(errors.INTERNAL_ERROR, "Unable to find qemu-img binary") from None
        # One that a killed vsh began may still be at it.
        if not done.status or b"Failed to get" not in done.stderr or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip()
        line = " ".join(["qemu-img", *args])
        text = f"Child process ({line}) unexpected exit status {done.status}: {said}\n"
        raise fail(errors.INTERNAL_ERROR, text)
    return done.stdout


def _from_json(text: str, told: str) -> "tuple[str, str]":
    """File and format of an image that is described in QEMU's own terms; "" for one that is no file."""
    try:
        described = json.loads(text)
        file = described.get("file", described)
        name = file.get("filename", described.get("file.filename", "")) if isinstance(file, dict) else ""
        known = isinstance(file, dict) and file.get("driver", described.get("file.driver", "file")) == "file"
        return (str(name), told or str(described.get("driver", ""))) if known else ("", "")
    except (ValueError, AttributeError):
        return "", ""


def number(disks: "list[Disk]", count: int = 0) -> int:
    """Number the images that have no number yet after `count`, from the last disk to the first and from the uppermost
    of each down; the last number.

    An empty drive has a number too: it is that of the medium that comes.
    """
    for disk in reversed(disks):
        for layer in [*layers(disk)] or [disk]:
            if not layer.index:
                layer.index = count = count + 1
    return count


def detect(host: "Host", disks: "list[Disk]", count: int = 0) -> "tuple[int, list[int]]":
    """Complete the chains of disks that are to run, and number them after `count`.

    The last number, and those of the images that their definitions do not name. Raises VirtError.
    """
    first = number(disks, count)
    for disk in disks:
        complete(host, disk)
    last = number(disks, first)
    return last, list(range(first + 1, last + 1))


def forget(disk: "Disk", numbers: "list[int]") -> None:
    """Leave out of a disk's chain what its definition does not name."""
    for layer in layers(disk):
        backing = below(layer)
        if backing is not None and backing.index in numbers:
            put_below(layer, None)
            break


def nodes(layer: "Layer") -> "tuple[str, str]":
    """What QEMU's nodes of an image are called: that of its format, that of its storage."""
    return nodes_of(layer.index)


def nodes_of(index: int) -> "tuple[str, str]":
    """The same of the image with that number."""
    return f"libvirt-{index}-format", f"libvirt-{index}-storage"


def secret_of(node: str) -> str:
    """What QEMU's object is called that opens the image of a format's node."""
    return f"{node}-encryption-secret0"


def leave_out(disk: "Disk", gone: "set[str]", base: "Layer") -> bool:
    """Let what stands on images that were merged into `base` stand on that; whether the disk had any of them."""
    above: Layer | None = None
    found = [*layers(disk)]
    for place, layer in enumerate(found):
        if name_of(layer) in gone:
            rest = next((lower for lower in found[place + 1 :] if name_of(lower) not in gone), None)
            if above is not None:
                put_below(above, rest if isinstance(rest, BackingStore) else None)
            else:
                stand_on(disk, rest or base)
                disk.backing_store = below(rest) if rest is not None else None
            return True
        above = layer
    return False


def stand_on(disk: "Disk", layer: "Layer") -> None:
    """Let a disk's uppermost image be that of a layer."""
    disk.type = layer.type
    disk.source = source_of(layer)
    disk.auth = disk.encryption = None
    disk.driver.type = format_of(layer)
    disk.index = layer.index
