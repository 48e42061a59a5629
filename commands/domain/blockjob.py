"""`blockjob` and `blockresize`: a job on a disk of a running domain, and the disk's size."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import INVALID_ARG, OVERFLOW, VirtError

from ..declare import Flag, Scaled, command
from ..errors import CommandError, failing
from ..results import Done, Notice, Text
from ..sizes import pretty
from .blockjobs import BYTES, DISK, MIB, Bandwidth
from .jobinfo import word
from .lookup import DOMAIN, RUNNING, Domain, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vsh.backends.records import DomainGetBlockJobInfo, DomainRef

    from ..context import Context
    from ..results import Result

#: virDomainBlockJobType in virsh's words.
TYPES = ("Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup")


@command(
    "blockjob",
    group="domain",
    options=[
        DOMAIN,
        DISK,
        Flag("abort", "abort the job"),
        Flag("async", "abort it and do not wait for its end"),
        Flag("pivot", "end a copy or an active commit, and let the disk go on with the new image"),
        Flag("info", "show how far it is; this is the default"),
        BYTES,
        Flag("raw", "show it in plain numbers"),
        Bandwidth(),
    ],
    exclusive=[
        *(("raw", other) for other in ("abort", "pivot", "async", "bandwidth")),
        *(("info", other) for other in ("abort", "pivot", "async", "bandwidth")),
        *(("bytes", other) for other in ("abort", "pivot", "async")),
    ],
)
def blockjob(
    ctx: "Context",
    domain: "DomainRef",
    path: str,
    abort: bool = False,
    pivot: bool = False,
    info: bool = False,
    bytes: bool = False,
    raw: bool = False,
    bandwidth: "Callable[[bool], int] | None" = None,
    **later: bool,
) -> "Result":
    """Show, limit, end or abort the job on a disk of a running domain."""
    if bandwidth is not None:
        flags = constants.DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES * bytes
        limit = bandwidth(bytes)
        ctx.connection.domain_block_job_set_speed(domain, path, limit, flags)
        unit = "bytes" if bytes else "mib"
        return Done(domain=facts(domain), disk=path, **{f"bandwidth_{unit}_per_second": limit})
    if abort or pivot or later:
        flags = constants.DOMAIN_BLOCK_JOB_ABORT_ASYNC * bool(later) | constants.DOMAIN_BLOCK_JOB_ABORT_PIVOT * pivot
        ctx.connection.domain_block_job_abort(domain, path, flags)
        return Done(domain=facts(domain), disk=path)
    return _info(ctx, domain, path, bytes, raw)


def _info(ctx: "Context", domain: "DomainRef", path: str, bytes: bool, raw: bool) -> "Result":
    job, unit = _query(ctx, domain, path, bytes, raw)
    if not job.found:
        facts_ = {"domain": facts(domain), "disk": path, "job": None}
        return Text("", data=facts_) if raw else Notice(f"No current block job for {path}", data=facts_)
    kind, speed = word(TYPES, job.type, "Unknown job"), job.bandwidth * unit
    data = {
        "domain": facts(domain),
        "disk": path,
        "job": {
            "type": kind.lower().replace(" ", "_"),
            "bandwidth_bytes_per_second": speed,
            "processed_bytes": job.cur,
            "total_bytes": job.end,
        },
    }
    if raw:
        return Text(f" type={kind}\n bandwidth={job.bandwidth}\n cur={job.cur}\n end={job.end}\n", data=data)
    if speed >= 1 << 64:
        raise CommandError(f"overflow in converting {job.bandwidth} MiB/s to bytes\n")
    ctx.progress(kind, job.end - job.cur, job.end)
    limit = f"    Bandwidth limit: {speed} bytes/s ({pretty(speed, 3)}/s)" if speed else ""
    return Text(f"{limit}\n", data=data)


def _query(
    ctx: "Context", domain: "DomainRef", path: str, bytes: bool, raw: bool
) -> "tuple[DomainGetBlockJobInfo, int]":
    """The job, and the bytes that its bandwidth is counted in: older drivers know MiB alone."""
    if bytes or not raw:
        try:
            flags = constants.DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES
            return ctx.connection.domain_get_block_job_info(domain, path, flags), 1
        except VirtError as error:
            if bytes or error.code not in (INVALID_ARG, OVERFLOW):
                raise
    return ctx.connection.domain_get_block_job_info(domain, path, 0), MIB


@command(
    "blockresize",
    group="domain",
    options=[
        Domain(RUNNING, resolve=None),
        DISK,
        Scaled("size", "the new size, in KiB unless it has a unit", scale=1024, most=2**64 - 1, required=True),
        Flag("capacity", "all of the device that holds it; the size is 0 then"),
    ],
)
def blockresize(ctx: "Context", domain: str, path: str, size: int, capacity: bool = False) -> Notice:
    """Change the size of a disk of a running domain.

    The guest sees the new size; what it keeps on the disk is its own affair.
    """
    ref = find_domain(ctx, domain)
    flags = constants.DOMAIN_BLOCK_RESIZE_CAPACITY * capacity
    number = size // 1024
    if size % 1024:  # Older drivers take KiB alone.
        flags, number = flags | constants.DOMAIN_BLOCK_RESIZE_BYTES, size
    with failing(f"Failed to resize block device '{path}'"):
        ctx.connection.domain_block_resize(ref, path, number, flags)
    data = {"domain": facts(ref), "disk": path, "size_bytes": size}
    return Notice(f"Block device '{path}' is resized", data=data)
