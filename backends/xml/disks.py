"""Disks, CD-ROMs and floppies."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, XML_ERROR
from .addresses import Boot, Info, ThreadMapping, Virtio
from .engine import Context, Model, View, fail
from .fields import Child, Children, Enum, Flag, LazyChild, OnOff, Part, Size, Text, UInt, YesNo
from .node import Node
from .protection import Auth, Encryption
from .serialize import Out
from .storage import FORMATS, NEW_STORAGE, STORAGE_TYPES, BackingStore, SourceOf
from .values import ULLONG_MAX

BUSES = ("ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd")
VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
_POLICIES = ("stop", "report", "ignore", "enospace")


def _limit(name: str) -> UInt:
    return UInt(name, bits=64, invalid=(XML_ERROR, f"disk iotune field '{name}' must be an integer"))


class IoTune(Model):
    """<iotune> and <throttlegroup>: limits in bytes and operations per second; 0 is none."""

    total_bytes_sec = _limit("total_bytes_sec")
    read_bytes_sec = _limit("read_bytes_sec")
    write_bytes_sec = _limit("write_bytes_sec")
    total_iops_sec = _limit("total_iops_sec")
    read_iops_sec = _limit("read_iops_sec")
    write_iops_sec = _limit("write_iops_sec")
    total_bytes_sec_max = _limit("total_bytes_sec_max")
    read_bytes_sec_max = _limit("read_bytes_sec_max")
    write_bytes_sec_max = _limit("write_bytes_sec_max")
    total_iops_sec_max = _limit("total_iops_sec_max")
    read_iops_sec_max = _limit("read_iops_sec_max")
    write_iops_sec_max = _limit("write_iops_sec_max")
    size_iops_sec = _limit("size_iops_sec")
    group_name = Text("group_name")
    total_bytes_sec_max_length = _limit("total_bytes_sec_max_length")
    read_bytes_sec_max_length = _limit("read_bytes_sec_max_length")
    write_bytes_sec_max_length = _limit("write_bytes_sec_max_length")
    total_iops_sec_max_length = _limit("total_iops_sec_max_length")
    read_iops_sec_max_length = _limit("read_iops_sec_max_length")
    write_iops_sec_max_length = _limit("write_iops_sec_max_length")

    @property
    def limited(self) -> bool:
        """Whether any rate is limited (group name and lengths of bursts aside)."""
        return any(getattr(self, f.name) for f in self.fields[:13])


class ThrottleGroup(IoTune):
    """Limits that several disks share; its name is written last."""

    group_name = Text("group_name", required=(XML_ERROR, "Missing group name"))

    def emit(self, out: Out, view: View) -> None:
        for field in sorted(self.fields, key=lambda field: field is ThrottleGroup.group_name):
            field.emit(self, out, view)


class ThrottleFilter(Model):
    group = Text("@group", required=True)


class DriverFormat(Enum):
    """The driver's format, where "aio" is an old Xen name for raw."""

    def load(self, text: str, node: Node, context: Context) -> str:
        return "raw" if text == "aio" else super().load(text, node, context)


class Driver(Model):
    name = Text("@name")
    type = DriverFormat("@type", FORMATS, invalid=(CONFIG_UNSUPPORTED, "unknown driver format value '%s'"))
    cache = Enum("@cache", ("none", "writethrough", "writeback", "directsync", "unsafe"), zero=("default",))
    error_policy = Enum("@error_policy", _POLICIES)
    rerror_policy = Enum("@rerror_policy", _POLICIES)
    io = Enum("@io", ("native", "threads", "io_uring"))
    ioeventfd = OnOff("@ioeventfd")
    event_idx = OnOff("@event_idx")
    copy_on_read = OnOff("@copy_on_read")
    discard = Enum("@discard", ("unmap", "ignore"))
    iothread = UInt("@iothread", low=1)
    detect_zeroes = Enum("@detect_zeroes", ("off", "on", "unmap"))
    discard_no_unref = OnOff("@discard_no_unref", newer=True)
    queues = UInt("@queues")
    queue_size = UInt("@queue_size")
    virtio = Part(".", Virtio)
    iothreads = LazyChild("iothreads", ThreadMapping, newer=True)
    cache_size = Size("metadata_cache/max_size", scale=1, limit=ULLONG_MAX)

    def parsed(self, node: Node, context: Context) -> None:
        if self.rerror_policy == "enospace":
            raise fail(CONFIG_UNSUPPORTED, "Invalid disk read error policy: 'enospace'")


class Geometry(Model):
    cyls = UInt("@cyls", absent=None)
    heads = UInt("@heads", absent=None)
    secs = UInt("@secs", absent=None)
    trans = Enum("@trans", ("none", "auto", "lba"))

    def present(self, view: View) -> bool:
        return self.cyls > 0 and self.heads > 0 and self.secs > 0


class Mirror(Model):
    """<mirror>: where a running disk is copied to, or committed to."""

    type = Enum("@type", STORAGE_TYPES, newer=NEW_STORAGE, default="file", absent="")
    file = Text("@file")
    old_format = Text("@format")
    job = Enum("@job", ("copy", "active-commit"), default="copy", absent="")
    ready = Enum("@ready", ("yes", "abort", "pivot"))
    format = Enum("format/@type", FORMATS)
    source = SourceOf()
    index = UInt("source/@index", live=True, invalid=(XML_ERROR, "invalid disk index '%s'"))
    backing_store = Child("backingStore", BackingStore)

    def layer(self) -> BackingStore:
        """It as an image that a disk stands on."""
        made = BackingStore(type=self.type, index=self.index, format=self.format, inner=self.backing_store)
        made.source = self.source
        return made


class Disk(Model):
    """<disk>. `source` is always there; an empty one is a drive without medium."""

    type = Enum("@type", STORAGE_TYPES, newer=NEW_STORAGE, default="file", absent="")
    device = Enum("@device", ("disk", "cdrom", "floppy", "lun"), default="disk", absent="")
    model = Enum("@model", VIRTIO_MODELS, zero=("default",))
    rawio = YesNo("@rawio")
    sgio = Enum("@sgio", ("filtered", "unfiltered"))
    snapshot = Enum(
        "@snapshot",
        ("no", "internal", "external", "manual"),
        show=lambda disk, view: not (disk.snapshot == "no" and disk.readonly),
    )
    driver = Part("driver", Driver)
    auth = Child("auth", Auth)
    source = SourceOf()
    startup_policy = Enum(
        "source/@startupPolicy",
        ("mandatory", "requisite", "optional"),
        show=lambda disk, view: disk.type != "network",
    )
    index = UInt("source/@index", live=True, invalid=(XML_ERROR, "invalid disk index '%s'"))
    backing_store = Child("backingStore", BackingStore)
    backend_domain = Text("backenddomain/@name", blank=False)
    geometry = Child("geometry", Geometry)
    logical_block_size = UInt("blockio/@logical_block_size")
    physical_block_size = UInt("blockio/@physical_block_size")
    discard_granularity = UInt("blockio/@discard_granularity", newer=True)
    mirror = Child("mirror", Mirror, live=True)
    target = Text("target/@dev")
    bus = Enum("target/@bus", BUSES)
    tray = Enum("target/@tray", ("open",), zero=("closed",))
    removable = OnOff("target/@removable", show=lambda disk, view: disk.bus == "usb")
    rotation_rate = UInt("target/@rotation_rate")
    iotune = Part("iotune", IoTune)
    throttle_filters = Children("throttlefilters/throttlefilter", ThrottleFilter, newer=True)
    readonly = Flag("readonly")
    shareable = Flag("shareable")
    transient = Flag("transient")
    share_backing = YesNo("transient/@shareBacking", show=lambda disk, view: bool(disk.share_backing))
    serial = Text("serial")
    wwn = Text("wwn")
    vendor = Text("vendor")
    product = Text("product")
    encryption = Child("encryption", Encryption)
    boot = Child("boot", Boot)
    info = Part(".", Info)

    def parsed(self, node: Node, context: Context) -> None:
        if node.find("source") is None:
            self.type = self.source.type = "file"
        if self.auth and self.source.auth:
            raise fail(CONFIG_UNSUPPORTED, "an <auth> definition already found for disk source")
        if self.encryption and self.source.encryption:
            raise fail(CONFIG_UNSUPPORTED, "an <encryption> definition already found for disk source")


def find_disk(disks: list[Disk], path: str, first: bool = False) -> Disk | None:
    """The disk with the target `path`, or, if it begins with a slash, with that source: the only one, or the first."""
    if not path.startswith("/"):
        return next((disk for disk in disks if disk.target == path), None)
    found = [disk for disk in disks if (disk.source.path or disk.source.name) == path]
    return found[0] if len(found) == 1 or (first and found) else None
