"""`event`: wait for events of domains."""

from vsh.backends.events import FAMILIES

from ..declare import Flag, Opt, command
from ..domain.lookup import domain_names, find_domain
from ..errors import CommandError
from ..results import Text
from .lines import tell
from .waiting import LIST, LOOP, TIMEOUT, TIMESTAMP, sources, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..context import Context

#: virsh's name of a kind -> the kind (backends.events.KINDS), in virsh's order.
NAMES = {
    name.replace("_", "-").replace("pmsuspend", "pm-suspend").replace("pmwakeup", "pm-wakeup"): f"domain_event_{name}"
    for name in FAMILIES["domain"]
}


@command(
    "event",
    group="events",
    options=[
        Opt("domain", "only events of this domain: name, id or UUID", empty=True, complete=domain_names()),
        Opt("event", "the kind of event to wait for", empty=True, complete=lambda ctx, given: list(NAMES)),
        Flag("all", "wait for events of every kind"),
        LOOP,
        TIMEOUT,
        LIST,
        TIMESTAMP,
    ],
    exclusive=[("all", "event"), ("list", "all"), ("list", "event")],
)
def event(
    ctx: "Context",
    domain: "str | None" = None,
    event: "str | None" = None,
    all: bool = False,
    loop: bool = False,
    timeout: "Callable[[], int] | None" = None,
    list: bool = False,
    timestamp: bool = False,
) -> "Iterator[Text]":
    """Wait for domain events and show them.

    One event ends the waiting unless --loop is given. It fails when none came in time.
    """
    if list:
        yield Text("".join(f"{name}\n" for name in NAMES), data={"events": [*NAMES]})
        return
    if event == "":
        raise CommandError("Failed to get option 'event': Option argument is empty")
    if event is None and not all:
        raise CommandError("one of --list, --all, or --event <type> is required")
    if event is not None and event not in NAMES:
        raise CommandError(f"unknown event type {event}", hint="'event --list' shows them")
    seconds = timeout() if timeout else None
    ref = None if domain is None else find_domain(ctx, domain)
    wanted = sources(ctx, NAMES if event is None else {event: NAMES[event]}, ref)
    yield from watch(ctx, wanted, tell, loop=loop, seconds=seconds, timestamp=timestamp)
