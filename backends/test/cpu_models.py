"""CPU models, which the test host has not: what is known of them is the same everywhere."""

from .. import cpus
from ..constants.connect import CONNECT_BASELINE_CPU_EXPAND_FEATURES as EXPAND
from .base import TestBase, call


class CpuModelCalls(TestBase):
    """CPU models."""

    @call("testConnectGetCPUModelNames")
    def connect_get_cpu_model_names(self, arch: str, flags: int = 0) -> list[str]:
        return cpus.names(arch)

    @call("testConnectBaselineCPU", EXPAND)
    def connect_baseline_cpu(self, xml_cpus: list[str], flags: int = 0) -> str:
        return cpus.baseline(xml_cpus, expand=bool(flags & EXPAND)).render()
