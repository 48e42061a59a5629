"""Limits of a disk's throughput."""

from .. import errors
from ..iotune import BURSTS, RATES, TUNE, contradiction, told, too_much
from .base import TestBase, call, fail
from .info import EITHER
from .values import GETTING, required_params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..params import TypedParams
    from ..records import DomainRef
    from ..xml.disks import IoTune

class IoTuneCalls(TestBase):
    """Limits of a disk's throughput."""

    @call("testDomainGetBlockIoTune", GETTING)
    def domain_get_block_io_tune(self, dom: "DomainRef", disk: "str | None", flags: int = 0) -> "TypedParams":
        from ..xml.disks import find_disk

        found = find_disk(self._guest(dom).definition(flags).model.devices.disks, disk or "", first=True)
        if found is None:
            raise fail(errors.INVALID_ARG, f"disk '{disk}' was not found in the domain config")
        return told(found.iotune)

    @call("testDomainSetBlockIoTune", EITHER)
    def domain_set_block_io_tune(self, dom: "DomainRef", disk: str, params: "TypedParams", flags: int = 0) -> None:
        """Refuses all if one limit is wrong."""
        from ..xml.disks import find_disk

        required_params(params, TUNE)
        found = find_disk(self._guest(dom).definition(flags).model.devices.disks, disk, first=True)
        if found is None:
            raise fail(errors.INVALID_ARG, f"missing persistent configuration for disk '{disk}'")
        tune = found.iotune.copy()
        problem = too_much(params, errors.FROM_TEST)
        if problem is not None:
            raise problem
        for name, _, value in params.items:
            setattr(tune, name, value)
        check(tune)
        found.iotune = tune


def check(tune: "IoTune") -> None:
    """Refuse limits that contradict each other; raises INVALID_ARG."""
    wrong = contradiction(tune)
    if wrong:
        raise fail(errors.INVALID_ARG, wrong)
    for rate, burst in zip(RATES, BURSTS, strict=True):
        if getattr(tune, rate) > getattr(tune, burst):
            raise fail(errors.INVALID_ARG, f"{rate} cannot be set higher than {burst} ")
