"""`event`: wait for events of domains."""

import signal
import threading
import time
from queue import Empty, SimpleQueue

from vsh.backends.errors import VirtError
from vsh.backends.events import FAMILIES

from ..declare import Flag, Int, Opt, command
from ..domain.lookup import domain_names, find_domain
from ..errors import CommandError
from ..results import Text
from .lines import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from vsh.backends.events import Subscription
    from vsh.backends.records import DomainRef

    from ..context import Context

#: virsh's name of a kind -> the kind (backends.events.KINDS), in virsh's order.
NAMES = {
    name.replace("_", "-").replace("pmsuspend", "pm-suspend").replace("pmwakeup", "pm-wakeup"): f"domain_event_{name}"
    for name in FAMILIES["domain"]
}
#: How often, in seconds, a silent connection is asked whether it is still there.
CHECK = 1.0


class Late(Int):
    """A number that is checked when the command asks for it: virsh looks at other options first."""

    def convert(self, ctx: "Context", text: str) -> "Callable[[], int]":
        def checked() -> int:
            number: int = Int.convert(self, ctx, text)
            return number

        return checked


@command(
    "event",
    group="events",
    options=[
        Opt("domain", "only events of this domain: name, id or UUID", empty=True, complete=domain_names()),
        Opt("event", "the kind of event to wait for", empty=True, complete=lambda ctx, given: list(NAMES)),
        Flag("all", "wait for events of every kind"),
        Flag("loop", "go on after the first event, until the timeout or Ctrl-C"),
        Late("timeout", "seconds to wait", least=1, most=(2**31 - 1) // 1000),
        Flag("list", "list the kinds of events"),
        Flag("timestamp", "show when each event came"),
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
    waiting = Waiting(ctx, seconds)
    try:
        waiting.subscribe([event] if event is not None else [*NAMES], ref)
        for name, record, when in waiting.events(loop):
            line, data = tell(name, record)
            if timestamp:
                yield Text(f"{stamp(when)}: {line}", {**data, "time": when})
            else:
                yield Text(line, data)
    finally:
        waiting.close()
    if waiting.ended in ("interrupted", "timed out"):
        yield Text(f"event loop {waiting.ended}\n", {"ended": waiting.ended.replace(" ", "_")})
    yield Text(f"events received: {waiting.count}\n", {"events_received": waiting.count})
    if not waiting.count or waiting.ended == "disconnected":
        raise CommandError()


class Waiting:
    """Events as they come, until the first, a timeout, Ctrl-C or the end of the connection.

    `ended` says which of them it was, `count` how many events there were.
    """

    def __init__(self, ctx: "Context", seconds: "int | None"):
        self.count = 0
        self.ended = ""
        self._connection = ctx.connection
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._queue: SimpleQueue[tuple[str, Any, float] | None] = SimpleQueue()
        self._subscriptions: list[Subscription] = []
        self._previous: Any = None
        # As an item of the queue Ctrl-C comes after the events before it, and never in the middle of a line.
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, lambda *_: self._queue.put(None))

    def subscribe(self, names: "list[str]", ref: "DomainRef | None") -> None:
        """Register for these kinds.

        Raises VirtError when the first cannot be had; that others cannot is the mark of an older driver.
        """
        for i, name in enumerate(names):
            try:
                self._subscriptions.append(self._connection.subscribe(NAMES[name], ref, self._receiver(name)))
            except VirtError:
                if i == 0:
                    raise

    def _receiver(self, name: str) -> "Callable[[Any], None]":
        return lambda record: self._queue.put((name, record, time.time()))

    def events(self, loop: bool) -> "Iterator[tuple[str, Any, float]]":
        """Name of the kind, record and time of each event."""
        while not self.ended:
            try:
                item = self._queue.get(timeout=self._patience())
            except Empty:
                if self._patience() <= 0:
                    self.ended = "timed out"
                elif not self._connection.alive:
                    self.ended = "disconnected"
                continue
            if item is None:
                self.ended = "interrupted"
                continue
            self.count += 1
            if not loop:
                self.ended = "done"
            yield item

    def _patience(self) -> float:
        return CHECK if self._deadline is None else max(0.0, min(CHECK, self._deadline - time.monotonic()))

    def close(self) -> None:
        """End the subscriptions and give Ctrl-C back."""
        for subscription in self._subscriptions:
            subscription.close()
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)


def stamp(when: float) -> str:
    """Seconds since 1970 as libvirt writes times: UTC, milliseconds."""
    millis = int(when * 1000)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(millis // 1000)) + f".{millis % 1000:03d}+0000"
