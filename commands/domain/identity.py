"""`domid`, `domname`, `domuuid` and `domrename`: what a domain is called."""

from vsh.backends.xml.values import format_uuid

from ..declare import Data, command
from ..results import Message, Text
from .lookup import INACTIVE, Domain, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context


@command(
    "domid",
    group="domain",
    options=[Domain(0, lambda ctx, text: find_domain(ctx, text, ("uuid", "name")), "the domain's name or UUID")],
)
def domid(ctx: "Context", domain: "DomainRef") -> Text:
    """Show the id of a domain; one that does not run has none."""
    running = domain.id >= 0
    return Text(f"{domain.id if running else '-'}\n", data={"id": domain.id if running else None})


@command(
    "domname",
    group="domain",
    options=[Domain(0, lambda ctx, text: find_domain(ctx, text, ("id", "uuid")), "the domain's id or UUID")],
)
def domname(ctx: "Context", domain: "DomainRef") -> Text:
    """Show the name of a domain."""
    return Text(f"{domain.name}\n", key="name")


@command(
    "domuuid",
    group="domain",
    options=[Domain(0, lambda ctx, text: find_domain(ctx, text, ("id", "name")), "the domain's name or id")],
)
def domuuid(ctx: "Context", domain: "DomainRef") -> Text:
    """Show the UUID of a domain."""
    return Text(f"{format_uuid(domain.uuid)}\n", key="uuid")


@command(
    "domrename",
    group="domain",
    options=[Domain(INACTIVE), Data("new-name", "what it shall be called")],
)
def domrename(ctx: "Context", domain: "DomainRef", new_name: str) -> Message:
    """Give another name to a domain that does not run.

    Its UUID and all that belongs to it stay.
    """
    ctx.connection.domain_rename(domain, new_name, 0)
    return Message("Domain successfully renamed", domain={**facts(domain), "name": new_name})
