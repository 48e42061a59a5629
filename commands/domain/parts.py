"""The devices in a domain's XML that commands hand back to the hypervisor, changed or not, with all that is in them."""

from vsh.backends.errors import FROM_DOMAIN
from vsh.backends.xml.parse import read_tree

from ..errors import CommandError, failing
from .targets import attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from vsh.backends.records import DomainRef

    from ..context import Context

#: The attributes of a disk's source that a command may name it by.
SOURCES = ("file", "dev", "dir", "name")
REMOVABLE = ("cdrom", "floppy")


def find_disk(ctx: "Context", ref: "DomainRef", path: str, flags: int, kinds: "Sequence[str]" = ()) -> "_Element":
    """The disk of a domain whose target or source is `path`, if `kinds` is given one of these, without what backs it.

    `flags` (virDomainXMLFlags) choose the XML it is looked for in. Raises CommandError, VirtError.
    """
    xml = ctx.connection.domain_get_xml_desc(ref, flags)
    with failing("Failed to get disk information"):
        disks = read_tree(xml, "(domain_definition)", FROM_DOMAIN, blanks=True).findall("devices/disk")
    if not disks:
        raise CommandError("Failed to get disk information")
    for disk in disks:
        source = disk.find("source")
        names = [] if source is None else [source.get(name) for name in SOURCES]
        if path in (attribute(disk, "target", "dev"), *names) and (not kinds or disk.get("device") in kinds):
            backing = disk.find("backingStore")
            if backing is not None:
                unlink(backing)
            return disk
    raise CommandError(f"No disk found whose source path or target is {path}")


def interface(ctx: "Context", ref: "DomainRef", kind: str, mac: "str | None", flags: int) -> "_Element":
    """The one interface of a domain that has this type, and the MAC address if one is given.

    Raises CommandError, VirtError.
    """
    xml = ctx.connection.domain_get_xml_desc(ref, flags)
    with failing("Failed to get interface information"):
        root = read_tree(xml, "(domain_definition)", FROM_DOMAIN, blanks=True)
    found = [one for one in root.iterfind("devices/interface") if one.get("type") == kind]
    if not found:
        raise CommandError(f"No interface found whose type is {kind}")
    if mac is None:
        if len(found) > 1:
            raise CommandError(f"Domain has {len(found)} interfaces. Please specify which one to detach using --mac")
        return found[0]
    matching = [one for one in found if _same_mac(attribute(one, "mac", "address"), mac)]
    if not matching:
        raise CommandError(f"No interface with MAC address {mac} was found")
    if len(matching) > 1:
        raise CommandError(
            f"Domain has multiple interfaces matching MAC address {mac}. You must use detach-device and specify the "
            "device pci address to remove it."
        )
    return matching[0]


def _same_mac(one: "str | None", other: str) -> bool:
    """Whether two texts name one MAC address: upper and lower case, and zeros in front, are alike."""
    return one is not None and _bare(one) == _bare(other)


def _bare(mac: str) -> "list[str]":
    return [part.lstrip("0") for part in mac.lower().split(":")]


def unlink(element: "_Element") -> None:
    """Take an element out and leave the white space around it, as libxml2 does."""
    parent = element.getparent()
    assert parent is not None
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)
