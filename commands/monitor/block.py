"""`domblklist`, `domblkinfo`, `domblkstat` and `domblkerror`: a domain's disks."""

from vsh.backends.constants.domain import DOMAIN_XML_INACTIVE
from vsh.backends.errors import FROM_STORAGE, INTERNAL_ERROR, NO_SUPPORT, VirtError
from vsh.backends.params import LLONG, TypedParams

from ..declare import Flag, Opt, command
from ..domain.lookup import ACTIVE, DOMAIN, Domain, find_named
from ..domain.states import snake
from ..domain.targets import attribute, definition, disk_targets
from ..errors import CommandError, failing
from ..params import dict_of, text_of
from ..results import Pairs, Table, Text
from ..sizes import pretty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lxml.etree import _Element

    from vsh.backends.records import DomainGetBlockInfo, DomainRef

    from ..context import Context

#: By virDomainDiskErrorCode.
ERRORS = ("no error", "unspecified error", "no space")
#: What domblkstat shows first, in this order: libvirt's name, virsh's older name, and words for people.
STATISTICS = (
    ("rd_operations", "rd_req", "number of read operations:"),
    ("rd_bytes", "rd_bytes", "number of bytes read:"),
    ("wr_operations", "wr_req", "number of write operations:"),
    ("wr_bytes", "wr_bytes", "number of bytes written:"),
    ("errs", "errs", "error count:"),
    ("flush_operations", "flush_operations", "number of flush operations:"),
    ("rd_total_times", "rd_total_times", "total duration of reads (ns):"),
    ("wr_total_times", "wr_total_times", "total duration of writes (ns):"),
    ("flush_total_times", "flush_total_times", "total duration of flushes (ns):"),
)


@command(
    "domblklist",
    group="monitor",
    options=[
        DOMAIN,
        Flag("inactive", "those of the stored definition"),
        Flag("details", "show also of which type they are, and as what device the guest sees them"),
    ],
)
def domblklist(ctx: "Context", domain: "DomainRef", inactive: bool = False, details: bool = False) -> Table:
    """List the disks of a domain.

    The target is the name by which other commands take a disk.
    """
    rows, records = [], []
    for disk in definition(ctx, domain, DOMAIN_XML_INACTIVE * inactive).iterfind("devices/disk"):
        record = {
            "type": disk.get("type"),
            "device": disk.get("device"),
            "target": attribute(disk, "target", "dev"),
            "source": _source(disk),
        }
        if record["target"] is None:
            raise CommandError("unable to query block list")
        if details and not (record["type"] and record["device"]):
            raise CommandError("unable to query block list details")
        columns = ("type", "device", "target") if details else ("target",)
        rows.append([*(str(record[name]) for name in columns), record["source"] or "-"])
        records.append(record)
    return Table([*(["Type", "Device"] if details else []), "Target", "Source"], rows, records)


def _source(disk: "_Element") -> "str | None":
    """Where a disk's contents are: a path, a network name, a volume; the address of an NVMe drive as `nvme://...`."""
    if disk.get("type") != "nvme":
        return attribute(disk, "source", "file", "dev", "dir", "name", "volume", "path")
    from vsh.backends.xml.values import unsigned

    namespace, address = attribute(disk, "source", "namespace"), disk.find("source/address")
    try:
        if namespace is None or address is None:
            raise ValueError
        part = {name: unsigned(address.get(name, "0"), 0) for name in ("domain", "bus", "slot", "function")}
    except ValueError:
        raise CommandError("Unable to query NVMe disk address") from None
    return "nvme://{domain:04x}:{bus:02x}:{slot:02x}.{function}/{namespace}".format(**part, namespace=namespace)


@command(
    "domblkinfo",
    group="monitor",
    options=[
        DOMAIN,
        Opt("device", "the disk's target (vda) or source", empty=True, complete=disk_targets),
        Flag("human", "in the largest unit that fits"),
        Flag("all", "all disks"),
    ],
    exclusive=[("all", "device")],
)
def domblkinfo(
    ctx: "Context", domain: "DomainRef", device: str = "", human: bool = False, all: bool = False
) -> "Pairs | Table":
    """Show how large disks of a domain are.

    Capacity is what the guest sees, allocation what the image takes on the host, physical the end of its last block,
    each in bytes.
    """
    if all:
        return _sizes_of_all(ctx, domain, human)
    if not device:
        raise CommandError("command 'domblkinfo' requires <device> option")
    info = ctx.connection.domain_get_block_info(domain, device, 0)
    titles = ("Capacity:", "Allocation:", "Physical:")
    return Pairs(list(zip(titles, _sizes(info, human), strict=True)), _size_data(device, info))


def _sizes_of_all(ctx: "Context", domain: "DomainRef", human: bool) -> Table:
    """One question for all disks that have a source.

    A network disk of a stopped domain cannot be asked: it shows "-".
    """
    disks = list(definition(ctx, domain).iterfind("devices/disk"))
    targets = [attribute(disk, "target", "dev") or "" for disk in disks]
    asked = [i for i, disk in enumerate(disks) if disk.find("source") is not None]
    active, *answers = ctx.connection.batch(
        [("domain_is_active", (domain,)), *(("domain_get_block_info", (domain, targets[i], 0)) for i in asked)]
    )
    infos: dict[int, DomainGetBlockInfo] = {}
    for i, answer in zip(asked, answers, strict=True):
        if not isinstance(answer, VirtError):
            infos[i] = answer
        elif active == 1 or not _is_unreachable(disks[i], answer):
            raise answer
    return Table(
        ["Target", "Capacity", "Allocation", "Physical"],
        [[target, *_sizes(infos.get(i), human)] for i, target in enumerate(targets)],
        [_size_data(target, infos.get(i)) for i, target in enumerate(targets)],
    )


def _is_unreachable(disk: "_Element", error: VirtError) -> bool:
    """Whether an error is that of a network disk which libvirt cannot open itself."""
    network = attribute(disk, "source", "protocol") is not None
    return network and (error.code, error.domain) == (INTERNAL_ERROR, FROM_STORAGE)


def _sizes(info: "DomainGetBlockInfo | None", human: bool) -> "list[str]":
    """Capacity, allocation and physical size in words."""
    if info is None or not any(info):
        return ["-"] * 3
    sizes = (info.capacity, info.allocation, info.physical)
    return [pretty(size, 3) if human else str(size) for size in sizes]


def _size_data(device: str, info: "DomainGetBlockInfo | None") -> "dict[str, Any]":
    names = ("capacity", "allocation", "physical")
    return {"device": device} | {f"{name}_bytes": getattr(info, name) if info else None for name in names}


@command(
    "domblkstat",
    group="monitor",
    options=[
        Domain(ACTIVE, find_named),
        Opt("device", "the disk's target or source; without it all disks together", empty=True, complete=disk_targets),
        Flag("human", "say in words what the numbers count"),
    ],
)
def domblkstat(ctx: "Context", domain: "tuple[str, DomainRef]", device: str = "", human: bool = False) -> Text:
    """Show what a running domain has read from and written to its disks.

    Operations, bytes and times since it was started.
    """
    name, ref = domain
    try:
        statistics = ctx.connection.domain_block_stats_flags(ref, device, 0)
    except VirtError as error:
        if error.code != NO_SUPPORT:
            raise
        with failing(f"Failed to get block stats {name} {device}"):
            older = ctx.connection.domain_block_stats(ref, device)
        statistics = TypedParams((row[0], LLONG, n) for row, n in zip(STATISTICS[:5], older, strict=True) if n >= 0)
    return Text(_statistics(device, statistics, human), data={"device": device or None, **dict_of(statistics)})


def _statistics(device: str, statistics: TypedParams, human: bool) -> str:
    lines = [f"Device: {device}\n"] if human else []
    shown = "" if human else device
    known = {row[0] for row in STATISTICS}
    for field, older, words in STATISTICS:
        if field in statistics:
            lines.append(f"{shown} {f'{words:<31}' if human else older} {statistics[field]}\n")
    lines += [f"{shown} {n} {text_of(kind, value)}\n" for n, kind, value in statistics.items if n not in known]
    return "".join(lines)


@command("domblkerror", group="monitor", options=[Domain(ACTIVE)])
def domblkerror(ctx: "Context", domain: "DomainRef") -> Text:
    """Show which disks of a running domain had errors.

    The last error of each disk on which one occurred.
    """
    found = ctx.connection.domain_get_disk_errors(domain, 0)
    errors = [(one.disk, ERRORS[one.error] if 0 <= one.error < len(ERRORS) else "unknown error") for one in found]
    lines = "".join(f"{disk}: {error}\n" for disk, error in errors)
    return Text(lines or "No errors found\n", data=[{"disk": disk, "error": snake(error)} for disk, error in errors])
