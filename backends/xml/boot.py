"""<os>: what the guest is and what starts it."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, XML_ERROR
from .engine import Context, Field, Model, View, fail
from .fields import FILE, Children, Enum, LazyChild, Name, OptInt, Text, Texts, YesNo, YesOrNo
from .node import Node
from .serialize import Out
from .storage import NEW_STORAGE, STORAGE_TYPES, SourceOf
from .values import sanitize_path

OS_TYPES = ("hvm", "xen", "linux", "exe", "uml", "xenpvh")
ARCHES = (
    "alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "lm32", "m68k", "microblaze",
    "microblazeel", "mips", "mipsel", "mips64", "mips64el", "openrisc", "parisc", "parisc64", "ppc", "ppcle",
    "ppc64", "ppc64le", "ppcemb", "riscv32", "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64",
    "unicore32", "x86_64", "xtensa", "xtensaeb",
)  # fmt: skip
_NAME = (r"[a-zA-Z0-9_+-]+", "letters, digits, -, + and _")
_DEVICES = ("fd", "cdrom", "hd", "network")


def _hvm(os: Os) -> bool:
    return os.type == "hvm"


def _kernel(os: Os) -> bool:
    return os.type in ("hvm", "xen", "xenpvh", "uml")


def _container(os: Os) -> bool:
    return os.type == "exe"


class FirmwareFeature(Model):
    enabled = YesNo("@enabled", required=True)
    name = Enum("@name", ("enrolled-keys", "secure-boot"), required=True)

    def read(self, node: Node, context: Context) -> None:
        FirmwareFeature.name.read(self, node, context)
        super().read(node, context)


class InitEnv(Model):
    name = Text("@name", required=(XML_ERROR, "No name supplied for <initenv> element"))
    value = Name(".")

    def parsed(self, node: Node, context: Context) -> None:
        if not self.value:
            raise fail(XML_ERROR, f"No value supplied for <initenv name='{self.name}'> element")


class Loader(Model):
    """<loader>, absent when it says nothing; its <nvram> stands beside it."""

    readonly = YesNo("@readonly")
    secure = YesNo("@secure")
    type = Enum("@type", ("rom", "pflash"))
    stateless = YesNo("@stateless")
    format = Enum("@format", ("raw", "qcow2"), newer=True)
    path = Text(".")


class NvramText(Field[str | None]):
    """The path in an <nvram> without type."""

    def read(self, model: Model, node: Node, context: Context) -> None:
        if node.get("type") is None:
            model.__dict__[self.name] = node.text() or None

    def dump(self, value: str | None) -> str:
        return value or ""


class Nvram(Model):
    template = Text("@template")
    template_format = Enum("@templateFormat", ("raw", "qcow2"), newer=True)
    type = Enum("@type", STORAGE_TYPES, newer=NEW_STORAGE)
    format = Enum("@format", ("raw", "qcow2"), newer=True)
    path = NvramText(".", default=None)
    source = SourceOf(when=lambda nvram: nvram.type)

    @property
    def given(self) -> bool:
        return bool(self.path is not None or self.type)


class BootDevice(Model):
    dev = Enum("@dev", _DEVICES, required=True)


class AcpiTable(Model):
    type = Enum(
        "@type",
        ("slic",),
        newer=("raw", "rawset", "msdm"),
        required=(XML_ERROR, "Missing acpi table type"),
        invalid=(XML_ERROR, "Unknown acpi table type: %s"),
    )
    path = Name(".")

    def parsed(self, node: Node, context: Context) -> None:
        self.path = sanitize_path(self.path)


class OsType(Enum):
    """ "linux" is what libvirt called Xen's paravirtual guests first, and still does in what it writes."""

    def emit(self, model: Model, out: Out, view: View) -> None:
        paravirtual = isinstance(model, Os) and model.virt == "xen" and model.type == "xen"
        value = "linux" if paravirtual else model.__dict__.get(self.name)
        if value:
            self.place(out.at(self.parent), value)


def _simple(os: Os, view: View) -> bool:
    return not os.bootloader


class Os(Model):
    """`virt` and `bootloader` are the domain's: with a boot loader, boot devices are not written."""

    spread = True
    virt = ""
    bootloader: str | None = None
    firmware = Enum(
        "@firmware", ("bios", "efi"), blank=False, when=_hvm, invalid=(XML_ERROR, "unknown firmware value %s")
    )
    arch = Enum(
        "type/@arch",
        ARCHES,
        blank=False,
        newer=("loongarch64",),
        invalid=(CONFIG_UNSUPPORTED, "Unknown architecture %s"),
    )
    machine = Text("type/@machine", blank=False, shape=(r"[a-zA-Z0-9_.-]+", "letters, digits, ., - and _"))
    type = OsType("type", OS_TYPES, invalid=(CONFIG_UNSUPPORTED, "unknown OS type '%s'"))
    firmware_features = Children("firmware/feature", FirmwareFeature, wanted=True, when=lambda os: os.firmware)
    init = Text("init", when=_container, shape=FILE)
    initargs = Texts("initarg", when=_container, empty=(XML_ERROR, "No data supplied for <initarg> element"))
    initenvs = Children("initenv", InitEnv, when=_container)
    initdir = Text("initdir", when=_container, shape=FILE)
    inituser = Text("inituser", when=_container, shape=_NAME)
    initgroup = Text("initgroup", when=_container, shape=_NAME)
    loader = LazyChild("loader", Loader, when=_kernel)
    nvram = LazyChild("nvram", Nvram, when=_kernel)
    kernel = Text("kernel", when=_kernel, shape=FILE)
    initrd = Text("initrd", when=_kernel, shape=FILE)
    cmdline = Text("cmdline", when=lambda os: _kernel(os) or _container(os))
    shim = Text("shim", when=_kernel, shape=FILE, newer=True)
    dtb = Text("dtb", when=_kernel, shape=FILE)
    root = Text("root", when=_kernel, shape=FILE)
    tables = Children("acpi/table", AcpiTable, when=_hvm)
    boot = Children("boot", BootDevice, when=_hvm, show=_simple)
    bootmenu = YesNo("bootmenu/@enable", wanted=True, when=_hvm, show=_simple)
    bootmenu_timeout = OptInt("bootmenu/@timeout", when=lambda os: _hvm(os) and os.bootmenu, show=_simple)
    bios_serial = YesOrNo("bios/@useserial", when=_hvm, show=_simple)
    reboot_timeout = OptInt("bios/@rebootTimeout", sign=True, when=_hvm, show=_simple)
    smbios = Enum(
        "smbios/@mode",
        ("emulate", "host", "sysinfo"),
        blank=False,
        wanted=True,
        zero=("none",),
        invalid=(CONFIG_UNSUPPORTED, "unknown smbios mode '%s'"),
    )

    def read(self, node: Node, context: Context) -> None:
        Os.type.read(self, node, context)
        paravirtual = "xen" if context.memo["bootloader"] is not None else ""
        self.type = self.type or paravirtual
        if (self.type, context.memo["virt"]) == ("linux", "xen"):
            self.type = "xen"
        for field in self.fields:
            if field is not Os.type:
                field.read(self, node, context)
        self.parsed(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        if menu := node.find("bootmenu"):
            menu.get("timeout")  # known, if ignored without a menu
        self.boot = self.boot[:4]
        kinds = [table.type for table in self.tables]
        if len(set(kinds)) < len(kinds):
            raise fail(XML_ERROR, "Only one acpi table is supported")
        last = {feature.name: feature for feature in self.firmware_features}
        self.firmware_features = [last[name] for name in FirmwareFeature.name.names if name in last]
