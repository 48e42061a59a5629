"""Where a virtual network leads to: <forward>."""

from __future__ import annotations

from ipaddress import IPv4Address

from ... import errors
from ..addresses import PciPlace
from ..engine import Context, Model, View, fail
from ..fields import Child, Children, Enum, OptInt, Text, YesNo
from ..node import Node
from .network_ip import address, check_size, network_name

MODES = ("nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev")


def only_one(node: Node, tag: str, where: str) -> None:
    """Refuse a second `tag` below `node`."""
    if len(node.findall(tag)) > 1:
        raise fail(errors.XML_ERROR, f"Only one <{tag}> element is allowed in {where}")


class Nat(Model):
    ipv6 = YesNo("@ipv6")
    start = Text("address/@start")
    end = Text("address/@end")
    port_start = OptInt("port/@start")
    port_end = OptInt("port/@end")

    def read(self, node: Node, context: Context) -> None:
        name = network_name(context)
        Nat.ipv6.read(self, node, context)
        where = f"<nat> in <forward> in network {name}"
        only_one(node, "address", where)
        for field in (Nat.start, Nat.end):
            field.read(self, node, context)
            value, word = getattr(self, field.name), field.name
            if node.find("address") is not None and value is None:
                raise fail(errors.XML_ERROR, f"missing '{word}' attribute in <address> element in {where}")
            problem = f"Bad ipv4 {word} address '{value}' in <nat> in <forward> in network '{name}'"
            setattr(self, word, address(value, problem, version=4))
        if self.start and self.end:
            check_size(IPv4Address(self.start), IPv4Address(self.end))
        only_one(node, "port", where)
        if node.find("port") is not None:
            self._read_ports(node, context, where)

    def _read_ports(self, node: Node, context: Context, where: str) -> None:
        for field, word in ((Nat.port_start, "start"), (Nat.port_end, "end")):
            problem = fail(errors.XML_DETAIL, f"Missing or invalid '{word}' attribute in <port> in {where}")
            try:
                field.read(self, node, context)
            except errors.VirtError:
                raise problem from None
            value = getattr(self, field.name)
            if value is None or not (self.port_start or 0) <= value <= 65535:
                raise problem

    def present(self, view: View) -> bool:
        return bool(self.ipv6 is not None or self.start or self.port_start or self.port_end)


class ForwardInterface(Model):
    dev = Text("@dev")

    def parsed(self, node: Node, context: Context) -> None:
        if self.dev is None:
            where = f"<forward> <interface> element of network {network_name(context)}"
            raise fail(errors.XML_ERROR, f"Missing required dev attribute in {where}")


class ForwardDevice(PciPlace):
    """A device of the host that guests get as a whole."""

    type = Text("@type")

    def read(self, node: Node, context: Context) -> None:
        where = f"in network {network_name(context)}"
        ForwardDevice.type.read(self, node, context)
        if self.type is None:
            raise fail(errors.XML_ERROR, f"missing address type {where}")
        if self.type != "pci":
            raise fail(errors.CONFIG_UNSUPPORTED, f"unknown address type '{self.type}' {where}")
        super().read(node, context)

    def emit(self, out, view: View) -> None:  # type: ignore[no-untyped-def]
        out.set("type", "pci")
        for field in (PciPlace.domain, PciPlace.bus, PciPlace.slot, PciPlace.function):
            field.place(out, getattr(self, field.name))


class Managed(YesNo):
    """True for "yes"; libvirt takes everything else for no."""

    def load(self, text: str, node: Node, context: Context) -> bool:
        return text.lower() == "yes"


class Forward(Model):
    dev = Text("@dev", blank=False, show=lambda forward, view: forward.pf is None)
    mode = Enum(
        "@mode",
        MODES,
        blank=False,
        default="nat",
        absent=None,
        invalid=(errors.CONFIG_UNSUPPORTED, "unknown forwarding type '%s'"),
    )
    managed = Managed("@managed", default=False, absent=None, show=lambda forward, view: forward.mode == "hostdev")
    driver = Text("driver/@name", blank=False, newer=("xen",))
    driver_model = Text("driver/@model", blank=False, newer=True)
    nat = Child("nat", Nat)
    pf = Text("pf/@dev")
    interfaces = Children("interface", ForwardInterface)
    addresses = Children("address", ForwardDevice)

    def read(self, node: Node, context: Context) -> None:
        name = network_name(context)
        for field in (Forward.mode, Forward.dev, Forward.managed, Forward.driver, Forward.driver_model):
            field.read(self, node, context)
        if self.driver not in (None, "kvm", "vfio", "xen"):
            what = f"Unknown forward <driver name='{self.driver}'/> in network {name}"
            raise fail(errors.CONFIG_UNSUPPORTED, what)
        only_one(node, "nat", f"<forward> of network {name}")
        if node.find("nat") is not None and self.mode != "nat":
            what = "The <nat> element can only be used when <forward> 'mode' is 'nat' in network"
            raise fail(errors.XML_ERROR, f"{what} {name}")
        Forward.nat.read(self, node, context)
        others = node.find("address") is not None or node.find("pf") is not None
        if self.dev and others:
            # libvirt 9.0.0 forgets to fill in the network's name.
            what = "the <forward> 'dev' attribute cannot be used when <address> or <pf> sub-elements are present"
            raise fail(errors.XML_ERROR, f"{what} in network %s")
        self._read_interfaces(node, context, name)
        self._read_addresses(node, context, name)
        only_one(node, "pf", f"<forward> of network {name}")
        Forward.pf.read(self, node, context)
        if node.find("pf") is not None and self.pf is None:
            raise fail(errors.XML_ERROR, f"Missing required dev attribute in <pf> element of network '{name}'")

    def _read_interfaces(self, node: Node, context: Context, name: str) -> None:
        Forward.interfaces.read(self, node, context)
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

    def _read_addresses(self, node: Node, context: Context, name: str) -> None:
        Forward.addresses.read(self, node, context)
        places = [address.place for address in self.addresses]
        for i, place in enumerate(places):
            if place in places[:i]:
                shown = "{:04x}:{:02x}:{:02x}.{:x}".format(*place)
                raise fail(errors.XML_ERROR, f"PCI device '{shown}' can only be listed once in network {name}")
