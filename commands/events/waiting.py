"""Waiting for events and showing them: what `event`, `net-event` and their like have in common."""

import signal
import threading
import time
from queue import Empty, SimpleQueue

from vsh.backends.errors import VirtError
from vsh.backends.events import FAMILIES

from ..declare import Flag, Int, Opt
from ..errors import CommandError
from ..results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from vsh.backends.events import Subscription

    from ..context import Context

    #: Name of the kind and what registers a callback for it.
    Source = tuple[str, Callable[[Callable[[Any], None]], Subscription]]
    #: Name of the kind and event -> the line, and the fields for machines.
    Tell = Callable[[str, Any], tuple[str, dict[str, Any]]]

#: How often, in seconds, a silent connection is asked whether it is still there.
CHECK = 1.0


LOOP = Flag("loop", "go on after the first event, until the timeout or Ctrl-C")
TIMEOUT = Int("timeout", "seconds to wait", least=1, most=(2**31 - 1) // 1000, late=True)
LIST = Flag("list", "list the kinds of events")
TIMESTAMP = Flag("timestamp", "show when each event came")


def sources(ctx: "Context", kinds: "dict[str, str]", ref: "Any") -> "list[Source]":
    """For `watch`: events of `kinds` (virsh's name -> backends.events.KINDS) of the object `ref`, or of all."""

    def source(kind: str) -> "Callable[[Callable[[Any], None]], Subscription]":
        return lambda callback: ctx.connection.subscribe(kind, ref, callback)

    return [(name, source(kind)) for name, kind in kinds.items()]


def watch(
    ctx: "Context",
    sources: "Sequence[Source]",
    tell: "Tell",
    *,
    loop: bool,
    seconds: "int | None",
    timestamp: bool,
    cause: "VirtError | None" = None,
) -> "Iterator[Text]":
    """Show events until the first, or with `loop` until the end; then how the waiting ended and how many there were.

    Raises VirtError when the first source cannot be had, CommandError, with `cause`, when no event came.
    """
    waiting = Waiting(ctx, seconds)
    try:
        waiting.register(sources)
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
        raise CommandError("", cause)


class Family:
    """The events of one kind of object: `family` of backends.events, told by `tell`.

    `find` gives the reference for a user's word. virsh waits for the events of all objects where it knows none by
    that word, and says so; with `strict` it gives up.
    """

    def __init__(self, family: str, tell: "Tell", find: "Callable[[Context, str], Any]", strict: bool = False):
        self.kinds = {name.replace("_", "-"): f"{family}_event_{name}" for name in FAMILIES[family]}
        self.tell = tell
        self.find = find
        self.strict = strict

    def options(self, which: Opt) -> "Sequence[Opt]":
        """The options of the command, of which `which` names the object."""
        kind = Opt("event", "the kind of event to wait for", empty=True, complete=lambda ctx, given: list(self.kinds))
        return (which, kind, LOOP, TIMEOUT, LIST, TIMESTAMP)

    def wait(
        self,
        ctx: "Context",
        which: "str | None",
        event: "str | None" = None,
        loop: bool = False,
        timeout: "Callable[[], int] | None" = None,
        list: bool = False,
        timestamp: bool = False,
    ) -> "Iterator[Text]":
        """What the command does; `which` is the user's word for the object, the rest its options."""
        if list:
            yield Text("".join(f"{name}\n" for name in self.kinds), data={"events": [*self.kinds]})
            return
        if event == "":
            raise CommandError("Failed to get option 'event': Option argument is empty")
        if event is None:
            raise CommandError("either --list or --event <type> is required")
        if event not in self.kinds:
            raise CommandError(f"unknown event type {event}", hint="--list shows them")
        seconds = timeout() if timeout else None
        ref = cause = None
        try:
            ref = None if which is None else self.find(ctx, which)
        except CommandError as error:
            if self.strict:
                raise
            ctx.warn(error.summary, error.hint)
            cause = error.cause
        wanted = sources(ctx, {event: self.kinds[event]}, ref)
        yield from watch(ctx, wanted, self.tell, loop=loop, seconds=seconds, timestamp=timestamp, cause=cause)


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

    def register(self, sources: "Sequence[Source]") -> None:
        """Ask for these events.

        Raises VirtError when the first cannot be had; that others cannot is the mark of an older driver.
        """
        for i, (name, subscribe) in enumerate(sources):
            try:
                self._subscriptions.append(subscribe(self._receiver(name)))
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
