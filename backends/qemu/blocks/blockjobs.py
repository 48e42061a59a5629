"""Jobs on the disks of a running domain: moving contents between its images while it runs."""

import re

from ... import errors, records
from ...constants import domain as const
from ...xml.disks import Mirror, find_disk
from ...xml.storage import BackingStore
from .. import definitions, ownership
from ..base import QemuBase, call, fail, not_running
from ..lifecycle import monitor_of
from . import blockstate, chains, diskcopy, jobcontrol
from .blockstate import ACTIVE, PULL, TYPES, Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...params import TypedParams
    from ...records import DomainGetBlockJobInfo, DomainRef
    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..guests import Guest
    from .chains import Layer

MIB = 1 << 20
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
                diskcopy.copy(self.driver, guest, model, disk, mirror, {"speed": speed or None}, copy)
            else:
                _pull(self.driver, guest, model, disk, base, speed)

    @call("qemuDomainBlockCopy", COPIES)
    def domain_block_copy(
        self, dom: "DomainRef", path: str, destxml: str, params: "TypedParams", flags: int = 0
    ) -> None:
        from ..plugs import devices

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
            diskcopy.copy(self.driver, guest, model, disk, mirror, options, flags)

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
                jobcontrol.end(self.driver, guest, monitor, _job(guest, disk), pivot)
                if not flags & const.DOMAIN_BLOCK_JOB_ABORT_ASYNC:
                    jobcontrol.await_end(self.driver, guest, monitor, _job_name(guest, disk))

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
    jobcontrol.refuse_busy(guest, disk)
    name = f"pull-{disk.target}-{chains.nodes(disk)[0]}"
    job = Job(name, PULL, str(disk.target), disk.index, lower.index if lower else 0)
    arguments = {
        "device": chains.nodes(disk)[0],
        "base-node": chains.nodes(lower)[0] if lower else None,
        "backing-file": chains.name_of(lower) if lower else None,
        "speed": speed or None,
    }
    with monitor_of(driver, guest) as monitor:
        jobcontrol.begin(driver, guest, monitor, job, "block-stream", arguments)


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
    jobcontrol.refuse_busy(guest, disk)
    active = upper is disk
    assert guest.record is not None
    ownership.lend(driver, guest.record, [(lower.source.path, True)] if lower.source.path else [])
    with monitor_of(driver, guest) as monitor:
        if active:
            disk.mirror = Mirror(type=lower.type, format=lower.format, index=lower.index, job=ACTIVE)
            disk.mirror.source = lower.source
        job = jobcontrol.commit_job(disk, upper, lower, delete)
        arguments = jobcontrol.commit_arguments(disk, upper, lower, speed)
        jobcontrol.begin(driver, guest, monitor, job, "block-commit", arguments, model)
