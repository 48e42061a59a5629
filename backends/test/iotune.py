"""Limits of a disk's throughput."""

from .. import errors
from ..params import STRING, ULLONG, TypedParams
from .base import TestBase, call, fail
from .info import EITHER
from .values import GETTING, required_params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from ..xml.disks import IoTune

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


class IoTuneCalls(TestBase):
    """Limits of a disk's throughput."""

    @call("testDomainGetBlockIoTune", GETTING)
    def domain_get_block_io_tune(self, dom: "DomainRef", disk: "str | None", flags: int = 0) -> TypedParams:
        from ..xml.disks import find_disk

        found = find_disk(self._guest(dom).definition(flags).model.devices.disks, disk or "", first=True)
        if found is None:
            raise fail(errors.INVALID_ARG, f"disk '{disk}' was not found in the domain config")
        values = ((name, kind, getattr(found.iotune, name)) for name, kind in TUNE.items())
        return TypedParams((name, kind, "" if value is None else value) for name, kind, value in values)

    @call("testDomainSetBlockIoTune", EITHER)
    def domain_set_block_io_tune(self, dom: "DomainRef", disk: str, params: TypedParams, flags: int = 0) -> None:
        """Refuses all if one limit is wrong."""
        from ..xml.disks import find_disk

        required_params(params, TUNE)
        found = find_disk(self._guest(dom).definition(flags).model.devices.disks, disk, first=True)
        if found is None:
            raise fail(errors.INVALID_ARG, f"missing persistent configuration for disk '{disk}'")
        tune = found.iotune.copy()
        for name, kind, value in params.items:
            if kind == ULLONG and int(value) > MOST:
                text = f"block I/O throttle limit value must be no more than {MOST}"
                raise fail(errors.ARGUMENT_UNSUPPORTED, text)
            setattr(tune, name, value)
        check(tune)
        found.iotune = tune


def check(tune: "IoTune") -> None:
    """Refuse limits that contradict each other; raises INVALID_ARG."""
    for kind in ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"):
        total, read, write = (getattr(tune, f"{way}_{kind}") for way in ("total", "read", "write"))
        if total and (read or write):
            raise fail(errors.INVALID_ARG, f"total and read/write of {kind} cannot be set at the same time")
    for rate, burst in zip(RATES, BURSTS, strict=True):
        if getattr(tune, rate) > getattr(tune, burst):
            raise fail(errors.INVALID_ARG, f"{rate} cannot be set higher than {burst} ")
