"""`desc` and `metadata`: what people and programs note down in the definition of a domain."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import NO_DOMAIN_METADATA, NO_SUPPORT, VirtError

from ..declare import Argv, Data, Flag, Opt, command
from ..editing import Edit
from ..errors import CommandError, failing
from ..results import Message, Notice, Text
from .impact import CONFIG, CURRENT, EXCLUSIVE, LIVE, impact
from .lookup import DOMAIN, Domain, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context


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
) -> "Text | Message | Notice":
    """Show or change the description or the title of a domain.

    Both are text for people; a title is one line. An empty text takes it away.
    """
    what = "title" if title else "description"
    kind = constants.DOMAIN_METADATA_TITLE if title else constants.DOMAIN_METADATA_DESCRIPTION

    def store(text: str) -> bool:
        with failing(f"Failed to set new domain {what}"):
            ctx.connection.domain_set_metadata(
                domain, kind, text, None, None, impact(config=config, live=live, current=current)
            )
        return True

    text = None if new_desc is None else " ".join(new_desc)
    if text is None:
        text = _noted(ctx, domain, what, kind, config)
        if not edit:
            if text:
                return Text(text, data={what: text})
            return Notice(f"No {what} for domain: {domain.name}", data={what: None})
    before = text

    def accept(edited: str) -> bool:
        # Editors end the last line, and a title has no line end.
        edited = edited.removesuffix("\n") if title else edited
        return edited != before and store(edited)

    changed = ctx.edit(before, accept) if edit else store(text)
    if not changed:
        return Message(f"Domain {what} not changed", domain=facts(domain), changed=False)
    line = f"Domain {what} updated successfully"
    return Notice(line, data={"domain": facts(domain), "changed": True})


def _noted(ctx: "Context", domain: "DomainRef", what: str, kind: int, config: bool) -> str:
    """The present title or description, "" if there is none; from the definition where a driver cannot be asked."""
    try:
        return ctx.connection.domain_get_metadata(domain, kind, None, constants.DOMAIN_AFFECT_CONFIG * config)
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
) -> "Text | Message":
    """Show or change an XML element that a program keeps in the definition of a domain.

    Each namespace has one element.
    """
    ref = find_domain(ctx, domain)
    flags = impact(config=config, live=live, current=current)
    element = constants.DOMAIN_METADATA_ELEMENT
    if (set is not None or edit) and key is None:
        raise CommandError("namespace key is required when modifying metadata")

    def store(xml: "str | None", validate: bool = False) -> bool:
        ctx.connection.domain_set_metadata(ref, element, xml, key, uri, flags)
        return True

    def fetch() -> str:
        try:
            return ctx.connection.domain_get_metadata(ref, element, uri, flags)
        except VirtError as error:
            if error.code != NO_DOMAIN_METADATA:
                raise
            return "\n"

    if edit:
        changed = Edit(ctx, fetch, store).run()
        return Message(f"Metadata {'modified' if changed else 'not changed'}", uri=uri, changed=bool(changed))
    if set is not None or remove:
        store(set)
        return Message(f"Metadata {'removed' if remove else 'modified'}", uri=uri, changed=True)
    xml = ctx.connection.domain_get_metadata(ref, element, uri, flags)
    return Text(f"{xml}\n", data={"uri": uri, "xml": xml})
