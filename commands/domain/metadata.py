"""`desc` and `metadata`: what people and programs note down in the definition of a domain."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import NO_DOMAIN_METADATA, NO_SUPPORT, VirtError

from ..declare import Argv, Data, Flag, Opt, command
from ..notes import Notes
from .impact import CONFIG, CURRENT, EXCLUSIVE, LIVE, impact
from .lookup import DOMAIN, Domain, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Result


@command(
    "desc",
    group="domain",
    options=[
        DOMAIN,
        LIVE,
        CONFIG,
        CURRENT,
        Flag("title", "the title, not the description"),
        Flag("edit", "change it in an editor"),
        Argv("new-desc", "the new text; without it the present one is shown"),
    ],
    exclusive=EXCLUSIVE,
)
def desc(
    ctx: "Context",
    domain: "DomainRef",
    live: bool = False,
    config: bool = False,
    current: bool = False,
    title: bool = False,
    edit: bool = False,
    new_desc: "list[str] | None" = None,
) -> "Result":
    """Show or change the description or the title of a domain.

    Both are text for people; a title is one line. An empty text takes it away.
    """
    what = "title" if title else "description"
    type = constants.DOMAIN_METADATA_TITLE if title else constants.DOMAIN_METADATA_DESCRIPTION
    notes = _notes(ctx, domain, impact(config=config, live=live, current=current))
    old = _noted(ctx, domain, what, type, config) if edit or new_desc is None else None
    return notes.text(what, type, old, new_desc, edit)


def _notes(ctx: "Context", domain: "DomainRef", flags: int) -> Notes:
    connection = ctx.connection
    return Notes(
        ctx,
        "domain",
        facts(domain),
        lambda type, uri: connection.domain_get_metadata(domain, type, uri, flags),
        lambda type, text, key, uri: connection.domain_set_metadata(domain, type, text, key, uri, flags),
    )


def _noted(ctx: "Context", domain: "DomainRef", what: str, type: int, config: bool) -> str:
    """The present title or description, "" if there is none; from the definition where a driver cannot be asked."""
    try:
        return ctx.connection.domain_get_metadata(domain, type, None, constants.DOMAIN_AFFECT_CONFIG * config)
    except VirtError as error:
        if error.code == NO_DOMAIN_METADATA:
            return ""
        if error.code != NO_SUPPORT:
            raise
    from vsh.backends.errors import FROM_DOMAIN
    from vsh.backends.xml.parse import read_tree

    xml = ctx.connection.domain_get_xml_desc(domain, constants.DOMAIN_XML_INACTIVE * config)
    return read_tree(xml, "(domain_definition)", FROM_DOMAIN).findtext(what) or ""


@command(
    "metadata",
    group="domain",
    options=[
        Domain(resolve=None),
        Data("uri", "the namespace that the element has"),
        LIVE,
        CONFIG,
        CURRENT,
        Flag("edit", "change it in an editor"),
        Opt("key", "the prefix of the namespace"),
        Opt("set", "the new element, as XML"),
        Flag("remove", "take it away"),
    ],
    exclusive=[*EXCLUSIVE, ("edit", "set"), ("remove", "set"), ("remove", "edit")],
)
def metadata(
    ctx: "Context",
    domain: str,
    uri: str,
    live: bool = False,
    config: bool = False,
    current: bool = False,
    edit: bool = False,
    key: "str | None" = None,
    set: "str | None" = None,
    remove: bool = False,
) -> "Result":
    """Show or change an XML element that a program keeps in the definition of a domain.

    Each namespace has one element.
    """
    notes = _notes(ctx, find_domain(ctx, domain), impact(config=config, live=live, current=current))
    return notes.element(constants.DOMAIN_METADATA_ELEMENT, uri, key, set, remove, edit)
