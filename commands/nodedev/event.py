"""`nodedev-event`: wait for events of node devices."""

from ..declare import Opt, command
from ..events.waiting import Family
from .lookup import device_names, find_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..context import Context
    from ..results import Text

#: By virNodeDeviceEventLifecycleType.
LIFECYCLE = ("Created", "Deleted", "Defined", "Undefined")


def tell(name: str, event: "Any") -> "tuple[str, dict[str, Any]]":
    """The line for an event, and its fields for machines."""
    line, data = f"event '{name}' for node device {event.dev.name}", {"event": name, "device": event.dev.name}
    if name != "lifecycle":
        return f"{line}\n", data
    kind = LIFECYCLE[event.event] if 0 <= event.event < len(LIFECYCLE) else "unknown"
    return f"{line}: {kind}\n", data | {"type": kind.lower()}


EVENTS = Family("node_device", tell, find_device, strict=True)
DEVICE = Opt("device", "only events of this device", empty=True, complete=device_names())


@command("nodedev-event", group="nodedev", options=EVENTS.options(DEVICE))
def event(ctx: "Context", device: "str | None" = None, **options: "Any") -> "Iterator[Text]":
    """Wait for events of node devices and show them.

    One event ends the waiting unless --loop is given. It fails when none came in time.
    """
    return EVENTS.wait(ctx, device, **options)
