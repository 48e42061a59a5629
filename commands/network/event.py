"""`net-event`: wait for events of networks."""

from ..declare import Opt, command
from ..domain.states import snake
from ..events.waiting import Family
from ..named import NETWORK, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..context import Context
    from ..results import Text

#: By virNetworkEventLifecycleType.
LIFECYCLE = ("Defined", "Undefined", "Started", "Stopped")
#: By virNetworkMetadataType.
METADATA = ("description", "title", "element")


def tell(name: str, event: "Any") -> "tuple[str, dict[str, Any]]":
    """The line for an event, and its fields for machines."""
    line = f"event '{name}' for network {event.net.name}"
    data: dict[str, Any] = {"event": snake(name), "network": facts(event.net)}
    if name == "lifecycle":
        kind = LIFECYCLE[event.event] if 0 <= event.event < len(LIFECYCLE) else "unknown"
        return f"{line}: {kind}\n", data | {"type": kind.lower()}
    kind = METADATA[event.type] if 0 <= event.type < len(METADATA) else "unsupported value"
    uri = "<null>" if event.nsuri is None else event.nsuri
    return f"{line}: type {kind}, uri {uri}\n", data | {"type": snake(kind), "uri": event.nsuri}


EVENTS = Family("network", tell, NETWORK.find)
WHICH = Opt("network", "only events of this network: name or UUID", empty=True, complete=NETWORK.names())


@command("net-event", group="network", options=EVENTS.options(WHICH))
def event(ctx: "Context", network: "str | None" = None, **options: "Any") -> "Iterator[Text]":
    """Wait for events of networks and show them.

    One event ends the waiting unless --loop is given. It fails when none came in time.
    """
    return EVENTS.wait(ctx, network, **options)
