"""Jobs on the disks of a running domain: moving contents between its images while it runs."""

import re
import time

from .. import errors, records
from ..constants import domain as const
from ..xml.disks import Mirror, find_disk
from ..xml.storage import BackingStore
from . import blockstate, chains, definitions
from .base import QemuBase, call, fail, not_running
from .blockstate import ABORT, ACTIVE, COMMIT, COPY, PIVOT, PULL, TYPES, WAITS, Job
from .lifecycle import monitor_of
from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..params import TypedParams
    from ..records import DomainGetBlockJobInfo, DomainRef
    from ..xml.disks import Disk
    from ..xml.domain import Domain
    from .chains import Layer
    from .driver import QemuDriver
    from .guests import Guest
    from .qmp import Monitor

MIB = 1 << 20
#: Seconds in which a job must come to its end that was told to.
PATIENCE = 60.0
REBASES = (const.DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES << 1) - 1
COMMITS = (const.DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES << 1) - 1
COPIES = (const.DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES << 1) - 1


class BlockJobCalls(QemuBase):
    """Jobs on disks: starting them, looking at them, ending them."""

    @call("qemuDomainBlockPull", const.DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES)
    def domain_block_pull(self, dom: "DomainRef", path: str, bandwidth: int, flags: int = 0) -> None:
        with self._lock(dom):
            _pull(self.driver, *_running(self, dom, path), None, _speed(bandwidth, bool(flags)))

    @call("qemuDomainBlockRebase", REBASES)
    def domain_block_rebase(
        self, dom: "DomainRef", path: str, base: "str | None", bandwidth: int, flags: int = 0
    ) -> None:
        speed = _speed(bandwidth, bool(flags & const.DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES))
        with self._lock(dom):
            guest, model, disk = _running(self, dom, path)
            if flags & const.DOMAIN_BLOCK_REBASE_COPY:
                block = flags & const.DOMAIN_BLOCK_REBASE_COPY_DEV
                mirror = Mirror(type="block" if block else "file")
                chains.set_source(mirror.source, mirror.type, base or "")
                mirror.format = "raw" if flags & const.DOMAIN_BLOCK_REBASE_COPY_RAW else ""
                # The flags of both calls have the same numbers for what they have in common.
                copy = flags & (const.DOMAIN_BLOCK_COPY_SHALLOW | const.DOMAIN_BLOCK_COPY_REUSE_EXT)
                _copy(self.driver, guest, model, disk, mirror, {"speed": speed or None}, copy)
            else:
                _pull(self.driver, guest, model, disk, base, speed)

    @call("qemuDomainBlockCopy", COPIES)
    def domain_block_copy(
        self, dom: "DomainRef", path: str, destxml: str, params: "TypedParams", flags: int = 0
    ) -> None:
        from . import devices

        wanted = {name: int(value) for name, _, value in params.items}
        options = {
            "speed": wanted.get("bandwidth"),
            "granularity": wanted.get("granularity"),
            "buf-size": wanted.get("buf-size"),
            "copy-mode": "write-blocking" if flags & const.DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES else None,
        }
        with self._lock(dom):
            guest, model, disk = _running(self, dom, path)
            # What is described is a disk without a target: it takes this one's.
            text = re.sub(r"</disk>\s*$", f"<target dev='{disk.target}'/></disk>", destxml.strip())
            _, described = devices.parse(model, text)
            mirror = Mirror(type=described.type, format=described.driver.type)
            mirror.source = described.source
            _copy(self.driver, guest, model, disk, mirror, options, flags)

    @call("qemuDomainBlockCommit", COMMITS)
    def domain_block_commit(
        self, dom: "DomainRef", disk: str, base: "str | None", top: "str | None", bandwidth: int, flags: int = 0
    ) -> None:
        speed = _speed(bandwidth, bool(flags & const.DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES))
        with self._lock(dom):
            guest, model, found = _running(self, dom, disk, active=False)
            upper = _image(found, top) if top else found
            below = [*chains.below_all(upper)]
            if flags & const.DOMAIN_BLOCK_COMMIT_SHALLOW and below:
                lower: BackingStore | None = below[0]
            else:
                lower = _lower(found, upper, base) if base else below[-1] if below else None
            target = found.target
            if lower is None:
                raise fail(errors.INVALID_ARG, f"could not find base image in chain for '{target}'")
            if not guest.active:
                raise not_running()
            active = bool(flags & const.DOMAIN_BLOCK_COMMIT_ACTIVE)
            if upper is found and not active:
                raise fail(errors.INVALID_ARG, f"commit of '{target}' active layer requires active flag")
            if upper is not found and active:
                raise fail(errors.INVALID_ARG, f"active commit requested but '{top}' is not active")
            delete = bool(flags & const.DOMAIN_BLOCK_COMMIT_DELETE)
            _commit(self.driver, guest, model, found, upper, lower, speed, delete)

    @call("qemuDomainGetBlockJobInfo", const.DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES)
    def domain_get_block_job_info(self, dom: "DomainRef", path: str, flags: int = 0) -> "DomainGetBlockJobInfo":
        guest, _, disk = _running(self, dom, path)
        job = blockstate.on(guest.record, disk.target)
        told = None
        if job is not None:
            with monitor_of(self.driver, guest) as monitor:
                told = next((t for t in monitor.execute("query-block-jobs") if t["device"] == job.name), None)
        if job is None or told is None:
            none: DomainGetBlockJobInfo = records.DomainGetBlockJobInfo(0, 0, 0, 0, 0)
            return none
        current, end = told["offset"], told["len"]
        if current == end and not told["ready"]:
            # Only one that is ready is at its end.
            current, end = (current - 1, end) if current else (0, 1)
        elif not end:
            current = end = 1
        speed = told["speed"] if flags else -(-told["speed"] // MIB)
        made: DomainGetBlockJobInfo = records.DomainGetBlockJobInfo(1, TYPES[job.kind], speed, current, end)
        return made

    @call("qemuDomainBlockJobSetSpeed", const.DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES)
    def domain_block_job_set_speed(self, dom: "DomainRef", path: str, bandwidth: int, flags: int = 0) -> None:
        speed = _speed(bandwidth, bool(flags))
        with self._lock(dom):
            guest, _, disk = _running(self, dom, path)
            job = _job(guest, disk)
            with monitor_of(self.driver, guest) as monitor:
                monitor.do("block-job-set-speed", {"device": job.name, "speed": speed})

    @call("qemuDomainBlockJobAbort", const.DOMAIN_BLOCK_JOB_ABORT_ASYNC | const.DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    def domain_block_job_abort(self, dom: "DomainRef", path: str, flags: int = 0) -> None:
        with self._lock(dom):
            guest, _, disk = _running(self, dom, path)
            with monitor_of(self.driver, guest) as monitor:
                assert guest.record is not None
                blockstate.look(self.driver, guest.record, monitor)
                pivot = bool(flags & const.DOMAIN_BLOCK_JOB_ABORT_PIVOT)
                end(self.driver, guest, monitor, _job(guest, disk), pivot)
                if not flags & const.DOMAIN_BLOCK_JOB_ABORT_ASYNC:
                    await_end(self.driver, guest, monitor, _job_name(guest, disk))

    @call("qemuDomainBlockResize", const.DOMAIN_BLOCK_RESIZE_BYTES)
    def domain_block_resize(self, dom: "DomainRef", disk: str, size: int, flags: int = 0) -> None:
        length = size if flags & const.DOMAIN_BLOCK_RESIZE_BYTES else size * 1024
        if length >= 1 << 63:
            raise errors.VirtError(errors.OVERFLOW, f"size must be less than {(1 << 64) // 1024}")
        with self._lock(dom):
            guest = self._active(dom)
            model = definitions.read_live(self.driver.store, guest.uuid)
            found = find_disk(model.devices.disks, disk)
            if found is None:
                raise fail(errors.INVALID_ARG, f"disk '{disk}' was not found in the domain config")
            if chains.format_of(found) in ("qcow2", "qed"):
                length = -(-length // 512) * 512
            with monitor_of(self.driver, guest) as monitor:
                monitor.do("block_resize", {"node-name": chains.nodes(found)[0], "size": length})


def _speed(bandwidth: int, bytes: bool) -> int:
    """A bandwidth in bytes/s; raises OVERFLOW."""
    speed = bandwidth if bytes else bandwidth * MIB
    if speed >= 1 << 63:
        limit = ((1 << 63) - 1) // (1 if bytes else MIB)
        raise errors.VirtError(errors.OVERFLOW, f"bandwidth must be less than {limit}")
    return speed


def _running(calls: QemuBase, dom: "DomainRef", path: str, active: bool = True) -> "tuple[Guest, Domain, Disk]":
    """A running domain as it runs, and its disk; raises OPERATION_INVALID, INVALID_ARG."""
    guest = calls._active(dom) if active else calls._guest(dom)
    store = calls.driver.store
    if guest.active:
        model = definitions.read_live(store, guest.uuid)
    else:
        model = definitions.read_definition(store, guest.name)
    disk = find_disk(model.devices.disks, path)
    if disk is None:
        raise fail(errors.INVALID_ARG, f"disk '{path}' not found in domain")
    return guest, model, disk


def _job(guest: "Guest", disk: "Disk") -> Job:
    job = blockstate.on(guest.record, disk.target)
    if job is None:
        raise fail(errors.INVALID_ARG, f"disk {disk.target} does not have an active block job")
    return job


def _job_name(guest: "Guest", disk: "Disk") -> str:
    job = blockstate.on(guest.record, disk.target)
    return job.name if job is not None else ""


def _refuse_busy(guest: "Guest", disk: "Disk") -> None:
    if blockstate.on(guest.record, disk.target) is not None:
        text = f"disk '{disk.target}' already in active block job"
        raise fail(errors.BLOCK_COPY_ACTIVE, text)


def _image(disk: "Disk", told: str, beneath: "Layer | None" = None) -> "Layer":
    """The image of a disk that is told by its path or as `TARGET[NUMBER]`; raises INVALID_ARG."""
    found = [*chains.below_all(beneath)] if beneath is not None else [*chains.layers(disk)]
    where = f" beneath '{beneath.source.path}'" if beneath is not None else ""
    match = re.fullmatch(r"(.+)\[(\d+)\]", told)
    if match and match[1] == disk.target:
        number = int(match[2])
        what = f"backing store index '{number}'"
        chosen = next((layer for layer in found if layer.index == number), None)
    else:
        what = f"image '{told}'"
        chosen = next((layer for layer in found if layer.source.path == told), None)
    if chosen is None:
        raise fail(errors.INVALID_ARG, f"could not find {what}{where} in chain for '{disk.target}'")
    return chosen


def _lower(disk: "Disk", upper: "Layer", told: str) -> BackingStore:
    found = _image(disk, told, upper)
    assert isinstance(found, BackingStore)
    return found


def _pull(driver: "QemuDriver", guest: "Guest", model: "Domain", disk: "Disk", base: "str | None", speed: int) -> None:
    lower = _lower(disk, disk, base) if base else None
    _refuse_busy(guest, disk)
    name = f"pull-{disk.target}-{chains.nodes(disk)[0]}"
    job = Job(name, PULL, str(disk.target), disk.index, lower.index if lower else 0)
    arguments = {
        "device": chains.nodes(disk)[0],
        "base-node": chains.nodes(lower)[0] if lower else None,
        "backing-file": lower.source.path if lower else None,
        "speed": speed or None,
    }
    with monitor_of(driver, guest) as monitor:
        begin(driver, guest, monitor, job, "block-stream", arguments)


def _commit(
    driver: "QemuDriver",
    guest: "Guest",
    model: "Domain",
    disk: "Disk",
    upper: "Layer",
    lower: BackingStore,
    speed: int,
    delete: bool,
) -> None:
    _refuse_busy(guest, disk)
    active = upper is disk
    with monitor_of(driver, guest) as monitor:
        if active:
            disk.mirror = Mirror(type=lower.type, format=lower.format, index=lower.index, job=ACTIVE)
            disk.mirror.source = lower.source
        job = commit_job(disk, upper, lower, delete)
        begin(driver, guest, monitor, job, "block-commit", commit_arguments(disk, upper, lower, speed), model)


def commit_job(disk: "Disk", upper: "Layer", lower: BackingStore, delete: bool) -> Job:
    kind = ACTIVE if upper is disk else COMMIT
    name = f"commit-{disk.target}-{chains.nodes(upper)[0]}"
    return Job(name, kind, str(disk.target), upper.index, lower.index, delete=delete)


def commit_arguments(disk: "Disk", upper: "Layer", lower: BackingStore, speed: int = 0) -> "dict[str, Any]":
    return {
        "device": chains.nodes(disk)[0],
        "top-node": chains.nodes(upper)[0],
        "base-node": chains.nodes(lower)[0],
        "backing-file": None if upper is disk else lower.source.path,
        "speed": speed or None,
    }


def _copy(
    driver: "QemuDriver",
    guest: "Guest",
    model: "Domain",
    disk: "Disk",
    mirror: Mirror,
    options: "dict[str, Any]",
    flags: int,
) -> None:
    _refuse_busy(guest, disk)
    shallow = bool(flags & const.DOMAIN_BLOCK_COPY_SHALLOW)
    reuse = bool(flags & const.DOMAIN_BLOCK_COPY_REUSE_EXT)
    if guest.persistent and not flags & const.DOMAIN_BLOCK_COPY_TRANSIENT_JOB:
        raise fail(errors.OPERATION_INVALID, "domain is not transient")
    mirror.format = mirror.format or chains.format_of(disk)
    _check_destination(driver, disk, mirror, shallow, reuse)
    record = guest.record
    assert record is not None
    record.nodes += 1
    mirror.index = record.nodes
    mirror.job = COPY
    if mirror.type == "file":
        mirror.file, mirror.old_format = mirror.source.path, mirror.format
    mirror.backing_store = disk.backing_store if shallow else BackingStore()
    target = mirror.layer()
    job = Job(f"copy-{disk.target}-{chains.nodes(disk)[0]}", COPY, str(disk.target), disk.index, 0)
    arguments = {
        "device": chains.nodes(disk)[0],
        "target": chains.nodes(target)[0],
        "sync": "top" if shallow else "full",
        **options,
    }
    disk.mirror = mirror
    with monitor_of(driver, guest) as monitor:
        made = mirror.type == "file" and not reuse
        try:
            _open_target(driver, monitor, disk, target, made)
            begin(driver, guest, monitor, job, "blockdev-mirror", arguments, model)
        except BaseException:
            for node in chains.nodes(target):
                blockstate.forget(monitor, "blockdev-del", "node-name", node)
            driver.host.remove(*([str(mirror.source.path)] if made else []))
            raise


def _check_destination(driver: "QemuDriver", disk: "Disk", mirror: Mirror, shallow: bool, reuse: bool) -> None:
    if mirror.type not in ("file", "block"):
        raise fail(errors.OPERATION_UNSUPPORTED, f"copies to storage of type '{mirror.type}' are not supported")
    if shallow and mirror.format == "raw" and disk.backing_store is not None and disk.backing_store.type:
        raise fail(errors.INVALID_ARG, f"shallow copy of disk '{disk.target}' into a raw file is not possible")
    path = str(mirror.source.path)
    stat = driver.host.stat(path)
    if stat is None and (reuse or mirror.type == "block"):
        missing = FileNotFoundError(2, "No such file or directory")
        raise system_error(missing, f"missing destination file for disk {disk.target}: {path}")
    if stat is not None and not stat.block and stat.size and not reuse:
        text = f"external destination file for disk {disk.target} already exists and is not a block device: {path}"
        raise fail(errors.CONFIG_UNSUPPORTED, text)


def _open_target(driver: "QemuDriver", monitor: "Monitor", disk: "Disk", target: BackingStore, made: bool) -> None:
    """Let QEMU open what is copied to, after making it."""
    from .argv.disks import image
    from .overlays import named_nodes, run_job

    storage, format = image(disk, target, readonly=False)
    (size,) = [n["image"]["virtual-size"] for n in named_nodes(monitor) if n["node-name"] == chains.nodes(disk)[0]]
    if made:
        path = str(target.source.path)
        driver.host.write(path, b"", 0o600)
        owner = driver.settings.owner()
        if owner is not None:
            driver.host.give(path, owner)
        if target.format == "raw":
            run_job(monitor, "blockdev-create", {"options": {"driver": "file", "filename": path, "size": size}})
    monitor.do("blockdev-add", storage)
    if made and target.format != "raw":
        options = {"driver": target.format, "file": storage["node-name"], "size": size}
        lower = chains.below(target)
        if lower is not None and lower.type:
            options |= {"backing-file": lower.source.path, "backing-fmt": lower.format}
        run_job(monitor, "blockdev-create", {"options": options})
    monitor.do("blockdev-add", format)


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
    from .jobs import dismiss

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
