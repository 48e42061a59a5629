"""`domstate`: the state of one domain."""

from ..declare import Flag, command
from ..domain.lookup import DOMAIN
from ..domain.states import get_state, reason_name, snake, state_name
from ..results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context


@command("domstate", group="monitor", options=[DOMAIN, Flag("reason", "say also why it is in this state")])
def domstate(ctx: "Context", domain: "DomainRef", reason: bool = False) -> Text:
    """Show the state of a domain.

    Running, paused, shut off and so on, as the hypervisor sees it.
    """
    state, why = get_state(ctx.connection, domain)
    name, because = state_name(state), reason_name(state, why)
    line = f"{name} ({because})\n" if reason else f"{name}\n"
    return Text(line, data={"state": snake(name), "reason": snake(because)})
