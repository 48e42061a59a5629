"""The XML of storage volumes (https://libvirt.org/formatstorage.html#storage-volume-xml)."""

from __future__ import annotations

from ... import errors
from ..config import ParseConfig
from ..engine import Context, Field, Model, View, fail
from ..fields import Child, Enum, Flag, LazyChild, Name, Size, Text
from ..node import Node
from ..parse import parse, refuse_unknown
from ..serialize import Out
from ..storage import Encryption
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

    def __init__(self, path: str):
        problem = (errors.XML_ERROR, "malformed capacity element")
        super().__init__(path, default=0, absent=None, invalid=problem)

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


class Image(Model):
    """What a volume or its backing store is: path, format, permissions."""

    spread = True
    path = Text("path")
    format = Text("format/@type")
    permissions = LazyChild("permissions", Permissions)
    encryption = Child("encryption", Encryption)
    compat = Text("compat")
    cluster_size = ClusterSize("clusterSize", scale=1)
    features = Child("features", Features)

    def parsed(self, node: Node, context: Context) -> None:
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


class Volume(Model):
    """Sizes are in bytes."""

    type = Enum(
        "@type",
        ("file", "block", "dir", "network", "netdir", "ploop"),
        default="file",
        absent=None,
        invalid=(errors.CONFIG_UNSUPPORTED, "unknown volume type '%s'"),
    )
    name = Name("name", required=(errors.XML_ERROR, "missing volume name element"))
    key = Text("key")
    capacity = Bytes("capacity")
    allocation = Bytes("allocation")
    target = Child("target", Image)
    backing = Child("backingStore", Image, show=lambda volume, view: volume.backing.path is not None)

    @classmethod
    def parse(cls, text: str, pool: str, validate: bool = False) -> Volume:
        """Read the XML of a volume for a pool of type `pool`; raises VirtError in libvirt's words."""
        node = parse(text, "(storage_volume_definition)", "volume")
        volume = cls.read_for(node, pool)
        if validate:
            refuse_unknown(node)
        return volume

    @classmethod
    def read_for(cls, node: Node, pool: str) -> Volume:
        """The same for an element that has been parsed."""
        context = Context(ParseConfig(), inactive=True)
        context.memo["pool"] = pool
        volume = cls.from_node(node, context)
        if volume.target is None:
            volume.target = Image(format=FORMATS[pool][0] if pool in FORMATS else None)
        return volume

    def parsed(self, node: Node, context: Context) -> None:
        capacity, allocation = node.find("capacity"), node.find("allocation")
        if capacity is None or not capacity.text():
            raise fail(errors.XML_ERROR, "missing capacity element")
        if allocation is None or not allocation.text():
            self.allocation = self.capacity

    def format(self) -> str:
        """The volume as libvirt prints it."""
        out = Out("volume")
        self.emit(out, View())
        return out.render()
