"""The thread that runs event callbacks, and its bounded queue."""

import threading
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .events import Subscription


class Dispatcher:
    """Delivers events to the subscriptions of one connection, in order, on one thread that starts with the first of
    them.

    At most `limit` events wait; what comes beyond that is dropped and counted in `lost`, and `overflow` is called once
    with the number as soon as there is room again, so that a slow reader learns that it missed something.
    """

    def __init__(self, limit: int = 10000, overflow: "Callable[[int], None] | None" = None):
        self.lost = 0
        self._limit = limit
        self._overflow = overflow
        self._queue: deque[tuple[Subscription, Any]] = deque()
        self._ready = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def post(self, subscription: "Subscription", event: "Any") -> None:
        """Queue one event; never blocks."""
        with self._ready:
            if self._closed:
                return
            if len(self._queue) >= self._limit:
                self.lost += 1
                return
            self._queue.append((subscription, event))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vsh-events", daemon=True)
                self._thread.start()
            self._ready.notify()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._queue and not self._closed:
                    self._ready.wait()
                if self._closed:
                    return
                subscription, event = self._queue.popleft()
                lost, self.lost = self.lost, 0
            if lost and self._overflow:
                self._overflow(lost)
            if subscription.open:
                subscription.callback(event)

    def close(self) -> None:
        """Stop; events still queued are dropped.

        Safe to call from a callback.
        """
        with self._ready:
            self._closed = True
            self._queue.clear()
            self._ready.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)
