"""How far a backup is, what the last one came to, and giving one up."""

import json
import time

from ... import errors, params, records
from ...constants import domain as const
from .. import journal, lines
from ..base import QemuBase, fail
from ..lifecycle import monitor_of
from . import blockstate
from .blockstate import ABORT, BACKUP, CANCELED, COMPLETED, Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...params import TypedParams
    from ...records import DomainGetJobInfo, DomainGetJobStats, DomainRef
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..store import Running

#: How a backup ended (virConnectDomainEventBlockJobStatus) -> virDomainJobType
ENDED = {COMPLETED: const.DOMAIN_JOB_COMPLETED, CANCELED: const.DOMAIN_JOB_CANCELLED}


def of(record: "Running") -> "list[Job]":
    """The jobs of the backup that is under way."""
    return [job for job in blockstate.jobs(record) if job.kind == BACKUP]


def document(driver: "QemuDriver", uuid: bytes) -> str:
    """The file that describes the backup that is under way, as long as it is."""
    return f"{driver.places.run}/{uuid.hex()}.backup"


def _done(driver: "QemuDriver", uuid: bytes) -> str:
    return f"{driver.places.run}/{uuid.hex()}.done"


def keep(driver: "QemuDriver", record: "Running", path: str, names: "list[str]", outcome: int) -> None:
    """Keep the figures of a backup that has ended; `names` are how those of its jobs begin."""
    try:
        text = driver.host.read(record.journal)
    except FileNotFoundError:
        text = b""
    ended: dict[str, dict[str, Any]] = {}
    last = 0
    for event, line in journal.events(text):
        if event in ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"):
            message = json.loads(line)
            data, stamp = message["data"], message["timestamp"]
            if str(data["device"]).startswith(tuple(names)):
                ended[data["device"]] = data
                last = stamp["seconds"] * 1000 + stamp["microseconds"] // 1000
    begun = driver.host.stat(path)
    elapsed = max(last - begun.mtime_ns // 10**6, 0) if begun is not None else 0
    row = [elapsed, sum(d["len"] for d in ended.values()), sum(d["offset"] for d in ended.values()), outcome]
    driver.host.write(_done(driver, record.uuid), lines.dump([[str(number) for number in row]]), durable=False)


def _figures(elapsed: int, total: int, processed: int, pull: bool) -> "TypedParams":
    found = params.TypedParams()
    found.add("operation", params.INT, const.DOMAIN_JOB_OPERATION_BACKUP)
    found.add("time_elapsed", params.ULLONG, elapsed)
    if pull:
        found.add("disk_temp_used", params.ULLONG, processed)
        found.add("disk_temp_total", params.ULLONG, total)
    else:
        found.add("disk_total", params.ULLONG, total)
        found.add("disk_processed", params.ULLONG, processed)
        found.add("disk_remaining", params.ULLONG, total - processed)
    return found


def info(calls: QemuBase, dom: "DomainRef") -> "DomainGetJobInfo":
    """How far a running domain's backup is, in the older call's figures."""
    now = _now(calls, calls._active(dom))
    numbers = [0] * 12
    if now is not None:
        elapsed, total, processed, pull = now
        numbers[:2] = const.DOMAIN_JOB_UNBOUNDED, elapsed
        if not pull:
            numbers[3:6] = numbers[9:12] = total, processed, total - processed
    made: DomainGetJobInfo = records.DomainGetJobInfo(*numbers)
    return made


def stats(calls: QemuBase, dom: "DomainRef", flags: int) -> "DomainGetJobStats":
    """How far a domain's backup is, or what the last one came to."""
    if flags & const.DOMAIN_JOB_STATS_COMPLETED:
        kind, found = _last(calls.driver, dom.uuid, bool(flags & const.DOMAIN_JOB_STATS_KEEP_COMPLETED))
    else:
        now = _now(calls, calls._active(dom))
        kind = const.DOMAIN_JOB_UNBOUNDED if now is not None else const.DOMAIN_JOB_NONE
        found = _figures(*now) if now is not None else params.TypedParams()
    made: DomainGetJobStats = records.DomainGetJobStats(kind, found)
    return made


def abort(calls: QemuBase, dom: "DomainRef") -> None:
    """Give a backup up. Raises OPERATION_INVALID when there is none."""
    from .jobcontrol import await_end

    with calls._lock(dom):
        guest = calls._active(dom)
        record = guest.record
        if record is None or not of(record):
            raise fail(errors.OPERATION_INVALID, "no job is active on the domain")
        with monitor_of(calls.driver, guest) as monitor:
            for job in of(record):
                job.phase = ABORT
                blockstate.write(calls.driver, record, job)
                monitor.do("block-job-cancel", {"device": job.name, "force": True})
            for job in of(record):
                await_end(calls.driver, guest, monitor, job.name)


def _last(driver: "QemuDriver", uuid: bytes, stay: bool) -> "tuple[int, TypedParams]":
    """What the last backup came to: it is told once, unless it is to stay."""
    path = _done(driver, uuid)
    try:
        elapsed, total, processed, outcome = map(int, lines.load(driver.host.read(path))[0])
    except (FileNotFoundError, ValueError, IndexError):
        return const.DOMAIN_JOB_NONE, params.TypedParams()
    if not stay:
        driver.host.remove(path)
    found = _figures(elapsed, total, processed, pull=False)
    return ENDED.get(outcome, const.DOMAIN_JOB_FAILED), found


def _now(calls: QemuBase, guest: "Guest") -> "tuple[int, int, int, bool] | None":
    """Elapsed ms, bytes in all and done, and whether it is a pull backup; None when there is none."""
    record, driver = guest.record, calls.driver
    jobs = of(record) if record is not None else []
    if not jobs:
        return None
    with monitor_of(driver, guest) as monitor:
        told = {job["device"]: job for job in monitor.execute("query-block-jobs")}
    mine = [told[job.name] for job in jobs if job.name in told]
    begun = driver.host.stat(document(driver, guest.uuid))
    elapsed = (time.time_ns() - begun.mtime_ns) // 10**6 if begun is not None else 0
    # A job of a pull backup is one whose image is removed in the end.
    return elapsed, sum(job["len"] for job in mine), sum(job["offset"] for job in mine), jobs[0].delete
