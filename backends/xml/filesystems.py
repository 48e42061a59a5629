"""Directories and devices of the host mounted in the guest."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, NO_SOURCE, XML_ERROR
from .addresses import Boot, Info, Virtio
from .engine import Context, Model, fail
from .fields import FILE, Child, Enum, Flag, Int, OnOff, Part, Size, Text, UInt, one_of
from .node import Node
from .security import IdMap
from .storage import FORMATS
from .values import ULLONG_MAX, scaled, unsigned

_virtiofs = one_of("driver", "virtiofs")


class Filesystem(Model):
    spread = True
    type = Enum("@type", ("mount", "block", "file", "template", "ram", "bind", "volume"), default="mount", absent="")
    accessmode = Enum("@accessmode", ("passthrough", "mapped", "squash"), zero=("",))
    model = Enum("@model", ("virtio", "virtio-transitional", "virtio-non-transitional"))
    multidevs = Enum("@multidevs", ("remap", "forbid", "warn"), zero=("default",))
    fmode = UInt("@fmode", base=8, form="04o")
    dmode = UInt("@dmode", base=8, form="04o")
    driver = Enum(
        "driver/@type",
        ("path", "handle", "loop", "nbd", "ploop", "virtiofs"),
        newer=("mtp",),
        zero=("default",),
    )
    format = Enum(
        "driver/@format",
        FORMATS,
        invalid=(CONFIG_UNSUPPORTED, "unknown driver format value '%s'"),
        show=lambda fs, view: bool(fs.driver),
    )
    wrpolicy = Enum("driver/@wrpolicy", ("immediate",), zero=("default",), show=lambda fs, view: bool(fs.driver))
    queue = UInt(
        "driver/@queue",
        bits=64,
        blank=False,
        wraps=True,
        when=_virtiofs,
        invalid=(XML_ERROR, "cannot parse queue size '%s' for virtiofs"),
    )
    virtio = Part("driver", Virtio)
    binary = Text("binary/@path", blank=False, tidy=True, when=_virtiofs)
    xattr = OnOff("binary/@xattr", when=_virtiofs)
    cache = Enum("binary/cache/@mode", ("none", "always"), when=_virtiofs)
    sandbox = Enum("binary/sandbox/@mode", ("namespace", "chroot"), when=_virtiofs)
    lock_posix = OnOff("binary/lock/@posix", when=_virtiofs)
    lock_flock = OnOff("binary/lock/@flock", when=_virtiofs)
    thread_pool = Int(
        "binary/thread_pool/@size",
        default=-1,
        when=_virtiofs,
        blank=False,
        invalid=(XML_ERROR, "cannot parse thread pool size '%s' for virtiofs"),
        show=lambda fs, view: fs.thread_pool >= 0,
    )
    open_files = UInt("binary/openfiles/@max", bits=64, when=_virtiofs, newer=True)
    idmap = Child("idmap", IdMap, newer=True)
    dir = Text(
        "source/@dir",
        shape=("/.*", "an absolute path"),
        when=one_of("type", "mount", "bind"),
        show=lambda fs, view: fs.socket is None,
    )
    socket = Text("source/@socket", shape=FILE, show=lambda fs, view: fs.type in ("mount", "bind"))
    file = Text("source/@file", shape=FILE, when=one_of("type", "file"))
    dev = Text("source/@dev", shape=FILE, when=one_of("type", "block"))
    name = Text("source/@name", when=one_of("type", "template"))
    usage = UInt(
        "source/@usage",
        bits=64,
        absent=None,
        when=one_of("type", "ram"),
        invalid=(XML_ERROR, "cannot parse usage '%s' for RAM filesystem"),
    )
    units = Text("source/@units", when=one_of("type", "ram"))
    pool = Text("source/@pool", when=one_of("type", "volume"))
    volume = Text("source/@volume", when=one_of("type", "volume"))
    target = Text("target/@dir", blank=False)
    readonly = Flag("readonly")
    boot = Child("boot", Boot)
    info = Part(".", Info)
    space_hard_limit = Size("space_hard_limit", scale=1, limit=ULLONG_MAX, xpath="./space_hard_limit[1]")
    space_soft_limit = Size("space_soft_limit", scale=1, limit=ULLONG_MAX, xpath="./space_soft_limit[1]")

    def parsed(self, node: Node, context: Context) -> None:
        for name, mode in (("fmode", self.fmode), ("dmode", self.dmode)):
            if mode > 0o777:
                raise fail(XML_ERROR, f"invalid {name}: '0{mode:o}'")
        if self.type == "ram":
            self._read_ram(node)
        elif self.type == "volume":
            if (self.pool is None) != (self.volume is None):
                raise fail(XML_ERROR, "'pool' and 'volume' must be specified together for 'pool' type source")
        elif self.source is None:
            raise fail(NO_SOURCE, self.target)

    def _read_ram(self, node: Node) -> None:
        source = node.find("source")
        text = source.get("usage") if source is not None else None
        if text is None:
            raise fail(XML_ERROR, "missing 'usage' attribute for RAM filesystem")
        self.usage = scaled(unsigned(text, 10, 64), self.units, 1024, ULLONG_MAX) // 1024
        self.units = "KiB"

    @property
    def source(self) -> str | None:
        for value in (self.dir, self.file, self.dev, self.name, self.socket):
            if value is not None:
                return value
        return None
