"""Character devices: serial and parallel ports, consoles, channels; and the host ends of all of them."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, SYSTEM_ERROR, XML_ERROR
from .addresses import Info
from .engine import Context, Model, View, fail
from .fields import FILE, Child, Children, Enum, Int, OnOff, Part, Text, UInt, YesNo, one_of
from .network_parts import parse_ip
from .node import Node
from .protection import DeviceLabel, check_labels
from .serialize import Out
from .storage import Reconnect

BACKENDS = (
    "null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix", "spicevmc", "spiceport", "nmdm",
    "qemu-vdagent", "dbus",
)  # fmt: skip
_MODES = ("connect", "bind")


class UdpSource(Model):
    mode = Enum("@mode", _MODES, default="connect", absent="")
    host = Text("@host")
    service = Text("@service")

    @property
    def given(self) -> bool:
        return self.host is not None or self.service is not None


class CharSource(Model):
    """The host end: the `type` of the element it stands in, <source>, <protocol> and <log>."""

    type = Enum(
        "@type",
        BACKENDS,
        default="pty",
        absent="",
        invalid=(CONFIG_UNSUPPORTED, "unknown type presented to host for character device: %s"),
    )
    path = Text("source/@path", when=one_of("type", "dev", "file", "pipe"))
    pty = Text("source/@path", when=one_of("type", "pty"), live=True)
    append = OnOff("source/@append", when=one_of("type", "file"))
    mode = Enum(
        "source/@mode",
        _MODES,
        default="connect",
        absent="",
        when=one_of("type", "tcp", "unix"),
        show=lambda source, view: source.type == "tcp" or source.socket is not None,
    )
    socket = Text("source/@path", when=one_of("type", "unix"))
    host = Text("source/@host", when=one_of("type", "tcp"))
    service = Text("source/@service", when=one_of("type", "tcp"))
    tls = YesNo("source/@tls", when=one_of("type", "tcp"))
    master = Text("source/@master", when=one_of("type", "nmdm"))
    slave = Text("source/@slave", when=one_of("type", "nmdm"))
    channel = Text("source/@channel", when=one_of("type", "spiceport", "dbus"))
    clipboard = YesNo("source/clipboard/@copypaste", when=one_of("type", "qemu-vdagent"), required=True)
    mouse = Enum("source/mouse/@mode", ("server", "client"), when=one_of("type", "qemu-vdagent"), required=True)
    labels = Children(
        "source/seclabel",
        DeviceLabel,
        show=lambda source, view: bool(
            source.type in ("dev", "file", "pipe") or (source.type == "unix" and source.socket) or source.pty
        ),
    )
    reconnect = Child(
        "source/reconnect",
        Reconnect,
        when=one_of("type", "tcp", "unix"),
        show=lambda s, view: s.type == "tcp" or s.socket,
    )
    udp = Children("source", UdpSource, when=one_of("type", "udp"))
    protocol = Enum(
        "protocol/@type",
        ("raw", "telnet", "telnets", "tls"),
        default="raw",
        absent="",
        when=one_of("type", "tcp"),
        invalid=(CONFIG_UNSUPPORTED, "Unknown protocol '%s'"),
    )
    log = Text("log/@file", wanted=True, shape=FILE)
    log_append = OnOff("log/@append", show=lambda source, view: source.log is not None)

    def parsed(self, node: Node, context: Context) -> None:
        node.tolerate("target")  # of any of them, says the schema
        sources = len(node.findall("source"))
        if sources > 1 and self.type != "udp":
            raise fail(XML_ERROR, "only one source element is allowed for character device")
        if sources > 2:
            raise fail(XML_ERROR, "only two source elements are allowed for character device")
        for tag in ("log", "protocol"):
            if len(node.findall(tag)) > 1:
                raise fail(XML_ERROR, f"only one {tag} element is allowed for character device")
        check_labels(self.labels)
        # One source of each mode, the receiving one first, empty ones dropped: so libvirt keeps and prints them.
        first = {mode: next((u for u in self.udp if u.given and u.mode == mode), None) for mode in _MODES}
        self.udp = [source for source in (first["bind"], first["connect"]) if source]

    def place(self, view: View) -> Out:
        """What is written, apart; two sources are the same if this is."""
        out = Out("source")
        self.emit(out, view)
        return out


class CharDevice(Model):
    """What serial, parallel, console and channel have in common."""

    source = Part(".", CharSource)
    info = Part(".", Info)

    def read(self, node: Node, context: Context) -> None:
        """The schema lets all have any target; `tty` is that of the source, written for old readers."""
        super().read(node, context)
        for path in ("@tty", "target/@type", "target/@port", "target/model/@name"):
            node.tolerate(path)
        if not isinstance(self, Console) and node.get("type") is None:
            node.doubt("no attribute 'type'")

    def emit(self, out: Out, view: View) -> None:
        """The target stands between source and address."""
        CharDevice.source.emit(self, out, view)
        for field in self.fields[2:]:
            field.emit(self, out, view)
        CharDevice.info.emit(self, out, view)


class _Port(Int):
    """A port number; -1 until one is assigned."""

    def __init__(self) -> None:
        super().__init__("target/@port", default=-1, absent=None, invalid=(XML_ERROR, "Invalid port number: %s"))


SERIAL_TARGETS = (
    "isa-serial", "usb-serial", "pci-serial", "spapr-vio-serial", "system-serial", "sclp-serial", "isa-debug",
)  # fmt: skip
_SERIAL_MODELS = (
    "isa-serial", "usb-serial", "pci-serial", "spapr-vty", "pl011", "sclpconsole", "sclplmconsole", "16550a",
    "isa-debugcon",
)  # fmt: skip
_TARGET = (CONFIG_UNSUPPORTED, "unknown target type '%s' specified for character device")
_MODEL = (CONFIG_UNSUPPORTED, "unknown target model '%s' specified for character device")


class Serial(CharDevice):
    target_type = Enum("target/@type", SERIAL_TARGETS, zero=("none",), invalid=_TARGET)
    port = _Port()
    target_model = Enum("target/model/@name", _SERIAL_MODELS, zero=("none", ""), invalid=_MODEL)

    def parsed(self, node: Node, context: Context) -> None:
        no_spice(self.source)
        address = self.info.address
        if self.target_type == "usb-serial" and address and address.type != "usb":
            raise fail(CONFIG_UNSUPPORTED, "usb-serial requires address of usb type")


def no_spice(source: CharSource) -> None:
    if source.type == "spicevmc":
        raise fail(CONFIG_UNSUPPORTED, "spicevmc device type only supports virtio")


class Parallel(CharDevice):
    port = _Port()

    def parsed(self, node: Node, context: Context) -> None:
        no_spice(self.source)


class Console(CharDevice):
    target_type = Enum(
        "target/@type",
        ("serial", "xen", "uml", "virtio", "lxc", "openvz", "sclp", "sclplm"),
        zero=("none",),
        invalid=_TARGET,
    )
    port = _Port()

    def parsed(self, node: Node, context: Context) -> None:
        if self.source.type == "spicevmc" and self.target_type != "xen":  # libvirt compares with another list's number
            no_spice(self.source)

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        if self.port == 0 and self.source.pty is not None and not view.inactive:
            out.set("tty", self.source.pty)


class Channel(CharDevice):
    target_type = Enum("target/@type", ("guestfwd", "virtio", "xen"), zero=("none",), invalid=_TARGET)
    forward_address = Text("target/@address", when=one_of("target_type", "guestfwd"))
    forward_port = UInt("target/@port", absent=None, when=one_of("target_type", "guestfwd"), required=True)
    name = Text("target/@name", when=one_of("target_type", "virtio", "xen"))
    state = Enum("target/@state", ("connected", "disconnected"), when=one_of("target_type", "virtio"), live=True)

    def parsed(self, node: Node, context: Context) -> None:
        target = node.find("target")
        if target is None:
            raise fail(XML_ERROR, "target type must be specified for channel device")
        if target.get("type") is None:
            raise fail(CONFIG_UNSUPPORTED, "unknown target type '(null)' specified for character device")
        if self.target_type == "guestfwd":
            self.forward_address = guest_address(self.forward_address)
        if self.source.type == "spicevmc" and self.target_type != "virtio":
            no_spice(self.source)


def guest_address(text: str | None) -> str:
    if text is None:
        raise fail(XML_ERROR, "guestfwd channel does not define a target address")
    try:
        address = parse_ip(text)
    except ValueError:
        what = "Name or service not known"
        raise fail(SYSTEM_ERROR, f"Cannot parse socket address '{text}': {what}") from None
    if address.version != 4:
        raise fail(CONFIG_UNSUPPORTED, "guestfwd channel only supports IPv4 addresses")
    return str(address)
