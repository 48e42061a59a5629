"""`blockpull`, `blockcommit` and `blockcopy`: move the contents of disks along and between chains of images."""

from vsh.backends.constants import domain as constants
from vsh.backends.params import UINT, ULLONG, TypedParams

from ..declare import Alias, Flag, Int, Opt, command
from ..errors import CommandError
from ..files import read_file
from ..results import Text
from .blockjobs import ASYNC, BYTES, DISK, MIB, TIMEOUT, VERBOSE, WAIT, Bandwidth, BlockJob
from .lookup import RUNNING, Domain, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ..context import Context
    from ..results import Result

BANDWIDTH = Bandwidth()


@command(
    "blockpull",
    group="domain",
    options=[
        Domain(RUNNING, resolve=None),
        DISK,
        BANDWIDTH,
        Opt("base", "the image that stays below it; without it none does"),
        WAIT,
        VERBOSE,
        TIMEOUT,
        ASYNC,
        Flag("keep-relative", "name the images below it by relative paths"),
        BYTES,
    ],
    requires=[("verbose", "wait"), ("async", "wait")],
)
def blockpull(
    ctx: "Context",
    domain: str,
    path: str,
    bandwidth: "Callable[[bool], int] | None" = None,
    base: "str | None" = None,
    keep_relative: bool = False,
    bytes: bool = False,
    **waiting: "Any",
) -> "Iterator[Result]":
    """Pull the contents of the images below a disk's image up into it.

    Afterwards the disk needs those images no more. Ctrl-C aborts a job that is waited for.
    """
    limit = bandwidth(bytes) if bandwidth else 0
    ref = find_domain(ctx, domain)
    flags = constants.DOMAIN_BLOCK_REBASE_RELATIVE * keep_relative
    unit = constants.DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES * bytes  # virDomainBlockRebase has the same number for it

    def start() -> None:
        if base is not None or flags:
            ctx.connection.domain_block_rebase(ref, path, base, limit, flags | unit)
        else:
            ctx.connection.domain_block_pull(ref, path, limit, unit)

    job = BlockJob(ctx, ref, path, "Block Pull", waiting)
    return job.run(start, "Block Pull started", "Pull", "Pull complete")


@command(
    "blockcommit",
    group="domain",
    options=[
        Domain(RUNNING, resolve=None),
        DISK,
        BANDWIDTH,
        Opt("base", "the image that takes the contents; without it the lowest"),
        Flag("shallow", "the image right below the top takes them"),
        Opt("top", "the uppermost image whose contents move; without it the disk's own"),
        Flag("active", "the disk's own image, to which the guest writes, is among them"),
        Flag("delete", "delete the images that are no longer needed"),
        WAIT,
        VERBOSE,
        TIMEOUT,
        Flag("pivot", "when all is moved, let the disk go on with the lower image; implies --active and --wait"),
        Flag("keep-overlay", "when all is moved, let it go on with its image; implies --active and --wait"),
        ASYNC,
        Flag("keep-relative", "name the images below by relative paths"),
        BYTES,
    ],
    exclusive=[("pivot", "keep-overlay")],
)
def blockcommit(
    ctx: "Context",
    domain: str,
    path: str,
    bandwidth: "Callable[[bool], int] | None" = None,
    base: "str | None" = None,
    shallow: bool = False,
    top: "str | None" = None,
    active: bool = False,
    delete: bool = False,
    pivot: bool = False,
    keep_overlay: bool = False,
    keep_relative: bool = False,
    bytes: bool = False,
    **waiting: "Any",
) -> "Iterator[Result]":
    """Commit the contents of a disk's upper images down into a lower one.

    Afterwards the upper images are not needed. Ctrl-C aborts a job that is waited for.
    """
    limit = bandwidth(bytes) if bandwidth else 0
    active = active or pivot or keep_overlay
    _need_wait(waiting, pivot or keep_overlay, "keep-overlay")
    ref = find_domain(ctx, domain)
    flags = (
        constants.DOMAIN_BLOCK_COMMIT_SHALLOW * shallow
        | constants.DOMAIN_BLOCK_COMMIT_DELETE * delete
        | constants.DOMAIN_BLOCK_COMMIT_ACTIVE * active
        | constants.DOMAIN_BLOCK_COMMIT_RELATIVE * keep_relative
        | constants.DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES * bytes
    )
    job = BlockJob(ctx, ref, path, "Block commit", waiting, pivot or keep_overlay)
    return job.run(
        lambda: ctx.connection.domain_block_commit(ref, path, base, top, limit, flags),
        "Active Block Commit started" if active else "Block Commit started",
        "Commit",
        "Now in synchronized phase" if active else "Commit complete",
        pivot=pivot,
        finish="Commit complete, overlay image kept" if keep_overlay else "",
    )


@command(
    "blockcopy",
    group="domain",
    options=[
        Domain(RUNNING, resolve=None),
        DISK,
        Opt("dest", "the new image"),
        BANDWIDTH,
        Flag("shallow", "copy the disk's own image alone; those below it are shared"),
        Flag("reuse-external", "the new image exists already"),
        Alias("raw", "format=raw"),
        Flag("blockdev", "the new image is a block device"),
        WAIT,
        VERBOSE,
        TIMEOUT,
        Flag("pivot", "when all is copied, let the disk go on with the copy; implies --wait"),
        Flag("finish", "when all is copied, let it go on with its image; implies --wait"),
        ASYNC,
        Opt("xml", "a file with the XML of the new image: <disk>"),
        Opt("format", "the format of the new image", complete=lambda ctx, given: ["raw", "qcow2"]),
        Int("granularity", "bytes that are copied at once: a power of two", least=0, most=2**32 - 1),
        Int("buf-size", "bytes that are under way at most", least=0, most=2**64 - 1),
        BYTES,
        Flag("transient-job", "the job may get lost when the domain stops"),
        Flag("synchronous-writes", "the guest's writes wait for the copy"),
        Flag("print-xml", "show the XML of the new image and do nothing"),
    ],
)
def blockcopy(
    ctx: "Context",
    domain: str,
    path: str,
    dest: "str | None" = None,
    bandwidth: "Callable[[bool], int] | None" = None,
    shallow: bool = False,
    reuse_external: bool = False,
    blockdev: bool = False,
    pivot: bool = False,
    finish: bool = False,
    xml: "str | None" = None,
    format: "str | None" = None,
    granularity: int = 0,
    buf_size: int = 0,
    bytes: bool = False,
    transient_job: bool = False,
    synchronous_writes: bool = False,
    print_xml: bool = False,
    **waiting: "Any",
) -> "Iterator[Result]":
    """Copy the contents of a disk to a new image.

    Once all is copied the new image follows what the guest writes, until the job is ended with --pivot or --finish, or
    with blockjob. Ctrl-C aborts a job that is waited for.
    """
    limit = bandwidth(bytes) if bandwidth else 0
    for option, given in (("dest", dest is not None), ("format", format is not None), ("blockdev", blockdev)):
        if given and xml is not None:
            raise CommandError(f"Options --{option} and --xml are mutually exclusive")
    if pivot and finish:
        raise CommandError("Options --pivot and --finish are mutually exclusive")
    if dest is None and xml is None:
        raise CommandError("need either --dest or --xml")
    _need_wait(waiting, pivot or finish, "finish")
    ref = find_domain(ctx, domain)
    image = read_file(xml) if xml is not None else _image(dest or "", blockdev, format)
    if print_xml:
        return iter([Text(image, data={"xml": image})])
    # virDomainBlockRebase and virDomainBlockCopy have the same numbers for these.
    flags = constants.DOMAIN_BLOCK_COPY_SHALLOW * shallow | constants.DOMAIN_BLOCK_COPY_REUSE_EXT * reuse_external
    newer = (
        constants.DOMAIN_BLOCK_COPY_TRANSIENT_JOB * transient_job
        | constants.DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES * synchronous_writes
    )
    older = (
        constants.DOMAIN_BLOCK_REBASE_COPY
        | constants.DOMAIN_BLOCK_REBASE_COPY_DEV * blockdev
        | constants.DOMAIN_BLOCK_REBASE_COPY_RAW * (format == "raw")
        | constants.DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES * bytes
    )
    params = None
    if xml is not None or granularity or buf_size or newer or format not in (None, "raw"):
        params = _params(limit if bytes else _in_bytes(limit), granularity, buf_size)

    def start() -> None:
        if params is None:
            ctx.connection.domain_block_rebase(ref, path, dest, limit, flags | older)
        else:
            ctx.connection.domain_block_copy(ref, path, image, params, flags | newer)

    job = BlockJob(ctx, ref, path, "Block Copy", waiting, pivot or finish)
    return job.run(
        start,
        "Block Copy started",
        "Copy",
        "Now in mirroring phase",
        pivot=pivot,
        finish="Successfully copied" if finish else "",
    )


def _need_wait(waiting: "dict[str, Any]", ends: bool, last: str) -> None:
    """Refuse options that mean something only to who waits; who `ends` the job, by --pivot or by `last`, does."""
    for option in ("verbose", "async"):
        if option in waiting and not (ends or "wait" in waiting or "timeout" in waiting):
            raise CommandError(f"--{option} requires at least one of --timeout, --wait, --pivot, or --{last}")


def _in_bytes(limit: int) -> int:
    """MiB/s as bytes/s."""
    most = (2**64 - 1) // MIB
    if limit > most:
        raise CommandError(f"bandwidth must be less than {most}")
    return limit * MIB


def _params(bandwidth: int, granularity: int, buf_size: int) -> TypedParams:
    """What virDomainBlockCopy is told, all in bytes; 0 leaves it to the hypervisor."""
    params = TypedParams()
    for name, kind, value in (
        ("bandwidth", ULLONG, bandwidth),
        ("granularity", UINT, granularity),
        ("buf-size", ULLONG, buf_size),
    ):
        if value:
            params.add(name, kind, value)
    return params


def _image(path: str, device: bool, format: "str | None") -> str:
    """The XML of a new image."""
    from vsh.backends.xml.serialize import escape

    kind, name = ("block", "dev") if device else ("file", "file")
    driver = f"  <driver type='{escape(format)}'/>\n" if format else ""
    return f"<disk type='{kind}'>\n  <source {name}='{escape(path)}'/>\n{driver}</disk>\n"
