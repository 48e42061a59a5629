"""What host and QEMU can do, and their CPUs."""

from ... import cpus, errors
from ...constants import connect as const
from ..base import QemuBase, call, fail
from ..machines import ARM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host

EXPAND, MIGRATABLE = const.CONNECT_BASELINE_CPU_EXPAND_FEATURES, const.CONNECT_BASELINE_CPU_MIGRATABLE
FAIL, VALIDATE = const.CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE, const.CONNECT_COMPARE_CPU_VALIDATE_XML
IOMMU = "/sys/kernel/iommu_groups"
#: Where the machine's own number is: firmware, for root alone, else systemd.
NUMBERS = ("/sys/class/dmi/id/product_uuid", "/etc/machine-id")


class CapabilityCalls(QemuBase):
    """What host and QEMU can do, and their CPUs."""

    @call("")
    def connect_get_capabilities(self) -> str:
        from ...xml.serialize import Out
        from .capabilities import of
        from .capabilities_xml import KVM, emulators, guest_xml, host_xml
        from .machine import Machine

        driver, host = self.driver, self.driver.host
        machine = Machine(host)
        parts = [host_xml(machine, _uuid(host), bool(host.listdir(IOMMU)))]
        for arch, path in emulators(host):
            kvm = arch == machine.arch and not host.run([*driver.user_prefix(), "test", "-w", KVM]).status
            parts.append(guest_xml(arch, path, of(driver, path), kvm))
        out = Out("capabilities")
        out.raw("\n" + "\n".join(part.render(1) for part in parts) + "\n")
        return out.render()

    @call("qemuConnectGetCPUModelNames")
    def connect_get_cpu_model_names(self, arch: str, flags: int = 0) -> list[str]:
        return cpus.names(arch)

    @call("qemuConnectCompareCPU", FAIL | VALIDATE)
    def connect_compare_cpu(self, xml: str, flags: int = 0) -> int:
        from ...cpus.description import parse
        from .hostcpu import describe
        from .machine import Machine

        cpu = parse(xml, validate=bool(flags & VALIDATE))
        return cpus.compare(describe(Machine(self.driver.host)), cpu, bool(flags & FAIL))

    @call("qemuConnectBaselineCPU", EXPAND | MIGRATABLE)
    def connect_baseline_cpu(self, xml_cpus: list[str], flags: int = 0) -> str:
        expand, migratable = bool(flags & EXPAND), bool(flags & MIGRATABLE)
        return cpus.baseline(xml_cpus, expand=expand, migratable=migratable).render()

    @call("qemuConnectGetDomainCapabilities")
    def connect_get_domain_capabilities(
        self,
        emulatorbin: "str | None",
        arch: "str | None",
        machine: "str | None",
        virttype: "str | None",
        flags: int = 0,
    ) -> str:
        from .domcaps import render
        from .hypervisor import choose

        return render(self.driver, choose(self.driver, emulatorbin, arch, machine, virttype))

    @call("qemuConnectCompareHypervisorCPU", FAIL | VALIDATE)
    def connect_compare_hypervisor_cpu(
        self,
        emulator: "str | None",
        arch: "str | None",
        machine: "str | None",
        virttype: "str | None",
        xml_cpu: str,
        flags: int = 0,
    ) -> int:
        from ...cpus.description import parse
        from .hypervisor import choose

        found = choose(self.driver, emulator, arch, machine, virttype)
        if (model := found.host_model) is None:
            text = f"comparing with the hypervisor CPU is not supported for arch {found.arch}"
            if found.arch in ARM:
                text = f"QEMU '{found.path}' does not support reporting CPU model for virttype '{found.virttype}'"
            raise fail(errors.OPERATION_UNSUPPORTED, text)
        cpu = parse(xml_cpu, validate=bool(flags & VALIDATE))
        return cpus.compare(model, cpu, bool(flags & FAIL))

    @call("qemuConnectBaselineHypervisorCPU", EXPAND | MIGRATABLE)
    def connect_baseline_hypervisor_cpu(
        self,
        emulator: "str | None",
        arch: "str | None",
        machine: "str | None",
        virttype: "str | None",
        xml_cpus: list[str],
        flags: int = 0,
    ) -> str:
        """MIGRATABLE changes nothing, as in libvirt: what bars migration was asked for by name."""
        from .hypervisor import choose

        found = choose(self.driver, emulator, arch, machine, virttype)
        if found.arch not in cpus.X86:
            text = f"computing baseline hypervisor CPU is not supported for arch {found.arch}"
            raise fail(errors.OPERATION_UNSUPPORTED, text)
        made = cpus.baseline(
            xml_cpus,
            arch=found.arch,
            allowed=found.models,
            expand=bool(flags & EXPAND),
        )
        made.fallback = "forbid"
        return made.render()


def _uuid(host: "Host") -> str:
    """The machine's own, as text; "" when it has none that we may know."""
    from uuid import UUID

    for path in NUMBERS:
        try:
            return str(UUID(host.read(path, 64).decode("ascii", "replace").strip()))
        except (OSError, ValueError):
            continue
    return ""
