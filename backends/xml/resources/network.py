"""The XML of virtual networks (https://libvirt.org/formatnetwork.html)."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from ... import errors
from ..config import ParseConfig
from ..engine import Context, Model, View, fail
from ..fields import Child, Children, Enum, Mac, Name, OnOff, OptInt, Part, Text, UInt, Uuid, YesNo
from ..network_parts import Bandwidth, VirtualPort, Vlan, parse_ip
from ..node import Node
from ..parse import parse, refuse_unknown
from ..routes import Route
from ..serialize import Out
from ..values import parse_mac, unsigned
from ..verbatim import Metadata
from .network_dns import Dns
from .network_forward import Forward
from .network_ip import Ip, network_name

#: Modes in which libvirt has its own bridge; "" is an isolated network.
BRIDGED = ("", "nat", "route", "open")


class Yes(YesNo):
    """True for "yes"; libvirt takes everything else for no."""

    def load(self, text: str, node: Node, context: Context) -> bool | None:
        return True if text == "yes" else None


class Off(OnOff):
    """False for "off"; libvirt takes everything else for on."""

    def load(self, text: str, node: Node, context: Context) -> bool | None:
        return text != "off"


class Bridge(Model):
    name = Text("@name", blank=False)
    zone = Text("@zone", blank=False)
    stp = Off("@stp")
    delay = OptInt("@delay", blank=False, bits=64)
    mac_table_manager = Enum("@macTableManager", ("kernel", "libvirt"), blank=False)


class NetworkRoute(Route):
    def owner(self, context: Context) -> str:
        return network_name(context)


class NetworkBandwidth(Bandwidth):
    """The bandwidth of a network, or of a group of its ports, of which no part can be guaranteed."""

    @staticmethod
    def guarantees(context: Context) -> bool:
        return False


class PortGroup(Model):
    spread = True
    name = Text("@name", blank=False, required=(errors.XML_ERROR, "Missing required name attribute in portgroup"))
    default = Yes("@default")
    trust = YesNo("@trustGuestRxFilters")
    vlan = Child("vlan", Vlan)
    virtual_port = Child("virtualport", VirtualPort)
    bandwidth = Child("bandwidth", NetworkBandwidth)


def understood(parse: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether `parse` can read a text."""

    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def parsing(name: str) -> Context:
    """What parsing the parts of the network `name` depends on."""
    context = Context(ParseConfig(), inactive=True)
    context.memo |= {"network": name, "interface_type": "network", "partial": False}
    return context


#: Values whose complaints name the network: element, attribute, test, complaint.
COMPLAINTS: tuple[tuple[str, str, Callable[[str], bool], str], ...] = (
    ("bridge", "delay", understood(lambda text: unsigned(text, bits=64)), "Invalid delay value"),
    ("bridge", "macTableManager", ("kernel", "libvirt").__contains__, "Invalid macTableManager setting '%s'"),
    ("mac", "address", understood(parse_mac), "Invalid bridge mac address '%s'"),
    ("mac", "address", lambda text: not parse_mac(text)[0] & 1, "Invalid multicast bridge mac address '%s'"),
    ("mtu", "size", understood(unsigned), "Invalid mtu size '%s'"),
    ("", "ipv6", ("yes", "no").__contains__, "Invalid ipv6 setting '%s'"),
)


class NetworkPort(VirtualPort):
    """The virtual port of all of a network's interfaces, which must be complete."""

    @staticmethod
    def completed(context: Context) -> bool:
        return True


class Network(Model):
    ipv6 = YesNo("@ipv6", blank=False, show=lambda network, view: bool(network.ipv6))
    trust = YesNo("@trustGuestRxFilters")
    name = Name("name", required=(errors.NO_NAME, None))
    uuid = Uuid("uuid", invalid=(errors.INTERNAL_ERROR, "malformed uuid element"))
    title = Text("title", newer=True)
    description = Text("description", newer=True)
    metadata = Metadata("metadata", default="")
    forward = Child("forward", Forward)
    bridge = Part("bridge", Bridge)
    mtu = UInt("mtu/@size", blank=False, wanted=True)
    mac = Mac("mac/@address", blank=False)
    domain = Text("domain/@name", wanted=True, shape=("[a-zA-Z0-9.-]+", "a domain's name"))
    local_only = YesNo("domain/@localOnly", show=lambda network, view: network.domain is not None)
    register = YesNo("domain/@register", show=lambda network, view: network.domain is not None, newer=True)
    dns = Child("dns", Dns)
    vlan = Child("vlan", Vlan)
    bandwidth = Child("bandwidth", NetworkBandwidth)
    isolated = YesNo("port/@isolated")
    ips = Children("ip", Ip)
    routes = Children("route", NetworkRoute)
    virtual_port = Child("virtualport", NetworkPort)
    port_groups = Children("portgroup", PortGroup)

    @classmethod
    def parse(cls, text: str, validate: bool = False) -> Network:
        """Read a network's XML; raises VirtError in libvirt's words."""
        node = parse(text, "(network_definition)", "network")
        name = node.find("name")
        network = cls.from_node(node, parsing(name.text() if name is not None else ""))
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
        if "/" in context.memo["network"]:
            raise fail(errors.XML_DETAIL, "invalid char in name: /")
        for path, attribute, understand, problem in COMPLAINTS:
            holder = node.find(path)
            text = holder.get(attribute) if holder is not None else None
            if text and not understand(text):
                problem = problem.replace("%s", text)
                raise fail(errors.XML_ERROR, f"{problem} in network '{context.memo['network']}'")
        super().read(node, context)
        node.tolerate("@connections")
        self.uuid = self.uuid or context.config.new_uuid()
        if "\n" in (self.title or ""):
            raise fail(errors.XML_ERROR, "Network title can't contain newlines")
        self._check_routes()
        self._check_mode(node)
        if self.mode in BRIDGED:
            self.bridge.stp = self.bridge.stp is not False
            self.bridge.delay = self.bridge.delay or 0

    def _check_routes(self) -> None:
        for route in self.routes:
            gateway = parse_ip(route.gateway or "")
            known = [ip_network(f"{ip.address}/{ip.bits}", strict=False) for ip in self.ips if ip.bits >= 0]
            if not any(gateway in network for network in known):
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
