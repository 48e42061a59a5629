"""What has become of block jobs: they belong to QEMU, and whoever looks next brings a domain's documents up to date.

A job is written down in the domain's run-time state before QEMU begins it, and whether it is to be pivoted before QEMU
is told. QEMU keeps a job that has come to its end until it is dismissed; of one whose QEMU has ended its journal tells.
"""

import json

from ...constants import domain as const
from ...xml.storage import BackingStore
from .. import definitions, journal, ownership
from . import chains, opening

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..qmp import Monitor
    from ..store import Running

PULL, COPY, COMMIT, ACTIVE, BACKUP = "pull", "copy", "commit", "active-commit", "backup"
#: virDomainBlockJobType
TYPES = {
    PULL: const.DOMAIN_BLOCK_JOB_TYPE_PULL,
    COPY: const.DOMAIN_BLOCK_JOB_TYPE_COPY,
    COMMIT: const.DOMAIN_BLOCK_JOB_TYPE_COMMIT,
    ACTIVE: const.DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT,
    BACKUP: const.DOMAIN_BLOCK_JOB_TYPE_BACKUP,
}
#: virConnectDomainEventBlockJobStatus
COMPLETED, FAILED, CANCELED, READY = range(4)
#: How far a job has come that does not end by itself: it waits for our word, and which it got.
WAITS, PIVOT, ABORT = "ready", "pivot", "abort"


class Job:
    """One: `top` and `base` are the numbers of the images between which it works, 0 for none; `delete` says that images
    which are no more needed are to be removed."""

    def __init__(self, name: str, kind: str, target: str, top: int, base: int, phase: str = "", delete: bool = False):
        self.name, self.kind, self.target, self.top, self.base = name, kind, target, top, base
        self.phase, self.delete = phase, delete

    def row(self) -> "list[str]":
        return [self.name, self.kind, self.target, str(self.top), str(self.base), self.phase, str(int(self.delete))]

    @classmethod
    def read(cls, row: "list[str]") -> "Job":
        name, kind, target, top, base, phase, delete = row
        return cls(name, kind, target, int(top), int(base), phase, delete == "1")


def jobs(record: "Running") -> "list[Job]":
    return [Job.read(row) for row in record.jobs]


def on(record: "Running | None", target: "str | None") -> "Job | None":
    """The job on a disk, if there is one."""
    return next((job for job in jobs(record) if job.target == target), None) if record is not None else None


def write(driver: "QemuDriver", record: "Running", job: Job) -> None:
    """Write a job's state down."""
    record.jobs = [row for row in record.jobs if row[0] != job.name] + [job.row()]
    driver.store.write_running(record)


def drop(driver: "QemuDriver", record: "Running", job: Job) -> None:
    """Forget a job that QEMU refused, or that has ended."""
    record.jobs = [row for row in record.jobs if row[0] != job.name]
    driver.store.write_running(record)


def look(driver: "QemuDriver", record: "Running", monitor: "Monitor | None") -> bool:
    """See what has become of a domain's jobs; without a monitor its QEMU has ended. Whether anything had.

    Call it with the domain's lock.
    """
    if not record.jobs:
        return False
    known = {job["id"]: job for job in monitor.execute("query-jobs")} if monitor is not None else {}
    changed = False
    for job in jobs(record):
        told = known.get(job.name)
        if told is None:
            _conclude(driver, record, job, _from_journal(driver, record, job), monitor)
        elif told["status"] == "concluded":
            _conclude(driver, record, job, FAILED if told.get("error") else COMPLETED, monitor, dismiss=True)
        elif told["status"] in ("ready", "standby") and not job.phase:
            _is_ready(driver, record, job)
        else:
            continue
        changed = True
    return changed


def _from_journal(driver: "QemuDriver", record: "Running", job: Job) -> int:
    """How a job ended of which QEMU knows nothing any more: one without an end ended with QEMU."""
    try:
        text = driver.host.read(record.journal)
    except FileNotFoundError:
        return FAILED
    for name, line in reversed(journal.events(text)):
        if name in ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"):
            data: dict[str, Any] = json.loads(line).get("data", {})
            if data.get("device") == job.name:
                return COMPLETED if name == "BLOCK_JOB_COMPLETED" and not data.get("error") else FAILED
    return FAILED


def _is_ready(driver: "QemuDriver", record: "Running", job: Job) -> None:
    live = definitions.read_live(driver.store, record.uuid)
    disk = _disk(live, job)
    if disk is not None and disk.mirror is not None:
        disk.mirror.ready = "yes"
        live.id = record.id
        definitions.write_live(driver.store, live)
    job.phase = WAITS
    write(driver, record, job)
    tell(driver, record, job, disk, READY)


def _disk(model: "Domain | None", job: Job) -> "Disk | None":
    disks = model.devices.disks if model is not None else []
    return next((disk for disk in disks if disk.target == job.target), None)


def _conclude(
    driver: "QemuDriver",
    record: "Running",
    job: Job,
    outcome: int,
    monitor: "Monitor | None",
    dismiss: bool = False,
) -> None:
    """Bring a domain up to date after the end of a job; doing so again changes nothing."""
    live = definitions.read_live(driver.store, record.uuid)
    disk = _disk(live, job)
    if job.kind == BACKUP:
        from .backups import conclude

        outcome = conclude(driver, record, job, outcome, monitor, dismiss)
        tell(driver, record, job, disk, outcome)
        return
    gone: list[BackingStore] = []
    if job.kind in (COPY, ACTIVE) and outcome == COMPLETED and job.phase != PIVOT:
        outcome = CANCELED
    if job.phase == ABORT:
        outcome = CANCELED
    if disk is not None:
        gone = _apply(driver, record, job, live, disk, outcome == COMPLETED)
    if monitor is not None:
        if job.kind == ACTIVE and gone:
            _save_bitmaps(monitor, gone, job)
        if dismiss:
            forget(monitor, "job-dismiss", "id", job.name)
        for layer in gone:
            for node in chains.nodes(layer):
                forget(monitor, "blockdev-del", "node-name", node)
            opening.lock(monitor, layer)
    ownership.leave(driver, record, live, [layer.source.path for layer in gone if layer.source.path])
    if job.delete and outcome == COMPLETED:
        from . import references

        used = references.used(driver)
        driver.host.remove(*(path for layer in gone if (path := layer.source.path) and path not in used))
    drop(driver, record, job)
    tell(driver, record, job, disk, outcome)


def _save_bitmaps(monitor: "Monitor", gone: "list[BackingStore]", job: Job) -> None:
    """Let the image that a disk now stands on have recorded what those above it had, for the sake of checkpoints."""
    from ..qmp import CommandFailed
    from . import bitmaps

    nodes = [chains.nodes(layer)[0] for layer in gone]
    actions = bitmaps.taken_down(nodes, chains.nodes_of(job.base)[0], bitmaps.all_of(monitor))
    try:
        if actions:
            monitor.execute("transaction", actions=actions)
    except CommandFailed:
        pass  # a later backup says that it cannot be incremental


def forget(monitor: "Monitor", command: str, key: str, name: str) -> None:
    """Have QEMU close or forget something, if it still has it."""
    from ..qmp import CommandFailed

    try:
        monitor.do(command, {key: name})
    except CommandFailed:
        pass  # somebody has been here, or it is in use elsewhere


def _apply(
    driver: "QemuDriver", record: "Running", job: Job, live: "Domain", disk: "Disk", done: bool
) -> "list[BackingStore]":
    """Write the end of a job into what runs and into the definition; the images that are in use no more."""
    mirror, before = disk.mirror, chains.name_of(disk)
    found = [_as_layer(layer) for layer in chains.layers(disk)]
    numbers = [layer.index for layer in found]
    gone: list[BackingStore] = []
    if done and job.kind != COPY and job.top in numbers and (not job.base or job.base in numbers):
        first = numbers.index(job.top) + (job.kind == PULL)
        gone = found[first : numbers.index(job.base) if job.base else None]
        base = found[numbers.index(job.base)] if job.base else BackingStore()
        _leave_out(disk, gone, base)
        if not job.base:
            disk.backing_store = BackingStore()
    elif job.kind == COPY and mirror is not None:
        target = mirror.layer()
        gone = [target]
        if done:
            kept = {layer.index for layer in chains.below_all(target)}
            gone = [layer for layer in found if layer.index not in kept]
            chains.stand_on(disk, target)
            disk.backing_store = target.inner
    disk.mirror = None
    live.id = record.id
    definitions.write_live(driver.store, live)
    if done and (gone or not job.base):
        _define(driver, record, job, before, disk, gone, found)
    return gone


def _as_layer(layer: "chains.Layer") -> BackingStore:
    """A copy of a layer that stays as it is whatever becomes of its disk."""
    if isinstance(layer, BackingStore):
        made: BackingStore = layer.copy()
        return made
    format = layer.driver.type or "raw"
    made = BackingStore(type=layer.type, index=layer.index, format=format, inner=layer.backing_store)
    made.source = chains.source_of(layer)
    return made


def _leave_out(disk: "Disk", gone: "list[BackingStore]", base: BackingStore) -> None:
    if gone:
        chains.leave_out(disk, {chains.name_of(layer) for layer in gone}, base)


def _define(
    driver: "QemuDriver",
    record: "Running",
    job: Job,
    before: str,
    disk: "Disk",
    gone: "list[BackingStore]",
    found: "list[BackingStore]",
) -> None:
    """Let the definition follow, if it stood on the same image."""
    try:
        model = definitions.read_definition(driver.store, record.name)
    except FileNotFoundError:
        return
    defined = _disk(model, job)
    if model.uuid != record.uuid or defined is None or chains.name_of(defined) != before:
        return
    if job.kind == COPY:
        chains.stand_on(defined, disk)
        defined.backing_store = disk.backing_store
    else:
        base = next((layer for layer in found if layer.index == job.base), BackingStore())
        known = defined.backing_store is not None
        _leave_out(defined, gone, base)
        if not job.base and known:
            defined.backing_store = BackingStore()
    definitions.write_definition(driver.store, model)


def tell(driver: "QemuDriver", record: "Running", job: Job, disk: "Disk | None", status: int) -> None:
    """Tell whoever watches what has become of a job."""
    from ... import records

    ref: records.DomainRef = records.DomainRef(record.name, record.uuid, record.id)
    path = (disk.source.path or disk.source.name or "") if disk is not None else ""
    driver.tell("domain_event_block_job", ref, path, TYPES[job.kind], status)
    driver.tell("domain_event_block_job_2", ref, job.target, TYPES[job.kind], status)
