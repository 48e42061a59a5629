"""The host's NUMA cells and page sizes, as its capabilities tell them."""

from vsh.backends.errors import FROM_NONE

from ..errors import CommandError, failing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

    from ..context import Context


def tree_of(xml: str) -> "_Element":
    """The parsed document; raises VirtError."""
    from vsh.backends.xml.parse import read_tree

    return read_tree(xml, "(capabilities)", FROM_NONE)


def read_host(ctx: "Context", unparsed: str = "unable to get node capabilities") -> "_Element":
    """The host's capabilities; raises CommandError, with `unparsed` for a document that cannot be read."""
    with failing("unable to get node capabilities"):
        xml = ctx.connection.connect_get_capabilities()
    with failing(unparsed):
        return tree_of(xml)


def cells(root: "_Element") -> "list[int]":
    """The numbers of the NUMA cells."""
    found = []
    for node in root.iterfind("host/topology/cells/cell"):
        number = node.get("id") or ""
        if not number.isdecimal():
            raise CommandError("conversion from string failed")
        found.append(int(number))
    return found


def page_sizes(root: "_Element") -> "list[int]":
    """The sizes of pages the host knows, in KiB, in ascending order."""
    found: Iterable[_Element] = root.findall("host/cpu/pages") or root.findall("host/topology/cells/cell/pages")
    sizes = set()
    for node in found:
        size = node.get("size") or ""
        if not size.isdecimal():
            raise CommandError(f"unable to parse page size: {size}")
        sizes.add(int(size))
    if not sizes:
        raise CommandError("could not get information about supported page sizes")
    return sorted(sizes)


def cell_numbers(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the NUMA cells."""
    return [str(number) for number in cells(read_host(ctx))]


def page_size_words(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the page sizes, with their unit."""
    return [f"{size}KiB" for size in page_sizes(read_host(ctx))]
