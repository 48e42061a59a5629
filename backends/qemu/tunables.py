"""What else can be set of a guest: how it ends, how often its memory is measured; and what takes cgroups, refused."""

from .. import errors, params
from ..constants import domain as const
from ..constants.connect import TYPED_PARAM_STRING_OKAY
from ..xml.security import PERF_EVENTS
from ..xml.tuning import NumaMemory
from ..xml.values import format_cpuset, parse_cpuset
from .base import QemuBase, call, fail
from .control import EITHER, change, impact, meant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..params import TypedParams
    from ..records import DomainGetSchedulerType, DomainRef
    from ..xml.domain import Domain
    from ..xml.interfaces import Interface
    from .qmp import Monitor

#: virDomainLifecycle, virDomainLifecycleAction
EVENTS = ("on_poweroff", "on_reboot", "on_crash")
ACTIONS = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")
#: virDomainNumatuneMemMode
MODES = ("strict", "preferred", "interleave", "restrictive")
RATES = ("average", "peak", "burst", "floor")
_EITHER = EITHER | TYPED_PARAM_STRING_OKAY


def _no_tuning(what: str, code: int = errors.OPERATION_UNSUPPORTED) -> errors.VirtError:
    return fail(code, f"{what} tuning takes cgroups, which are not used without libvirt")


class TunableCalls(QemuBase):
    """What else can be set of a guest."""

    @call("qemuDomainSetLifecycleAction", EITHER)
    def domain_set_lifecycle_action(self, dom: "DomainRef", type: int, action: int, flags: int = 0) -> None:
        from .argv.machine import set_actions

        def edit(model: "Domain") -> None:
            setattr(model, EVENTS[type], ACTIONS[action])
            if model.on_reboot == "destroy" and model.on_poweroff in ("restart", "rename-restart"):
                text = "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'"
                raise fail(errors.CONFIG_UNSUPPORTED, text)

        def act(monitor: "Monitor", model: "Domain") -> None:
            edit(model)
            monitor.do("set-action", set_actions(model))

        change(self, dom, flags, edit, act)

    @call("qemuDomainSetMemoryStatsPeriod", EITHER)
    def domain_set_memory_stats_period(self, dom: "DomainRef", period: int, flags: int = 0) -> None:
        if period < 0:
            raise fail(errors.INVALID_ARG, "period must be a positive number")

        def edit(model: "Domain") -> None:
            balloons = model.devices.memballoons
            if not balloons or balloons[0].model == "none":
                text = "Memory balloon model must be virtio to set the collection period"
                raise fail(errors.OPERATION_INVALID, text)
            balloons[0].stats_period = period

        def act(monitor: "Monitor", model: "Domain") -> None:
            edit(model)
            path = f"/machine/peripheral/{model.devices.memballoons[0].info.alias}"
            monitor.execute("qom-set", path=path, property="guest-stats-polling-interval", value=period)

        change(self, dom, flags, edit, act)

    @call("")
    def domain_get_scheduler_type(self, dom: "DomainRef") -> "DomainGetSchedulerType":
        self._guest(dom)
        raise _no_tuning("CPU")

    @call("qemuDomainGetSchedulerParametersFlags", _EITHER)
    def domain_get_scheduler_parameters_flags(self, dom: "DomainRef", flags: int = 0) -> "TypedParams":
        self._guest(dom)
        raise _no_tuning("CPU")

    @call("qemuDomainSetSchedulerParametersFlags", EITHER)
    def domain_set_scheduler_parameters_flags(self, dom: "DomainRef", params: "TypedParams", flags: int = 0) -> None:
        self._guest(dom)
        raise _no_tuning("CPU")

    @call("qemuDomainGetBlkioParameters", _EITHER)
    def domain_get_blkio_parameters(self, dom: "DomainRef", flags: int = 0) -> "TypedParams":
        self._guest(dom)
        raise _no_tuning("Block I/O", errors.CONFIG_UNSUPPORTED)

    @call("qemuDomainSetBlkioParameters", EITHER)
    def domain_set_blkio_parameters(self, dom: "DomainRef", params: "TypedParams", flags: int = 0) -> None:
        self._guest(dom)
        raise _no_tuning("Block I/O", errors.CONFIG_UNSUPPORTED)

    @call("qemuDomainGetMemoryParameters", _EITHER)
    def domain_get_memory_parameters(self, dom: "DomainRef", flags: int = 0) -> "TypedParams":
        self._guest(dom)
        raise _no_tuning("Memory")

    @call("qemuDomainSetMemoryParameters", EITHER)
    def domain_set_memory_parameters(self, dom: "DomainRef", params: "TypedParams", flags: int = 0) -> None:
        self._guest(dom)
        raise _no_tuning("Memory")

    @call("qemuDomainGetNumaParameters", _EITHER)
    def domain_get_numa_parameters(self, dom: "DomainRef", flags: int = 0) -> "TypedParams":
        memory = meant(self, dom, flags & EITHER).numatune.memory
        mode = MODES.index(memory.mode) if memory is not None else 0
        cells = format_cpuset((memory.nodeset if memory is not None else None) or frozenset())
        return params.TypedParams([("numa_mode", params.INT, mode), ("numa_nodeset", params.STRING, cells)])

    @call("qemuDomainSetNumaParameters", EITHER)
    def domain_set_numa_parameters(self, dom: "DomainRef", params: "TypedParams", flags: int = 0) -> None:
        """Of the definition: memory that is there already stays where it is."""
        if impact(self._guest(dom), flags) & const.DOMAIN_AFFECT_LIVE:
            raise _no_tuning("NUMA")
        mode, cells = params.get("numa_mode"), params.get("numa_nodeset")
        if mode is not None and not 0 <= int(mode) < len(MODES):
            raise fail(errors.INVALID_ARG, f"unsupported numatune mode: '{mode}'")

        def edit(model: "Domain") -> None:
            memory = model.numatune.memory = model.numatune.memory or NumaMemory(mode="strict")
            if mode is not None:
                memory.mode = MODES[int(mode)]
            if cells is not None:
                memory.nodeset = parse_cpuset(str(cells))

        change(self, dom, flags, edit)

    @call("qemuDomainGetLaunchSecurityInfo")
    def domain_get_launch_security_info(self, dom: "DomainRef", flags: int = 0) -> "TypedParams":
        self._active(dom)
        return params.TypedParams()

    @call("qemuDomainGetPerfEvents", _EITHER)
    def domain_get_perf_events(self, dom: "DomainRef", flags: int = 0) -> "TypedParams":
        impact(self._guest(dom), flags & EITHER)
        return params.TypedParams([(name, params.BOOLEAN, False) for name in PERF_EVENTS])

    @call("qemuDomainSetPerfEvents", EITHER)
    def domain_set_perf_events(self, dom: "DomainRef", params: "TypedParams", flags: int = 0) -> None:
        impact(self._guest(dom), flags)
        for name, _, enabled in params.items:
            if name not in PERF_EVENTS:
                raise fail(errors.ARGUMENT_UNSUPPORTED, f"parameter '{name}' not supported")
            if enabled:
                raise fail(errors.ARGUMENT_UNSUPPORTED, f"unable to enable host cpu perf event for {name}")

    @call("qemuDomainGetInterfaceParameters", _EITHER)
    def domain_get_interface_parameters(self, dom: "DomainRef", device: str, flags: int = 0) -> "TypedParams":
        bandwidth = interface_of(self, dom, device, flags & EITHER).bandwidth
        found = params.TypedParams()
        for way in ("inbound", "outbound"):
            rate = getattr(bandwidth, way, None)
            for name in RATES[: 4 if way == "inbound" else 3]:
                found.add(f"{way}.{name}", params.UINT, getattr(rate, name, 0) or 0)
        return found

    @call("qemuDomainSetInterfaceParameters", EITHER)
    def domain_set_interface_parameters(
        self, dom: "DomainRef", device: str, params: "TypedParams", flags: int = 0
    ) -> None:
        kind = interface_of(self, dom, device, flags).type
        text = f"setting bandwidth on interfaces of type '{kind}' is not implemented yet"
        raise fail(errors.CONFIG_UNSUPPORTED, text)


def interface_of(calls: QemuBase, dom: "DomainRef", device: str, flags: int) -> "Interface":
    """A domain's interface by the name of its target, or its MAC address; raises INVALID_ARG."""
    from ..xml.values import parse_mac

    model = meant(calls, dom, flags)
    try:
        mac = parse_mac(device)
    except ValueError:
        mac = b""
    for interface in model.devices.interfaces:
        if interface.mac == mac if mac else interface.target == device:
            return interface
    raise errors.virt_error(errors.INVALID_ARG, f"'{device}' is not a known interface", domain=errors.FROM_DOMAIN)
