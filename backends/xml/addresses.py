"""Where devices sit: <address>, and what else every device may have (alias, boot order, option ROM)."""

from __future__ import annotations

import builtins
from typing import Self

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from .engine import Context, Field, Model, View, fail
from .fields import Child, Children, Enum, OnOff, OptInt, Part, Text, UInt, YesNo
from .node import Node
from .serialize import Out
from .values import unsigned

ADDRESS_TYPES = (
    "pci", "drive", "virtio-serial", "ccid", "usb", "spapr-vio", "virtio-s390", "ccw", "virtio-mmio", "isa",
    "dimm", "unassigned",
)  # fmt: skip


class Address(Model):
    """<address type='...'>; each type has its class below."""

    type = Enum(
        "@type",
        ADDRESS_TYPES,
        required=(INTERNAL_ERROR, "No type specified for device address"),
        invalid=(CONFIG_UNSUPPORTED, "unknown address type '%s'"),
    )

    @classmethod
    def kind(cls, node: Node, context: Context) -> builtins.type[Self]:
        chosen = _KINDS.get(node.get("type") or "", cls)
        return chosen if issubclass(chosen, cls) else cls

    def parsed(self, node: Node, context: Context) -> None:
        if self.type == "virtio-s390":
            raise fail(XML_ERROR, "virtio-s390 bus doesn't have an address")


class Zpci(Model):
    uid = OptInt("@uid", base=0, form="0x04x")
    fid = OptInt("@fid", base=0, form="0x08x")

    def emit(self, out, view: View) -> None:  # type: ignore[no-untyped-def]
        Zpci.uid.place(out, self.uid or 0)
        Zpci.fid.place(out, self.fid or 0)

    def present(self, view: View) -> bool:
        return self.uid is not None or self.fid is not None


class PciPlace(Model):
    """Domain, bus, slot and function of a PCI device, here or on the host."""

    domain = UInt("@domain", base=0, form="0x04x", absent=None)
    bus = UInt("@bus", base=0, form="0x02x", absent=None)
    slot = UInt("@slot", base=0, form="0x02x", absent=None)
    function = UInt("@function", base=0, form="0xd", absent=None)
    multifunction = OnOff("@multifunction")

    @property
    def empty(self) -> bool:
        return not (self.domain or self.bus or self.slot)

    @property
    def place(self) -> tuple[int, int, int, int]:
        return self.domain, self.bus, self.slot, self.function

    def parsed(self, node: Node, context: Context) -> None:
        if self.empty:
            return
        for name, value, most in (("bus", self.bus, 0xFF), ("slot", self.slot, 0x1F)):
            if value > most:
                raise fail(XML_ERROR, f"Invalid PCI address {name}='0x{value:x}', must be <= 0x{most:X}")
        if self.function > 7:
            raise fail(XML_ERROR, f"Invalid PCI address function=0x{self.function:x}, must be <= 7")


class PciAddress(Address):
    pci = Part(".", PciPlace)
    zpci = Child("zpci", Zpci)

    def emit(self, out: Out, view: View) -> None:
        """A place that is still to be assigned is not written."""
        Address.type.emit(self, out, view)
        for field in (PciPlace.multifunction,) if self.pci.empty else PciPlace.fields:
            field.emit(self.pci, out, view)
        PciAddress.zpci.emit(self, out, view)


class DriveAddress(Address):
    controller = UInt("@controller", absent=None)
    bus = UInt("@bus", absent=None)
    target = UInt("@target", absent=None)
    unit = UInt("@unit", absent=None)


class VirtioSerialAddress(Address):
    controller = UInt("@controller", absent=None, wanted=True)
    bus = UInt("@bus", absent=None)
    port = UInt("@port", absent=None)


class CcidAddress(Address):
    controller = UInt("@controller", absent=None, wanted=True)
    slot = UInt("@slot", absent=None)


class UsbPort(Field[str]):
    """Up to four port numbers, "1.2.3"."""

    def load(self, text: str, node: Node, context: Context) -> str:
        parts = text.split(".")
        try:
            numbers = [unsigned(part) for part in parts]
        except ValueError:
            numbers = []
        if not 0 < len(numbers) <= 4:
            raise fail(INTERNAL_ERROR, "Cannot parse <address> 'port' attribute")
        while numbers and not numbers[-1]:
            numbers.pop()
        return ".".join(map(str, numbers))


class UsbAddress(Address):
    bus = UInt("@bus", absent=None, wanted=True)
    port = UsbPort("@port", default="")


class SpaprVioAddress(Address):
    reg = OptInt("@reg", base=16, bits=64, form="0x08x")


class CcwAddress(Address):
    cssid = OptInt("@cssid", base=0, form="0xx")
    ssid = OptInt("@ssid", base=0, form="0xx")
    devno = OptInt("@devno", base=0, form="0x04x")

    def parsed(self, node: Node, context: Context) -> None:
        cssid, ssid, devno = self.cssid or 0, self.ssid or 0, self.devno or 0
        if cssid > 254 or ssid > 3 or devno > 0xFFFF:
            what = f"cssid='0x{cssid:x}' ssid='0x{ssid:x}' devno='0x{devno:04x}'"
            raise fail(INTERNAL_ERROR, f"Invalid specification for virtio ccw address: {what}")
        given = [part is not None for part in (self.cssid, self.ssid, self.devno)]
        if any(given) and not all(given):
            raise fail(INTERNAL_ERROR, "Invalid partial specification for virtio ccw address")
        self.cssid, self.ssid, self.devno = cssid, ssid, devno


class IsaAddress(Address):
    iobase = UInt("@iobase", base=16, form="0xx")
    irq = UInt("@irq", base=16, form="0xx")


class DimmAddress(Address):
    slot = UInt("@slot", absent=None, required=True)
    base = UInt("@base", base=16, bits=64, form="0xx")


_KINDS: dict[str, type[Address]] = {
    "pci": PciAddress,
    "drive": DriveAddress,
    "virtio-serial": VirtioSerialAddress,
    "ccid": CcidAddress,
    "usb": UsbAddress,
    "spapr-vio": SpaprVioAddress,
    "ccw": CcwAddress,
    "isa": IsaAddress,
    "dimm": DimmAddress,
}

_ALIAS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_ALIAS_SHAPE = (r"[a-zA-Z0-9_.-]+", "letters, digits, ., - and _")


class Alias(Text):
    """A device's name: the hypervisor's while it runs, and the user's own ("ua-...") for good."""

    def load(self, text: str, node: Node, context: Context) -> str | None:
        if not text:
            return None
        own = context.config.user_aliases and text.startswith("ua-") and _ALIAS.issuperset(text)
        return text if own or not context.inactive else None


class Boot(Model):
    order = UInt("@order", required=True, low=1)
    loadparm = Text("@loadparm")

    def parsed(self, node: Node, context: Context) -> None:
        if self.loadparm is None:
            return
        self.loadparm = self.loadparm.upper()
        if not 0 < len(self.loadparm) <= 8:
            raise fail(INTERNAL_ERROR, f"loadparm value '{self.loadparm}' must be between 1 and 8 characters")
        if not self.loadparm.isascii() or not all(c.isalnum() or c in ". " for c in self.loadparm):
            allowed = "expecting chars in set of [a-zA-Z0-9.] and blank spaces"
            raise fail(INTERNAL_ERROR, f"invalid loadparm value '{self.loadparm}', {allowed}")


class Rom(Model):
    enabled = YesNo("@enabled")
    bar = OnOff("@bar")
    file = Text("@file")

    def parsed(self, node: Node, context: Context) -> None:
        if self.enabled is False and (self.bar is not None or self.file is not None):
            raise fail(CONFIG_UNSUPPORTED, "ROM tuning is not supported when ROM is disabled")

    def present(self, view: View) -> bool:
        return self.enabled is not None or self.bar is not None or self.file is not None


class Master(Model):
    startport = UInt("@startport", absent=None, wanted=True)


class Info(Model):
    """What any device may have."""

    alias = Alias("alias/@name", wanted=True, shape=_ALIAS_SHAPE)
    master = Child("master", Master)
    acpi_index = UInt("acpi/@index", low=1)
    address = Child("address", Address)


class RomInfo(Model):
    """The same for devices with an option ROM."""

    alias = Alias("alias/@name", wanted=True, shape=_ALIAS_SHAPE)
    rom = Child("rom", Rom)
    acpi_index = UInt("acpi/@index", low=1)
    address = Child("address", Address)


class MappedQueue(Model):
    id = UInt("@id", required=True, absent=None)


class MappedThread(Model):
    """An I/O thread and the queues that it serves; all share them where none says which."""

    id = UInt("@id", required=True, low=1)
    queues = Children("queue", MappedQueue)


class ThreadMapping(Model):
    threads = Children("iothread", MappedThread)


class Virtio(Model):
    """Options of any virtio device's <driver>."""

    iommu = OnOff("@iommu")
    ats = OnOff("@ats")
    packed = OnOff("@packed")
    page_per_vq = OnOff("@page_per_vq")

    def refuse(self) -> None:
        """Complain if any option is set, for devices that are not virtio."""
        for name in ("iommu", "ats", "packed"):
            if getattr(self, name) is not None:
                raise fail(CONFIG_UNSUPPORTED, f"{name} driver option is only supported for virtio devices")
        if self.page_per_vq is not None:
            raise fail(CONFIG_UNSUPPORTED, "page_per_vq option is only supported for virtio devices")
