"""Devices of the host handed to the guest, and USB devices redirected from elsewhere."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from .addresses import Boot, Info, RomInfo
from .chars import CharSource
from .engine import Context, Field, Model, View, fail
from .fields import Child, Children, Enum, Flag, OnOff, Part, Text, YesNo, one_of
from .hostdev_source import HostdevSource
from .network_parts import Teaming
from .node import Node
from .values import c_int

_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")


class Hostdev(Model):
    spread = True
    mode = Enum(
        "@mode",
        ("subsystem", "capabilities"),
        default="subsystem",
        absent="",
        invalid=(CONFIG_UNSUPPORTED, "unknown hostdev mode '%s'"),
    )
    type = Text("@type")
    managed = YesNo("@managed", default=False, absent=None, forgiving=True, when=one_of("mode", "subsystem"))
    sgio = Enum("@sgio", ("filtered", "unfiltered"))
    rawio = YesNo("@rawio")
    model = Text("@model")
    display = OnOff("@display", when=one_of("type", "mdev"))
    ramfb = OnOff("@ramfb", when=one_of("type", "mdev"))
    source = Child(".", HostdevSource)
    teaming = Child("teaming", Teaming)
    readonly = Flag("readonly", when=one_of("type", "scsi"))
    shareable = Flag("shareable", when=one_of("type", "scsi"))
    boot = Child("boot", Boot)
    info = Part(".", RomInfo)

    def parsed(self, node: Node, context: Context) -> None:
        if self.mode == "capabilities":
            return
        for name, given in (("sgio", bool(self.sgio)), ("rawio", self.rawio is not None)):
            if given and self.type != "scsi":
                raise fail(XML_ERROR, f"{name} is only supported for scsi host device")
        models = {"mdev": ("vfio-pci", "vfio-ccw", "vfio-ap"), "scsi_host": _VIRTIO}.get(self.type or "")
        if models is None:
            if self.model is not None:
                what = f"'model' attribute in <hostdev> is only supported when type='{self.type}'"
                raise fail(XML_ERROR, what)
        elif self.model is None:
            if self.type == "mdev":
                raise fail(XML_ERROR, "Missing required attribute 'model' in element 'hostdev'")
        elif self.type == "scsi_host" and self.model == "default":
            self.model = None
        elif self.model not in models:
            raise fail(XML_ERROR, f"Invalid value for attribute 'model' in element 'hostdev': '{self.model}'.")


class Redirdev(Model):
    spread = True
    bus = Enum("@bus", ("usb",), default="usb", absent="", invalid=(CONFIG_UNSUPPORTED, "unknown redirdev bus '%s'"))
    source = Part(".", CharSource)
    boot = Child("boot", Boot)
    info = Part(".", Info)

    def read(self, node: Node, context: Context) -> None:
        Redirdev.bus.read(self, node, context)
        kind = node.get("type")
        if kind is None:
            raise fail(INTERNAL_ERROR, "missing type in redirdev")
        if kind not in CharSource.type.names:
            raise fail(CONFIG_UNSUPPORTED, f"unknown redirdev character device type '{kind}'")
        super().read(node, context)
        if kind == "dbus" and self.source.channel is None:
            self.source.channel = "org.qemu.usbredir"
        if self.info.address and self.info.address.type != "usb":
            raise fail(XML_ERROR, "Invalid address for a USB device")


class UsbVersion(Field[int | None]):
    """A USB version "J.MN", kept as 0xJJMN."""

    def load(self, text: str, node: Node, context: Context) -> int | None:
        if text == "-1":
            return None
        major, dot, minor = text.partition(".")
        problem = fail(XML_ERROR, f"Cannot parse USB device version {text}")
        if not dot or not (major.isdigit() and minor.isdigit()) or int(major) > 99 or int(minor) > 99:
            raise problem
        part = int(minor) * (10 if len(minor) == 1 else 1)
        return int(major) // 10 << 12 | int(major) % 10 << 8 | part // 10 << 4 | part % 10

    def dump(self, value: int | None) -> str:
        major, minor = divmod(value or 0, 0x100)
        return f"{(major >> 4) * 10 + (major & 15)}.{(minor >> 4) * 10 + (minor & 15):02d}"


class Code(Field[int]):
    """A hexadecimal code of `digits` digits; -1, which is not written, means any."""

    digits = 4

    def load(self, text: str, node: Node, context: Context) -> int:
        value = c_int(text, 0, low=-(1 << 31), high=(1 << 31) - 1)
        if self.digits == 2 and value != -1 and value & ~0xFF:
            raise fail(INTERNAL_ERROR, f"Invalid USB Class code 0x{value & 0xFFFFFFFF:x}")
        return value

    def dump(self, value: int) -> str:
        return f"0x{value:0{self.digits}X}"

    expected = ". Expected integer value"


class ClassCode(Code):
    digits = 2


class UsbRule(Model):
    device_class = ClassCode("@class", default=-1)
    vendor = Code("@vendor", default=-1)
    product = Code("@product", default=-1)
    version = UsbVersion("@version", default=None)
    allow = YesNo("@allow", required=True)


class RedirFilter(Model):
    rules = Children("usbdev", UsbRule)

    def present(self, view: View) -> bool:
        return bool(self.rules)
