"""<sysinfo>: what the guest's firmware tables say."""

from __future__ import annotations

from ..errors import XML_DETAIL, XML_ERROR
from .engine import Context, Field, Model, View, fail
from .fields import Child, Children, Enum, Name, Text, Texts, one_of
from .node import Node
from .serialize import Out
from .values import format_uuid, parse_uuid, sanitize_path, signed


class Entry(Field[str | None]):
    """<entry name='...'>text</entry>."""

    def __init__(self, path: str) -> None:
        super().__init__(path, default=None)

    def read(self, model: Model, node: Node, context: Context) -> None:
        for entry in node.findall("entry"):
            entry.tolerate(".")
            if entry.get("name") == self.path:
                model.__dict__[self.name] = entry.text() or None
                return

    def emit(self, model: Model, out: Out, view: View) -> None:
        value = getattr(model, self.name)
        if value is not None:
            entry = out.add("entry")
            entry.set("name", self.path)
            entry.write(value)


class Table(Model):
    """Named entries; a table without any is not kept."""

    spread = True

    def present(self, view: View) -> bool:
        return any(getattr(self, field.name) is not None for field in self.fields)


class Bios(Table):
    vendor = Entry("vendor")
    version = Entry("version")
    date = Entry("date")
    release = Entry("release")

    def parsed(self, node: Node, context: Context) -> None:
        if self.date is None:
            return
        parts = self.date.split("/")
        try:
            month, day, year = [signed(part) for part in parts]
        except ValueError:
            month, day, year = 0, 0, 0
        if not (1 <= month <= 12 and 1 <= day <= 31 and (0 <= year < 100 or year >= 1900)):
            raise fail(XML_DETAIL, "Invalid BIOS 'date' format")


class System(Table):
    manufacturer = Entry("manufacturer")
    product = Entry("product")
    version = Entry("version")
    serial = Entry("serial")
    uuid = Entry("uuid")
    sku = Entry("sku")
    family = Entry("family")

    def parsed(self, node: Node, context: Context) -> None:
        if self.uuid is None:
            return
        try:
            uuid = parse_uuid(self.uuid)
        except ValueError:
            raise fail(XML_DETAIL, "malformed <sysinfo> uuid element") from None
        if context.memo.get("uuid_generated"):
            context.memo["uuid"] = uuid
        elif context.memo.get("uuid") != uuid:
            raise fail(XML_DETAIL, "UUID mismatch between <uuid> and <sysinfo>")
        self.uuid = format_uuid(uuid)


class BaseBoard(Table):
    manufacturer = Entry("manufacturer")
    product = Entry("product")
    version = Entry("version")
    serial = Entry("serial")
    asset = Entry("asset")
    location = Entry("location")


class Chassis(Table):
    manufacturer = Entry("manufacturer")
    version = Entry("version")
    serial = Entry("serial")
    asset = Entry("asset")
    sku = Entry("sku")


class FirmwareEntry(Model):
    name = Text("@name", required=(XML_ERROR, "Firmware entry is missing 'name' attribute"))
    file = Text("@file")
    value = Name(".", show=lambda entry, view: entry.file is None)

    def parsed(self, node: Node, context: Context) -> None:
        if not self.value and self.file is None:
            raise fail(XML_ERROR, "Firmware entry must have either value or 'file' attribute")
        self.file = self.file if self.file is None else sanitize_path(self.file)


class Sysinfo(Model):
    type = Enum("@type", ("smbios", "fwcfg"), required=True)
    bios = Child("bios", Bios, when=one_of("type", "smbios"))
    system = Child("system", System, when=one_of("type", "smbios"))
    base_boards = Children("baseBoard", BaseBoard, when=one_of("type", "smbios"))
    chassis = Child("chassis", Chassis, when=one_of("type", "smbios"))
    oem_strings = Texts("oemStrings/entry", when=one_of("type", "smbios"))
    entries = Children("entry", FirmwareEntry, when=one_of("type", "fwcfg"))
