"""Which of the host's CPUs a guest's threads may run on, and its I/O threads."""

from .. import errors, iothreads, records
from ..common import from_map, to_map
from ..constants import domain as const
from ..xml.tuning import EmulatorPin, VcpuPin
from ..xml.values import parse_cpuset
from . import usage
from .base import QemuBase, call, fail
from .control import EITHER, change, impact, meant
from .lifecycle import monitor_of
from .pinning import threads_of
from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..hosts import Host
    from ..params import TypedParams
    from ..records import DomainGetEmulatorPinInfo, DomainGetVcpuPinInfo, DomainRef
    from ..xml.domain import Domain
    from .qmp import Monitor
    from .store import Running

#: virDomainSetIOThreadParams -> QEMU's properties.
POLLING = {"poll_max_ns": "poll-max-ns", "poll_grow": "poll-grow", "poll_shrink": "poll-shrink"}


class PinCalls(QemuBase):
    """Which of the host's CPUs a guest's threads may run on, and its I/O threads."""

    @call("qemuDomainGetVcpuPinInfo", EITHER)
    def domain_get_vcpu_pin_info(self, dom: "DomainRef", flags: int = 0) -> "DomainGetVcpuPinInfo":
        model = meant(self, dom, flags)
        pins = {pin.vcpu: pin.cpuset for pin in model.cputune.vcpu_pins}
        usual = model.cpuset or present(self.driver.host)
        maps = b"".join(to_map(pins.get(number) or usual) for number in range(model.max_vcpus))
        result: DomainGetVcpuPinInfo = records.DomainGetVcpuPinInfo(maps, model.max_vcpus)
        return result

    @call("qemuDomainPinVcpuFlags", EITHER)
    def domain_pin_vcpu_flags(self, dom: "DomainRef", vcpu: int, cpumap: bytes, flags: int = 0) -> None:
        cpus = _chosen(cpumap)

        def edit(model: "Domain") -> None:
            if vcpu >= model.max_vcpus:
                where = "live" if model.id != -1 else "persistent"
                text = f"vcpu {vcpu} is out of range of {where} cpu count {model.max_vcpus}"
                raise fail(errors.INVALID_ARG, text)
            pins = {pin.vcpu: pin for pin in model.cputune.vcpu_pins}
            pins[vcpu] = VcpuPin(vcpu=vcpu, cpuset=cpus)
            model.cputune.vcpu_pins = [pins[number] for number in sorted(pins)]

        def act(monitor: "Monitor", model: "Domain") -> None:
            edit(model)
            threads = _vcpus(monitor)
            if vcpu in threads:
                _pin(self.driver.host, [threads[vcpu]], cpus)

        change(self, dom, flags, edit, act)

    @call("qemuDomainGetEmulatorPinInfo", EITHER)
    def domain_get_emulator_pin_info(self, dom: "DomainRef", flags: int = 0) -> "DomainGetEmulatorPinInfo":
        model = meant(self, dom, flags)
        pins = model.cputune.emulator_pins
        cpus = (pins[0].cpuset if pins else None) or model.cpuset or present(self.driver.host)
        result: DomainGetEmulatorPinInfo = records.DomainGetEmulatorPinInfo(to_map(cpus), 1)
        return result

    @call("qemuDomainPinEmulator", EITHER)
    def domain_pin_emulator(self, dom: "DomainRef", cpumap: bytes, flags: int = 0) -> None:
        cpus = _chosen(cpumap)
        record = self._guest(dom).record

        def edit(model: "Domain") -> None:
            model.cputune.emulator_pins = [EmulatorPin(cpuset=cpus)]

        def act(monitor: "Monitor", model: "Domain") -> None:
            assert record is not None
            _pin(self.driver.host, _others(self.driver.host, monitor, record), cpus)

        change(self, dom, flags, edit, act)

    @call("qemuDomainGetIOThreadInfo", EITHER)
    def domain_get_iothread_info(self, dom: "DomainRef", flags: int = 0) -> "list[Any]":
        host, guest = self.driver.host, self._guest(dom)
        kind = records.of_struct("domain_iothread_info")
        if impact(guest, flags) & const.DOMAIN_AFFECT_LIVE:
            process = guest.record.process if guest.record is not None else None
            assert process is not None
            with monitor_of(self.driver, guest) as monitor:
                threads = _iothreads(monitor)
            return [kind(number, usage.affinity(host, process, threads[number])) for number in sorted(threads)]
        model = meant(self, dom, flags)
        pins = {pin.iothread: pin.cpuset for pin in model.cputune.iothread_pins}
        usual = model.cpuset or present(host)
        return [kind(thread.id, to_map(pins.get(thread.id) or usual, 0)) for thread in model.iothreads]

    @call("qemuDomainAddIOThread", EITHER)
    def domain_add_iothread(self, dom: "DomainRef", iothread_id: int, flags: int = 0) -> None:
        if not iothread_id:
            raise iothreads.no_thread_zero(errors.FROM_QEMU)

        def edit(model: "Domain") -> None:
            iothreads.add(model, iothread_id)

        def act(monitor: "Monitor", model: "Domain") -> None:
            edit(model.copy())
            monitor.do("object-add", {"qom-type": "iothread", "id": f"iothread{iothread_id}"})

        change(self, dom, flags, edit, act)

    @call("qemuDomainDelIOThread", EITHER)
    def domain_del_iothread(self, dom: "DomainRef", iothread_id: int, flags: int = 0) -> None:
        def edit(model: "Domain") -> None:
            iothreads.remove(model, iothread_id)

        def act(monitor: "Monitor", model: "Domain") -> None:
            iothreads.refuse_used(model, iothread_id)
            monitor.execute("object-del", id=f"iothread{iothread_id}")

        change(self, dom, flags, edit, act)

    @call("qemuDomainPinIOThread", EITHER)
    def domain_pin_iothread(self, dom: "DomainRef", iothreads_id: int, cpumap: bytes, flags: int = 0) -> None:
        cpus = _chosen(cpumap)

        def edit(model: "Domain") -> None:
            if iothreads_id not in [thread.id for thread in model.iothreads]:
                word = "iothread" if model.id != -1 else "iothreadid"
                raise fail(errors.INVALID_ARG, f"{word} {iothreads_id} not found")
            iothreads.pin(model, iothreads_id, cpus)

        def act(monitor: "Monitor", model: "Domain") -> None:
            edit(model)
            _pin(self.driver.host, [_iothreads(monitor)[iothreads_id]], cpus)

        change(self, dom, flags, edit, act)

    @call("qemuDomainSetIOThreadParams", EITHER)
    def domain_set_iothread_params(
        self, dom: "DomainRef", iothread_id: int, params: "TypedParams", flags: int = 0
    ) -> None:
        if not iothread_id:
            raise iothreads.no_thread_zero(errors.FROM_QEMU)
        for name in params:
            if name not in POLLING:
                raise fail(errors.ARGUMENT_UNSUPPORTED, f"parameter '{name}' not supported")
        guest = self._guest(dom)
        wanted = impact(guest, flags)
        if not any(thread.id == iothread_id for thread in meant(self, dom, flags).iothreads):
            raise fail(errors.INVALID_ARG, f"cannot find IOThread '{iothread_id}' in iothreadids")
        if wanted & const.DOMAIN_AFFECT_CONFIG:
            raise fail(errors.OPERATION_UNSUPPORTED, "configuring persistent polling values is not supported")
        path = f"/objects/iothread{iothread_id}"
        with self._lock(dom), monitor_of(self.driver, guest) as monitor:
            for name, _, value in params.items:
                monitor.execute("qom-set", path=path, property=POLLING[name], value=value)


def _chosen(cpumap: bytes) -> "frozenset[int]":
    cpus = from_map(cpumap)
    if not cpus:
        raise fail(errors.INVALID_ARG, "Empty cpu list for pinning")
    return cpus


def present(host: "Host") -> "frozenset[int]":
    """The host's CPUs."""
    return parse_cpuset(host.read("/sys/devices/system/cpu/present", 4096).decode("ascii"))


def _pin(host: "Host", threads: "Iterable[int]", cpus: "frozenset[int]") -> None:
    for thread in threads:
        try:
            host.pin(thread, cpus)
        except OSError as error:
            raise system_error(error, f"cannot set CPU affinity on process {thread}") from None


def _vcpus(monitor: "Monitor") -> "dict[int, int]":
    return {cpu["cpu-index"]: cpu["thread-id"] for cpu in monitor.execute("query-cpus-fast")}


def _iothreads(monitor: "Monitor") -> "dict[int, int]":
    told = monitor.execute("query-iothreads")
    return {int(entry["id"].removeprefix("iothread")): entry["thread-id"] for entry in told}


def _others(host: "Host", monitor: "Monitor", record: "Running") -> "list[int]":
    """The threads that are the emulator's own."""
    assert record.process is not None
    taken = {*_vcpus(monitor).values(), *_iothreads(monitor).values()}
    return [thread for thread in threads_of(host, record.process.pid) if thread not in taken]
