"""`desc` and `metadata`: what people and programs note down in the definition of a domain."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import NO_DOMAIN_METADATA, NO_SUPPORT, VirtError

from ..declare import command
from ..notes import ELEMENT, ELEMENT_EXCLUSIVE, TEXT, URI, Notes
from .impact import CONFIG, CURRENT, EXCLUSIVE, LIVE, impact
from .lookup import DOMAIN, Domain, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Result

#: In virsh's order here.
FACES = (LIVE, CONFIG, CURRENT)


@command(
    "desc",
    group="domain",
    options=[
        DOMAIN,
        *FACES,
        *TEXT,
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
    **change: "Any",
) -> "Result":
    """Show or change the description or the title of a domain.

    Both are text for people; a title is one line. An empty text takes it away.
    """
    what = "title" if title else "description"
    type = constants.DOMAIN_METADATA_TITLE if title else constants.DOMAIN_METADATA_DESCRIPTION
    notes = _notes(ctx, domain, impact(config=config, live=live, current=current))
    old = _noted(ctx, domain, what, type, config) if "edit" in change or "new_desc" not in change else None
    return notes.text(what, type, old, **change)


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
        URI,
        *FACES,
        *ELEMENT,
    ],
    exclusive=[*EXCLUSIVE, *ELEMENT_EXCLUSIVE],
)
def metadata(
    ctx: "Context",
    domain: str,
    uri: str,
    live: bool = False,
    config: bool = False,
    current: bool = False,
    **change: "Any",
) -> "Result":
    """Show or change an XML element that a program keeps in the definition of a domain.

    Each namespace has one element.
    """
    notes = _notes(ctx, find_domain(ctx, domain), impact(config=config, live=live, current=current))
    return notes.element(constants.DOMAIN_METADATA_ELEMENT, uri, **change)
