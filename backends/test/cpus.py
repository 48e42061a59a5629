"""Where virtual CPUs and the emulator may run, and how much they ran.

A CPU map has a bit for each CPU of the host, the first in the lowest bit; all are as long as the remote protocol's.
"""

from .. import errors, params, records
from ..common import CPU_MAP as MAP
from ..common import from_map, to_map
from ..constants.connect import TYPED_PARAM_STRING_OKAY
from .base import TestBase, call, fail, locked
from .host import host_cpus
from .info import EITHER, microseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainGetCpuStats, DomainGetEmulatorPinInfo, DomainGetVcpuPinInfo, DomainGetVcpus, DomainRef
    from ..xml.domain import Domain
    from .driver import TestDriver

#: virVcpuState
RUNNING = 1
#: Nanoseconds: of all CPUs, of the user's and the system's share.
TOTAL, USER, SYSTEM = 48772617035, 5540000000, 6460000000
#: As much less than a CPU ran its virtual CPUs did.
IDLE = 1234567890


class CpuCalls(TestBase):
    """Virtual CPUs and the emulator on the host's CPUs."""

    @locked
    def domain_get_vcpus(self, dom: "DomainRef") -> "DomainGetVcpus":
        guest = self._guest(dom)
        if not guest.active:
            raise fail(errors.OPERATION_INVALID, "cannot list vcpus for an inactive domain")
        model, info, maps = guest.now.model, [], b""
        kind, time = records.of_struct("vcpu_info"), microseconds() // 10
        for number in range(model.vcpus):
            if not plugged(model, number):
                info.append(kind(0, 0, 0, 0))
                maps += bytes(MAP)
                continue
            cpus = affinity(self.driver, model, number)
            info.append(kind(number, RUNNING, time, max(cpus, default=-1)))
            maps += to_map(cpus)
        result: DomainGetVcpus = records.DomainGetVcpus(info, maps)
        return result

    def domain_pin_vcpu(self, dom: "DomainRef", vcpu: int, cpumap: bytes) -> None:
        self.domain_pin_vcpu_flags(dom, vcpu, cpumap)

    @call("testDomainPinVcpuFlags")
    def domain_pin_vcpu_flags(self, dom: "DomainRef", vcpu: int, cpumap: bytes, flags: int = 0) -> None:
        from ..xml.tuning import VcpuPin

        guest = self._guest(dom)
        if not guest.active:
            raise fail(errors.OPERATION_INVALID, "cannot pin vcpus on an inactive domain")
        model = guest.now.model
        if vcpu >= model.max_vcpus or not plugged(model, vcpu):
            raise fail(errors.INVALID_ARG, f"requested vcpu '{vcpu}' is not present in the domain")
        pins = {pin.vcpu: pin for pin in model.cputune.vcpu_pins}
        pins[vcpu] = VcpuPin(vcpu=vcpu, cpuset=from_map(cpumap))
        model.cputune.vcpu_pins = [pins[number] for number in sorted(pins)]

    @locked
    def domain_get_vcpu_pin_info(self, dom: "DomainRef", flags: int = 0) -> "DomainGetVcpuPinInfo":
        model = self._guest(dom).definition(flags).model
        maps = b"".join(to_map(affinity(self.driver, model, number)) for number in range(model.max_vcpus))
        result: DomainGetVcpuPinInfo = records.DomainGetVcpuPinInfo(maps, model.max_vcpus)
        return result

    @call("testDomainPinEmulator", EITHER)
    def domain_pin_emulator(self, dom: "DomainRef", cpumap: bytes, flags: int = 0) -> None:
        from ..xml.tuning import EmulatorPin

        model = self._guest(dom).definition(flags).model
        cpus = from_map(cpumap)
        if not cpus:
            raise fail(errors.INVALID_ARG, "Empty cpu list for pinning")
        model.cputune.emulator_pins = [EmulatorPin(cpuset=cpus)]

    @call("testDomainGetEmulatorPinInfo", EITHER)
    def domain_get_emulator_pin_info(self, dom: "DomainRef", flags: int = 0) -> "DomainGetEmulatorPinInfo":
        model = self._guest(dom).definition(flags).model
        pins = model.cputune.emulator_pins
        cpus = pins[0].cpuset if pins else None
        result: DomainGetEmulatorPinInfo = records.DomainGetEmulatorPinInfo(
            to_map(cpus or model.cpuset or host_cpus(self.driver)), 1
        )
        return result

    @call("testDomainGetCPUStats", TYPED_PARAM_STRING_OKAY)
    def domain_get_cpu_stats(
        self, dom: "DomainRef", nparams: int, start_cpu: int, ncpus: int, flags: int = 0
    ) -> "DomainGetCpuStats":
        """The statistics of all CPUs together for `start_cpu` -1, else of each.

        0 for `nparams` asks how many statistics there are, for `ncpus` how many CPUs.
        """
        self._active(dom)
        values: params.TypedParams = params.TypedParams()
        cpus = self.driver.node.cores
        if start_cpu == -1:
            shares = (("cpu_time", TOTAL), ("user_time", USER), ("system_time", SYSTEM))
            for name, time in shares[:nparams]:
                values.add(name, params.ULLONG, time)
            found = len(values) if nparams else len(shares)
        elif not nparams or not ncpus:
            found = 2 if ncpus else cpus
        elif start_cpu >= cpus:
            raise fail(errors.INVALID_ARG, f"start_cpu {start_cpu} larger than maximum of {cpus - 1}")
        else:
            for cpu in range(start_cpu, min(cpus, start_cpu + ncpus)):
                busy = TOTAL // cpus + cpu
                for name, time in (("cpu_time", busy), ("vcpu_time", busy - IDLE))[:nparams]:
                    values.add(name, params.ULLONG, time)
            found = min(nparams, 2)
        result: DomainGetCpuStats = records.DomainGetCpuStats(values, found)
        return result


def affinity(host: "TestDriver", model: "Domain", vcpu: int) -> "frozenset[int]":
    """The host's CPUs on which a virtual one may run."""
    for pin in model.cputune.vcpu_pins:
        if pin.vcpu == vcpu:
            return pin.cpuset or frozenset()
    return model.cpuset or host_cpus(host)


def plugged(model: "Domain", vcpu: int) -> bool:
    """Whether a virtual CPU is there."""
    if model.vcpu_states:
        return bool(model.vcpu_states[vcpu].enabled)
    return vcpu < model.vcpus
