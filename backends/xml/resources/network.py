"""The XML of virtual networks (https://libvirt.org/formatnetwork.html)."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from ... import errors
from ..addresses import PciAddress
from ..config import ParseConfig
from ..engine import Context, Model, View, fail
from ..fields import Child, Children, Enum, Mac, Name, OnOff, OptInt, Part, Text, UInt, Uuid, YesNo
from ..network_parts import Bandwidth, VirtualPort, Vlan, parse_ip
from ..node import Node
from ..parse import parse, refuse_unknown
from ..serialize import Out
from ..values import parse_mac, unsigned
from ..verbatim import Metadata
from .network_dns import Dns
from .network_ip import Ip, address, network_name

#: Modes in which libvirt has its own bridge ("" is an isolated network), and those that use a device of the host.
BRIDGED = ("", "nat", "route", "open")
MODES = ("nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev")


class Nat(Model):
    ipv6 = YesNo("@ipv6")
    start = Text("address/@start")
    end = Text("address/@end")
    port_start = UInt("port/@start")
    port_end = UInt("port/@end")

    def parsed(self, node: Node, context: Context) -> None:
        name = network_name(context)
        for field, value in (("start", self.start), ("end", self.end)):
            if node.find("address") is not None and value is None:
                what = f"missing '{field}' attribute in <address> element in <nat> in <forward> in network {name}"
                raise fail(errors.XML_ERROR, what)
            problem = f"Bad ipv4 {field} address '{value}' in <nat> in <forward> in network '{name}'"
            setattr(self, field, address(value, problem))
        if node.find("port") is not None:
            for field, port in (("start", self.port_start), ("end", self.port_end)):
                if not self.port_start <= port <= 65535:
                    what = f"Missing or invalid '{field}' attribute in <port> in <nat> in <forward> in network {name}"
                    raise fail(errors.XML_DETAIL, what)

    def present(self, view: View) -> bool:
        return bool(self.ipv6 is not None or self.start or self.port_start or self.port_end)


class ForwardInterface(Model):
    dev = Text("@dev")

    def parsed(self, node: Node, context: Context) -> None:
        if self.dev is None:
            where = f"<forward> <interface> element of network {network_name(context)}"
            raise fail(errors.XML_ERROR, f"Missing required dev attribute in {where}")


class Forward(Model):
    dev = Text("@dev", show=lambda forward, view: forward.pf is None)
    mode = Enum(
        "@mode", MODES, default="nat", absent=None, invalid=(errors.CONFIG_UNSUPPORTED, "unknown forwarding type '%s'")
    )
    managed = YesNo("@managed", default=False, absent=None, show=lambda forward, view: forward.mode == "hostdev")
    driver = Text("driver/@name")
    nat = Child("nat", Nat)
    pf = Text("pf/@dev")
    interfaces = Children("interface", ForwardInterface)
    addresses = Children("address", PciAddress)

    def read(self, node: Node, context: Context) -> None:
        super().read(node, context)
        name = network_name(context)
        if self.nat and self.mode != "nat":
            what = "The <nat> element can only be used when <forward> 'mode' is 'nat' in network"
            raise fail(errors.XML_ERROR, f"{what} {name}")
        if self.driver not in (None, "kvm", "vfio"):
            what = f"Unknown forward <driver name='{self.driver}'/> in network {name}"
            raise fail(errors.CONFIG_UNSUPPORTED, what)
        names = [interface.dev for interface in self.interfaces]
        if self.dev and names and names[0] != self.dev:
            what = f"<forward dev='{self.dev}'> must match first <interface dev='{names[0]}'/> in network {name}"
            raise fail(errors.XML_ERROR, what)
        for i, dev in enumerate(names):
            if dev in names[:i]:
                raise fail(errors.XML_ERROR, f"interface '{dev}' can only be listed once in network {name}")
        if self.dev and not names:
            self.interfaces.append(ForwardInterface(dev=self.dev))
        elif names:
            self.dev = names[0]


class Bridge(Model):
    name = Text("@name")
    zone = Text("@zone")
    stp = OnOff("@stp")
    delay = OptInt("@delay", bits=64)
    mac_table_manager = Enum("@macTableManager", ("kernel", "libvirt"))


class Route(Model):
    family = Text("@family")
    address = Text("@address")
    netmask = Text("@netmask")
    prefix = OptInt("@prefix")
    gateway = Text("@gateway")
    metric = UInt("@metric")

    def parsed(self, node: Node, context: Context) -> None:
        name, end = network_name(context), "in route definition"
        for field in ("address", "gateway"):
            if getattr(self, field) is None:
                raise fail(errors.XML_ERROR, f"{name}: Missing required {field} attribute {end}")
        given = self.address
        self.address = address(given, f"{name}: Bad network address '{given}' {end}")
        self.gateway = address(self.gateway, f"{name}: Bad gateway address '{self.gateway}' {end}")
        self.netmask = address(self.netmask, f"{name}: Bad netmask address '{self.netmask}' {end}")
        if self.netmask and self.prefix is not None:
            raise fail(errors.XML_ERROR, f"{name}: Route definition cannot have both a prefix and a netmask")
        try:
            ip_network(f"{self.address}/{self.netmask or self.prefix or 0}")
        except ValueError:
            raise fail(errors.XML_ERROR, f"{name}: Address '{given}' {end} is not a network address") from None


class PortGroup(Model):
    spread = True
    name = Text("@name", required=(errors.XML_ERROR, "Missing required name attribute in portgroup"))
    default = YesNo("@default", show=lambda group, view: bool(group.default))
    trust = YesNo("@trustGuestRxFilters")
    vlan = Child("vlan", Vlan)
    virtual_port = Child("virtualport", VirtualPort)
    bandwidth = Child("bandwidth", Bandwidth)


def understood(parse: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether `parse` can read a text."""

    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


#: Values whose complaints name the network: element, attribute, test, complaint.
COMPLAINTS: tuple[tuple[str, str, Callable[[str], bool], str], ...] = (
    ("bridge", "delay", understood(lambda text: unsigned(text, bits=64)), "Invalid delay value"),
    ("bridge", "macTableManager", ("kernel", "libvirt").__contains__, "Invalid macTableManager setting '%s'"),
    ("mac", "address", understood(parse_mac), "Invalid bridge mac address '%s'"),
    ("mac", "address", lambda text: not parse_mac(text)[0] & 1, "Invalid multicast bridge mac address '%s'"),
    ("mtu", "size", understood(unsigned), "Invalid mtu size '%s'"),
)


class Network(Model):
    ipv6 = YesNo("@ipv6", show=lambda network, view: bool(network.ipv6))
    trust = YesNo("@trustGuestRxFilters")
    name = Name("name", required=(errors.NO_NAME, None))
    uuid = Uuid("uuid", invalid=(errors.INTERNAL_ERROR, "malformed uuid element"))
    metadata = Metadata("metadata", default="")
    forward = Child("forward", Forward)
    bridge = Part("bridge", Bridge)
    mtu = UInt("mtu/@size")
    mac = Mac("mac/@address")
    domain = Text("domain/@name")
    local_only = YesNo("domain/@localOnly", show=lambda network, view: network.domain is not None)
    dns = Child("dns", Dns)
    vlan = Child("vlan", Vlan)
    bandwidth = Child("bandwidth", Bandwidth)
    isolated = YesNo("port/@isolated")
    ips = Children("ip", Ip)
    routes = Children("route", Route)
    virtual_port = Child("virtualport", VirtualPort)
    port_groups = Children("portgroup", PortGroup)

    @classmethod
    def parse(cls, text: str, validate: bool = False) -> Network:
        """Read a network's XML; raises VirtError in libvirt's words."""
        node = parse(text, "(network_definition)", "network")
        network = cls.from_node(node, Context(ParseConfig(), inactive=True))
        if validate:
            refuse_unknown(node)
        return network

    def format(self) -> str:
        """The network as libvirt prints it."""
        out = Out("network")
        out.spread = True
        self.emit(out, View())
        return out.render()

    @property
    def mode(self) -> str:
        return self.forward.mode if self.forward else ""

    def read(self, node: Node, context: Context) -> None:
        name = node.find("name")
        context.memo["network"] = name.text() if name is not None else ""
        context.memo["interface_type"] = "network"
        if "/" in context.memo["network"]:
            raise fail(errors.XML_DETAIL, "invalid char in name: /")
        for path, attribute, understand, problem in COMPLAINTS:
            holder = node.find(path)
            text = holder.get(attribute) if holder is not None else None
            if text is not None and not understand(text):
                problem = problem.replace("%s", text)
                raise fail(errors.XML_ERROR, f"{problem} in network '{context.memo['network']}'")
        super().read(node, context)
        self.uuid = self.uuid or context.config.new_uuid()
        self._check_routes()
        self._check_mode(node)
        if self.mode in BRIDGED:
            self.bridge.stp = self.bridge.stp is not False
            self.bridge.delay = self.bridge.delay or 0

    def _check_routes(self) -> None:
        for route in self.routes:
            gateway = parse_ip(route.gateway or "")
            if not any(gateway in ip_network(f"{ip.address}/{ip.bits}", strict=False) for ip in self.ips):
                what = f"unreachable static route gateway '{gateway}' specified for network '{self.name}'"
                raise fail(errors.CONFIG_UNSUPPORTED, what)

    def _check_mode(self, node: Node) -> None:
        mode, where = self.mode, f"(network '{self.name}')"
        devices = self.forward and (self.forward.interfaces or self.forward.pf)
        if mode in ("nat", "route", "open"):
            if not self.ips:
                what = f"{mode} forwarding requested, but no IP address provided for network '{self.name}'"
                raise fail(errors.XML_ERROR, what)
            if self.forward and len(self.forward.interfaces) > 1:
                what = f"multiple forwarding interfaces specified for network '{self.name}', only one is supported"
                raise fail(errors.XML_ERROR, what)
            if mode == "open" and self.forward and self.forward.interfaces:
                what = f"forward dev not allowed for network '{self.name}' with forward mode='{mode}'"
                raise fail(errors.XML_ERROR, what)
        if mode in BRIDGED:
            return
        if mode != "bridge":
            for value, what in (
                (self.bridge.name, "bridge name"),
                (self.bridge.zone, "bridge zone"),
                (self.bridge.mac_table_manager, "bridge macTableManager setting"),
            ):
                if value:
                    raise fail(errors.XML_ERROR, f"{what} not allowed in {mode} mode {where}")
        if self.bridge.delay or self.bridge.stp is not None or self.bridge.zone:
            what = f"bridge delay/stp/zone options only allowed in route, nat, and isolated mode, not in {mode} {where}"
            raise fail(errors.XML_ERROR, what)
        if self.bridge.name and devices:
            what = f"A network with forward mode='{mode}' can specify a bridge name or a forward dev, but not both"
            raise fail(errors.XML_ERROR, f"{what} {where}")
        if self.mtu:
            what = f"mtu size only allowed in open, route, nat, and isolated mode, not in {mode} {where}"
            raise fail(errors.XML_ERROR, what)
