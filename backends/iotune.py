"""Limits of a disk's throughput: what they are, and which contradict each other."""

from . import errors
from .params import STRING, ULLONG, TypedParams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .xml.disks import IoTune

RATES = ("total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec", "write_iops_sec")
BURSTS = tuple(f"{rate}_max" for rate in RATES)
LENGTHS = tuple(f"{burst}_length" for burst in BURSTS)
#: Parameters in libvirt's order, which are the model's fields too.
TUNE = (
    dict.fromkeys(RATES + BURSTS, ULLONG)
    | {"size_iops_sec": ULLONG, "group_name": STRING}
    | dict.fromkeys(LENGTHS, ULLONG)
)
MOST = 1000000000000000


def told(tune: "IoTune") -> TypedParams:
    """Limits as parameters."""
    values = ((name, kind, getattr(tune, name)) for name, kind in TUNE.items())
    return TypedParams((name, kind, "" if value is None else value) for name, kind, value in values)


def contradiction(tune: "IoTune") -> str:
    """What is wrong with limits that exclude each other; "" if none do."""
    for kind in ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"):
        total, read, write = (getattr(tune, f"{way}_{kind}") for way in ("total", "read", "write"))
        if total and (read or write):
            return f"total and read/write of {kind} cannot be set at the same time"
    return ""


def too_much(params: TypedParams, domain: int) -> "errors.VirtError | None":
    """The error for a limit that is higher than QEMU knows."""
    for _, kind, value in params.items:
        if kind == ULLONG and int(value) > MOST:
            text = f"block I/O throttle limit value must be no more than {MOST}"
            return errors.virt_error(errors.ARGUMENT_UNSUPPORTED, text, domain=domain)
    return None
