"""Memory, vCPUs and what a guest's power events lead to."""

from .. import errors
from ..constants import domain as const
from .base import TestBase, call, fail
from .host import MAX_VCPUS
from .info import EITHER
from .values import signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from ..xml.domain import Domain

#: VIR_DOMAIN_LIFECYCLE_* and VIR_DOMAIN_LIFECYCLE_ACTION_*, by number.
EVENTS = ("poweroff", "reboot", "crash")
ACTIONS = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")


class ResourceCalls(TestBase):
    """Memory, vCPUs and what a guest's power events lead to."""

    @call("testDomainSetMemoryFlags", EITHER | const.DOMAIN_MEM_MAXIMUM)
    def domain_set_memory_flags(self, dom: "DomainRef", memory: int, flags: int = 0) -> None:
        guest = self._guest(dom)
        model = guest.definition(flags).model
        if not flags & const.DOMAIN_MEM_MAXIMUM:
            if memory > model.memory:
                raise fail(errors.INVALID_ARG, "cannot set memory higher than max memory")
            model.current_memory = memory
            return
        if guest.impact(flags) & const.DOMAIN_AFFECT_LIVE:
            raise fail(errors.OPERATION_INVALID, "cannot resize the maximum memory on an active domain")
        if model.cpu and model.cpu.numa.cells:
            text = "initial memory size of a domain with NUMA nodes cannot be modified with this API"
            raise fail(errors.OPERATION_INVALID, text)
        if 0 < model.max_memory < memory:
            text = "cannot set initial memory size greater than the maximum memory size"
            raise fail(errors.OPERATION_INVALID, text)
        model.memory = memory
        model.current_memory = min(model.current_memory, memory)

    @call("testDomainSetMemoryStatsPeriod", EITHER)
    def domain_set_memory_stats_period(self, dom: "DomainRef", period: int, flags: int = 0) -> None:
        balloons = self._guest(dom).definition(flags).model.devices.memballoons
        if not balloons or balloons[0].model == "none":
            text = "No memory balloon device configured, can not set the collection period"
            raise fail(errors.INTERNAL_ERROR, text)
        balloons[0].stats_period = period

    @call("testDomainSetVcpusFlags", EITHER | const.DOMAIN_VCPU_MAXIMUM)
    def domain_set_vcpus_flags(self, dom: "DomainRef", nvcpus: int, flags: int = 0) -> None:
        if nvcpus > MAX_VCPUS:
            text = f"requested cpu amount exceeds maximum supported amount ({signed(nvcpus)} > {MAX_VCPUS})"
            raise fail(errors.INVALID_ARG, text)
        live, lasting = self._guest(dom).definitions(flags)
        maximum = bool(flags & const.DOMAIN_VCPU_MAXIMUM)
        for definition in (live, None if maximum else lasting):
            if definition and definition.figure("max_vcpus") < nvcpus:
                text = f"requested cpu amount exceeds maximum ({nvcpus} > {definition.figure('max_vcpus')})"
                raise fail(errors.INVALID_ARG, text)
        if live:
            set_vcpus(live.model, nvcpus)
        if lasting and maximum:
            set_max_vcpus(lasting.model, nvcpus)
        elif lasting:
            set_vcpus(lasting.model, nvcpus)

    @call("testDomainSetLifecycleAction", EITHER)
    def domain_set_lifecycle_action(self, dom: "DomainRef", type: int, action: int, flags: int = 0) -> None:
        event, name = EVENTS[type], ACTIONS[action]
        if event != "crash" and name.startswith("coredump"):
            text = f"Lifecycle event '{event}' doesn't support '{name}' action"
            raise fail(errors.CONFIG_UNSUPPORTED, text, errors.FROM_DOMAIN)
        for definition in self._guest(dom).definitions(flags):
            if definition:
                setattr(definition.model, f"on_{event}", name)


def set_vcpus(model: "Domain", count: int) -> None:
    """Plug in the first `count` vCPUs and no others."""
    model.vcpus = count
    for state in model.vcpu_states:
        state.enabled = state.id < count


def set_max_vcpus(model: "Domain", count: int) -> None:
    """Let there be `count` vCPUs; new ones are not plugged in."""
    model.max_vcpus = count
    model.vcpu_states = [state for state in model.vcpu_states if state.id < count]
    model.cputune.vcpu_pins = [pin for pin in model.cputune.vcpu_pins if pin.vcpu < count]
    model.vcpus = min(model.vcpus, count)
