"""Routes, of interfaces and of networks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from ..errors import XML_ERROR
from .engine import Context, Model, fail
from .fields import OptInt, Text, UInt
from .network_parts import parse_ip
from .node import Node


class Route(Model):
    family = Text("@family")
    address = Text("@address")
    netmask = Text("@netmask")
    prefix = OptInt("@prefix")
    gateway = Text("@gateway")
    metric = UInt("@metric", low=1)

    def parsed(self, node: Node, context: Context) -> None:
        try:
            self._check()
        except ValueError as error:
            raise fail(XML_ERROR, f"{self.owner(context)}: {error}") from None

    def owner(self, context: Context) -> str:
        """Whose route it is, in complaints."""
        return "guest interface"

    def _check(self) -> None:
        """ValueError with libvirt's words for what is wrong."""
        if self.address is None or self.gateway is None:
            missing = "address" if self.address is None else "gateway"
            raise ValueError(f"Missing required {missing} attribute in route definition")
        address = _ip(self.address, "network")
        gateway = _ip(self.gateway, "gateway")
        if self.family in (None, "ipv4"):
            self._check_ipv4(address, gateway)
        elif self.family == "ipv6":
            self._check_ipv6(address, gateway)
        else:
            raise ValueError(f"Unrecognized family '{self.family}' in route definition")
        bits = 128 if self.family == "ipv6" else 32
        if (self.prefix or 0) > bits:
            raise ValueError(f"Invalid prefix {self.prefix} specified in route definition, must be 0 - {bits}")
        host = (1 << bits - (self.prefix or 0)) - 1
        if self.netmask is not None:
            mask = _ip(self.netmask, "netmask")
            self.netmask = str(mask)
            host = (1 << bits) - 1 - int(mask)
        if int(address) & host:
            raise ValueError(f"Address '{self.address}' in route definition is not a network address")
        self.address, self.gateway = str(address), str(gateway)

    def _check_ipv4(self, address: IPv4Address | IPv6Address, gateway: IPv4Address | IPv6Address) -> None:
        what = "IPv4 family specified" if self.family else "No family specified"
        for name, given in (("address", address), ("gateway", gateway)):
            if given.version != 4:
                raise ValueError(f"{what} for non-IPv4 {name} '{self.address}' in route definition")
        if self.netmask is None:
            return
        if _ip(self.netmask, "netmask").version != 4:
            raise ValueError(f"Invalid netmask '{self.netmask}' for address '{self.address}' (both must be IPv4)")
        if self.prefix is not None:
            raise ValueError("Route definition cannot have both a prefix and a netmask")

    def _check_ipv6(self, address: IPv4Address | IPv6Address, gateway: IPv4Address | IPv6Address) -> None:
        end = "in route definition"
        if address.version != 6:
            raise ValueError(f"ipv6 family specified for non-IPv6 address '{self.address}' {end}")
        if self.netmask is not None:
            raise ValueError(f"Specifying netmask invalid for IPv6 address '{self.address}' {end}")
        if gateway.version != 6:
            raise ValueError(f"ipv6 specified for non-IPv6 gateway address '{self.gateway}' {end}")


def _ip(text: str, what: str) -> IPv4Address | IPv6Address:
    try:
        return parse_ip(text)
    except ValueError:
        raise ValueError(f"Bad {what} address '{text}' in route definition") from None


class HostRoute(Route):
    def owner(self, context: Context) -> str:
        return "interface host IP"


class HostdevRoute(Route):
    def owner(self, context: Context) -> str:
        return "Domain hostdev device"
