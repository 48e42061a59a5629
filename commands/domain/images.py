"""The definitions in saved states: `save-image-dumpxml`, `save-image-define` and their managedsave counterparts."""

from vsh.backends.constants.domain import DOMAIN_SAVE_IMAGE_XML_SECURE

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..files import read_file
from ..results import Message, Text
from .lookup import Domain, facts, find_domain
from .saving import MANAGED_SAVE, state_flags, state_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

FILE = Data("file", "the saved state, a file on the host")
XML = Data("xml", "a file with the new XML")
SHOWN = (
    Flag("security-info", "passwords and the like too"),
    Opt("xpath", "only the nodes that this XPath expression selects", positional=False, empty=True),
    Flag("wrap", "put the selected nodes into one <nodes> element"),
)


def _shown(ctx: "Context", xml: str, xpath: "str | None", wrap: bool) -> Text:
    if xpath is not None:
        from vsh.backends.xml.xpath import select

        xml = select(xml, xpath, wrap, ctx.warn)
    return Text(xml, data={"xml": xml})


@command("save-image-dumpxml", group="domain", options=[FILE, *SHOWN])
def save_image_dumpxml(
    ctx: "Context", file: str, security_info: bool = False, xpath: "str | None" = None, wrap: bool = False
) -> Text:
    """Show the definition in a file that save wrote.

    It can be edited and given to save-image-define.
    """
    if xpath == "":
        raise CommandError(hint="--xpath takes an expression")
    xml = ctx.connection.domain_save_image_get_xml_desc(file, DOMAIN_SAVE_IMAGE_XML_SECURE * security_info)
    return _shown(ctx, xml, xpath, wrap)


@command("save-image-define", group="domain", options=[FILE, XML, *state_options("restored")])
def save_image_define(ctx: "Context", file: str, xml: str, running: bool = False, paused: bool = False) -> Message:
    """Replace the definition in a file that save wrote.

    Only parts that the guest cannot see, such as paths of disks, may differ from the old one.
    """
    text = read_file(xml)
    with failing(f"Failed to update {file}"):
        ctx.connection.domain_save_image_define_xml(file, text, state_flags(running=running, paused=paused))
    return Message(f"State file {file} updated.", file=file)


@command("managedsave-dumpxml", group="domain", options=[Domain(MANAGED_SAVE), *SHOWN])
def managedsave_dumpxml(
    ctx: "Context",
    domain: "DomainRef",
    security_info: bool = False,
    xpath: "str | None" = None,
    wrap: bool = False,
) -> Text:
    """Show the definition in the state that managedsave saved.

    It can be edited and given to managedsave-define.
    """
    if xpath == "":
        raise CommandError(hint="--xpath takes an expression")
    xml = ctx.connection.domain_managed_save_get_xml_desc(domain, DOMAIN_SAVE_IMAGE_XML_SECURE * security_info)
    return _shown(ctx, xml, xpath, wrap)


@command(
    "managedsave-define",
    group="domain",
    options=[Domain(MANAGED_SAVE, resolve=None), XML, *state_options("started")],
    exclusive=[("running", "paused")],
)
def managedsave_define(ctx: "Context", domain: str, xml: str, running: bool = False, paused: bool = False) -> Message:
    """Replace the definition in the state that managedsave saved.

    Only parts that the guest cannot see, such as paths of disks, may differ from the old one.
    """
    text = read_file(xml)
    ref = find_domain(ctx, domain)
    with failing(f"Failed to update {ref.name} XML configuration"):
        ctx.connection.domain_managed_save_define_xml(ref, text, state_flags(running=running, paused=paused))
    return Message(f"Managed save state file of domain '{domain}' updated.", domain=facts(ref))
