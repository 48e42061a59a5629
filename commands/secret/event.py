"""`secret-event`: wait for events of secrets."""

from ..declare import Opt, command
from ..domain.states import snake
from ..events.waiting import Family
from .lookup import facts, find_secret, secret_uuids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..context import Context
    from ..results import Text

#: By virSecretEventLifecycleType.
LIFECYCLE = ("Defined", "Undefined")


def tell(name: str, event: "Any") -> "tuple[str, dict[str, Any]]":
    """The line for an event, and its fields for machines."""
    data = facts(event.secret)
    line, data = f"event '{name}' for secret {data['uuid']}", {"event": snake(name), "secret": data}
    if name != "lifecycle":
        return f"{line}\n", data
    kind = LIFECYCLE[event.event] if 0 <= event.event < len(LIFECYCLE) else "unknown"
    return f"{line}: {kind}\n", data | {"type": kind.lower()}


EVENTS = Family("secret", tell, find_secret)
SECRET = Opt("secret", "only events of the secret with this UUID", empty=True, complete=secret_uuids)


@command("secret-event", group="secret", options=EVENTS.options(SECRET))
def event(ctx: "Context", secret: "str | None" = None, **options: "Any") -> "Iterator[Text]":
    """Wait for events of secrets and show them.

    One event ends the waiting unless --loop is given. It fails when none came in time.
    """
    return EVENTS.wait(ctx, secret, **options)
