"""The XML of storage pools (https://libvirt.org/formatstorage.html)."""

from __future__ import annotations

from ... import errors
from ..addresses import PciPlace
from ..config import ParseConfig
from ..engine import Context, Model, View, fail
from ..fields import DIGITS, FILE, Child, Children, Enum, Int, LazyChild, Name, OptInt, Part, Size, Text, Uuid, YesNo
from ..node import Node
from ..parse import parse, refuse_unknown
from ..protection import Auth
from ..serialize import Out
from ..storage import check_wwn
from ..values import UINT_MAX, c_int

#: What a pool's source can consist of, and must where there is only one.
HOST, DEVICE, DIR, ADAPTER, NAME, INITIATOR, NETWORK = (1 << bit for bit in range(7))
#: type -> parts of its source
SOURCES = {
    "dir": 0,
    "fs": DEVICE,
    "netfs": HOST | DIR,
    "logical": NAME | DEVICE,
    "disk": DEVICE,
    "iscsi": HOST | DEVICE | INITIATOR,
    "iscsi-direct": HOST | DEVICE | NETWORK | INITIATOR,
    "scsi": ADAPTER,
    "mpath": 0,
    "rbd": HOST | NETWORK | NAME,
    "sheepdog": HOST | NETWORK | NAME,
    "gluster": HOST | NETWORK | NAME | DIR,
    "zfs": NAME | DEVICE,
    "vstorage": NAME,
}
#: type -> formats of its source, the default first
FORMATS = {
    "fs": (
        "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+", "xfs", "ocfs2", "vmfs",
    ),
    "netfs": ("auto", "nfs", "glusterfs", "cifs"),
    "logical": ("lvm2", "unknown"),
    "disk": ("unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2"),
}  # fmt: skip


class Octal(OptInt):
    """Permission bits."""

    def __init__(self, path: str):
        super().__init__(path, base=8, invalid=(errors.XML_ERROR, "malformed octal mode"))

    def load(self, text: str, node: Node, context: Context) -> int | None:
        value = super().load(text, node, context)
        if value is not None and value > 0o777:
            raise ValueError(text)
        return value

    def dump(self, value: int | None) -> str:
        return f"0{value or 0:o}"


class OwnerId(OptInt):
    """A user's or group's number; the largest stands for none, as -1 does."""

    def __init__(self, path: str):
        super().__init__(path, sign=True, absent=-1, invalid=(errors.XML_ERROR, f"malformed {path} element"))

    def read(self, model: Model, node: Node, context: Context) -> None:
        given = node.find(self.path)
        if given is not None and not given.text():
            raise self.complain("", given)
        super().read(model, node, context)

    def load(self, text: str, node: Node, context: Context) -> int | None:
        value = c_int(text, low=-(2**31), high=UINT_MAX)
        return -1 if value == UINT_MAX else value


class Permissions(Model):
    mode = Octal("mode")
    owner = OwnerId("owner")
    group = OwnerId("group")
    label = Text("label", blank=False)

    def emit(self, out: Out, view: View) -> None:
        for field in self.fields:
            if getattr(self, field.name) not in (None, -1):
                field.emit(self, out, view)


class Host(Model):
    name = Text("@name", required=(errors.XML_ERROR, "missing storage pool host name"))
    port = Int("@port")


class Device(Model):
    path = Text("@path", required=(errors.XML_ERROR, "missing storage pool source device path"))
    part_separator = YesNo("@part_separator")

    def parsed(self, node: Node, context: Context) -> None:
        node.tolerate("freeExtent")  # what is free is the pool's to tell


class Adapter(Model):
    """The SCSI or Fibre Channel host behind a pool."""

    type = Enum("@type", ("scsi_host", "fc_host"))
    name = Text("@name")
    parent = Text("@parent")
    parent_wwnn = Text("@parent_wwnn")
    parent_wwpn = Text("@parent_wwpn")
    parent_fabric_wwn = Text("@parent_fabric_wwn")
    managed = YesNo("@managed")
    wwnn = Text("@wwnn")
    wwpn = Text("@wwpn")
    unique_id = OptInt(
        "parentaddr/@unique_id", invalid=(errors.XML_ERROR, "Missing or invalid scsi adapter 'unique_id' value")
    )
    address = Child("parentaddr/address", PciPlace)

    def parsed(self, node: Node, context: Context) -> None:
        parent = node.find("parentaddr") is not None
        if not self.type:
            if self.wwnn or self.wwpn or self.parent:
                what = "Use of 'wwnn', 'wwpn', and 'parent' attributes requires use of the adapter 'type'"
                raise fail(errors.XML_ERROR, what)
            if parent:
                raise fail(errors.XML_ERROR, "Use of 'parentaddr' element requires use of the adapter 'type'")
            self.type = "scsi_host" if self.name else ""
        elif self.type == "scsi_host" and parent:
            if self.address is None:
                raise fail(errors.XML_ERROR, "Missing scsi_host PCI address element")
            if self.unique_id is None:
                raise fail(errors.XML_ERROR, "Missing or invalid scsi adapter 'unique_id' value")

    def check(self) -> None:
        if not self.type:
            raise fail(errors.XML_ERROR, "missing storage pool source adapter")
        if self.type == "fc_host":
            if not self.wwnn or not self.wwpn:
                what = "'wwnn' and 'wwpn' must be specified for adapter type 'fchost'"
                raise fail(errors.XML_ERROR, what)
            for one, other in (("parent_wwnn", "parent_wwpn"), ("parent_wwpn", "parent_wwnn")):
                if getattr(self, one) and not getattr(self, other):
                    what = f"when providing {one}='{getattr(self, one)}', the {other} must also be provided"
                    raise fail(errors.XML_ERROR, what)
            for wwn in (self.wwnn, self.wwpn, self.parent_wwnn, self.parent_wwpn, self.parent_fabric_wwn):
                if wwn:
                    check_wwn(wwn)
        elif not self.name and not self.address:
            raise fail(errors.XML_ERROR, "Either 'name' or 'parent' must be specified for the 'scsi_host' adapter")
        elif self.name and self.address:
            raise fail(errors.XML_ERROR, "Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter")


class Source(Model):
    """Where a pool's volumes come from; `parts` is what its type makes of that."""

    spread = True
    parts = 0
    hosts = Children("host", Host, show=lambda source, view: bool(source.parts & HOST))
    devices = Children("device", Device, show=lambda source, view: bool(source.parts & DEVICE))
    dir = Text("dir/@path", tidy=True, wanted=True, show=lambda source, view: bool(source.parts & DIR))
    adapter = Child("adapter", Adapter, show=lambda source, view: bool(source.parts & ADAPTER))
    name = Text("name", show=lambda source, view: bool(source.parts & NAME))
    iqn = Text("initiator/iqn/@name", blank=False, show=lambda source, view: bool(source.parts & INITIATOR))
    format = Text("format/@type", wanted=True)
    auth = Child("auth", Auth)
    protocol = Text("protocol/@ver", blank=False)
    vendor = Text("vendor/@name", blank=False)
    product = Text("product/@name", blank=False)

    def parsed(self, node: Node, context: Context) -> None:
        kind = context.memo["pool"]
        if kind == "logical":
            for name in node.findall("name"):  # of which only the first counts
                name.tolerate(".")
        if kind == "rbd" and self.name is None:
            raise fail(errors.XML_ERROR, "element 'name' is mandatory for RBD pool")
        if kind in FORMATS and self.format and self.format not in FORMATS[kind]:
            raise fail(errors.CONFIG_UNSUPPORTED, f"unknown pool format type {self.format}")
        if kind == "gluster" and not self.dir:
            self.dir = "/"
        if self.auth and not self.auth.type:
            raise fail(errors.CONFIG_UNSUPPORTED, "storage pool missing auth type")
        if self.protocol is not None and "," in self.protocol:
            what = f"storage pool protocol ver '{self.protocol}' must not contain ','"
            raise fail(errors.XML_DETAIL, what)

    def settle(self, kind: str) -> None:
        """What follows from the pool's type."""
        self.parts = SOURCES[kind]
        self.format = (self.format or FORMATS[kind][0]) if kind in FORMATS else None


class Target(Model):
    spread = True
    path = Text("path", tidy=True, shape=FILE)
    permissions = LazyChild("permissions", Permissions)


class Pool(Model):
    """Sizes are in bytes."""

    type = Enum("@type", SOURCES, required=True, absent=None)
    name = Name("name")
    uuid = Uuid("uuid", invalid=(errors.XML_ERROR, "malformed uuid element"))
    capacity = Size("capacity", scale=1, absent=None, shape=DIGITS)
    allocation = Size("allocation", scale=1, absent=None, shape=DIGITS)
    available = Size("available", scale=1, absent=None, shape=DIGITS)
    cow = YesNo("features/cow/@state", wanted=True)
    source = Part("source", Source)
    target = Part("target", Target, show=lambda pool, view: not SOURCES[pool.type] & NETWORK)
    refresh = Enum(
        "refresh/volume/@allocation",
        ("default", "capacity"),
        invalid=(errors.CONFIG_UNSUPPORTED, "unknown storage pool volume refresh allocation type %s"),
    )

    @classmethod
    def parse(cls, text: str, validate: bool = False) -> Pool:
        """Read a pool's XML; raises VirtError in libvirt's words.

        The sizes in it are not looked at: they are the pool's to tell.
        """
        node = parse(text, "(storage_pool_definition)", "pool")
        pool = cls.from_node(node, Context(ParseConfig(), inactive=True))
        if validate:
            refuse_unknown(node)
        return pool

    def format(self) -> str:
        """The pool as libvirt prints it."""
        out = Out("pool")
        out.spread = True
        self.emit(out, View())
        return out.render()

    def read(self, node: Node, context: Context) -> None:
        Pool.type.read(self, node, context)
        for size in (Pool.capacity, Pool.allocation, Pool.available):
            holder = node.find(size.path)
            if holder is not None:
                size.judge(holder.text() or None, holder)
                holder.tolerate("@unit")
        if not self.type:
            raise fail(errors.XML_ERROR, "Missing required attribute 'type' in element 'pool'")
        context.memo["pool"] = self.type
        Pool.source.read(self, node, context)
        self.source.settle(self.type)
        parts = SOURCES[self.type]
        name = node.find("name")
        self.name = (name.text() if name is not None else "") or (self.source.name or "" if parts & NAME else "")
        if not self.name:
            raise fail(errors.XML_ERROR, "missing pool source name element")
        if "/" in self.name:
            raise fail(errors.XML_ERROR, f"name {self.name} cannot contain '/'")
        for field in (Pool.uuid, Pool.cow, Pool.target, Pool.refresh):
            field.read(self, node, context)
        self.uuid = self.uuid or context.config.new_uuid()
        self._check(parts)

    def _check(self, parts: int) -> None:
        if self.cow is not None and self.type not in ("fs", "dir"):
            raise errors.virt_error(errors.NO_SUPPORT, "cow feature may only be used for 'fs' and 'dir' pools")
        if parts & HOST and not self.source.hosts:
            raise fail(errors.XML_ERROR, "missing storage pool source host name")
        if parts & DIR and not self.source.dir:
            raise fail(errors.XML_ERROR, "missing storage pool source path")
        if parts & NAME and self.source.name is None:
            self.source.name = self.name
        if parts & ADAPTER:
            (self.source.adapter or Adapter()).check()
        if parts == DEVICE and not self.source.devices:
            raise fail(errors.XML_ERROR, "missing storage pool source device name")
        if not parts & NETWORK:
            if self.type in ("logical", "zfs"):
                self.target.path = f"/dev/{'zvol/' if self.type == 'zfs' else ''}{self.source.name}"
            elif not self.target.path:
                raise fail(errors.XML_ERROR, "missing storage pool target path")
        if self.type == "iscsi-direct" and not self.source.iqn:
            raise fail(errors.CONFIG_UNSUPPORTED, "missing initiator IQN")


def parse_source(text: str, kind: str) -> Source:
    """Read a description of sources to look for, for pools of type `kind`."""
    context = Context(ParseConfig(), inactive=True)
    context.memo["pool"] = kind
    root = parse(text, "(storage_source_specification)", "source")
    if kind not in SOURCES:
        raise errors.virt_error(errors.INTERNAL_ERROR, "missing backend for pool type -1", domain=errors.FROM_STORAGE)
    return Source.from_node(root, context)
