"""Parts of network interfaces: IP addresses and routes, VLANs, virtual ports, bandwidth, filters, forwarded ports."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import inet_aton

from ..errors import CONFIG_UNSUPPORTED, INVALID_ARG, XML_DETAIL, XML_ERROR
from .engine import Context, Field, Model, Problem, View, fail
from .fields import Child, Children, Enum, OptInt, Text, UInt, Uuid, YesNo
from .node import Node
from .serialize import Out


def parse_ip(text: str) -> IPv4Address | IPv6Address:
    """An address as getaddrinfo(3) reads numbers: short, octal and hexadecimal forms of IPv4 too.

    ValueError when it is none.
    """
    try:
        return ip_address(text)
    except ValueError:
        if not text.isascii() or any(char.isspace() for char in text):
            raise
    try:
        return IPv4Address(inet_aton(text))
    except OSError:
        raise ValueError(text) from None


class Ip(Model):
    address = Text("@address", required=(XML_ERROR, "Missing required address in <ip>"))
    family = Enum("@family", ("ipv4", "ipv6"), invalid=(XML_ERROR, ""))
    prefix = UInt("@prefix", invalid=(XML_ERROR, "Invalid prefix value '%s' in <ip>"))
    peer = Text("@peer")

    def read(self, node: Node, context: Context) -> None:
        for field in (Ip.address, Ip.prefix, Ip.peer):
            field.read(self, node, context)
        wanted = {"ipv4": 4, "ipv6": 6}.get(node.get("family") or "")
        self.address, version = _checked(self.address or "", wanted, (XML_ERROR, "Invalid address '%s' in <ip>"))
        self.family = f"ipv{version}"
        if self.prefix > (32 if version == 4 else 128):
            raise fail(XML_ERROR, f"Invalid prefix value '{self.prefix}' in <ip>")
        if self.peer is not None:
            self.peer, _ = _checked(self.peer, version, (INVALID_ARG, "Invalid peer '%s' in <ip>"))


def _checked(text: str, version: int | None, problem: Problem) -> tuple[str, int]:
    try:
        address = parse_ip(text)
    except ValueError:
        address = None
    if address is None or version not in (None, address.version):
        raise fail(problem[0], (problem[1] or "").replace("%s", text))
    return str(address), address.version


class VlanTag(Model):
    id = UInt("@id", absent=None, required=True)
    native_mode = Enum("@nativeMode", ("tagged", "untagged"))

    def parsed(self, node: Node, context: Context) -> None:
        if self.id > 4095:
            raise fail(XML_ERROR, f"vlan tag id {self.id} too large (maximum 4095)")


class Vlan(Model):
    trunk = YesNo("@trunk", show=lambda vlan, view: bool(vlan.trunk))
    tags = Children("tag", VlanTag)

    def read(self, node: Node, context: Context) -> None:
        Vlan.tags.read(self, node, context)
        if not self.tags:
            raise fail(XML_ERROR, "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement")
        if sum(bool(tag.native_mode) for tag in self.tags) > 1:
            raise fail(XML_ERROR, "duplicate native vlan setting")
        text = node.get("trunk") or ""
        self.trunk = (text.lower() == "yes") if text else len(self.tags) > 1
        if text and not self.trunk:
            if len(self.tags) > 1:
                more = "trunk='yes' is required for more than one vlan tag"
                raise fail(XML_ERROR, f"invalid \"trunk='{text}'\" in <vlan> - {more}")
            if self.tags[0].native_mode:
                more = "is not allowed with a native vlan id"
                raise fail(XML_ERROR, f"invalid configuration in <vlan> - \"trunk='no'\" {more}")
            if text.lower() != "no":
                raise fail(XML_ERROR, f"invalid \"trunk='{text}'\" in <vlan> - must be yes or no")


VPORT_TYPES = ("802.1Qbg", "802.1Qbh", "openvswitch", "midonet")
#: parameters in libvirt's order: which virtual ports need them, which may have them; "" is a port without type
_NEEDED = {
    "802.1Qbg": ("managerid", "typeid", "typeidversion", "instanceid"),
    "802.1Qbh": ("profileid",),
    "openvswitch": ("interfaceid",),
    "midonet": ("interfaceid",),
}
_REFUSED = {
    "802.1Qbg": ("profileid", "interfaceid"),
    "802.1Qbh": ("managerid", "typeid", "typeidversion", "instanceid", "interfaceid"),
    "openvswitch": ("managerid", "typeid", "typeidversion", "instanceid"),
}


def _vport_number(name: str, limit: int, too_big: str) -> OptInt:
    class Number(OptInt):
        def load(self, text: str, node: Node, context: Context) -> int | None:
            value = super().load(text, node, context)
            if value is not None and value > limit:
                raise fail(XML_ERROR, too_big)
            return value

    problem = (XML_ERROR, f"cannot parse value of {name} parameter")
    return Number(f"parameters/@{name}", base=0, invalid=problem)


class VirtualPort(Model):
    """<virtualport>; `completed` decides what is required."""

    type = Enum("@type", VPORT_TYPES, invalid=(CONFIG_UNSUPPORTED, "unknown virtualport type %s"))
    managerid = _vport_number("managerid", 0xFF, "value of managerid out of range")
    typeid = _vport_number("typeid", 0xFFFFFF, "value for typeid out of range")
    typeidversion = _vport_number("typeidversion", 0xFF, "value of typeidversion out of range")
    instanceid = Uuid("parameters/@instanceid", invalid=(XML_ERROR, "cannot parse instanceid parameter as a uuid"))
    interfaceid = Uuid("parameters/@interfaceid", invalid=(XML_ERROR, "cannot parse interfaceid parameter as a uuid"))
    profileid = Text("parameters/@profileid", blank=False)

    @staticmethod
    def completed(context: Context) -> bool:
        """Whether it must be complete: one of an interface in a network need not be."""
        return context.memo.get("interface_type") != "network"

    def parsed(self, node: Node, context: Context) -> None:
        complete = self.completed(context)
        if complete and not self.type:
            raise fail(XML_ERROR, "missing required virtualport type")
        if len((self.profileid or "").encode()) > 39:
            raise fail(XML_ERROR, "profileid parameter too long")
        if "network" not in context.memo:  # that of an interface, not one for all of a network's
            self._fill(complete, context)
        for name in _REFUSED.get(self.type, ()):
            if getattr(self, name) not in (None, b""):
                raise fail(XML_ERROR, f"extra {name} unsupported in <virtualport type='{self.type}'>")

    def _fill(self, complete: bool, context: Context) -> None:
        if not self.instanceid and self.type in ("802.1Qbg", ""):
            self.instanceid = context.config.new_uuid()
        if not self.interfaceid and self.type in ("openvswitch", ""):
            self.interfaceid = context.config.new_uuid()
        for name in _NEEDED.get(self.type, ()) if complete else ():
            if getattr(self, name) in (None, b""):
                raise fail(XML_ERROR, f"missing {name} in <virtualport type='{self.type}'>")

    def present(self, view: View) -> bool:
        return bool(self.__dict__.keys() & {field.name for field in self.fields})


def _rate(name: str) -> UInt:
    return UInt(f"@{name}", bits=64, invalid=(CONFIG_UNSUPPORTED, f"could not convert bandwidth {name} value '%s'"))


class Rate(Model):
    """Kilobytes per second; `burst` in kilobytes."""

    average = _rate("average")
    peak = _rate("peak")
    floor = _rate("floor")
    burst = _rate("burst")

    def parsed(self, node: Node, context: Context) -> None:
        if node.get("average") is None:
            if node.get("floor") is None:
                raise fail(XML_DETAIL, "Missing mandatory average or floor attributes")
            if node.get("peak") is not None or node.get("burst") is not None:
                raise fail(CONFIG_UNSUPPORTED, "'peak' and 'burst' require 'average' attribute")

    def present(self, view: View) -> bool:
        return bool(self.average or self.floor)


class Bandwidth(Model):
    spread = True
    inbound = Child("inbound", Rate)
    outbound = Child("outbound", Rate)
    #: limits were set by call, perhaps to none: the element is written all the same
    tuned = False

    def read(self, node: Node, context: Context) -> None:
        if node.get("classID") is not None:
            raise fail(XML_DETAIL, "classID attribute not supported on <bandwidth> in this usage context")
        for tag in ("inbound", "outbound"):
            if len(node.findall(tag)) > 1:
                raise fail(XML_DETAIL, f"Only one child <{tag}> element allowed")
        super().read(node, context)
        if self.inbound and self.inbound.floor and not self.guarantees(context):
            raise fail(CONFIG_UNSUPPORTED, "floor attribute is not supported for this config")
        if self.outbound and self.outbound.floor:
            raise fail(CONFIG_UNSUPPORTED, "'floor' attribute allowed only in <inbound> element")

    @staticmethod
    def guarantees(context: Context) -> bool:
        """Whether a least bandwidth can be promised."""
        return context.memo.get("interface_type") == "network"

    def present(self, view: View) -> bool:
        return self.tuned or self.inbound is not None or self.outbound is not None


_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_VALUE_CHARS = _NAME_CHARS | frozenset(".:")


class FilterParameters(Field[dict[str, list[str]]]):
    """Parameters of a network filter, each with one value or more; written sorted by name."""

    def initial(self, model: Model) -> dict[str, list[str]]:
        value: dict[str, list[str]] = {}
        model.__dict__[self.name] = value
        return value

    def read(self, model: Model, node: Node, context: Context) -> None:
        values = self.initial(model)
        for parameter in node.findall("parameter"):
            name, value = parameter.get("name"), parameter.get("value")
            if name is not None and value and _NAME_CHARS.issuperset(name) and _VALUE_CHARS.issuperset(value):
                values.setdefault(name, []).append(value)

    def emit(self, model: Model, out: Out, view: View) -> None:
        values: dict[str, list[str]] = getattr(model, self.name)
        for name in sorted(values, key=str.encode):
            for value in values[name]:
                parameter = out.add("parameter")
                parameter.set("name", name)
                parameter.set("value", value)


class FilterRef(Model):
    filter = Text("@filter", wanted=True)
    parameters = FilterParameters("parameter", default={})

    def present(self, view: View) -> bool:
        return self.filter is not None


class PortRange(Model):
    start = UInt("@start", low=1)
    end = UInt("@end", low=1, show=lambda r, view: r.start > 0)
    to = UInt("@to", low=1, show=lambda r, view: r.start > 0)
    exclude = YesNo("@exclude")

    def present(self, view: View) -> bool:
        return self.start > 0 or self.exclude is not None


class PortForward(Model):
    proto = Enum("@proto", ("tcp", "udp"), required=True)
    address = Text("@address")
    dev = Text("@dev")
    ranges = Children("range", PortRange)

    def parsed(self, node: Node, context: Context) -> None:
        if self.address is not None:
            self.address, _ = _checked(self.address, None, (XML_ERROR, "Invalid address '%s' in <portForward>"))


class Teaming(Model):
    type = Enum(
        "@type", ("persistent", "transient"), blank=False, invalid=(CONFIG_UNSUPPORTED, "unknown teaming type '%s'")
    )
    persistent = Text("@persistent", blank=False)

    def parsed(self, node: Node, context: Context) -> None:
        if not self.type and self.persistent is not None:
            raise fail(CONFIG_UNSUPPORTED, f"unknown teaming type '{node.get('type') or '(null)'}'")

    def present(self, view: View) -> bool:
        return bool(self.type)
