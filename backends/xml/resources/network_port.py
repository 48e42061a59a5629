"""The XML of the ports of virtual networks (https://libvirt.org/formatnetworkport.html)."""

from __future__ import annotations

from ... import errors
from ..addresses import PciPlace
from ..config import ParseConfig
from ..engine import Context, Model, View, fail
from ..fields import Child, Enum, Mac, Text, Uuid, YesNo, one_of
from ..network_parts import Bandwidth, VirtualPort, Vlan
from ..node import Node
from ..parse import parse, refuse_unknown
from ..serialize import Out
from ..values import parse_mac

PLUGS = ("network", "bridge", "direct", "hostdev-pci")
MODES = ("vepa", "private", "bridge", "passthrough")
BRIDGED, DIRECT, HOSTDEV = one_of("type", "network", "bridge"), one_of("type", "direct"), one_of("type", "hostdev-pci")


class Plug(Model):
    """What a port is plugged into: a bridge, a device of the host, or a PCI device that the guest gets."""

    type = Enum("@type", PLUGS, zero=("none",))
    bridge = Text("@bridge", when=BRIDGED, required=(errors.XML_ERROR, "Missing network port bridge name"))
    mac_table_manager = Enum(
        "@macTableManager",
        ("kernel", "libvirt"),
        when=BRIDGED,
        invalid=(errors.XML_ERROR, "Invalid macTableManager setting '%s' in network port"),
    )
    dev = Text("@dev", when=DIRECT, required=(errors.XML_ERROR, "Missing network port link device name"))
    mode = Enum(
        "@mode",
        MODES,
        when=DIRECT,
        default="vepa",
        absent=None,
        invalid=(errors.XML_ERROR, "Invalid mode setting '%s' in network port"),
    )
    managed = YesNo("@managed", when=HOSTDEV)
    driver = Enum(
        "driver/@name",
        ("kvm", "vfio"),
        newer=("xen",),
        when=HOSTDEV,
        invalid=(errors.XML_ERROR, "Missing network port driver name"),
    )
    driver_model = Text("driver/@model", when=HOSTDEV, newer=True)
    address = Child("address", PciPlace, when=HOSTDEV, required=(errors.XML_ERROR, "Missing network port PCI address"))

    def present(self, view: View) -> bool:
        return bool(self.type)


class PortMac(Mac):
    """An address that may be multicast."""

    def load(self, text: str, node: Node, context: Context) -> bytes:
        try:
            return parse_mac(text)
        except ValueError:
            raise fail(errors.INTERNAL_ERROR, f"Unable to parse MAC '{text}'") from None


class NetworkPort(Model):
    """One port; `owner` is the domain it belongs to."""

    uuid = Uuid(
        "uuid",
        required=(errors.INTERNAL_ERROR, "network port has no uuid"),
        invalid=(errors.INTERNAL_ERROR, "Unable to parse UUID '%s'"),
    )
    owner = Text("owner/name", required=(errors.INTERNAL_ERROR, "network port has no owner name"))
    owner_uuid = Uuid(
        "owner/uuid",
        required=(errors.INTERNAL_ERROR, "network port has no owner UUID"),
        invalid=(errors.INTERNAL_ERROR, "Unable to parse UUID '%s'"),
    )
    group = Text("group")
    mac = PortMac("mac/@address", required=(errors.INTERNAL_ERROR, "network port has no mac"))
    virtual_port = Child("virtualport", VirtualPort)
    bandwidth = Child("bandwidth", Bandwidth)
    vlan = Child("vlan", Vlan)
    isolated = YesNo("port/@isolated")
    trust = YesNo("rxfilters/@trustGuest", wanted=True)
    plug = Child("plug", Plug)

    @classmethod
    def parse(cls, text: str, validate: bool = False) -> NetworkPort:
        """Read a port's XML; raises VirtError in libvirt's words."""
        node = parse(text, "(networkport_definition)", "networkport")
        context = Context(ParseConfig(), inactive=True)
        context.memo["interface_type"] = "network"
        port = cls.from_node(node, context)
        if validate:
            refuse_unknown(node)
        return port

    def format(self) -> str:
        """The port as libvirt prints it."""
        out = Out("networkport")
        self.emit(out, View())
        return out.render()
