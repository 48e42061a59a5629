"""`dompmsuspend`, `dompmwakeup` and `set-lifecycle-action`: how a domain sleeps and what follows its end."""

from ..declare import Data, Int, command
from ..errors import CommandError, failing
from ..results import Done, Notice
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import ACTIVE, Domain, facts, find_domain, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

#: By virNodeSuspendTarget.
TARGETS = ("mem", "disk", "hybrid")
#: By virDomainLifecycle and virDomainLifecycleAction.
ENDS = ("poweroff", "reboot", "crash")
ACTIONS = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")


@command(
    "dompmsuspend",
    group="domain",
    options=[
        Domain(ACTIVE, find_named),
        Data("target", "mem (S3), disk (S4) or hybrid (both)", complete=lambda ctx, given: TARGETS),
        Int("duration", "wake it up after so many seconds", least=0, most=2**64 - 1, positional=False),
    ],
)
def dompmsuspend(ctx: "Context", domain: "tuple[str, DomainRef]", target: str, duration: int = 0) -> Notice:
    """Put the guest to sleep by its own power management.

    The guest agent does it; dompmwakeup ends the sleep.
    """
    name, ref = domain
    if target not in TARGETS:
        raise CommandError("Invalid target")
    with failing(f"Domain '{name}' could not be suspended"):
        ctx.connection.domain_pm_suspend_for_duration(ref, TARGETS.index(target), duration, 0)
    return Notice(f"Domain '{name}' successfully suspended", data={"domain": facts(ref), "target": target})


@command("dompmwakeup", group="domain", options=[Domain(ACTIVE)])
def dompmwakeup(ctx: "Context", domain: "DomainRef") -> Notice:
    """Wake up a guest that sleeps in memory."""
    with failing(f"Domain '{domain.name}' could not be woken up"):
        ctx.connection.domain_pm_wakeup(domain, 0)
    return Notice(f"Domain '{domain.name}' successfully woken up", data={"domain": facts(domain)})


@command(
    "set-lifecycle-action",
    group="domain",
    options=[
        Domain(resolve=None),
        Data("type", "what happens: poweroff, reboot or crash", complete=lambda ctx, given: ENDS),
        Data("action", "what follows: destroy, restart ...", complete=lambda ctx, given: ACTIONS),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def set_lifecycle_action(ctx: "Context", domain: str, type: str, action: str, **where: bool) -> Done:
    """Set what follows when the guest of a domain powers off, reboots or crashes."""
    if type not in ENDS:
        raise CommandError(f"Invalid lifecycle type '{type}'.")
    if action not in ACTIONS:
        raise CommandError(f"Invalid lifecycle action '{action}'.")
    ref = find_domain(ctx, domain)
    with failing("Unable to change lifecycle action."):
        ctx.connection.domain_set_lifecycle_action(ref, ENDS.index(type), ACTIONS.index(action), impact(**where))
    return Done(type=type, action=action.replace("-", "_"))
