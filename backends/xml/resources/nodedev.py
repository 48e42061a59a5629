"""The XML of node devices (https://libvirt.org/formatnode.html)."""

from __future__ import annotations

from ...errors import INTERNAL_ERROR, NO_NAME, XML_ERROR
from ..config import ParseConfig
from ..engine import Context, Model, View, fail
from ..fields import Child, Children, Enum, Name, OptInt, Text, Uuid
from ..node import Node
from ..parse import parse, refuse_unknown
from ..serialize import Out
from .nodedev_kinds import Capability, device_name

#: The name of a device that is still to be made.
NEW = "new device"


class Hardware(Model):
    spread = True
    vendor = Text("vendor")
    version = Text("version")
    serial = Text("serial")
    uuid = Uuid("uuid", absent=None)


class Firmware(Model):
    spread = True
    vendor = Text("vendor")
    version = Text("version")
    release_date = Text("release_date")


class FcHost(Model):
    """A fibre channel adapter and its world wide names."""

    wwnn = Name("wwnn")
    wwpn = Name("wwpn")
    fabric_wwn = Text("fabric_wwn")

    def parsed(self, node: Node, context: Context) -> None:
        for name, value in (("WWNN", self.wwnn), ("WWPN", self.wwpn)):
            if not value:
                what = f"no {name} supplied for '{device_name(context)}', and auto-generation failed"
                raise fail(INTERNAL_ERROR, what)


class VportOps(Model):
    """An adapter on which virtual ones can be made; how many, libvirt does not read."""

    def emit(self, out: Out, view: View) -> None:
        out.at("max_vports").write("0")
        out.at("vports").write("0")


class System(Capability):
    product = Text("product")
    hardware = Child("hardware", Hardware)
    firmware = Child("firmware", Firmware)

    def read(self, node: Node, context: Context) -> None:
        holder = node.find("hardware/uuid")
        if holder is not None and holder.text():
            try:
                Hardware.uuid.load(holder.text(), holder, context)
            except ValueError:
                raise fail(INTERNAL_ERROR, f"malformed uuid element for '{device_name(context)}'") from None
        else:
            raise fail(INTERNAL_ERROR, f"no system UUID supplied for '{device_name(context)}'")
        super().read(node, context)


class ScsiHost(Capability):
    host = OptInt("host", sign=True)
    unique_id = OptInt("unique_id", sign=True)
    fc_host: FcHost | None = None
    vport_ops: VportOps | None = None

    @property
    def names(self) -> list[str]:
        return ["scsi_host", *(["fc_host"] if self.fc_host else []), *(["vports"] if self.vport_ops else [])]

    def read(self, node: Node, context: Context) -> None:
        if context.memo["device"] != NEW:
            super().read(node, context)
        else:
            ScsiHost.what.read(self, node, context)  # the host chooses the numbers of what is new
        for inner in node.findall("capability"):
            kind = inner.get("type")
            if kind is None:
                raise fail(INTERNAL_ERROR, f"missing SCSI host capability type for '{device_name(context)}'")
            if kind == "vport_ops":
                self.vport_ops = VportOps()
                inner.accept()
            elif kind == "fc_host":
                self.fc_host = FcHost.from_node(inner, context)
            else:
                what = f"unknown SCSI host capability type '{kind}' for '{device_name(context)}'"
                raise fail(INTERNAL_ERROR, what)

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        for kind, inner in (("fc_host", self.fc_host), ("vport_ops", self.vport_ops)):
            if inner is not None:
                target = out.add("capability")
                target.set("type", kind)
                inner.emit(target, view)


class Devnode(Model):
    type = Enum("@type", ("dev", "link"), required=True, absent=None)
    path = Text(".")

    def parsed(self, node: Node, context: Context) -> None:
        if not self.type:
            raise fail(XML_ERROR, f"Missing required attribute 'type' in element '{node.tag}'")


class Parent(Model):
    """The device that another hangs on, by its name or, for one that is to be made, its world wide names."""

    name = Text(".")
    wwnn = Text("@wwnn", show=lambda parent, view: False)
    wwpn = Text("@wwpn", show=lambda parent, view: False)
    fabric_wwn = Text("@fabric_wwn", show=lambda parent, view: False)

    def parsed(self, node: Node, context: Context) -> None:
        for given, missing in (("wwnn", "wwpn"), ("wwpn", "wwnn")):
            value = getattr(self, given)
            if value and not getattr(self, missing):
                what = f"when providing parent {given}='{value}', the {missing} must also be provided"
                raise fail(XML_ERROR, what)

    def present(self, view: View) -> bool:
        return self.name is not None


class Device(Model):
    spread = True
    name = Name("name")
    path = Text("path")
    devnodes = Children("devnode", Devnode)
    parent = Child("parent", Parent)
    driver = Text("driver/name")
    capabilities = Children("capability", Capability)

    @classmethod
    def parse(cls, text: str, new: bool = False, validate: bool = False) -> Device:
        """Read a device's XML, of one that is to be made when `new`; raises VirtError in libvirt's words."""
        node = parse(text, "(node_device_definition)", "device")
        context = Context(ParseConfig(), inactive=True)
        holder = node.find("name")
        context.memo["device"] = NEW if new else holder.text() if holder is not None else ""
        device = cls.from_node(node, context)
        if validate:
            refuse_unknown(node)
        return device

    def parsed(self, node: Node, context: Context) -> None:
        self.name = device_name(context)
        if not self.name:
            raise fail(NO_NAME)
        if not self.capabilities:
            raise fail(INTERNAL_ERROR, f"no device capabilities for '{self.name}'")

    def format(self) -> str:
        """The device as libvirt prints it."""
        out = Out("device")
        self.emit(out, View())
        return out.render()

    @property
    def scsi_host(self) -> ScsiHost | None:
        """Its SCSI host with names on a fibre channel fabric, if it is one."""
        for capability in self.capabilities:
            if isinstance(capability, ScsiHost) and capability.fc_host:
                return capability
        return None
