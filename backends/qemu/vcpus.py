"""Virtual CPUs: how many a guest has, in its definition and while it runs.

A guest starts with those that cannot be taken away; others are plugged into it, at its start and later.
"""

from .. import errors
from ..constants import domain as const
from ..xml.domain import Vcpu
from . import definitions
from .argv.smp import gap_before
from .base import QemuBase, call, fail
from .control import EITHER, change, impact
from .lifecycle import monitor_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..records import DomainRef
    from ..xml.domain import Domain
    from .guests import Guest
    from .qmp import Monitor

#: Seconds in which a guest gives a CPU back, as libvirt waits.
PATIENCE = 5.0
#: The order in which a machine's places for CPUs are filled.
PLACES = ("node-id", "socket-id", "drawer-id", "book-id", "die-id", "cluster-id", "core-id", "thread-id")


class VcpuCalls(QemuBase):
    """How many virtual CPUs a guest has."""

    @call(
        "qemuDomainSetVcpusFlags",
        EITHER | const.DOMAIN_VCPU_MAXIMUM | const.DOMAIN_VCPU_GUEST | const.DOMAIN_VCPU_HOTPLUGGABLE,
    )
    def domain_set_vcpus_flags(self, dom: "DomainRef", nvcpus: int, flags: int = 0) -> None:
        if flags & const.DOMAIN_VCPU_GUEST:
            from .agent.calls import set_vcpus

            return set_vcpus(self, dom, nvcpus)
        pluggable = bool(flags & const.DOMAIN_VCPU_HOTPLUGGABLE)
        if not flags & const.DOMAIN_VCPU_MAXIMUM:
            return _change(self, dom, flags, lambda model: _choose(model, nvcpus), pluggable)
        if impact(self._guest(dom), flags) & const.DOMAIN_AFFECT_LIVE:
            raise fail(errors.INVALID_ARG, "maximum vcpu count of a live domain can't be modified")
        return change(self, dom, flags, lambda model: _set_maximum(model, nvcpus))

    @call("qemuDomainSetVcpu", EITHER)
    def domain_set_vcpu(self, dom: "DomainRef", cpumap: str, state: int, flags: int = 0) -> None:
        from ..xml.values import parse_cpuset

        numbers = parse_cpuset(cpumap)
        if not numbers:
            raise fail(errors.INVALID_ARG, "no vcpus selected for modification")

        def choose(model: "Domain") -> "list[int]":
            where = "live" if model.id != -1 else "persistent"
            known = _states(model)
            for number in sorted(numbers):
                if number >= model.max_vcpus:
                    raise fail(errors.INVALID_ARG, f"vcpu {max(numbers)} is not present in {where} config")
            for number in sorted(numbers):
                if where == "live" and bool(known[number].enabled) == bool(state):
                    raise fail(errors.INVALID_ARG, f"vcpu '{number}' is already in requested state")
                if number == 0 and where != "live":
                    raise fail(errors.INVALID_ARG, "vCPU '0' can't be modified")
                if where == "live" and not state and known[number].hotpluggable is not True:
                    raise fail(errors.OPERATION_UNSUPPORTED, f"vcpu '{number}' can't be unplugged")
            if where == "live" and len(numbers) > 1:
                raise fail(errors.OPERATION_UNSUPPORTED, "only one hotpluggable entity can be selected")
            return [number for number in sorted(numbers) if bool(known[number].enabled) != bool(state)]

        _change(self, dom, flags, choose, pluggable=True, each=True)


def _change(calls: QemuBase, dom: "DomainRef", flags: int, choose: "Any", pluggable: bool, each: bool = False) -> None:
    """Switch the CPUs that `choose(model)` names: those of what runs, of the definition, or of both."""
    driver, store = calls.driver, calls.driver.store
    with calls._lock(dom):
        guest = calls._guest(dom)
        wanted = impact(guest, flags)
        lasting = live = None
        changes: list[int] = []
        if wanted & const.DOMAIN_AFFECT_LIVE:
            live = definitions.read_live(store, dom.uuid)
            live.id = guest.id
            changes = choose(live)
        if wanted & const.DOMAIN_AFFECT_CONFIG:
            lasting = definitions.read_definition(store, guest.name)
            lasting.id = -1
            _switch(lasting, choose(lasting), pluggable, each)
        if live is not None and changes:
            with monitor_of(driver, guest) as monitor:
                try:
                    for number in changes:
                        act = _unplug if _states(live)[number].enabled else _plug
                        act(monitor, live, number)
                finally:
                    definitions.write_live(store, live)  # as far as it went
            _refigure(calls, guest, live)
        if lasting is not None:
            _write(calls, lasting)


def _write(calls: QemuBase, model: "Domain") -> None:
    """Put a changed definition in place, complete; refused if it makes no sense."""
    completed = definitions.read(calls.driver, model.format(inactive=True, secure=True))
    definitions.write_definition(calls.driver.store, completed)


def _refigure(calls: QemuBase, guest: "Guest", live: "Domain") -> None:
    """Have `dominfo` say how many there are now."""
    record = guest.record
    assert record is not None
    record.figures.vcpus = live.vcpus
    calls.driver.store.write_running(record)


def _states(model: "Domain") -> "list[Vcpu]":
    """The state of each CPU that there can be."""
    if model.vcpu_states:
        return model.vcpu_states
    return [
        Vcpu(id=number, enabled=number < model.vcpus, hotpluggable=number >= model.vcpus)
        for number in range(model.max_vcpus)
    ]


def _choose(model: "Domain", count: int) -> "list[int]":
    """The CPUs to switch for there to be `count`; raises VirtError when that cannot be."""
    where = "live" if model.id != -1 else "persistent"
    if count > model.max_vcpus:
        text = f"requested vcpus is greater than max allowable vcpus for the {where} domain: {count} > "
        raise fail(errors.INVALID_ARG, f"{text}{model.max_vcpus}")
    states = _states(model)
    if count >= model.vcpus:
        return [state.id for state in states if not state.enabled][: count - model.vcpus]
    there = [s.id for s in reversed(states) if s.enabled and (where != "live" or s.hotpluggable)]
    if len(there) < model.vcpus - count:
        text = "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    return there[: model.vcpus - count]


def _switch(model: "Domain", numbers: "list[int]", pluggable: bool, each: bool) -> None:
    """Switch CPUs of a definition; `each` says that they were named, one by one."""
    on = len(numbers) > 0 and not _states(model)[numbers[0]].enabled
    if not model.vcpu_states and not each and not (pluggable and on):
        model.vcpus += len(numbers) if on else -len(numbers)
        return
    model.vcpu_states = _states(model)
    loose = False  # whether one that may be taken away came before
    for state in model.vcpu_states:
        if state.id in numbers:
            state.enabled = on
            state.hotpluggable = pluggable or loose or not on
        loose = loose or bool(state.enabled and state.hotpluggable)
        state.order = 0
    model.vcpus = sum(bool(state.enabled) for state in model.vcpu_states)
    if (gap := gap_before(model)) is not None:
        text = f"vcpu '{gap}' can't be modified as it is followed by non-hotpluggable online vcpus"
        raise fail(errors.INVALID_ARG, text)


def _set_maximum(model: "Domain", count: int) -> None:
    if model.cpu is not None and model.cpu.topology is not None:
        raise fail(errors.INVALID_ARG, "CPU topology must be changed with the maximum number of vCPUs")
    model.max_vcpus = count
    if model.vcpu_states:
        states = model.vcpu_states[:count]
        states += [Vcpu(id=number, enabled=False) for number in range(len(states), count)]
        model.vcpu_states = states
        model.vcpus = sum(bool(state.enabled) for state in states)
    model.vcpus = min(model.vcpus, count)


def plug_all(monitor: "Monitor", model: "Domain") -> None:
    """Give a guest that is about to run the CPUs that may be taken away again."""
    if not model.vcpu_states:
        return
    states = [state for state in model.vcpu_states if state.enabled]
    later = sorted((s for s in states if s.hotpluggable is True), key=lambda state: (state.order, state.id))
    for state in later:
        state.enabled = False
    model.vcpus = len(states) - len(later)
    for state in model.vcpu_states:
        state.order = 0
    for order, state in enumerate((state for state in states if state.enabled), 1):
        state.order = order
    for state in later:
        _plug(monitor, model, state.id)


def _slots(monitor: "Monitor") -> "list[dict[str, Any]]":
    """A machine's places for CPUs, by number. Raises VirtError where a place holds several."""
    found: list[dict[str, Any]] = monitor.execute("query-hotpluggable-cpus")
    if any(slot["vcpus-count"] != 1 for slot in found):
        raise fail(errors.OPERATION_UNSUPPORTED, "this machine takes several vCPUs at a time")
    return sorted(found, key=lambda slot: [slot["props"].get(name, 0) for name in PLACES])


def _plug(monitor: "Monitor", model: "Domain", number: int) -> None:
    slot = _slots(monitor)[number]
    monitor.do("device_add", {"driver": slot["type"], "id": f"vcpu{number}", **slot["props"]})
    model.vcpu_states = states = _states(model)
    if not any(state.order for state in states):
        for order, state in enumerate((state for state in states if state.enabled), 1):
            state.order = order
    states[number].order = 1 + max(state.order for state in states)
    states[number].enabled = True
    model.vcpus += 1


def _unplug(monitor: "Monitor", model: "Domain", number: int) -> None:
    monitor.execute("device_del", id=f"vcpu{number}")
    if not monitor.await_event("DEVICE_DELETED", PATIENCE, device=f"vcpu{number}"):
        text = "vcpu unplug request timed out. Unplug result must be manually inspected in the domain"
        raise fail(errors.OPERATION_TIMEOUT, text)
    state = model.vcpu_states[number]
    gone, state.enabled, state.order = state.order, False, 0
    for other in model.vcpu_states:
        other.order -= other.order > gone
    model.vcpus -= 1
