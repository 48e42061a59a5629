"""Devices of few words: input, video, hostdev, TPM, RNG and their like. Sound is in sound.py."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from .addresses import Info, Virtio
from .chars import CharSource
from .engine import Context, Model, View, fail
from .fields import DIGITS, FILE, Child, Enum, OnOff, OptInt, Part, Size, Text, Texts, UInt, YesNo, YesOrNo, one_of
from .node import Node
from .serialize import Out
from .values import ULLONG_MAX

_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")


class Lease(Model):
    lockspace = Text("lockspace", wanted=True)
    key = Text("key", required=(XML_ERROR, "Missing 'key' element for lease"))
    path = Text("target/@path", required=(XML_ERROR, "Missing 'path' attribute to 'target' element for lease"))
    offset = UInt("target/@offset", bits=64)

    def read(self, node: Node, context: Context) -> None:
        if node.find("key") is not None and node.find("target") is None:
            raise fail(XML_ERROR, "Missing 'target' element for lease")
        super().read(node, context)


class Smartcard(Model):
    mode = Enum("@mode", ("host", "host-certificates", "passthrough"), required=True)
    certificates = Texts("certificate", when=one_of("mode", "host-certificates"))
    database = Text("database", when=one_of("mode", "host-certificates"))
    source = Part(".", CharSource, when=one_of("mode", "passthrough"))
    info = Part(".", Info)

    def parsed(self, node: Node, context: Context) -> None:
        if self.mode == "host-certificates":
            if len(self.certificates) != 3:
                raise fail(XML_ERROR, "host-certificates mode needs exactly three certificates")
            if self.database is not None and not self.database.startswith("/"):
                raise fail(XML_ERROR, f"expecting absolute path: {self.database}")
        elif self.mode == "passthrough" and node.get("type") is None:
            raise fail(XML_ERROR, "passthrough mode requires a character device type attribute")


class Panic(Model):
    model = Enum(
        "@model",
        ("isa", "pseries", "hyperv", "s390"),
        newer=("pvpanic",),
        zero=("default",),
        invalid=(CONFIG_UNSUPPORTED, "unknown panic model '%s'"),
    )
    info = Part(".", Info)

    def present(self, view: View) -> bool:
        """libvirt keeps a device without model and address, but does not write it."""
        return bool(self.model or self.info != Info())


class Input(Model):
    """`bus` "none" is that of evdev devices and is not written."""

    type = Enum(
        "@type",
        ("mouse", "tablet", "keyboard", "passthrough", "evdev"),
        required=(INTERNAL_ERROR, "missing input device type"),
        invalid=(CONFIG_UNSUPPORTED, "unknown input device type '%s'"),
    )
    bus = Enum(
        "@bus",
        ("ps2", "usb", "xen", "parallels", "virtio", "none"),
        absent="none",
        invalid=(CONFIG_UNSUPPORTED, "unknown input bus type '%s'"),
    )
    model = Enum("@model", _VIRTIO, invalid=(CONFIG_UNSUPPORTED, "unknown input model '%s'"))
    virtio = Part("driver", Virtio)
    evdev = Text("source/@evdev", tidy=True, shape=FILE, when=one_of("type", "passthrough"))
    dev = Text("source/@dev", tidy=True, shape=FILE, when=one_of("type", "evdev"))
    grab = Enum("source/@grab", ("all",), when=one_of("type", "evdev"))
    grab_toggle = Enum(
        "source/@grabToggle",
        ("ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"),
        when=one_of("type", "evdev"),
    )
    repeat = OnOff("source/@repeat", when=one_of("type", "evdev"))
    info = Part(".", Info)

    def parsed(self, node: Node, context: Context) -> None:
        if not self.bus:
            self.bus = self._usual_bus(context)
        address = self.info.address
        if self.bus == "usb" and address and address.type != "usb":
            raise fail(XML_ERROR, "Invalid address for a USB device")
        if (
            node.find("source") is not None
            and self.type in ("passthrough", "evdev")
            and (self.evdev or self.dev) is None
        ):
            raise fail(XML_ERROR, "Missing evdev path for input device")

    def _usual_bus(self, context: Context) -> str:
        system, arch, virt = (context.memo.get(name, "") for name in ("os_type", "arch", "virt"))
        if system == "hvm":
            if self.type in ("mouse", "keyboard") and arch in ("i686", "x86_64"):
                return "ps2"
            if arch in ("s390", "s390x") or self.type == "passthrough":
                return "virtio"
            return "none" if self.type == "evdev" else "usb"
        if system in ("xen", "xenpvh"):
            return "xen"
        return "parallels" if virt in ("vz", "parallels") else "ps2"

    def present(self, view: View) -> bool:
        return not (view.migratable and self.type == "keyboard" and self.bus in ("ps2", "xen"))


class Hub(Model):
    type = Enum(
        "@type",
        ("usb",),
        required=(INTERNAL_ERROR, "missing hub device type"),
        invalid=(CONFIG_UNSUPPORTED, "unknown hub device type '%s'"),
    )
    info = Part(".", Info)


class Acceleration(Model):
    accel3d = YesNo("@accel3d")
    accel2d = YesNo("@accel2d")
    rendernode = Text("@rendernode", tidy=True)

    def parsed(self, node: Node, context: Context) -> None:
        if self.accel3d is None and self.accel2d is None and self.rendernode is None:
            raise fail(CONFIG_UNSUPPORTED, "missing values for acceleration")


class Resolution(Model):
    x = UInt("@x", absent=None, required=True, show=lambda res, view: res.x > 0 and res.y > 0)
    y = UInt("@y", absent=None, required=True, show=lambda res, view: res.x > 0 and res.y > 0)


def _video_memory(name: str) -> UInt:
    return UInt(f"model/@{name}", blank=False, invalid=(XML_ERROR, f"cannot parse video {name} '%s'"))


class Video(Model):
    """Memory is in KiB."""

    virtio = Part("driver", Virtio)
    vgaconf = Enum("driver/@vgaconf", ("on", "off"), zero=("io",), forgiving=True)
    backend = Enum("driver/@name", ("qemu", "vhostuser"))
    type = Enum(
        "model/@type",
        ("vga", "cirrus", "vmvga", "xen", "vbox", "qxl", "parallels", "virtio", "gop", "none", "bochs", "ramfb"),
        zero=("default", ""),
        wanted=True,
        invalid=(CONFIG_UNSUPPORTED, "unknown video model '%s'"),
    )
    ram = _video_memory("ram")
    vram = _video_memory("vram")
    vram64 = _video_memory("vram64")
    vgamem = _video_memory("vgamem")
    heads = UInt(
        "model/@heads", blank=False, default=1, absent=0, invalid=(INTERNAL_ERROR, "cannot parse video heads '%s'")
    )
    primary = YesOrNo("model/@primary", default=False, absent=False)
    blob = OnOff("model/@blob", newer=True)
    acceleration = Child("model/acceleration", Acceleration)
    resolution = Child("model/resolution", Resolution)
    info = Part(".", Info)


class Watchdog(Model):
    model = Enum(
        "@model",
        ("i6300esb", "ib700", "diag288"),
        newer=("itco",),
        required=(INTERNAL_ERROR, "watchdog must contain model name"),
        invalid=(CONFIG_UNSUPPORTED, "unknown watchdog model '%s'"),
    )
    action = Enum(
        "@action",
        ("reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi"),
        default="reset",
        absent="",
        invalid=(CONFIG_UNSUPPORTED, "unknown watchdog action '%s'"),
    )
    info = Part(".", Info)


class Memballoon(Model):
    model = Enum("@model", ("virtio", "xen", "none", *_VIRTIO[1:]), required=True)
    autodeflate = OnOff("@autodeflate")
    free_page_reporting = OnOff("@freePageReporting")
    stats_period = OptInt("stats/@period", sign=True, base=0, wanted=True, shape=DIGITS)
    info = Part(".", Info, when=lambda balloon: balloon.model != "none")
    virtio = Part("driver", Virtio)

    def parsed(self, node: Node, context: Context) -> None:
        if (self.stats_period or 0) <= 0:
            self.stats_period = None


class Rng(Model):
    spread = True
    model = Enum(
        "@model",
        _VIRTIO,
        required=(XML_ERROR, "missing RNG device model"),
        invalid=(CONFIG_UNSUPPORTED, "unknown RNG model '%s'"),
    )
    rate = UInt("rate/@bytes", blank=False, wanted=True, invalid=(XML_ERROR, "invalid RNG rate bytes value"))
    period = UInt(
        "rate/@period",
        blank=False,
        when=lambda rng: rng.rate > 0,
        invalid=(XML_ERROR, "invalid RNG rate period value"),
    )
    backend = Enum(
        "backend/@model",
        ("random", "egd", "builtin"),
        required=(XML_ERROR, "missing RNG device backend model"),
        invalid=(CONFIG_UNSUPPORTED, "unknown RNG backend model '%s'"),
    )
    file = Text("backend", when=one_of("backend", "random"), shape=FILE)
    source = Part("backend", CharSource, when=one_of("backend", "egd"))
    virtio = Part("driver", Virtio)
    info = Part(".", Info)

    def read(self, node: Node, context: Context) -> None:
        Rng.model.read(self, node, context)
        backends = node.findall("backend")
        if len(backends) != 1:
            raise fail(XML_ERROR, "only one RNG backend is supported")
        if backends[0].get("model") == "egd":
            kind = backends[0].get("type")
            if kind is None:
                raise fail(XML_ERROR, "missing EGD backend type")
            if kind not in CharSource.type.names:
                raise fail(CONFIG_UNSUPPORTED, f"unknown backend type '{kind}' for egd")
        super().read(node, context)

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        if self.backend == "egd":
            out.at("backend").spread = True


class Nvram(Model):
    spread = True
    info = Part(".", Info)


class Msi(Model):
    vectors = UInt("@vectors", base=0)
    ioeventfd = OnOff("@ioeventfd")


class ShmemServer(Model):
    path = Text("@path", tidy=True, shape=FILE)


class Shmem(Model):
    """`size` in bytes; written in whole mebibytes."""

    spread = True
    name = Text("@name", required=(XML_ERROR, "shmem element must contain 'name' attribute"))
    role = Enum("@role", ("master", "peer"), when=lambda shmem: shmem.model != "ivshmem")
    model = Enum(
        "model/@type", ("ivshmem", "ivshmem-plain", "ivshmem-doorbell"), default="ivshmem", absent="", wanted=True
    )
    size = Size("size", scale=1, limit=ULLONG_MAX, xpath="./size[1]")
    server = Child("server", ShmemServer)
    msi = Child("msi", Msi)
    info = Part(".", Info)

    def read(self, node: Node, context: Context) -> None:
        Shmem.model.read(self, node, context)
        super().read(node, context)
        if self.msi and not self.server:
            raise fail(XML_ERROR, "msi option is only supported with a server")

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        if self.size:
            size = out.at("size")
            size.set("unit", "M")
            size.write(str(self.size >> 20))


class Crypto(Model):
    model = Enum("@model", ("virtio",), required=True)
    type = Enum("@type", ("qemu",), required=True)
    backend = Enum("backend/@model", ("builtin", "lkcf"), required=True)
    queues = UInt("backend/@queues")
    virtio = Part("driver", Virtio)
    info = Part(".", Info)


class Pstore(Model):
    """`size` in KiB."""

    spread = True
    backend = Enum("@backend", ("acpi-erst",), required=True)
    path = Text("path", required=(XML_ERROR, "missing path for the pstore device"))
    size = Size("size", xpath="./size")
    info = Part(".", Info)


class Iommu(Model):
    model = Enum("@model", ("intel", "smmuv3", "virtio"), required=True)
    intremap = OnOff("driver/@intremap")
    caching_mode = OnOff("driver/@caching_mode")
    eim = OnOff("driver/@eim")
    iotlb = OnOff("driver/@iotlb")
    aw_bits = UInt("driver/@aw_bits")
    dma_translation = OnOff("driver/@dma_translation", newer=True)
    info = Part(".", Info)


class Vsock(Model):
    model = Enum("@model", _VIRTIO, zero=("default",))
    auto = YesNo("cid/@auto")
    cid = UInt("cid/@address", low=1)
    info = Part(".", Info)
    virtio = Part("driver", Virtio)
