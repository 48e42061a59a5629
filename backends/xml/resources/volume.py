"""The XML of storage volumes (https://libvirt.org/formatstorage.html#storage-volume-xml)."""

from __future__ import annotations

from ... import errors
from ..config import ParseConfig
from ..engine import Context, Field, Model, View, fail
from ..fields import Child, Children, Enum, Flag, LazyChild, Name, Size, Text, UInt
from ..node import Node
from ..parse import parse, refuse_unknown
from ..protection import Encryption
from ..serialize import Out
from ..values import LLONG_MAX, scaled, unsigned
from .pool import Permissions

FILES = (
    "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2", "qed",
    "vmdk",
)  # fmt: skip
PARTITIONS = ("none", "linux", "fat16", "fat32", "linux-swap", "linux-lvm", "linux-raid", "extended")
#: type of the pool -> formats of its volumes, the default first
FORMATS = dict.fromkeys(("dir", "fs", "netfs", "rbd", "gluster", "vstorage"), FILES) | {"disk": PARTITIONS}


class Bytes(Field[int]):
    """A size in bytes, read with its unit."""

    def __init__(self, path: str, absent: int | None = None, live: bool = False):
        problem = (errors.XML_ERROR, "malformed capacity element")
        super().__init__(path, default=0, absent=absent, invalid=problem, live=live)

    def load(self, text: str, node: Node, context: Context) -> int:
        return scaled(unsigned(text, 10, 64), node.get("unit"), 1, LLONG_MAX)

    def place(self, target: Out, value: int) -> None:
        target.set("unit", "bytes")
        target.write(str(value))


class ClusterSize(Size):
    def place(self, target: Out, value: int) -> None:
        target.set("unit", "B")
        target.write(str(value))


class Features(Model):
    lazy_refcounts = Flag("lazy_refcounts")
    extended_l2 = Flag("extended_l2")

    def parsed(self, node: Node, context: Context) -> None:
        for element in node.elements():
            if element.tag not in ("lazy_refcounts", "extended_l2"):
                raise fail(errors.CONFIG_UNSUPPORTED, f"unsupported feature {element.tag}")


class Timestamps(Model):
    """Seconds since 1970 with nanoseconds, as text: "1341933637.273190990"."""

    atime = Text("atime")
    mtime = Text("mtime")
    ctime = Text("ctime")
    btime = Text("btime")


class Image(Model):
    """What a volume or its backing store is: path, format, permissions; times only of those that exist."""

    spread = True
    path = Text("path")
    format = Text("format/@type", blank=False)
    permissions = LazyChild("permissions", Permissions)
    timestamps = Child("timestamps", Timestamps, live=True)
    encryption = Child("encryption", Encryption)
    compat = Text("compat")
    cluster_size = ClusterSize("clusterSize", scale=1, xpath="./target/clusterSize")
    features = Child("features", Features)

    def parsed(self, node: Node, context: Context) -> None:
        node.tolerate("nocow")  # only says how the file is made
        formats = FORMATS.get(context.memo["pool"])
        if formats is None:
            self.format = None
        elif self.format is None:
            self.format = formats[0]
        elif self.format not in formats:
            raise fail(errors.CONFIG_UNSUPPORTED, f"unknown volume format type {self.format}")
        if self.compat is not None:
            major, dot, minor = self.compat.partition(".")
            if not (dot and major.isdecimal() and minor.isdecimal()):
                raise fail(errors.XML_ERROR, "forbidden characters in 'compat' attribute")
        if self.features and self.compat is None:
            self.compat = "1.1"


class Extent(Model):
    """Bytes from `start` to before `end`."""

    start = UInt("@start", bits=64, absent=None)
    end = UInt("@end", bits=64, absent=None)


class SourceDevice(Model):
    path = Text("@path")
    extents = Children("extent", Extent)


class VolumeSource(Model):
    """The pieces of devices that a volume is made of; nobody asks for certain ones."""

    devices = Children("device", SourceDevice)

    def read(self, node: Node, context: Context) -> None:
        pass


class Volume(Model):
    """Sizes are in bytes."""

    type = Enum(
        "@type",
        ("file", "block", "dir", "network", "netdir", "ploop"),
        default="file",
        zero=("",),
        absent=None,
        invalid=(errors.CONFIG_UNSUPPORTED, "unknown volume type '%s'"),
    )
    name = Name("name", required=(errors.XML_ERROR, "missing volume name element"))
    key = Text("key")
    source = Child("source", VolumeSource, live=True, show=lambda volume, view: bool(volume.source.devices))
    capacity = Bytes("capacity")
    allocation = Bytes("allocation")
    physical = Bytes("physical", absent=0, live=True)
    target = Child("target", Image, wanted=True)
    backing = Child("backingStore", Image, show=lambda volume, view: volume.backing.path is not None)

    @classmethod
    def parse(cls, text: str, pool: str, validate: bool = False, live: bool = False) -> Volume:
        """Read the XML of a volume for a pool of type `pool`; `live` text describes one that exists.

        Raises VirtError in libvirt's words.
        """
        node = parse(text, "(storage_volume_definition)", "volume")
        volume = cls.read_for(node, pool, live)
        if validate:
            refuse_unknown(node)
        return volume

    @classmethod
    def read_for(cls, node: Node, pool: str, live: bool = False) -> Volume:
        """The same for an element that has been parsed."""
        context = Context(ParseConfig(), inactive=not live)
        context.memo["pool"] = pool
        volume = cls.from_node(node, context)
        if volume.target is None:
            volume.target = Image(format=FORMATS[pool][0] if pool in FORMATS else None)
        return volume

    def read(self, node: Node, context: Context) -> None:
        for field in (Volume.type, Volume.name, Volume.backing):  # libvirt's order
            field.read(self, node, context)
        capacity = node.find("capacity")
        if capacity is None or not capacity.text():
            raise fail(errors.XML_ERROR, "missing capacity element")
        super().read(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        self.type = self.type or "file"
        allocation = node.find("allocation")
        if allocation is None or not allocation.text():
            self.allocation = self.capacity

    def format(self) -> str:
        """The volume as libvirt prints it."""
        out = Out("volume")
        self.emit(out, View(inactive=False))
        return out.render()
