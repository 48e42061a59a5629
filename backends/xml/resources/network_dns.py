"""The names a virtual network's DNS server knows."""

from __future__ import annotations

from string import ascii_letters, digits

from ... import errors
from ..engine import Context, Model, View, fail
from ..fields import Children, Text, Texts, UInt, YesNo
from ..node import Node
from ..values import UINT_MAX
from .network_ip import address, network_name

#: What the names of services and protocols can consist of, and how long the former can be.
PROTOCOL_CHARS = frozenset(f"{ascii_letters}{digits}-+/")
SERVICE_CHARS = PROTOCOL_CHARS | frozenset("_*")
SERVICE_LIMIT = 512


class Forwarder(Model):
    domain = Text("@domain")
    addr = Text("@addr")

    def parsed(self, node: Node, context: Context) -> None:
        problem = f"Invalid forwarder IP address '{self.addr}' in network '{network_name(context)}'"
        self.addr = address(self.addr, problem)
        if self.addr is None and self.domain is None:
            what = "Invalid forwarder element, must contain at least one of addr or domain"
            raise fail(errors.XML_ERROR, what)


class Txt(Model):
    name = Text("@name")
    value = Text("@value")

    def parsed(self, node: Node, context: Context) -> None:
        where = f"of network {network_name(context)}"
        if self.name is None:
            raise fail(errors.XML_DETAIL, f"missing required name attribute in DNS TXT record {where}")
        if " " in self.name or "," in self.name:
            raise fail(errors.XML_DETAIL, f"prohibited character in DNS TXT record name '{self.name}' {where}")
        if self.value is None and not context.memo["partial"]:
            raise fail(
                errors.XML_DETAIL, f"missing required value attribute in DNS TXT record named '{self.name}' {where}"
            )


class SrvNumber(UInt):
    """A number of an SRV record; what is none counts as too large."""

    def __init__(self, name: str):
        super().__init__(f"@{name}", blank=False)

    def load(self, text: str, node: Node, context: Context) -> int:
        try:
            return super().load(text, node, context)
        except ValueError:
            return UINT_MAX


class Srv(Model):
    service = Text("@service")
    protocol = Text("@protocol")
    domain = Text("@domain")
    target = Text("@target")
    port = SrvNumber("port")
    priority = SrvNumber("priority")
    weight = SrvNumber("weight")

    def parsed(self, node: Node, context: Context) -> None:
        name = network_name(context)
        if self.service is None and not context.memo["partial"]:
            what = f"missing required service attribute in DNS SRV record of network '{name}'"
            raise fail(errors.XML_DETAIL, what)
        if self.service is not None:
            if len(self.service.encode()) > SERVICE_LIMIT:
                what = f"service attribute '{self.service}' in network '{name}' is too long"
                raise fail(errors.XML_DETAIL, f"{what}, limit is {SERVICE_LIMIT} bytes")
            if not SERVICE_CHARS.issuperset(self.service):
                what = f"invalid character in service attribute '{self.service}' in DNS SRV record"
                raise fail(errors.XML_DETAIL, f"{what} of network '{name}'")
        if self.protocol is None and not context.memo["partial"]:
            what = f"missing required protocol attribute in DNS SRV record '{self.service}' of network '{name}'"
            raise fail(errors.XML_DETAIL, what)
        if self.protocol is not None and not PROTOCOL_CHARS.issuperset(self.protocol):
            what = f"invalid character in protocol attribute '{self.protocol}' in DNS SRV record"
            raise fail(errors.XML_DETAIL, f"{what} of network '{name}'")
        for field in ("port", "priority", "weight"):
            if node.get(field) is not None and self.target is None:
                what = f"DNS SRV {field} attribute not permitted without target for service '{self.service}'"
                raise fail(errors.XML_DETAIL, f"{what} in network '{name}'")
            value = getattr(self, field)
            if value > 65535 or (field == "port" and node.get(field) and not value):
                word = "Invalid" if field == "priority" else "invalid"
                what = f"{word} DNS SRV {field} attribute for service '{self.service}' in network '{name}'"
                raise fail(errors.XML_DETAIL, what)


class DnsHost(Model):
    ip = Text("@ip")
    names = Texts("hostname")

    def parsed(self, node: Node, context: Context) -> None:
        where, partial = f"in network '{network_name(context)}' DNS HOST record", context.memo["partial"]
        if self.ip is None and not partial:
            raise fail(errors.XML_DETAIL, f"Missing IP address {where}")
        self.ip = address(self.ip, f"Invalid IP address {where}", errors.XML_DETAIL)
        self.names = [name for name in self.names if name]
        if not self.names and not partial:
            raise fail(errors.XML_DETAIL, f"Missing hostname {where}")
        if not self.names and self.ip is None:
            raise fail(errors.XML_DETAIL, f"Missing ip and hostname {where}")


class Dns(Model):
    enable = YesNo("@enable")
    forward_plain_names = YesNo("@forwardPlainNames")
    forwarders = Children("forwarder", Forwarder)
    txts = Children("txt", Txt)
    srvs = Children("srv", Srv)
    hosts = Children("host", DnsHost)

    def parsed(self, node: Node, context: Context) -> None:
        if self.enable is False and (self.forwarders or self.txts or self.srvs or self.hosts):
            raise fail(errors.XML_ERROR, f"Extra data in disabled network '{network_name(context)}'")

    def present(self, view: View) -> bool:
        return any(bool(getattr(self, f.name)) or getattr(self, f.name) is False for f in self.fields)
