"""The devices of a domain by the names that commands take for them: targets of disks, names and MACs of interfaces."""

from vsh.backends.errors import FROM_DOMAIN

from ..errors import failing
from .lookup import find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from vsh.backends.records import DomainRef

    from ..context import Context


def definition(ctx: "Context", ref: "DomainRef", flags: int = 0, blanks: bool = False) -> "_Element":
    """The root of a domain's XML (virDomainXMLFlags), parsed; with `blanks`, its white space is kept.

    Raises CommandError.
    """
    from vsh.backends.xml.parse import read_tree

    with failing("Failed to get domain description xml"):
        xml = ctx.connection.domain_get_xml_desc(ref, flags)
    with failing("Failed to parse domain description xml"):
        return read_tree(xml, "(domain_definition)", FROM_DOMAIN, blanks)


def attribute(device: "_Element", child: str, *names: str) -> "str | None":
    """The first attribute of a device's element `child` that is among `names`; None where there is none or it is empty.

    First is what stands first in the document, as libvirt chooses.
    """
    found = device.find(child)
    if found is None:
        return None
    return next((str(value) for name, value in found.attrib.items() if name in names), None) or None


def disk_targets(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the targets of the typed domain's disks (`vda` ...)."""
    return [target for disk in _typed(ctx, given, "disk") if (target := attribute(disk, "target", "dev"))]


def interface_names(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the typed domain's interfaces by name (`vnet0`) or, where they have none, by MAC address."""
    names = [
        attribute(one, "target", "dev") or attribute(one, "mac", "address") for one in _typed(ctx, given, "interface")
    ]
    return [name for name in names if name]


def interface_macs(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the MAC addresses of the typed domain's interfaces."""
    return [mac for one in _typed(ctx, given, "interface") if (mac := attribute(one, "mac", "address"))]


def _typed(ctx: "Context", given: "dict[str, str]", kind: str) -> "Iterator[_Element]":
    """The devices of a kind that the domain typed so far has."""
    if given.get("domain"):
        yield from definition(ctx, find_domain(ctx, given["domain"])).iterfind(f"devices/{kind}")
