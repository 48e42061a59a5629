"""One device of a domain: reading it alone, finding it among those there are."""

from ... import errors
from ...xml.disks import Disk
from ...xml.interfaces import Interface
from ...xml.nested import Children
from .. import definitions
from ..base import fail

#: KiB of memory, more than any device asks for.
ROOM = 1 << 50

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.domain import Domain

#: What is said of a device that is not there, by its kind; else "matching device not found".
_MISSING = "matching {} device not found"


def kinds(domain: "Domain") -> "dict[str, str]":
    """tag -> field of Devices."""
    return {field.tag: field.name for field in type(domain.devices).fields if isinstance(field, Children)}


def parse(domain: "Domain", xml: str) -> "tuple[str, Any]":
    """The device that `xml` describes, for `domain`: the field of Devices it belongs to, and itself.

    Raises VirtError.
    """
    from lxml import etree

    from ...xml.parse import read_tree
    from ..argv.refused import refuse_newer

    element = read_tree(xml, "(device_definition)", errors.FROM_DOMAIN)
    tag, names = str(element.tag), kinds(domain)
    if tag not in names:
        text = f"unknown device type '{tag}'"
        raise errors.virt_error(errors.XML_ERROR, text, domain=errors.FROM_DOMAIN)
    # In a domain of its own, with nothing that other devices could imply, but what it may hang on.
    holder = domain.copy()
    for name in names.values():
        if name != "controllers" or tag == "controller":
            setattr(holder.devices, name, [])
    if tag != "memory":
        holder.cpu = None
    holder.sysinfo = []
    holder.memory = holder.max_memory = ROOM
    holder.memory_slots = 1
    body = etree.tostring(element, encoding="unicode")
    text = holder.format(inactive=True).replace("</devices>", f"{body}</devices>")
    found = getattr(definitions.read_text(text).devices, names[tag])
    given = [device for device in found if device.line_number]
    if len(given) != 1:
        raise fail(errors.CONFIG_UNSUPPORTED, f"cannot tell which device <{tag}> is meant to be")
    refuse_newer(given[0])
    return names[tag], given[0]


def find(domain: "Domain", field: str, wanted: "Any") -> "Any":
    """The device of `domain` that `wanted` means.

    Disks are known by their targets, interfaces by their MAC addresses, all others by being alike. Raises
    DEVICE_MISSING.
    """
    for device in getattr(domain.devices, field):
        if isinstance(wanted, Disk):
            same = device.target == wanted.target
        elif isinstance(wanted, Interface):
            same = device.mac == wanted.mac
        else:
            same = _plain(device) == _plain(wanted)
        if same:
            return device
    if isinstance(wanted, Disk):
        raise fail(errors.DEVICE_MISSING, f"disk {wanted.target} not found")
    if isinstance(wanted, Interface):
        mac = wanted.mac.hex(":")
        raise fail(errors.DEVICE_MISSING, f"no device matching MAC address {mac} found")
    raise fail(errors.DEVICE_MISSING, _MISSING.format(field.removesuffix("s")))


def _plain(device: "Any") -> str:
    """What a device is, its name and place aside."""
    from ...xml.engine import View
    from ...xml.serialize import Out

    bare = device.copy()
    bare.info = type(bare.info)()
    out = Out("device")
    bare.emit(out, View(inactive=True))
    return out.render()


def refuse_twin(domain: "Domain", device: "Any") -> None:
    """Raise OPERATION_INVALID for a device that is there already."""
    if isinstance(device, Disk) and any(disk.target == device.target for disk in domain.devices.disks):
        raise fail(errors.OPERATION_INVALID, f"target {device.target} already exists")
