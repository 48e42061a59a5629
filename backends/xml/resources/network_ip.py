"""Addresses of a virtual network's bridge, and the DHCP and TFTP served there."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

from ... import errors
from ..engine import Context, Model, View, fail
from ..fields import Child, Children, Enum, OptInt, Text, UInt, YesNo
from ..network_parts import parse_ip
from ..node import Node
from ..values import parse_mac


def address(text: str | None, problem: str, code: int = errors.XML_ERROR, version: int = 0) -> str | None:
    """An IP address as libvirt writes it; `problem` is the complaint about one that is none, or not of `version`."""
    if text is None:
        return None
    try:
        ip = parse_ip(text)
    except ValueError:
        ip = None
    if ip is None or version not in (0, ip.version):
        raise fail(code, problem)
    return str(ip)


def unnamed(text: str | None) -> str | None:
    """The same where libvirt complains about the address alone."""
    return address(text, f"Cannot parse socket address '{text}': Name or service not known", errors.SYSTEM_ERROR)


def network_name(context: Context) -> str:
    return str(context.memo["network"])


UNITS = ("seconds", "minutes", "hours")


class Lease(Model):
    expiry = OptInt("@expiry", base=0, bits=64)
    unit = Enum("@unit", UNITS, default="minutes", absent=None, show=lambda lease, view: bool(lease.expiry))

    def parsed(self, node: Node, context: Context) -> None:
        if 0 < (self.expiry or 0) < {"seconds": 120, "minutes": 2}.get(self.unit, 0):
            raise fail(errors.CONFIG_UNSUPPORTED, "The minimum lease time should be greater than 2 minutes")

    def present(self, view: View) -> bool:
        return self.expiry is not None


class Range(Model):
    start = Text("@start")
    end = Text("@end")
    lease = Child("lease", Lease)

    def parsed(self, node: Node, context: Context) -> None:
        for name in ("start", "end"):
            if getattr(self, name) is None:
                where = f"dhcp range for network '{network_name(context)}'"
                raise fail(errors.XML_ERROR, f"Missing '{name}' attribute in {where}")
            setattr(self, name, unnamed(getattr(self, name)))


class DhcpHost(Model):
    mac = Text("@mac")
    id = Text("@id")
    name = Text("@name")
    ip = Text("@ip")
    lease = Child("lease", Lease)

    def check(self, name: str, ipv6: bool, partial: bool = False) -> None:
        """Refuse what the network `name` cannot serve on an address of that family.

        A `partial` one is only searched for.
        """
        if ipv6 and self.mac is not None:
            what = f"Invalid to specify MAC address '{self.mac}' in network '{name}' IPv6 static host definition"
            raise fail(errors.XML_ERROR, what)
        self._check_mac(name)
        if self.id and (bad := self.id.lstrip("0123456789abcdefABCDEF:")):
            raise fail(errors.XML_ERROR, f"Invalid character '{bad[0]}' in id '{self.id}' of network '{name}'")
        if self.name is not None and not (self.name[:1].isascii() and self.name[:1].isalnum()):
            raise fail(errors.XML_ERROR, f"Cannot use host name '{self.name}' in network '{name}'")
        self.ip = address(self.ip, f"Invalid IP address in static host definition for network '{name}'")
        if partial:
            if self.mac is None and self.name is None and self.ip is None:
                what = "At least one of name, mac, or ip attribute must be specified for static host definition"
                raise fail(errors.XML_ERROR, f"{what} in network '{name}' ")
            return
        if ipv6 and self.id is None and self.name is None:
            what = f"Static host definition in IPv6 network '{name}' must have id or name attribute"
            raise fail(errors.XML_ERROR, what)
        if not ipv6 and self.mac is None and self.name is None:
            what = f"Static host definition in IPv4 network '{name}' must have mac or name attribute"
            raise fail(errors.XML_ERROR, what)
        if self.ip is None:
            raise fail(errors.XML_ERROR, f"Missing IP address in static host definition for network '{name}'")

    def _check_mac(self, name: str) -> None:
        if self.mac is None:
            return
        try:
            multicast = parse_mac(self.mac)[0] & 1
        except ValueError:
            what = f"Cannot parse MAC address '{self.mac}' in network '{name}'"
            raise fail(errors.XML_ERROR, what) from None
        if multicast:
            what = f"expected unicast mac address, found multicast '{self.mac}' in network '{name}'"
            raise fail(errors.XML_ERROR, what)


class Bootp(Model):
    file = Text("@file")
    server = Text("@server")

    def parsed(self, node: Node, context: Context) -> None:
        self.server = unnamed(self.server)

    def present(self, view: View) -> bool:
        return self.file is not None


def check_size(start: IPv4Address | IPv6Address, end: IPv4Address | IPv6Address) -> None:
    """Refuse a range that is too long, or backwards."""
    if int(start) >> 16 != int(end) >> 16:
        raise fail(errors.INTERNAL_ERROR, f"range {start} - {end} is too large (> 65535)")
    if int(start) > int(end):
        raise fail(errors.INTERNAL_ERROR, f"range {start} - {end} is reversed ")


def _length(netmask: str) -> int:
    try:
        return ip_network(f"0.0.0.0/{netmask}").prefixlen
    except ValueError:
        return -1


class Ip(Model):
    """An address of the bridge, and what is served there."""

    spread = True
    family = Text("@family", blank=False)
    address = Text("@address", blank=False)
    netmask = Text("@netmask", blank=False)
    prefix = UInt("@prefix")
    local_ptr = YesNo("@localPtr")
    tftp = Text("tftp/@root", blank=False)
    ranges = Children("dhcp/range", Range)
    hosts = Children("dhcp/host", DhcpHost)
    bootp = Child("dhcp/bootp", Bootp, when=lambda ip: ip.family != "ipv6")

    def parsed(self, node: Node, context: Context) -> None:
        name = network_name(context)
        if self.address is None:
            raise fail(errors.XML_ERROR, f"Missing required address attribute in network '{name}'")
        given, mask = self.address, self.netmask
        self.address = address(given, f"Invalid address '{given}' in network '{name}'")
        self.netmask = address(mask, f"Invalid netmask '{mask}' in network '{name}'")
        self._check_family(name, given, mask)
        for host in self.hosts:
            host.check(name, self.version == 6)
        for range_ in self.ranges:
            self.check_range(range_)
        if node.find("tftp") is not None and self.version == 6:
            what = f"Unsupported <tftp> element in an IPv6 element in network '{name}'"
            raise fail(errors.CONFIG_UNSUPPORTED, what)

    @property
    def version(self) -> int:
        return parse_ip(self.address or "").version

    @property
    def bits(self) -> int:
        """Length of the prefix, by libvirt's rules: as given, by the netmask (-1 for one with holes), or by the class
        of the address.
        """
        if self.prefix:
            return self.prefix
        if self.netmask:
            return _length(self.netmask)
        if self.version == 6:
            return 64
        first = int((self.address or "").partition(".")[0])
        return 8 if first < 128 else 16 if first < 192 else 24 if first < 224 else 0

    def _check_family(self, name: str, given: str, mask: str | None) -> None:
        if self.family in (None, "ipv4"):
            if self.version != 4:
                what = f"{'no' if self.family is None else 'ipv4'} family specified for non-IPv4 address '{given}'"
                raise fail(errors.CONFIG_UNSUPPORTED, f"{what} in network '{name}'")
            if mask and parse_ip(self.netmask or "").version != 4:
                what = f"Invalid netmask '{mask}' for address '{given}' in network '{name}' (both must be IPv4)"
                raise fail(errors.CONFIG_UNSUPPORTED, what)
            if mask and self.prefix:
                what = f"Network '{name}' IP address cannot have both a prefix and a netmask"
                raise fail(errors.CONFIG_UNSUPPORTED, what)
            if self.prefix > 32:
                raise fail(errors.CONFIG_UNSUPPORTED, f"Invalid IPv4 prefix '{self.prefix}' in network '{name}'")
        elif self.family == "ipv6":
            if self.version != 6:
                what = f"Family 'ipv6' specified for non-IPv6 address '{given}' in network '{name}'"
                raise fail(errors.CONFIG_UNSUPPORTED, what)
            if mask:
                what = f"netmask not allowed for IPv6 address '{given}' in network '{name}'"
                raise fail(errors.CONFIG_UNSUPPORTED, what)
            if self.prefix > 128:
                raise fail(errors.CONFIG_UNSUPPORTED, f"Invalid IPv6 prefix '{self.prefix}' in network '{name}'")
        else:
            raise fail(errors.XML_ERROR, f"Unrecognized family '{self.family}' in network '{name}'")

    def check_range(self, range_: Range) -> None:
        """Refuse a range that this address cannot serve."""
        start, end = parse_ip(range_.start or ""), parse_ip(range_.end or "")
        span, where = f"range {start} - {end}", f"network {self.address}/{self.bits}"
        if start.version != end.version:
            raise fail(errors.INTERNAL_ERROR, f"mismatch of address family in {span}")
        if start.version != self.version:
            raise fail(errors.INTERNAL_ERROR, f"mismatch of address family in {span} for network {self.address}")
        if self.bits < 0:
            what = f"bad prefix {self.bits} for network {self.address} when  checking {span}"
            raise fail(errors.INTERNAL_ERROR, what)
        net = ip_network(f"{self.address}/{self.bits}", strict=False)
        if start not in net or end not in net:
            raise fail(errors.INTERNAL_ERROR, f"{span} is not entirely within {where}")
        if start.version == 4 and start == net.network_address:
            raise fail(errors.INTERNAL_ERROR, f"start of {span} in {where} is the network address")
        if start.version == 4 and end == net.broadcast_address:
            raise fail(errors.INTERNAL_ERROR, f"end of {span} in {where} is the broadcast address")
        check_size(start, end)
