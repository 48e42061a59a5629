"""Jobs on the disks of a running domain: starting one, and waiting for it."""

import time
from queue import Empty, SimpleQueue

from vsh.backends.constants import domain as constants
from vsh.backends.errors import VirtError

from ..declare import Data, Flag, Int, Scaled
from ..errors import CommandError, failing
from ..results import Notice
from .jobs import TICK, on_interrupt
from .lookup import facts
from .targets import disk_targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from vsh.backends.events import Subscription
    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Result

MIB = 1 << 20
#: virConnectDomainEventBlockJobStatus.
COMPLETED, FAILED, CANCELED, READY = range(4)
RUNNING = -1
#: How often a job may be seen at its end before it counts as ready, where events cannot tell.
PATIENCE = 5

DISK = Data("path", "the disk: its target or its image", complete=disk_targets)
TIMEOUT = Int("timeout", "seconds after which it is aborted; implies --wait", least=1, most=(2**31 - 1) // 1000)
WAIT = Flag("wait", "wait until the job is done, or ready to be finished")
VERBOSE = Flag("verbose", "show how far it is")
ASYNC = Flag("async", "do not wait for the end of a job that is aborted")
BYTES = Flag("bytes", "the bandwidth is in bytes/s, not MiB/s")


class Bandwidth(Scaled):
    """The option `--bandwidth`; the command gets a function of `bytes` that gives the number for the call.

    It is in MiB/s or, with `bytes`, bytes/s. A negative number counts back from the largest.
    """

    def __init__(self) -> None:
        super().__init__("bandwidth", "MiB/s at most; units such as 500K may be given", most=2**64 - 1)

    def convert(self, ctx: "Context", text: str) -> "Callable[[bool], int]":
        from vsh.backends.xml.values import c_int

        def number(bytes: bool) -> int:
            try:
                return c_int(text, low=1 - 2**64, high=2**64 - 1) % 2**64
            except ValueError:
                scale = 1 if bytes else MIB
                size: int = Scaled("--bandwidth", scale=scale, most=self.most).convert(ctx, text)
                return size // scale

        return number


class BlockJob:
    """A job on the disk `path` of a domain; `label` begins the lines that show how far it is.

    `waiting` is what the options WAIT, VERBOSE, TIMEOUT (in seconds) and ASYNC say; `wait` sees it through besides.
    """

    def __init__(
        self,
        ctx: "Context",
        domain: "DomainRef",
        path: str,
        label: str,
        waiting: "dict[str, Any]",
        wait: bool = False,
    ):
        self.ctx = ctx
        self.domain = domain
        self.path = path
        self.label = label
        self.timeout: int | None = waiting.get("timeout")
        self.wait = wait or "wait" in waiting or self.timeout is not None
        self.verbose = "verbose" in waiting
        self.later = constants.DOMAIN_BLOCK_JOB_ABORT_ASYNC * ("async" in waiting)

    def run(
        self,
        start: "Callable[[], None]",
        started: str,
        noun: str,
        done: str,
        *,
        pivot: bool = False,
        finish: str = "",
    ) -> "Iterator[Result]":
        """Start the job with `start`, and if it is waited for see it through.

        `started` and `done` are virsh's lines for these; `noun` begins those about an abort or a failure. With
        `pivot` the domain then changes over to the new image; `finish` is the line for ending a job that is ready.
        """
        if not self.wait:
            start()
            yield self._told(started, "started")
            return
        status = self._see_through(start)
        if status in (CANCELED, FAILED):
            how = "aborted" if status == CANCELED else "failed"
            yield self._told(f"\n{noun} {how}", how)
            raise CommandError()
        if pivot:
            with failing(f"failed to pivot job for disk {self.path}"):
                self._abort(constants.DOMAIN_BLOCK_JOB_ABORT_PIVOT)
            yield self._told("\nSuccessfully pivoted", "pivoted")
        elif finish:
            with failing(f"failed to finish job for disk {self.path}"):
                self._abort(0)
            yield self._told(f"\n{finish}", "finished")
        else:
            yield self._told(f"\n{done}", "ready" if status == READY else "completed")

    def _told(self, line: str, status: str) -> Notice:
        return Notice(line, data={"domain": facts(self.domain), "disk": self.path, "status": status})

    def _abort(self, flags: int) -> None:
        self.ctx.connection.domain_block_job_abort(self.domain, self.path, flags | self.later)

    def _see_through(self, start: "Callable[[], None]") -> int:
        """Start the job and wait until it is over, or ready: virConnectDomainEventBlockJobStatus.

        Ctrl-C and the timeout abort it. Events tell the end; where a driver lacks them, the job's own figures do.
        """
        news: SimpleQueue[int | None] = SimpleQueue()
        watching = [self._subscribe(kind, news) for kind in ("domain_event_block_job", "domain_event_block_job_2")]
        try:
            with on_interrupt(lambda: news.put(None)):
                start()
                return self._wait(news, watching.count(None))
        finally:
            for subscription in watching:
                if subscription is not None:
                    subscription.close()

    def _subscribe(self, kind: str, news: "SimpleQueue[int | None]") -> "Subscription | None":
        def told(event: "Any") -> None:
            if event[1] == self.path:  # The image's path in the older kind of event, the disk's target in the newer.
                news.put(event.status)

        try:
            return self.ctx.connection.subscribe(kind, self.domain, told)
        except VirtError:
            return None

    def _wait(self, news: "SimpleQueue[int | None]", deaf: int) -> int:
        """As `_see_through`; `deaf` is how many of the two kinds of events cannot be had."""
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        before = (0, 0)
        patience = PATIENCE
        status: int | None = RUNNING
        while True:
            with failing(f"failed to query job for disk {self.path}"):
                info = self.ctx.connection.domain_get_block_job_info(self.domain, self.path, 0)
            if status == RUNNING:
                status = _heard(news, 0)
            if deaf and status == RUNNING:
                patience -= info.end == info.cur
                if not info.found:
                    status = COMPLETED
                elif info.end == info.cur and (deaf == 2 or not patience):
                    status = READY
            if status is not None and status != RUNNING:
                break
            if (self.verbose or self.ctx.watched) and (info.cur, info.end) != before:
                self.ctx.progress(self.label, info.end - info.cur, info.end)
            before = (info.cur, info.end)
            if status is None or (deadline is not None and time.monotonic() > deadline):
                with failing(f"failed to abort job for disk '{self.path}'"):
                    self._abort(0)
                return CANCELED
            status = _heard(news, TICK)
        if (self.verbose or self.ctx.watched) and status in (COMPLETED, READY):
            self.ctx.progress(self.label, 0, 1)
        return status


def _heard(news: "SimpleQueue[int | None]", patience: float) -> "int | None":
    """What an event said, or None for an interrupt; RUNNING if nothing was heard within `patience` seconds."""
    try:
        return news.get(timeout=patience) if patience else news.get_nowait()
    except Empty:
        return RUNNING
