"""I/O threads."""

from .. import errors, iothreads, records
from ..common import from_map, to_map
from ..constants.domain import DOMAIN_AFFECT_LIVE
from ..params import UINT, ULLONG, TypedParams
from .base import TestBase, call, fail
from .info import EITHER
from .values import required_params, signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainIothreadInfo, DomainRef

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
        if not iothread_id:
            raise iothreads.no_thread_zero(errors.FROM_TEST)
        guest = self._guest(dom)
        iothreads.add(guest.definition(flags).model, iothread_id)
        guest.polling.append((iothread_id, dict(NEW)))

    @call("testDomainDelIOThread", EITHER)
    def domain_del_iothread(self, dom: "DomainRef", iothread_id: int, flags: int = 0) -> None:
        if not iothread_id:
            raise errors.VirtError(
                errors.INVALID_ARG, "iothread_id in virDomainDelIOThread must not be zero", domain=errors.FROM_DOMAIN
            )
        guest = self._guest(dom)
        iothreads.remove(guest.definition(flags).model, iothread_id)
        kept = next((i for i, (number, _) in enumerate(guest.polling) if number == iothread_id), None)
        if kept is not None:
            del guest.polling[kept]

    @call("testDomainPinIOThread", EITHER)
    def domain_pin_iothread(self, dom: "DomainRef", iothreads_id: int, cpumap: bytes, flags: int = 0) -> None:
        model = self._guest(dom).definition(flags).model
        cpus = from_map(cpumap)
        if not cpus:
            raise fail(errors.INVALID_ARG, "Empty iothread cpumap list for pinning")
        if iothreads_id not in [thread.id for thread in model.iothreads]:
            raise fail(errors.INVALID_ARG, f"iothreadid {signed(iothreads_id)} not found")
        iothreads.pin(model, iothreads_id, cpus)

    @call("testDomainSetIOThreadParams", DOMAIN_AFFECT_LIVE)
    def domain_set_iothread_params(
        self, dom: "DomainRef", iothread_id: int, params: TypedParams, flags: int = 0
    ) -> None:
        if not iothread_id:
            raise iothreads.no_thread_zero(errors.FROM_TEST)
        guest = self._guest(dom)
        model = guest.definition(flags).model
        if not any(thread.id == iothread_id for thread in model.iothreads):
            raise fail(errors.INVALID_ARG, f"cannot find IOThread '{iothread_id}' in iothreadids")
        polling = next((values for number, values in guest.polling if number == iothread_id), None)
        if polling is None:  # libvirt's driver fails without a word
            raise errors.VirtError(errors.INTERNAL_ERROR, errors.UNKNOWN)
        required_params(params, POLLING)
        polling.update({name: int(params[name]) for name in params})
