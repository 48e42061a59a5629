"""`agent`: the process that keeps this user's SSH connections open between commands."""

from vsh.backends.ssh import warm

from ..declare import Data, command
from ..errors import CommandError
from ..results import Message, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..context import Context


@command(
    "agent",
    group="virsh",
    options=[Data("action", "status or stop", complete=lambda ctx, given: ["status", "stop"])],
    connects=False,
)
def agent(ctx: "Context", action: str) -> "Message | Table":
    """Look at, or stop, the agent that keeps SSH connections open.

    It starts by itself on the first use of an SSH connection, and a connection that nobody uses is closed after
    agent_idle seconds (600, unless vsh.toml says otherwise). `status` lists its connections. `stop` closes them all;
    commands that use one at that moment fail.
    """
    if action not in ("status", "stop"):
        raise CommandError(f"unknown action '{action}': use status or stop")
    try:
        answer = _call(action)
    except warm.AgentGone as error:
        if action == "stop":
            return Message("The agent does not run", running=False)
        raise CommandError(f"the agent does not run ({error})", hint="it starts with the next SSH connection") from None
    if action == "stop":
        return Message("Agent stopped", running=False)
    links = answer["links"]
    rows = [[f"{x['user']}@{x['host']}", str(x["port"]), str(x["clients"]), f"{x['idle_seconds']} s"] for x in links]
    return Table(["Host", "Port", "Clients", "Idle"], rows, links)


def _call(op: str) -> "dict[str, Any]":
    wire = warm.Wire(warm.reach())
    try:
        answer, _ = wire.call({"op": op}, warm.ANSWER)
        if op == "stop":
            wire.await_end()
        return answer
    finally:
        wire.close()
