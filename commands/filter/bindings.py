"""Filters bound to network ports: `nwfilter-binding-list`, `-dumpxml`, `-create`, `-delete`."""

from vsh.backends.constants.nwfilter import NWFILTER_BINDING_CREATE_VALIDATE
from vsh.backends.errors import VirtError

from ..declare import Data, command
from ..document import XPATH, shown
from ..errors import CommandError, failing
from ..files import VALIDATE, read_file, xml_file
from ..results import Message, Table, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import NwfilterBindingRef

    from ..context import Context


def find_binding(ctx: "Context", text: str) -> "NwfilterBindingRef":
    """The binding on the port device called `text`.

    Raises CommandError when there is none.
    """
    if not text:
        raise CommandError("Failed to get option 'binding': Option argument is empty")
    try:
        found: NwfilterBindingRef = ctx.connection.nwfilter_binding_lookup_by_port_dev(text)
    except VirtError as error:
        hint = "'nwfilter-binding-list' shows the bindings"
        raise CommandError(f"failed to get nwfilter binding '{text}'", error, hint=hint) from error
    return found


def facts(ref: "NwfilterBindingRef") -> "dict[str, str]":
    """A binding for machines: the device and the filter."""
    return {"port_dev": ref.portdev, "filter": ref.filtername}


BINDING = Data(
    "binding",
    "the network device of the port",
    empty=True,
    complete=lambda ctx, given: [ref.portdev for ref in ctx.connection.connect_list_all_nwfilter_bindings(0)],
)


@command("nwfilter-binding-list", group="filter")
def list_bindings(ctx: "Context") -> Table:
    """List which filter is bound to which network port."""
    with failing("Failed to list network filter bindings"):
        refs = ctx.connection.connect_list_all_nwfilter_bindings(0)
    refs = sorted(refs, key=lambda ref: ref.portdev.encode("utf-8", "surrogateescape").lower())
    return Table(["Port Dev", "Filter"], [[ref.portdev, ref.filtername] for ref in refs], [facts(ref) for ref in refs])


@command("nwfilter-binding-dumpxml", group="filter", options=[BINDING, *XPATH])
def dumpxml(ctx: "Context", binding: str, xpath: "str | None" = None, wrap: bool = False) -> Text:
    """Show the XML description of a binding: its owner, device, filter and parameters.

    It is always the whole document: virsh takes --xpath and --wrap here, and passes over them.
    """
    ref = find_binding(ctx, binding)
    return shown(ctx, ctx.connection.nwfilter_binding_get_xml_desc(ref, 0))


@command(
    "nwfilter-binding-create",
    group="filter",
    options=[xml_file("binding"), VALIDATE],
)
def create(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Bind a filter to a network port from a file."""
    xml = read_file(file)
    with failing(f"Failed to create network filter from {file}"):
        ref = ctx.connection.nwfilter_binding_create_xml(xml, NWFILTER_BINDING_CREATE_VALIDATE * validate)
    return Message(f"Network filter binding on {ref.portdev} created from {file}", binding=facts(ref), file=file)


@command("nwfilter-binding-delete", group="filter", options=[BINDING])
def delete(ctx: "Context", binding: str) -> Message:
    """Take the filter off a network port."""
    ref = find_binding(ctx, binding)
    with failing(f"Failed to delete network filter binding on {binding}"):
        ctx.connection.nwfilter_binding_delete(ref)
    return Message(f"Network filter binding on {binding} deleted", binding=facts(ref))
