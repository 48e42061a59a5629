"""The XML of the host's own network interfaces, as libvirt's schema interface.rng has it."""

from __future__ import annotations

from typing import Any

from ...errors import INTERNAL_ERROR, UNKNOWN, XML_ERROR, VirtError
from ..config import ParseConfig
from ..engine import Context, Model, View, fail
from ..fields import DEVICE, DIGITS, Child, Children, Enum, Flag, Int, Name, OnOff, Text, UInt, YesNo
from ..node import Node
from ..parse import parse, refuse_unknown
from ..serialize import Out

TYPES = ("ethernet", "bridge", "bond", "vlan")
STATES = ("unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up")
MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
_IP = ("[0-9a-fA-F.:]+", "an IP address")
_MAC = ("([a-fA-F0-9]{2}:){5}[a-fA-F0-9]{2}", "a MAC address")
#: The largest MTU that is accepted.
MTU = 100000


class Mtu(UInt):
    def load(self, text: str, node: Node, context: Context) -> int:
        size = super().load(text, node, context)
        if size > MTU:
            raise fail(XML_ERROR, f"value of the 'size' attribute of 'mtu' element must be at most {MTU}")
        return size

    def complain(self, text: str, node: Node) -> VirtError:
        return VirtError(INTERNAL_ERROR, UNKNOWN)


class Dhcp(Model):
    peerdns = YesNo("@peerdns")


class Address(Model):
    address = Text("@address", wanted=True, shape=_IP)
    prefix = Int("@prefix", base=0)

    def present(self, view: View) -> bool:
        return self.address is not None


class Protocol(Model):
    """Addresses of one family."""

    spread = True
    family = Name("@family", required=(XML_ERROR, "protocol misses the family attribute"))
    autoconf = Flag("autoconf", when=lambda protocol: protocol.family == "ipv6")
    dhcp = Child("dhcp", Dhcp)
    ips = Children("ip", Address)
    gateway = Text("route/@gateway", blank=False, wanted=True, shape=_IP)

    def read(self, node: Node, context: Context) -> None:
        family = node.get("family")
        if family is not None and family not in ("ipv4", "ipv6"):
            raise fail(XML_ERROR, f"unsupported protocol family '{family}'")
        super().read(node, context)


class Link(Model):
    speed = UInt("@speed")
    state = Enum("@state", STATES)

    def present(self, view: View) -> bool:
        return bool(self.speed or self.state)


class MiiMonitor(Model):
    """Delays are in milliseconds."""

    freq = Int(
        "@freq",
        absent=None,
        required=(XML_ERROR, "bond interface miimon freq missing or invalid"),
        invalid=(XML_ERROR, "bond interface miimon freq missing or invalid"),
    )
    down_delay = Int("@downdelay", invalid=(XML_ERROR, "bond interface miimon downdelay invalid"))
    up_delay = Int("@updelay", invalid=(XML_ERROR, "bond interface miimon updelay invalid"))
    carrier = Enum("@carrier", ("ioctl", "netif"), invalid=(XML_ERROR, "unknown mii bonding carrier %s"))


class ArpMonitor(Model):
    """The interval is in milliseconds."""

    interval = Int(
        "@interval",
        absent=None,
        required=(XML_ERROR, "bond interface arpmon interval missing or invalid"),
        invalid=(XML_ERROR, "bond interface arpmon interval missing or invalid"),
    )
    target = Name("@target", required=(XML_ERROR, "bond interface arpmon target missing"))
    validate = Enum("@validate", ("active", "backup", "all"), invalid=(XML_ERROR, "unknown arp bonding validate %s"))


class Vlan(Model):
    tag = Name("@tag", shape=DIGITS, required=(XML_ERROR, "vlan interface misses the tag attribute"))
    device = Name("interface/@name", required=(XML_ERROR, "vlan interface misses name attribute"))


class Port(Model):
    """What all interfaces have; `allowed` types may stand where this one does."""

    spread = True
    allowed: tuple[str, ...] = ()
    type = Enum("@type", TYPES, required=True)
    name = Name("@name", shape=DEVICE, required=(XML_ERROR, "interface has no name"))

    def read(self, node: Node, context: Context) -> None:
        kind = node.get("type")
        if kind in TYPES and kind not in self.allowed:
            raise fail(XML_ERROR, f"interface has unsupported type '{kind}'")
        super().read(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        if self.type != "ethernet" and node.find(self.type) is None:
            raise fail(XML_ERROR, f"{self.type} interface misses the {self.type} element")


def of_type(*kinds: str) -> Any:
    return lambda interface: interface.type in kinds


class BondPort(Port):
    allowed = ("ethernet",)
    link = Child("link", Link)
    mac = Text("mac/@address", blank=False, wanted=True, shape=_MAC)


class Bond(Model):
    spread = True
    mode = Enum("@mode", MODES, invalid=(XML_ERROR, "unknown bonding mode %s"))
    mii = Child("miimon", MiiMonitor)
    arp = Child("arpmon", ArpMonitor, when=lambda bond: bond.mii is None)
    ports = Children("interface", BondPort)


class BridgePort(Port):
    allowed = ("ethernet", "bond", "vlan")
    link = Child("link", Link)
    mac = Text("mac/@address", blank=False, wanted=True, shape=_MAC, when=of_type("ethernet"))
    bond = Child("bond", Bond, when=of_type("bond"))
    vlan = Child("vlan", Vlan, when=of_type("vlan"))


class Bridge(Model):
    spread = True
    stp = OnOff("@stp")
    delay = Text("@delay", shape=("[0-9.]+", "a number"))
    ports = Children("interface", BridgePort)

    def read(self, node: Node, context: Context) -> None:
        if node.get("stp") in (None, "on", "off"):  # libvirt complains of others, and goes on without what is inside
            super().read(node, context)


class Interface(Port):
    allowed = TYPES
    start = Enum(
        "start/@mode", ("none", "onboot", "hotplug"), wanted=True, invalid=(XML_ERROR, "unknown interface startmode %s")
    )
    mtu = Mtu("mtu/@size", bits=64, wanted=True)
    protocols = Children("protocol", Protocol)
    link = Child("link", Link, when=of_type("ethernet", "bond", "vlan"))
    mac = Text("mac/@address", blank=False, wanted=True, shape=_MAC, when=of_type("ethernet"))
    bridge = Child("bridge", Bridge, when=of_type("bridge"))
    bond = Child("bond", Bond, when=of_type("bond"))
    vlan = Child("vlan", Vlan, when=of_type("vlan"))

    @classmethod
    def parse(cls, text: str, validate: bool = False) -> Interface:
        """Read an interface's XML; raises VirtError in libvirt's words."""
        node = parse(text, "(interface_definition)", "interface")
        interface = cls.from_node(node, Context(ParseConfig(), inactive=True))
        if validate:
            refuse_unknown(node)
        return interface

    def format(self) -> str:
        """The interface as libvirt prints it."""
        out = Out("interface")
        self.emit(out, View())
        return out.render()
