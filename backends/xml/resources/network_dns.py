"""The names a virtual network's DNS server knows."""

from __future__ import annotations

from ... import errors
from ..engine import Context, Model, View, fail
from ..fields import Children, Text, Texts, UInt, YesNo
from ..node import Node
from .network_ip import address, network_name


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
        if self.value is None:
            raise fail(
                errors.XML_DETAIL, f"missing required value attribute in DNS TXT record named '{self.name}' {where}"
            )


class Srv(Model):
    service = Text("@service")
    protocol = Text("@protocol")
    domain = Text("@domain")
    target = Text("@target")
    port = UInt("@port")
    priority = UInt("@priority")
    weight = UInt("@weight")

    def parsed(self, node: Node, context: Context) -> None:
        name = network_name(context)
        if self.service is None:
            what = f"missing required service attribute in DNS SRV record of network '{name}'"
            raise fail(errors.XML_DETAIL, what)
        if self.protocol is None:
            what = f"missing required protocol attribute in DNS SRV record '{self.service}' of network '{name}'"
            raise fail(errors.XML_DETAIL, what)
        for field in ("port", "priority", "weight"):
            if node.get(field) is not None and self.target is None:
                what = f"DNS SRV {field} attribute not permitted without target for service '{self.service}'"
                raise fail(errors.XML_DETAIL, f"{what} in network '{name}'")
            if getattr(self, field) > 65535 or (field == "port" and node.get(field) is not None and not self.port):
                word = "Invalid" if field == "priority" else "invalid"
                what = f"{word} DNS SRV {field} attribute for service '{self.service}' in network '{name}'"
                raise fail(errors.XML_DETAIL, what)


class DnsHost(Model):
    ip = Text("@ip")
    names = Texts("hostname")

    def parsed(self, node: Node, context: Context) -> None:
        where = f"in network '{network_name(context)}' DNS HOST record"
        if self.ip is None:
            raise fail(errors.XML_DETAIL, f"Missing IP address {where}")
        self.ip = address(self.ip, f"Invalid IP address {where}", errors.XML_DETAIL)
        if not self.names:
            raise fail(errors.XML_DETAIL, f"Missing hostname {where}")


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
