"""Beginning and ending block jobs, each step written down before it is done."""

import time

from ... import errors
from .. import definitions
from ..base import fail
from . import blockstate, chains
from .blockstate import ABORT, ACTIVE, COMMIT, COPY, PIVOT, WAITS, Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ...xml.storage import BackingStore
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..qmp import Monitor
    from .chains import Layer

#: Seconds in which a job must come to its end that was told to.
PATIENCE = 60.0


def refuse_busy(guest: "Guest", disk: "Disk") -> None:
    if blockstate.on(guest.record, disk.target) is not None:
        text = f"disk '{disk.target}' already in active block job"
        raise fail(errors.BLOCK_COPY_ACTIVE, text)


def begin(
    driver: "QemuDriver",
    guest: "Guest",
    monitor: "Monitor",
    job: Job,
    command: str,
    arguments: "dict[str, Any]",
    model: "Domain | None" = None,
) -> None:
    """Begin a job, after writing it down, and what `model` says with it. Raises VirtError, and there is none."""
    from ..jobs import dismiss

    record = guest.record
    assert record is not None
    told = {name: value for name, value in arguments.items() if value is not None}
    told |= {"job-id": job.name, "auto-finalize": True, "auto-dismiss": False}
    dismiss(monitor, job.name)  # of somebody who was killed before he could
    if model is not None:
        model.id = guest.id
        definitions.write_live(driver.store, model)
    blockstate.write(driver, record, job)
    try:
        monitor.do(command, told)
    except BaseException:
        blockstate.drop(driver, record, job)
        if model is not None:
            for disk in model.devices.disks:
                disk.mirror = None if disk.target == job.target else disk.mirror
            definitions.write_live(driver.store, model)
        raise


def end(driver: "QemuDriver", guest: "Guest", monitor: "Monitor", job: Job, pivot: bool) -> None:
    """Tell a job to come to its end: to change over, or to leave all as it was. Raises VirtError."""
    record = guest.record
    assert record is not None
    if pivot and job.kind not in (COPY, ACTIVE):
        raise fail(errors.OPERATION_INVALID, f"job type '{job.kind}' does not support pivot")
    if pivot and job.phase != WAITS:
        raise fail(errors.BLOCK_COPY_ACTIVE, f"disk '{job.target}' not ready for pivot yet")
    before, job.phase = job.phase, PIVOT if pivot else ABORT
    blockstate.write(driver, record, job)
    try:
        if pivot:
            monitor.do("job-complete", {"id": job.name})
        else:
            monitor.do("block-job-cancel", {"device": job.name})
    except errors.VirtError:
        job.phase = before
        blockstate.write(driver, record, job)
        raise


def await_end(driver: "QemuDriver", guest: "Guest", monitor: "Monitor", name: str, ready: bool = False) -> None:
    """Wait until a job has come to its end, or is `ready` to; raises OPERATION_TIMEOUT."""
    record = guest.record
    assert record is not None
    pause, deadline = 0.002, time.monotonic() + PATIENCE
    while True:
        blockstate.look(driver, record, monitor)
        job = next((job for job in blockstate.jobs(record) if job.name == name), None)
        if job is None or (ready and job.phase == WAITS):
            return
        if time.monotonic() > deadline:
            raise fail(errors.OPERATION_TIMEOUT, f"the job on disk '{job.target}' does not end")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def commit_job(disk: "Disk", upper: "Layer", lower: "BackingStore", delete: bool) -> Job:
    kind = ACTIVE if upper is disk else COMMIT
    name = f"commit-{disk.target}-{chains.nodes(upper)[0]}"
    return Job(name, kind, str(disk.target), upper.index, lower.index, delete=delete)


def commit_arguments(disk: "Disk", upper: "Layer", lower: "BackingStore", speed: int = 0) -> "dict[str, Any]":
    return {
        "device": chains.nodes(disk)[0],
        "top-node": chains.nodes(upper)[0],
        "base-node": chains.nodes(lower)[0],
        "backing-file": None if upper is disk else chains.name_of(lower),
        "speed": speed or None,
    }
