"""A command line in the making: options, JSON arguments, names of buses and devices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...errors import CONFIG_UNSUPPORTED, VirtError
from ...xml.addresses import CcwAddress, DriveAddress, PciAddress, SpaprVioAddress, UsbAddress
from ...xml.values import format_uuid
from ..base import fail
from ..machines import is_q35
from .aliases import assign, controller_alias
from .namespace import Namespace

if TYPE_CHECKING:
    from ...xml.addresses import Info, RomInfo
    from ...xml.controllers import Controller
    from ...xml.domain import Domain
    from ...xml.protection import Secret
    from ..host.capabilities import Capabilities
    from .launch import Launch

Props = dict[str, Any]
#: How options say a Flag.
ONOFF = {True: "on", False: "off"}


class Command:
    """`argv` without the program; devices of `domain` have their aliases."""

    def __init__(self, domain: Domain, caps: Capabilities, launch: Launch):
        self.domain = domain
        self.caps = caps
        self.launch = launch
        self.q35 = is_q35(domain.os.machine)
        self.argv: list[str] = []
        #: what -machine says of flash
        self.pflash: list[str] = []
        self.namespace = Namespace(domain)
        assign(domain)

    def option(self, name: str, value: str | None = None) -> None:
        self.argv.append(name)
        if value is not None:
            self.argv.append(value)

    def json(self, name: str, props: Props) -> None:
        """An option whose argument is JSON; None leaves a property out."""
        told = {key: value for key, value in props.items() if value is not None}
        self.option(name, json.dumps(told, ensure_ascii=False, separators=(",", ":")))

    def device(self, driver: str, **props: Any) -> None:
        """-device; underscores at the end of names are dropped, "__" in them stands for a dash."""
        told = {"driver": driver} | {_name(key): value for key, value in props.items()}
        self.json("-device", told | self.namespace.overrides.get(str(told.get("id")), {}))

    def object(self, kind: str, id: str, **props: Any) -> None:
        self.json("-object", {"qom-type": kind, "id": id} | {_name(key): value for key, value in props.items()})

    def secret(self, id: str, usage_type: int = 0, secret: Secret | None = None, text: str = "") -> None:
        """A secret of the store, or a text that is one: QEMU reads it from a file that lasts until it has."""
        path = f"{self.launch.folder}/{id}"
        self.launch.secrets[path] = (usage_type, secret, text)
        self.object("secret", id, format="raw", file=path)

    @staticmethod
    def escape(text: str) -> str:
        """A value in an option of the form a=b,c=d: only a comma could end it."""
        return text.replace(",", ",,")

    @staticmethod
    def uuid(value: bytes) -> str:
        return format_uuid(value)

    def place(self, info: Info | RomInfo) -> Props:
        """The properties that say where a device sits: {} when it has no address."""
        address = info.address
        if isinstance(address, CcwAddress):
            return {"devno": f"{address.cssid:x}.{address.ssid:x}.{address.devno:04x}"}
        if isinstance(address, SpaprVioAddress):
            return {"reg": address.reg}
        if isinstance(address, PciAddress):
            where, zpci = address.pci, address.zpci
            if zpci is not None:  # by which the guest finds it
                self.device("zpci", uid=zpci.uid, fid=zpci.fid, target=info.alias, id=f"zpci{zpci.uid}")
            slot = f"0x{where.slot:x}" + (f".0x{where.function:x}" if where.function else "")
            return {
                "bus": self.bus("pci", where.bus),
                "multifunction": True if where.multifunction else None,
                "addr": slot,
                "acpi-index": info.acpi_index or None,
            }
        if isinstance(address, UsbAddress):
            bus = self.bus("usb", address.bus)
            return {"bus": f"{bus}.0", "port": address.port} if address.port else {"bus": f"{bus}.0"}
        if address is not None and address.type not in ("isa", "drive", "dimm", "virtio-serial", "ccid", "virtio-mmio"):
            raise refuse(info, f"address type '{address.type}'")
        return {}

    def bus(self, kind: str, index: int) -> str:
        """The id of a controller."""
        return controller_alias(self.controller(kind, index), self.q35)

    def controller(self, kind: str, index: int) -> Controller:
        """Raises VirtError when there is none."""
        for controller in self.domain.devices.controllers:
            if controller.type == kind and controller.index == index:
                return controller
        raise fail(CONFIG_UNSUPPORTED, f"Could not find {kind} controller with index '{index}'")

    def boot_order(self, kind: str, device: Any) -> int | None:
        """A device's place among those the guest boots from: its own, or for the first of its kind that of <boot>."""
        if device.boot is not None:
            order: int = device.boot.order
            return order
        wanted = [boot.dev for boot in self.domain.os.boot]
        if kind not in wanted or self.first(kind) is not device:
            return None
        return wanted.index(kind) + 1

    def first(self, kind: str) -> Any:
        """The first device of a kind of <boot dev>: fd, hd, cdrom, network; None if there is none."""
        devices = self.domain.devices
        if kind == "network":
            return devices.interfaces[0] if devices.interfaces else None
        kinds = {"fd": ("floppy",), "cdrom": ("cdrom",), "hd": ("disk", "lun")}[kind]
        return next((disk for disk in devices.disks if disk.device in kinds), None)

    def drive(self, info: Info) -> DriveAddress:
        address = info.address
        if not isinstance(address, DriveAddress):
            raise refuse(info, "a disk without a drive's address")
        return address


def _name(key: str) -> str:
    return key.rstrip("_").replace("__", "-")


def refuse(element: object, what: str, hint: str = "") -> VirtError:
    """The error for what this driver knows but does not do, with the line where it was asked for."""
    line = getattr(element, "line_number", 0)
    where = f" (line {line})" if line else ""
    return fail(CONFIG_UNSUPPORTED, f"{what} is not supported without libvirt yet{where}", hint=hint)


def virtio(driver: str, model: str | None, info: Info | RomInfo) -> str:
    """The name of a virtio device of one of libvirt's models, by the bus that its address is of."""
    if info.address is not None and info.address.type == "virtio-mmio":
        return f"{driver}-device"
    if isinstance(info.address, CcwAddress):
        return f"{driver}-ccw"
    if model in ("virtio-transitional", "virtio-non-transitional"):
        return f"{driver}-pci{model.removeprefix('virtio')}"
    return f"{driver}-pci"


def virtio_props(options: Any) -> Props:
    """What any virtio device's <driver> may say."""
    return {
        "iommu_platform": options.iommu,
        "ats": options.ats,
        "packed": options.packed,
        "page-per-vq": options.page_per_vq,
    }
