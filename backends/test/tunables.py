"""Limits of memory, block devices and interfaces, NUMA placement, the scheduler and performance events.

All but the scheduler's weight are kept in the domain's definition and change nothing else.
"""

from .. import errors
from ..constants import domain as const
from ..constants.connect import TYPED_PARAM_STRING_OKAY
from ..params import BOOLEAN, INT, STRING, UINT, ULLONG, TypedParams
from .base import TestBase, call, fail, locked
from .info import EITHER
from .statistics import find_interface
from .values import GETTING, required_params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from ..xml.domain import Domain
    from ..xml.tuning import Blkiotune

MEMORY = {"hard_limit": ULLONG, "soft_limit": ULLONG, "swap_hard_limit": ULLONG}
#: Block device parameters: name -> (field of the model's device, bits of the number).
DEVICES = {
    "device_weight": ("weight", 32),
    "device_read_iops_sec": ("read_iops", 32),
    "device_write_iops_sec": ("write_iops", 32),
    "device_read_bytes_sec": ("read_bytes", 64),
    "device_write_bytes_sec": ("write_bytes", 64),
}
BLKIO = {"weight": UINT} | dict.fromkeys(DEVICES, STRING)
NUMA = {"numa_mode": INT, "numa_nodeset": STRING}
#: virDomainNumatuneMemMode
MODES = ("strict", "preferred", "interleave", "restrictive")
RATES = ("inbound.average", "inbound.peak", "inbound.burst", "inbound.floor", "outbound.average", "outbound.peak",
         "outbound.burst")  # fmt: skip
WEIGHT = 50


class TunableCalls(TestBase):
    """Limits and placement."""

    @call("testDomainGetMemoryParameters", GETTING)
    def domain_get_memory_parameters(self, dom: "DomainRef", flags: int = 0) -> TypedParams:
        from ..xml.tuning import Memtune

        tune = self._guest(dom).definition(flags).model.memtune or Memtune()
        return TypedParams((name, kind, getattr(tune, name)) for name, kind in MEMORY.items())

    @call("testDomainSetMemoryParameters", EITHER)
    def domain_set_memory_parameters(self, dom: "DomainRef", params: TypedParams, flags: int = 0) -> None:
        from ..xml.tuning import Memtune

        required_params(params, MEMORY)
        guest = self._guest(dom)
        model = guest.definition(flags).model
        running = guest.now.model.memtune or Memtune()  # also for lasting changes
        hard, swap = (params.get(name, getattr(running, name)) for name in ("hard_limit", "swap_hard_limit"))
        if ("hard_limit" in params or "swap_hard_limit" in params) and hard > swap:  # type: ignore[operator]
            text = "memory hard_limit tunable value must be lower than or equal to swap_hard_limit"
            raise fail(errors.INVALID_ARG, text)
        model.memtune = model.memtune or Memtune()
        for name in params:
            setattr(model.memtune, name, params[name])

    @call("testDomainGetBlkioParameters", GETTING)
    def domain_get_blkio_parameters(self, dom: "DomainRef", flags: int = 0) -> TypedParams:
        tune = self._guest(dom).definition(flags).model.blkiotune
        found = TypedParams([("weight", UINT, tune.weight if tune else 0)])
        for name, (field, _) in DEVICES.items():
            devices = [(device.path, getattr(device, field)) for device in (tune.devices if tune else ())]
            found.add(name, STRING, ",".join(f"{path},{value}" for path, value in devices if value))
        return found

    @call("testDomainSetBlkioParameters", EITHER)
    def domain_set_blkio_parameters(self, dom: "DomainRef", params: TypedParams, flags: int = 0) -> None:
        """Changes as much as can be understood, then raises the last error."""
        from ..xml.tuning import Blkiotune

        required_params(params, BLKIO)
        model = self._guest(dom).definition(flags).model
        tune = model.blkiotune = model.blkiotune or Blkiotune()
        last: errors.VirtError | None = None
        for name, _, value in params.items:
            if name == "weight":
                tune.weight = int(value)
                continue
            try:
                set_devices(tune, name, str(value))
            except errors.VirtError as error:
                last = error
        if last:
            raise last

    @call("testDomainGetNumaParameters", GETTING)
    def domain_get_numa_parameters(self, dom: "DomainRef", flags: int = 0) -> TypedParams:
        from ..xml.values import format_cpuset

        memory = self._guest(dom).definition(flags).model.numatune.memory
        mode = MODES.index(memory.mode) if memory else 0
        nodes = format_cpuset((memory and memory.nodeset) or frozenset())
        return TypedParams([("numa_mode", INT, mode), ("numa_nodeset", STRING, nodes)])

    @call("testDomainSetNumaParameters", EITHER)
    def domain_set_numa_parameters(self, dom: "DomainRef", params: TypedParams, flags: int = 0) -> None:
        from ..xml.values import parse_cpuset

        required_params(params, NUMA)
        guest = self._guest(dom)
        model, live = guest.definition(flags).model, guest.impact(flags) & const.DOMAIN_AFFECT_LIVE
        mode, nodes = params.get("numa_mode"), None
        if mode is not None and not 0 <= int(mode) < len(MODES):
            raise fail(errors.INVALID_ARG, f"unsupported numatune mode: '{mode}'")
        if "numa_nodeset" in params:
            nodes = parse_cpuset(str(params["numa_nodeset"]))
            if not nodes:
                raise fail(errors.OPERATION_INVALID, f"Invalid nodeset of 'numatune': {params['numa_nodeset']}")
        memory = model.numatune.memory
        if live and mode is not None and memory and memory.mode != MODES[int(mode)]:
            raise fail(errors.OPERATION_INVALID, "can't change numatune mode for running domain")
        place(model, None if mode is None else MODES[int(mode)], nodes)

    @call("testDomainGetInterfaceParameters", GETTING)
    def domain_get_interface_parameters(self, dom: "DomainRef", device: str, flags: int = 0) -> TypedParams:
        bandwidth = find_interface(self._guest(dom).definition(flags).model, device).bandwidth
        found = TypedParams()
        for name in RATES:
            way, _, field = name.partition(".")
            rate = getattr(bandwidth, way) if bandwidth else None
            found.add(name, UINT, getattr(rate, field) if rate else 0)
        return found

    @call("testDomainSetInterfaceParameters", EITHER)
    def domain_set_interface_parameters(
        self, dom: "DomainRef", device: str, params: TypedParams, flags: int = 0
    ) -> None:
        """A direction without an average (or a floor, for what comes in) is freed of limits if it was told so with a 0,
        and stays as it is if nothing was said."""
        from ..xml.network_parts import Bandwidth, Rate

        required_params(params, dict.fromkeys(RATES, UINT))
        interface = find_interface(self._guest(dom).definition(flags).model, device)
        asked: dict[str, Rate] = {"inbound": Rate(), "outbound": Rate()}
        for name in params:
            way, _, field = name.partition(".")
            setattr(asked[way], field, params[name])
        bandwidth = interface.bandwidth = interface.bandwidth or Bandwidth()
        bandwidth.tuned = True
        for way, rate in asked.items():
            if rate.average or rate.floor:
                setattr(bandwidth, way, rate)
            elif f"{way}.average" in params or f"{way}.floor" in params:
                setattr(bandwidth, way, None)

    @locked
    def domain_get_scheduler_parameters(self, dom: "DomainRef") -> TypedParams:
        self._guest(dom)
        return TypedParams([("weight", UINT, WEIGHT)])

    @call("testDomainGetSchedulerParametersFlags", told=TYPED_PARAM_STRING_OKAY)
    def domain_get_scheduler_parameters_flags(self, dom: "DomainRef", flags: int = 0) -> TypedParams:
        """Always refused: libvirt's library says that it takes strings, of which its test driver does not know."""
        return self.domain_get_scheduler_parameters(dom)

    @call("testDomainSetSchedulerParametersFlags")
    def domain_set_scheduler_parameters_flags(self, dom: "DomainRef", params: TypedParams, flags: int = 0) -> None:
        """Accepts a weight and forgets it, as libvirt's driver does."""
        required_params(params, {"weight": UINT})
        self._guest(dom)

    @call("testDomainGetPerfEvents", GETTING)
    def domain_get_perf_events(self, dom: "DomainRef", flags: int = 0) -> TypedParams:
        from ..xml.security import PERF_EVENTS

        enabled = {event.name for event in self._guest(dom).definition(flags).model.perf if event.enabled}
        return TypedParams((name, BOOLEAN, name in enabled) for name in PERF_EVENTS)

    @call("testDomainSetPerfEvents", EITHER)
    def domain_set_perf_events(self, dom: "DomainRef", params: TypedParams, flags: int = 0) -> None:
        from ..xml.security import PERF_EVENTS, PerfEvent, sort_events

        required_params(params, dict.fromkeys(PERF_EVENTS, BOOLEAN))
        model = self._guest(dom).definition(flags).model
        events = {event.name: event for event in model.perf}
        events |= {name: PerfEvent(name=name, enabled=bool(params[name])) for name in params}
        model.perf = sort_events(list(events.values()))


def set_devices(tune: "Blkiotune", name: str, text: str) -> None:
    """Set a parameter of DEVICES for the block devices in `text`: "/dev/sda,500,/dev/sdb,1000".

    Raises INVALID_ARG.
    """
    from ..xml.tuning import BlkioDevice

    field, bits = DEVICES[name]
    known = {device.path: device for device in tune.devices}
    for path, value in parse_devices(name, text, bits):
        if path in known:
            setattr(known[path], field, value)
        elif value:
            tune.devices.append(BlkioDevice(**{"path": path, field: value}))


def parse_devices(name: str, text: str, bits: int) -> list[tuple[str, int]]:
    """Block devices and their values."""
    parts = text.split(",") if text else []
    broken = fail(errors.INVALID_ARG, f"unable to parse blkio device '{name}' '{text}'", errors.FROM_DOMAIN)
    if len(parts) % 2:
        raise broken
    found = []
    for at in range(0, len(parts), 2):
        path, word = parts[at], parts[at + 1].lstrip().removeprefix("+")
        digits = word[: len(word) - len(word.lstrip("0123456789"))]
        if not digits or int(digits) >> bits:
            rest = ",".join(parts[at + 1 :])
            detail = f"invalid value '{rest}' for parameter '{name}' of device '{path}'"
            raise fail(errors.INVALID_ARG, detail, errors.FROM_DOMAIN)
        if digits != word:
            raise broken
        found.append((path, int(digits)))
    return found


def place(model: "Domain", mode: "str | None", nodes: "frozenset[int] | None") -> None:
    """Change where a domain's memory comes from; None leaves things as they are.

    Raises CONFIG_UNSUPPORTED where nodes are missing.
    """
    from ..xml.tuning import NumaMemory

    if mode is None and nodes is None:
        return
    known = model.numatune.memory
    memory = known or NumaMemory()
    memory.mode = mode or memory.mode
    if nodes:
        memory.nodeset, memory.placement = nodes, "static"
    elif not known:
        memory.placement = "static" if memory.nodeset or model.vcpu_placement == "static" else "auto"
    if memory.placement == "static" and not memory.nodeset:
        text = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"
        raise fail(errors.CONFIG_UNSUPPORTED, text, errors.FROM_DOMAIN)
    model.numatune.memory = memory
