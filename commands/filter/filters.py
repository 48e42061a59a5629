"""Network filters: `nwfilter-list`, `nwfilter-dumpxml`, `nwfilter-define`, `nwfilter-undefine`."""

from vsh.backends.constants.nwfilter import NWFILTER_DEFINE_VALIDATE
from vsh.backends.errors import NO_SUPPORT, VirtError

from ..declare import command
from ..document import XPATH, checked, shown
from ..errors import CommandError, failing
from ..files import VALIDATE, read_file, xml_file
from ..named import Kind, by_name, facts
from ..results import Message, Table, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import NwfilterRef

    from ..context import Context

FILTER = Kind("nwfilter", "nwfilter", "virNWFilter", "connect_list_all_nwfilters", "nwfilter-list")


@command("nwfilter-list", group="filter")
def list_filters(ctx: "Context") -> Table:
    """List network filters."""
    try:
        refs = ctx.connection.connect_list_all_nwfilters(0)
    except VirtError as error:
        if error.code != NO_SUPPORT:
            raise CommandError("Failed to list network filters", error) from error
        refs = _by_lookup(ctx)
    refs = sorted(refs, key=by_name)
    return Table(["UUID", "Name"], [[facts(ref)["uuid"], ref.name] for ref in refs], [facts(ref) for ref in refs])


def _by_lookup(ctx: "Context") -> "list[NwfilterRef]":
    """The filters of a driver without virConnectListAllNWFilters."""
    with failing("Failed to count network filters"):
        ctx.connection.connect_num_of_nwfilters()
    with failing("Failed to list network filters"):
        names = ctx.connection.connect_list_nwfilters()
    answers = ctx.connection.batch([("nwfilter_lookup_by_name", (name,)) for name in names])
    return [answer for answer in answers if not isinstance(answer, VirtError)]


@command("nwfilter-dumpxml", group="filter", options=[FILTER.option(), *XPATH])
def dumpxml(ctx: "Context", nwfilter: "NwfilterRef", xpath: "str | None" = None, wrap: bool = False) -> Text:
    """Show the XML definition of a network filter.

    It can be edited and given to nwfilter-define.
    """
    checked(xpath)
    return shown(ctx, ctx.connection.nwfilter_get_xml_desc(nwfilter, 0), xpath, wrap)


@command(
    "nwfilter-define",
    group="filter",
    options=[xml_file("filter"), VALIDATE],
)
def define(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Define a network filter from a file.

    A filter that has the name and UUID of the file gets the new definition, and so do domains that use it.
    """
    xml = read_file(file)
    with failing(f"Failed to define network filter from {file}"):
        if validate:
            ref = ctx.connection.nwfilter_define_xml_flags(xml, NWFILTER_DEFINE_VALIDATE)
        else:
            ref = ctx.connection.nwfilter_define_xml(xml)
    return Message(f"Network filter {ref.name} defined from {file}", filter=facts(ref), file=file)


@command("nwfilter-undefine", group="filter", options=[FILTER.option(resolve=False)])
def undefine(ctx: "Context", nwfilter: str) -> Message:
    """Forget a network filter that nothing uses."""
    ref = FILTER.find(ctx, nwfilter)
    with failing(f"Failed to undefine network filter {nwfilter}"):
        ctx.connection.nwfilter_undefine(ref)
    return Message(f"Network filter {nwfilter} undefined", filter=facts(ref))
