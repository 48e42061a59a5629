"""What node devices can be: PCI and USB devices, network interfaces, disks ... with what host files say of them."""

from __future__ import annotations

from typing import Any

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from ..engine import Context, Field, Model, fail
from ..fields import Enum, Text
from ..node import Node
from ..values import unsigned

#: By virNodeDevCapType.
KINDS = (
    "system", "pci", "usb_device", "usb", "net", "scsi_host", "scsi_target", "scsi", "storage", "fc_host", "vports",
    "scsi_generic", "drm", "mdev_types", "mdev", "ccw", "css", "vdpa", "ap_card", "ap_queue", "ap_matrix", "vpd",
)  # fmt: skip


def device_name(context: Context) -> str:
    return str(context.memo["device"])


class Capability(Model):
    """What a device is; of a kind that is not known better, only which."""

    spread = True
    what = Enum("@type", KINDS, required=True)

    @classmethod
    def kind(cls, node: Node, context: Context) -> type[Capability]:
        name = node.get("type") or ""
        if name == "scsi_generic":
            raise fail(INTERNAL_ERROR, f"unknown capability type '{KINDS.index(name)}' for '{device_name(context)}'")
        return {found.__name__.lower(): found for found in _below(Capability)}.get(name.replace("_", ""), cls)

    @property
    def names(self) -> list[str]:
        """The kinds that the device counts as."""
        return [self.what]

    def parsed(self, node: Node, context: Context) -> None:
        if not self.what:
            raise fail(XML_ERROR, f"Missing required attribute 'type' in element '{node.tag}'")
        if type(self) is Capability:
            node.accept()


def _below(base: type[Capability]) -> list[type[Capability]]:
    return [found for one in base.__subclasses__() for found in (one, *_below(one))]


class Told(Field[str | None]):
    """Something that must be said, in the words of libvirt's complaint about its absence ("PCI bus ID")."""

    def __init__(self, path: str, called: str, **options: Any):
        super().__init__(path, default=None, **options)
        self.called = called

    def read(self, model: Model, node: Node, context: Context) -> None:
        holder = node.find(self.parent)
        text = (holder.get(self.attribute) if self.attribute else holder.text()) if holder is not None else ""
        if not text:
            raise fail(INTERNAL_ERROR, f"no {self.called} supplied for '{device_name(context)}'")
        try:
            model.__dict__[self.name] = self.load(text, node, context)
        except ValueError:
            raise fail(INTERNAL_ERROR, f"invalid {self.called} supplied for '{device_name(context)}'") from None

    def load(self, text: str, node: Node, context: Context) -> str | None:
        return text


class Number(Told):
    """One that is a number."""

    def load(self, text: str, node: Node, context: Context) -> str | None:
        return str(unsigned(text, bits=64))


class HexId(Told):
    """One that is a number of four hexadecimal digits; the element's text is the name of what it stands for."""

    def load(self, text: str, node: Node, context: Context) -> str | None:
        return f"0x{unsigned(text, 16):04x}"


class Pci(Capability):
    domain = Number("domain", "PCI domain ID")
    bus = Number("bus", "PCI bus ID")
    slot = Number("slot", "PCI slot ID")
    function = Number("function", "PCI function ID")
    product = HexId("product/@id", "PCI product ID")
    product_name = Text("product")
    vendor = HexId("vendor/@id", "PCI vendor ID")
    vendor_name = Text("vendor")


class UsbDevice(Capability):
    bus = Number("bus", "USB bus number")
    device = Number("device", "USB device number")
    product = HexId("product/@id", "USB product ID")
    product_name = Text("product")
    vendor = HexId("vendor/@id", "USB vendor ID")
    vendor_name = Text("vendor")


class Usb(Capability):
    """An interface of a USB device."""

    number = Number("number", "USB interface number")
    class_ = Number("class", "USB interface class")
    subclass = Number("subclass", "USB interface subclass")
    protocol = Number("protocol", "USB interface protocol")
    description = Text("description")


class Net(Capability):
    interface = Told("interface", "network interface")
    address = Text("address")


class ScsiTarget(Capability):
    target = Told("target", "target name")


class Scsi(Capability):
    host = Number("host", "SCSI host ID")
    bus = Number("bus", "SCSI bus ID")
    target = Number("target", "SCSI target ID")
    lun = Number("lun", "SCSI LUN ID")
    type = Text("type")


class Storage(Capability):
    block = Told("block", "block device path")
    bus = Text("bus")
    drive_type = Text("drive_type")
    model = Text("model")
    vendor = Text("vendor")
    serial = Text("serial")
    size = Number("size", "size")


class Drm(Capability):
    type = Text("type")

    def parsed(self, node: Node, context: Context) -> None:
        super().parsed(node, context)
        if self.type not in ("primary", "control", "render"):
            what = f"unknown drm type '{self.type or '(null)'}' for '{device_name(context)}'"
            raise fail(CONFIG_UNSUPPORTED, what)
