"""`pool-event`: wait for events of storage pools."""

from ..declare import Opt, command
from ..events.waiting import Family
from ..named import POOL, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..context import Context
    from ..results import Text

#: By virStoragePoolEventLifecycleType.
LIFECYCLE = ("Defined", "Undefined", "Started", "Stopped", "Created", "Deleted")


def tell(name: str, event: "Any") -> "tuple[str, dict[str, Any]]":
    """The line for an event, and its fields for machines."""
    line, data = f"event '{name}' for storage pool {event.pool.name}", {"event": name, "pool": facts(event.pool)}
    if name != "lifecycle":
        return f"{line}\n", data
    kind = LIFECYCLE[event.event] if 0 <= event.event < len(LIFECYCLE) else "unknown"
    return f"{line}: {kind}\n", data | {"type": kind.lower()}


EVENTS = Family("storage_pool", tell, POOL.find)
WHICH = Opt("pool", "only events of this pool: name or UUID", empty=True, complete=POOL.names())


@command("pool-event", group="pool", options=EVENTS.options(WHICH))
def event(ctx: "Context", pool: "str | None" = None, **options: "Any") -> "Iterator[Text]":
    """Wait for events of storage pools and show them.

    One event ends the waiting unless --loop is given. It fails when none came in time.
    """
    return EVENTS.wait(ctx, pool, **options)
