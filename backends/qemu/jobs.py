"""QEMU's jobs: what runs in it after the command that began it has been answered."""

import time

from .. import errors
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .qmp import Monitor

#: Seconds for which nothing may happen to a job that is waited for.
PATIENCE = 600.0


def find(monitor: "Monitor", name: str) -> "dict[str, Any] | None":
    """A job as QEMU tells of it; None when there is none of that name."""
    return next((job for job in monitor.execute("query-jobs") if job["id"] == name), None)


def await_job(monitor: "Monitor", name: str) -> str:
    """Wait until a job has come to its end, and let QEMU forget it; what went wrong, "" for nothing."""
    pause, deadline, before = 0.002, time.monotonic() + PATIENCE, None
    while True:
        job = find(monitor, name)
        if job is None:
            return "the job is gone"
        if job["status"] == "concluded":
            monitor.execute("job-dismiss", id=name)
            return str(job.get("error", ""))
        if job.get("current-progress") != before:
            before, deadline = job.get("current-progress"), time.monotonic() + PATIENCE
        if time.monotonic() > deadline:
            raise fail(errors.OPERATION_TIMEOUT, f"QEMU's job '{name}' does not get on")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def dismiss(monitor: "Monitor", name: str) -> None:
    """Wait for the end of a job that somebody else began, if there is one."""
    if find(monitor, name) is not None:
        await_job(monitor, name)
