"""Long calls: they run on a thread while progress is shown, time runs out and Ctrl-C aborts the job."""

import signal
import threading
import time
from queue import Empty, SimpleQueue

from vsh.backends.errors import VirtError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context

#: How often, in seconds, a job is looked at.
TICK = 0.5
_DONE, _INTERRUPTED = "done", "interrupted"


class on_interrupt:
    """Inside the block Ctrl-C calls `action` and nothing else; on the main thread, for only that gets signals."""

    def __init__(self, action: "Callable[[], None]"):
        self._action = action
        self._previous: Any = None

    def __enter__(self) -> None:
        def caught(number: int, frame: "FrameType | None") -> None:
            self._action()

        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, caught)

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", tb: "TracebackType | None"
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)


def watch(
    ctx: "Context",
    domain: "DomainRef",
    label: str,
    call: "Callable[[], Any]",
    *,
    verbose: bool = False,
    timeout: "int | None" = None,
    late: "Callable[[], None] | None" = None,
) -> "Any":
    """What `call()`, which is a job of `domain`, returns; what it raises is raised here.

    `verbose` shows how far the job is, under `label`; on a terminal a job that takes its time is shown anyway. After
    `timeout` seconds `late` is called once. Ctrl-C has the job aborted; the call ends, with an error as a rule, when
    the hypervisor has done so.
    """
    news: SimpleQueue[str] = SimpleQueue()
    outcome: list[tuple[Any, BaseException | None]] = []
    totals = [0]

    def work() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:
            outcome.append((None, error))
        news.put(_DONE)

    deadline = None if timeout is None else time.monotonic() + timeout
    with on_interrupt(lambda: news.put(_INTERRUPTED)):
        threading.Thread(target=work, daemon=True).start()
        while not outcome:
            patience = TICK if deadline is None else max(0.0, min(TICK, deadline - time.monotonic()))
            try:
                if news.get(timeout=patience) == _INTERRUPTED:
                    _quietly(lambda: ctx.connection.domain_abort_job(domain))
                continue
            except Empty:
                pass
            if deadline is not None and time.monotonic() >= deadline:
                deadline = None
                if late is not None:
                    _quietly(late)
            if verbose or ctx.watched:
                _quietly(lambda: totals.append(_show(ctx, domain, label)))
    value, error = outcome[0]
    if error is not None:
        raise error
    if verbose or any(totals):
        ctx.progress(label, 0, max(1, *totals))
    return value


def _show(ctx: "Context", domain: "DomainRef", label: str) -> int:
    """Show how far a job is; the bytes that it has to move, 0 while they are not known."""
    info = ctx.connection.domain_get_job_info(domain)
    if info.data_total > 0:
        ctx.progress(label, info.data_remaining, info.data_total)
    return info.data_total


def _quietly(action: "Callable[[], None]") -> None:
    """Do what may well fail because the job has just ended, or has not begun; the job itself says how it went."""
    try:
        action()
    except VirtError:
        pass
