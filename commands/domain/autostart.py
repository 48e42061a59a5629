"""`autostart`: domains that start with their host."""

from ..declare import Flag, command
from ..errors import failing
from ..results import Message
from .lookup import PERSISTENT, Domain, facts, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context


@command(
    "autostart",
    group="domain",
    options=[
        Domain(PERSISTENT, find_named),
        Flag("disable", "do not start it with the host"),
        Flag("once", "this holds for the next start of the host alone"),
    ],
)
def autostart(ctx: "Context", domain: "tuple[str, DomainRef]", disable: bool = False, once: bool = False) -> Message:
    """Have a domain started when its host starts."""
    name, ref = domain
    done, tail = ("unmark" if disable else "mark"), " on next boot" if once else ""
    with failing(f"Failed to {done} domain '{name}' as autostarted{tail}"):
        if once:
            ctx.connection.domain_set_autostart_once(ref, int(not disable))
        else:
            ctx.connection.domain_set_autostart(ref, int(not disable))
    line = f"Domain '{name}' {done}ed as autostarted{tail}"
    return Message(line, domain=facts(ref), autostart=not disable, once=once)
