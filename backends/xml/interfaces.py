"""Network interfaces."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INVALID_ARG, OVERFLOW, XML_DETAIL, XML_ERROR
from .addresses import Boot, RomInfo, Virtio
from .engine import Context, Field, Model, fail
from .fields import FILE, Child, Children, Enum, Mac, OnOff, OptInt, Part, Text, UInt, Uuid, YesNo, one_of
from .hostdev_source import HostdevSource
from .network_parts import Bandwidth, FilterRef, Ip, PortForward, Teaming, VirtualPort, Vlan
from .node import Node
from .routes import HostRoute, Route
from .storage import Reconnect

TYPES = (
    "user", "ethernet", "vhostuser", "server", "client", "mcast", "network", "bridge", "internal", "direct",
    "hostdev", "udp", "vdpa", "null", "vds",
)  # fmt: skip
MODELS = (
    "unknown", "netfront", "rtl8139", "virtio", "e1000", "e1000e", "virtio-transitional",
    "virtio-non-transitional", "usb-net", "spapr-vlan", "lan9118", "scm91c111", "vlance", "vmxnet", "vmxnet2",
    "vmxnet3", "Am79C970A", "Am79C973", "82540EM", "82545EM", "82543GC",
)  # fmt: skip
VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
_MODEL_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_PATH = (".+", "a path")
#: names libvirt gives to host ends itself and so drops from stored definitions
_GENERATED = ("vnet", "macvtap", "macvlan")


class NetModel(Text):
    """A network card; libvirt knows some names whatever their case and keeps others as they are."""

    def load(self, text: str, node: Node, context: Context) -> str | None:
        if not text:
            return None
        for known in MODELS:
            if known.lower() == text.lower():
                return None if known == "unknown" else known
        if not _MODEL_CHARS.issuperset(text):
            raise fail(INVALID_ARG, "Model name contains invalid characters")
        return text


class Guest(Model):
    """Offloads of the guest's end of a virtio card."""

    csum = OnOff("@csum")
    tso4 = OnOff("@tso4")
    tso6 = OnOff("@tso6")
    ecn = OnOff("@ecn")
    ufo = OnOff("@ufo")


class HostEnd(Model):
    csum = OnOff("@csum")
    gso = OnOff("@gso")
    tso4 = OnOff("@tso4")
    tso6 = OnOff("@tso6")
    ecn = OnOff("@ecn")
    ufo = OnOff("@ufo")
    mrg_rxbuf = OnOff("@mrg_rxbuf")


class NetDriver(Model):
    name = Enum("@name", ("qemu", "vhost"))
    txmode = Enum("@txmode", ("iothread", "timer"))
    ioeventfd = OnOff("@ioeventfd")
    event_idx = OnOff("@event_idx")
    queues = UInt("@queues")
    rx_queue_size = UInt("@rx_queue_size")
    tx_queue_size = UInt("@tx_queue_size")
    rss = OnOff("@rss")
    rss_hash_report = OnOff("@rss_hash_report")
    virtio = Part(".", Virtio)
    host = Part("host", HostEnd)
    guest = Part("guest", Guest)

    def parsed(self, node: Node, context: Context) -> None:
        if self.queues == 1:
            self.queues = 0  # there is always at least one


def _source(name: str, *types: str, required: bool = True) -> Text:
    return Text(f"source/@{name}", when=one_of("type", *types), required=required)


class Coalesce(Field[int]):
    """At most so many received frames are gathered; 0 leaves it to the host."""

    def load(self, text: str, node: Node, context: Context) -> int:
        from .values import unsigned

        try:
            value = unsigned(text, 10, 64)
        except ValueError:
            raise fail(XML_DETAIL, f"cannot parse value '{text}' for coalesce parameter") from None
        if value > 0xFFFFFFFF:
            what = "too big for coalesce parameter, maximum is '4294967295'"
            raise fail(OVERFLOW, f"value '{value}' is {what}")
        return value


class Local(Model):
    address = Text("@address", required=True)
    port = OptInt("@port", sign=True, required=True)


class Interface(Model):
    spread = True
    type = Enum("@type", TYPES, default="user", absent="", wanted=True)
    managed = YesNo(
        "@managed", forgiving=True, when=one_of("type", "hostdev"), show=lambda net, view: bool(net.managed)
    )
    trust_guest_rx_filters = YesNo("@trustGuestRxFilters")
    mac = Mac("mac/@address", wanted=True)
    mac_type = Enum("mac/@type", ("generated", "static"))
    mac_check = YesNo("mac/@check")
    network = _source("network", "network")
    portgroup = _source("portgroup", "network", required=False)
    portid = Uuid("source/@portid", when=one_of("type", "network"), live=True)
    socket_type = _source("type", "vhostuser")
    socket = _source("path", "vhostuser")
    socket_mode = Enum("source/@mode", ("client", "server"), when=one_of("type", "vhostuser"), required=True)
    reconnect = Child("source/reconnect", Reconnect, when=one_of("type", "vhostuser"))
    bridge = _source("bridge", "bridge")
    address = _source("address", "client", "mcast", "udp")
    server_address = _source("address", "server", required=False)
    port = OptInt("source/@port", sign=True, when=one_of("type", "server", "client", "mcast", "udp"), required=True)
    local = Child(
        "source/local",
        Local,
        when=one_of("type", "udp"),
        required=(XML_ERROR, "'<local>' element missing for 'udp' socket interface"),
    )
    internal = _source("name", "internal")
    dev = _source("dev", "direct", "vdpa")
    direct_mode = Enum(
        "source/@mode",
        ("vepa", "private", "bridge", "passthrough"),
        default="vepa",
        absent="",
        when=one_of("type", "direct"),
    )
    hostdev = Child(".", HostdevSource, when=one_of("type", "hostdev"))
    switchid = Uuid("source/@switchid", when=one_of("type", "vds"), required=True)
    vds_port = OptInt("source/@portid", sign=True, base=0, bits=64, when=one_of("type", "vds"), required=True)
    portgroup_id = _source("portgroupid", "vds")
    connection = OptInt("source/@connectionid", sign=True, base=0, bits=64, when=one_of("type", "vds"), required=True)
    user_dev = Text("source/@dev", when=one_of("type", "user"), show=lambda net, view: net.backend == "passt")
    host_ips = Children("source/ip", Ip)
    host_routes = Children("source/route", HostRoute)
    vlan = Child("vlan", Vlan)
    virtualport = Child("virtualport", VirtualPort)
    bandwidth = Child("bandwidth", Bandwidth)
    port_isolated = YesNo("port/@isolated")
    ips = Children("ip", Ip)
    routes = Children("route", Route)
    port_forwards = Children("portForward", PortForward)
    script = Text("script/@path", blank=False, wanted=True, shape=_PATH)
    downscript = Text("downscript/@path", blank=False, wanted=True, shape=_PATH)
    backend_domain = Text("backenddomain/@name", blank=False, wanted=True)
    target = Text("target/@dev", show=lambda net, view: not (view.inactive and net.target_generated))
    target_managed = YesNo("target/@managed")
    guest_dev = Text("guest/@dev", blank=False)
    guest_actual = Text("guest/@actual", blank=False)
    model = NetModel("model/@type", wanted=True)
    driver = Part("driver", NetDriver, when=lambda net: net.virtio and net.type != "hostdev")
    stray = Part("driver", Virtio, when=lambda net: not net.virtio, show=lambda net, view: False)
    backend = Enum("backend/@type", ("passt",), zero=("default",))
    backend_tap = Text("backend/@tap", tidy=True, shape=FILE)
    backend_vhost = Text("backend/@vhost", tidy=True, shape=FILE, when=lambda net: net.virtio and net.type != "hostdev")
    backend_log = Text("backend/@logFile")
    filter = Child("filterref", FilterRef, when=one_of("type", "network", "bridge", "ethernet"))
    sndbuf = OptInt("tune/sndbuf", bits=64, invalid=(XML_ERROR, "sndbuf must be a positive integer"))
    teaming = Child("teaming", Teaming)
    link = Enum(
        "link/@state",
        ("up", "down"),
        blank=False,
        wanted=True,
        invalid=(CONFIG_UNSUPPORTED, "unknown interface link state '%s'"),
    )
    mtu = UInt("mtu/@size", blank=False, wanted=True, invalid=(XML_ERROR, "malformed mtu size"))
    coalesce = Coalesce("coalesce/rx/frames/@max", blank=False, default=0)
    boot = Child("boot", Boot)
    info = Part(".", RomInfo)

    def read(self, node: Node, context: Context) -> None:
        Interface.type.read(self, node, context)
        context.memo["interface_type"] = self.type
        if node.find("source") is None and self.type not in ("user", "ethernet", "hostdev", "null"):
            raise fail(XML_ERROR, f"interface type='{self.type}' requires a 'source' element")
        Interface.model.read(self, node, context)
        super().read(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        node.tolerate("source/@macTableManager")  # the network's, told of what runs
        if self.socket_type is not None and self.socket_type != "unix":
            what = f"Type='{self.socket_type}' unsupported for <interface type='vhostuser'>"
            raise fail(CONFIG_UNSUPPORTED, what)
        if self.virtualport and self.type not in ("network", "bridge", "direct", "hostdev"):
            raise fail(CONFIG_UNSUPPORTED, f"<virtualport> element unsupported for <interface type='{self.type}'>")
        if not self.mac:
            self.mac = context.config.new_mac()
        if context.inactive and self.target_generated:
            self.target = None

    @property
    def virtio(self) -> bool:
        return self.model in VIRTIO_MODELS

    @property
    def target_generated(self) -> bool:
        return self.target_managed is not False and (self.target or "").startswith(_GENERATED)
