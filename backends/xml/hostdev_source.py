"""What of the host a <hostdev>, or an <interface type='hostdev'>, hands to the guest."""

from __future__ import annotations

import builtins
from typing import Self

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from .addresses import PciPlace
from .engine import Context, Model, View, fail
from .fields import FILE, Child, Children, Enum, OptInt, Text, UInt, Uuid, YesNo
from .network_parts import Ip
from .node import Node
from .protection import Auth
from .routes import HostdevRoute
from .serialize import Out
from .storage import Host, is_wwn


class HostdevSource(Model):
    """The <source> (and for PCI the <driver>) in an element; each type has its class below."""

    kind_name = ""

    @classmethod
    def kind(cls, node: Node, context: Context) -> builtins.type[Self]:
        if node.tag == "interface":
            address = node.find("source/address")
            name = address.get("type") if address is not None else None
            name = name or ("usb" if node.find("source/vendor") is not None else None)
            capabilities = False
        else:
            name = node.get("type")
            capabilities = node.get("mode") == "capabilities"
        if name is None:
            raise fail(XML_ERROR, "missing source address type")
        known = _CAPABILITIES if capabilities else _SUBSYSTEMS
        if name not in known:
            raise fail(CONFIG_UNSUPPORTED, f"unknown host device source address type '{name}'")
        if node.find("source") is None:
            raise fail(XML_ERROR, "Missing <source> element in hostdev device")
        chosen = known[name]
        return chosen if issubclass(chosen, cls) else cls

    def read(self, node: Node, context: Context) -> None:
        source = node.find("source")
        if self.kind_name != "usb" and source is not None and source.get("startupPolicy") is not None:
            raise fail(CONFIG_UNSUPPORTED, "Setting startupPolicy is only allowed for USB devices")
        super().read(node, context)

    def same(self, other: HostdevSource) -> bool:
        """Whether both are the same device of the host."""
        return type(self) is type(other) and self.identity == other.identity

    @property
    def identity(self) -> object:
        return None


class UsbSource(HostdevSource):
    kind_name = "usb"
    startup_policy = Enum("source/@startupPolicy", ("mandatory", "requisite", "optional"))
    auto_address = YesNo("source/@autoAddress", show=lambda usb, view: usb.auto_address and view.migratable)
    guest_reset = Enum("source/@guestReset", ("off", "uninitialized", "on"))
    vendor = UInt("source/vendor/@id", base=0, low=1, form="0x04x", required=True)
    product = OptInt("source/product/@id", base=0, form="0x04x", required=True)
    bus = UInt("source/address/@bus", base=0, required=True, show=lambda usb, view: False)
    device = UInt("source/address/@device", base=0, required=True, show=lambda usb, view: False)

    def parsed(self, node: Node, context: Context) -> None:
        if self.vendor and self.product is None:
            raise fail(INTERNAL_ERROR, "missing product")
        if not self.vendor and self.product is not None:
            raise fail(INTERNAL_ERROR, "missing vendor")
        self.typed = node.tag == "interface"

    typed = False

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        if self.bus or self.device:
            address = out.at("source/address")
            if self.typed:
                address.set("type", "usb")
            address.set("bus", str(self.bus))
            address.set("device", str(self.device))

    @property
    def identity(self) -> object:
        return (self.bus, self.device) if self.bus and self.device else (self.vendor, self.product)


class PciSource(HostdevSource):
    kind_name = "pci"
    backend = Enum("driver/@name", ("kvm", "vfio", "xen"))
    driver_model = Text("driver/@model", newer=True)
    write_filtering = YesNo("source/@writeFiltering")
    address_type = Text("source/address/@type", show=lambda pci, view: pci.typed)
    address = Child("source/address", PciPlace)
    typed = False

    def parsed(self, node: Node, context: Context) -> None:
        self.typed = node.tag == "interface"
        self.address = self.address or PciPlace()
        self.address.multifunction = None

    def emit(self, out: Out, view: View) -> None:
        """The host's address is written whole even when it is all zeros."""
        for field in self.fields[:-1]:
            field.emit(self, out, view)
        place = self.address or PciPlace()
        for field in PciPlace.fields[:4]:
            field.place(out.at("source/address"), getattr(place, field.name))

    @property
    def identity(self) -> object:
        return (self.address or PciPlace()).place


class ScsiSource(HostdevSource):
    kind_name = "scsi"
    protocol = Enum(
        "source/@protocol",
        ("iscsi",),
        zero=("adapter",),
        invalid=(CONFIG_UNSUPPORTED, "Unknown SCSI subsystem protocol '%s'"),
    )
    name = Text("source/@name", when=lambda scsi: scsi.protocol)
    hosts = Children("source/host", Host, when=lambda scsi: scsi.protocol)
    auth = Child("source/auth", Auth, when=lambda scsi: scsi.protocol)
    initiator = Text("source/initiator/iqn/@name", blank=False, when=lambda scsi: scsi.protocol)
    adapter = Text("source/adapter/@name", blank=False, when=lambda scsi: not scsi.protocol)
    bus = UInt("source/address/@bus", base=0, absent=None, when=lambda scsi: not scsi.protocol, required=True)
    target = UInt("source/address/@target", base=0, absent=None, when=lambda scsi: not scsi.protocol, required=True)
    unit = UInt(
        "source/address/@unit", base=0, bits=64, absent=None, when=lambda scsi: not scsi.protocol, required=True
    )

    def parsed(self, node: Node, context: Context) -> None:
        node.tolerate("source/adapter/@type")
        if not self.protocol:
            if node.find("source/address") is None:
                raise fail(XML_ERROR, "'address' must be specified for scsi hostdev source")
            if self.adapter is None:
                raise fail(XML_ERROR, "'adapter' name must be specified for scsi hostdev source")
            return
        if self.name is None:
            raise fail(XML_ERROR, "missing iSCSI hostdev source path name")
        if not self.hosts:
            raise fail(XML_ERROR, "missing the host address for the iSCSI hostdev")
        if len(self.hosts) > 1:
            raise fail(XML_ERROR, "only one source host address may be specified for the iSCSI hostdev")
        if self.auth and self.auth.secret:
            kind = self.auth.secret.type
            if kind not in ("none", "volume", "ceph", "iscsi", "tls", "vtpm"):
                raise fail(CONFIG_UNSUPPORTED, f"invalid secret type {'(null)' if kind is None else kind}")
            if kind != "iscsi":
                raise fail(INTERNAL_ERROR, f"hostdev invalid secret type '{kind}'")

    @property
    def identity(self) -> object:
        if self.protocol:
            return self.protocol, self.name, self.hosts[0].name, self.hosts[0].port
        return self.adapter, self.bus, self.target, self.unit


class ScsiHostSource(HostdevSource):
    kind_name = "scsi_host"
    protocol = Enum(
        "source/@protocol",
        ("vhost",),
        required=(XML_ERROR, "Missing scsi_host subsystem protocol"),
        invalid=(CONFIG_UNSUPPORTED, "Unknown scsi_host subsystem protocol '%s'"),
    )
    wwpn = Text("source/@wwpn", required=(XML_ERROR, "missing vhost-scsi hostdev source wwpn"))

    def parsed(self, node: Node, context: Context) -> None:
        wwpn = self.wwpn or ""
        if not wwpn.startswith("naa."):
            raise fail(XML_ERROR, "malformed 'wwpn' value")
        if not is_wwn(wwpn[4:]):
            raise fail(XML_ERROR, "malformed 'wwpn' value")

    @property
    def identity(self) -> object:
        return self.wwpn


class MdevSource(HostdevSource):
    kind_name = "mdev"
    uuid = Uuid(
        "source/address/@uuid",
        required=(CONFIG_UNSUPPORTED, "Missing 'uuid' attribute for element <address>"),
        invalid=(INTERNAL_ERROR, "Cannot parse uuid attribute of element <address>"),
    )

    def read(self, node: Node, context: Context) -> None:
        if node.find("source/address") is None:
            raise fail(CONFIG_UNSUPPORTED, "Missing <address> element")
        super().read(node, context)

    @property
    def identity(self) -> object:
        return self.uuid


class BlockSource(HostdevSource):
    kind_name = "storage"
    block = Text("source/block", shape=FILE, required=(XML_ERROR, "Missing <block> element in hostdev storage device"))

    @property
    def identity(self) -> object:
        return self.block


class CharDeviceSource(HostdevSource):
    kind_name = "misc"
    char = Text("source/char", shape=FILE, required=(XML_ERROR, "Missing <char> element in hostdev character device"))

    @property
    def identity(self) -> object:
        return self.char


class NetSource(HostdevSource):
    kind_name = "net"
    interface = Text("source/interface", required=(XML_ERROR, "Missing <interface> element in hostdev net device"))
    ips = Children("ip", Ip)
    routes = Children("route", HostdevRoute)

    @property
    def identity(self) -> object:
        return self.interface


_SUBSYSTEMS: dict[str, type[HostdevSource]] = {
    kind.kind_name: kind for kind in (UsbSource, PciSource, ScsiSource, ScsiHostSource, MdevSource)
}
_CAPABILITIES: dict[str, type[HostdevSource]] = {
    kind.kind_name: kind for kind in (BlockSource, CharDeviceSource, NetSource)
}
