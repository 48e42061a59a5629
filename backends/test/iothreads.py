"""I/O threads."""

from .. import errors, records
from ..common import from_map, to_map
from ..constants.domain import DOMAIN_AFFECT_LIVE
from ..params import UINT, ULLONG, TypedParams
from .base import TestBase, call, fail
from .info import EITHER
from .values import required_params, signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainIothreadInfo, DomainRef
    from ..xml.domain import Domain

POLLING = {"poll_max_ns": ULLONG, "poll_grow": UINT, "poll_shrink": UINT}
#: How a thread that was added polls: nanoseconds, growth, shrinkage.
NEW = {"poll_max_ns": 32768, "poll_grow": 0, "poll_shrink": 0}


class IoThreadCalls(TestBase):
    """I/O threads.

    libvirt's driver keeps how threads poll beside the definitions, and only of threads that were added by call.
    """

    @call("testDomainGetIOThreadInfo", EITHER)
    def domain_get_iothread_info(self, dom: "DomainRef", flags: int = 0) -> "list[DomainIothreadInfo]":
        """Threads that are not pinned may run on as many host CPUs as the domain has virtual ones."""
        model = self._guest(dom).definition(flags).model
        pins = {pin.iothread: pin.cpuset for pin in model.cputune.iothread_pins}
        usual = model.cpuset or frozenset(range(model.vcpus))
        kind = records.of_struct("domain_iothread_info")
        return [kind(thread.id, to_map(pins.get(thread.id) or usual, 0)) for thread in model.iothreads]

    @call("testDomainAddIOThread", EITHER)
    def domain_add_iothread(self, dom: "DomainRef", iothread_id: int, flags: int = 0) -> None:
        from ..xml.tuning import IoThread

        if not iothread_id:
            raise no_thread_zero()
        guest = self._guest(dom)
        model = guest.definition(flags).model
        if any(thread.id == iothread_id for thread in model.iothreads):
            text = f"an IOThread is already using iothread_id '{iothread_id}'"
            raise fail(errors.INVALID_ARG, text, errors.FROM_DOMAIN)
        model.iothreads.append(IoThread(id=iothread_id))
        model.iothread_count = len(model.iothreads)
        guest.polling.append((iothread_id, dict(NEW)))

    @call("testDomainDelIOThread", EITHER)
    def domain_del_iothread(self, dom: "DomainRef", iothread_id: int, flags: int = 0) -> None:
        if not iothread_id:
            raise errors.VirtError(
                errors.INVALID_ARG, "iothread_id in virDomainDelIOThread must not be zero", domain=errors.FROM_DOMAIN
            )
        guest = self._guest(dom)
        model = guest.definition(flags).model
        refuse_used(model, iothread_id)
        at = next(i for i, thread in enumerate(model.iothreads) if thread.id == iothread_id)
        del model.iothreads[at]
        for thread in model.iothreads[at:]:
            thread.filled = False  # their numbers no longer follow from their count
        model.iothread_count = len(model.iothreads)
        tune = model.cputune
        tune.iothread_pins = [pin for pin in tune.iothread_pins if pin.iothread != iothread_id]
        kept = next((i for i, (number, _) in enumerate(guest.polling) if number == iothread_id), None)
        if kept is not None:
            del guest.polling[kept]

    @call("testDomainPinIOThread", EITHER)
    def domain_pin_iothread(self, dom: "DomainRef", iothreads_id: int, cpumap: bytes, flags: int = 0) -> None:
        from ..xml.tuning import IoThreadPin

        model = self._guest(dom).definition(flags).model
        cpus = from_map(cpumap)
        if not cpus:
            raise fail(errors.INVALID_ARG, "Empty iothread cpumap list for pinning")
        order = [thread.id for thread in model.iothreads]
        if iothreads_id not in order:
            raise fail(errors.INVALID_ARG, f"iothreadid {signed(iothreads_id)} not found")
        pins = {pin.iothread: pin for pin in model.cputune.iothread_pins}
        pins[iothreads_id] = IoThreadPin(iothread=iothreads_id, cpuset=cpus)
        model.cputune.iothread_pins = [pins[number] for number in order if number in pins]

    @call("testDomainSetIOThreadParams", DOMAIN_AFFECT_LIVE)
    def domain_set_iothread_params(
        self, dom: "DomainRef", iothread_id: int, params: TypedParams, flags: int = 0
    ) -> None:
        if not iothread_id:
            raise no_thread_zero()
        guest = self._guest(dom)
        model = guest.definition(flags).model
        if not any(thread.id == iothread_id for thread in model.iothreads):
            raise fail(errors.INVALID_ARG, f"cannot find IOThread '{iothread_id}' in iothreadids")
        polling = next((values for number, values in guest.polling if number == iothread_id), None)
        if polling is None:  # libvirt's driver fails without a word
            raise errors.VirtError(errors.INTERNAL_ERROR, errors.UNKNOWN)
        required_params(params, POLLING)
        polling.update({name: int(params[name]) for name in params})


def no_thread_zero() -> errors.VirtError:
    """What calls raise for a thread 0."""
    return fail(errors.INVALID_ARG, "invalid value of 0 for iothread_id")


def refuse_used(model: "Domain", number: int) -> None:
    """Refuse to remove a thread that is not there or that a device uses; raises INVALID_ARG."""
    detail = ""
    if not any(thread.id == number for thread in model.iothreads):
        detail = f"cannot find IOThread '{number}' in iothreadids list"
    for disk in model.devices.disks:
        if disk.driver.iothread == number:
            detail = detail or f"cannot remove IOThread {number} since it is being used by disk '{disk.target}'"
    if any(controller.iothread == number for controller in model.devices.controllers):
        detail = detail or f"cannot remove IOThread '{number}' since it is being used by controller"
    if detail:
        raise fail(errors.INVALID_ARG, detail, errors.FROM_DOMAIN)
