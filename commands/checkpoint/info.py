"""`checkpoint-dumpxml`, `checkpoint-info`, `checkpoint-parent` and `checkpoint-delete`."""

from vsh.backends.constants import connect
from vsh.backends.constants import domain as constants
from vsh.backends.errors import NO_SUPPORT, VirtError

from ..declare import Flag, command
from ..document import XPATH, checked, shown
from ..domain.lookup import Domain, facts
from ..errors import CommandError, failing
from ..moments import CHECKPOINT
from ..results import Message, Pairs, Text
from .lookup import DOMAIN, HAVING, NAME, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context


@command(
    "checkpoint-dumpxml",
    group="checkpoint",
    options=[
        DOMAIN,
        NAME,
        Flag("security-info", "passwords and the like too"),
        Flag("no-domain", "without the definition that the domain had then"),
        Flag("size", "with an estimate of how much has changed since"),
        *XPATH,
    ],
)
def checkpoint_dumpxml(
    ctx: "Context",
    domain: "DomainRef",
    checkpointname: "str | None" = None,
    security_info: bool = False,
    no_domain: bool = False,
    size: bool = False,
    xpath: "str | None" = None,
    wrap: bool = False,
) -> Text:
    """Show the XML of a checkpoint.

    It can be given to checkpoint-create --redefine.
    """
    flags = (
        constants.DOMAIN_CHECKPOINT_XML_SECURE * security_info
        | constants.DOMAIN_CHECKPOINT_XML_NO_DOMAIN * no_domain
        | constants.DOMAIN_CHECKPOINT_XML_SIZE * size
    )
    checked(xpath)
    ref = named(ctx, domain, checkpointname)
    return shown(ctx, ctx.connection.domain_checkpoint_get_xml_desc(ref, flags), xpath, wrap)


@command("checkpoint-info", group="checkpoint", options=[DOMAIN, NAME])
def checkpoint_info(ctx: "Context", domain: "DomainRef", checkpointname: "str | None" = None) -> "Iterator[Pairs]":
    """Show basic facts about a checkpoint.

    Its place among the others.
    """
    ref = named(ctx, domain, checkpointname)
    rows = [("Name:", ref.name), ("Domain:", domain.name)]
    data: dict[str, Any] = {"name": ref.name, "domain": facts(domain)}
    failure: CommandError | VirtError | None = None
    try:
        (data["parent"],) = CHECKPOINT.parents(ctx, [ref])
        rows.append(("Parent:", data["parent"] or "-"))
        for key, flags in (("children", 0), ("descendants", constants.DOMAIN_CHECKPOINT_LIST_DESCENDANTS)):
            data[key] = len(CHECKPOINT.children(ctx, ref, flags))
            rows.append((f"{key.capitalize()}:", str(data[key])))
    except VirtError as error:
        if error.code != NO_SUPPORT:
            failure = error
    except CommandError as error:
        failure = error
    yield Pairs(rows, data)
    if failure is not None:
        raise failure


@command("checkpoint-parent", group="checkpoint", options=[DOMAIN, NAME])
def checkpoint_parent(ctx: "Context", domain: "DomainRef", checkpointname: "str | None" = None) -> Text:
    """Show the name of a checkpoint's parent.

    The parent is the checkpoint that was made before it.
    """
    return CHECKPOINT.parent(ctx, named(ctx, domain, checkpointname))


@command(
    "checkpoint-delete",
    group="checkpoint",
    options=[
        Domain(HAVING | connect.CONNECT_LIST_DOMAINS_ACTIVE),
        NAME,
        Flag("children", "those that descend from it too"),
        Flag("children-only", "only those that descend from it"),
        Flag("metadata", "only the record of it; the bitmaps stay"),
    ],
)
def checkpoint_delete(
    ctx: "Context",
    domain: "DomainRef",
    checkpointname: "str | None" = None,
    children: bool = False,
    children_only: bool = False,
    metadata: bool = False,
) -> Message:
    """Delete a checkpoint.

    What has changed since then counts as changed since its parent.
    """
    flags = (
        constants.DOMAIN_CHECKPOINT_DELETE_CHILDREN * children
        | constants.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY * children_only
        | constants.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY * metadata
    )
    ref = named(ctx, domain, checkpointname)
    with failing(f"Failed to delete checkpoint {ref.name}"):
        ctx.connection.domain_checkpoint_delete(ref, flags)
    what = "children deleted" if children_only else "deleted"
    return Message(f"Domain checkpoint {ref.name} {what}", domain=facts(domain), checkpoint=ref.name)
