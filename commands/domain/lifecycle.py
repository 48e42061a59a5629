"""`destroy`, `suspend` and `resume`."""

from vsh.backends.constants.domain import DOMAIN_DESTROY_GRACEFUL, DOMAIN_DESTROY_REMOVE_LOGS

from ..declare import Flag, command
from ..errors import failing
from ..results import Message
from .lookup import ACTIVE, PAUSED, RUNNING, Domain, facts, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

    Named = tuple[str, DomainRef]


@command(
    "destroy",
    group="domain",
    options=[
        Domain(ACTIVE, find_named),
        Flag("graceful", "fail rather than kill a hypervisor process that does not end when asked"),
        Flag("remove-logs", "remove its log files too"),
    ],
)
def destroy(ctx: "Context", domain: "Named", graceful: bool = False, remove_logs: bool = False) -> Message:
    """Stop a domain at once, as if its power cord were pulled.

    Its definition and its disks stay; what the guest had not written is lost.
    """
    name, ref = domain
    flags = DOMAIN_DESTROY_GRACEFUL * graceful | DOMAIN_DESTROY_REMOVE_LOGS * remove_logs
    with failing(f"Failed to destroy domain '{name}'"):
        if flags:
            ctx.connection.domain_destroy_flags(ref, flags)
        else:
            ctx.connection.domain_destroy(ref)
    return Message(f"Domain '{name}' destroyed", domain=facts(ref))


@command("suspend", group="domain", options=[Domain(RUNNING, find_named)])
def suspend(ctx: "Context", domain: "Named") -> Message:
    """Pause a running domain.

    It keeps its memory but gets no processor time until it is resumed.
    """
    name, ref = domain
    with failing(f"Failed to suspend domain '{name}'"):
        ctx.connection.domain_suspend(ref)
    return Message(f"Domain '{name}' suspended", domain=facts(ref))


@command("resume", group="domain", options=[Domain(PAUSED, find_named)])
def resume(ctx: "Context", domain: "Named") -> Message:
    """Let a paused domain run on.

    It goes on where suspend stopped it.
    """
    name, ref = domain
    with failing(f"Failed to resume domain '{name}'"):
        ctx.connection.domain_resume(ref)
    return Message(f"Domain '{name}' resumed", domain=facts(ref))
