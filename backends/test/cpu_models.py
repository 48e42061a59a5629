"""The CPU models that the test host knows by name: those of libvirt 9.0.0."""

from .. import errors
from .base import TestBase, call, fail

X86 = """
486 pentium pentium2 pentium3 pentiumpro coreduo n270 core2duo qemu32 kvm32 cpu64-rhel5 cpu64-rhel6 qemu64 kvm64
Conroe Penryn Nehalem Nehalem-IBRS Westmere Westmere-IBRS SandyBridge SandyBridge-IBRS IvyBridge IvyBridge-IBRS
Haswell-noTSX Haswell-noTSX-IBRS Haswell Haswell-IBRS Broadwell-noTSX Broadwell-noTSX-IBRS Broadwell Broadwell-IBRS
Skylake-Client Skylake-Client-IBRS Skylake-Client-noTSX-IBRS Skylake-Server Skylake-Server-IBRS
Skylake-Server-noTSX-IBRS Cascadelake-Server Cascadelake-Server-noTSX Icelake-Client Icelake-Client-noTSX
Icelake-Server Icelake-Server-noTSX Cooperlake Snowridge athlon phenom Opteron_G1 Opteron_G2 Opteron_G3 Opteron_G4
Opteron_G5 EPYC EPYC-IBPB EPYC-Rome EPYC-Milan Dhyana
"""
PPC64 = "POWER6 POWER7 POWER8 POWER9 POWER10 POWERPC_e5500 POWERPC_e6500"
#: architecture -> its models; none where any name is accepted
MODELS = {
    **dict.fromkeys(("i686", "x86_64"), X86),
    **dict.fromkeys(("ppc64", "ppc64le"), PPC64),
    **dict.fromkeys(("armv6l", "armv7l", "armv7b", "aarch64", "s390", "s390x"), ""),
}


class CpuModelCalls(TestBase):
    """CPU models."""

    @call("testConnectGetCPUModelNames")
    def connect_get_cpu_model_names(self, arch: str, flags: int = 0) -> list[str]:
        from ..xml.boot import ARCHES

        if arch not in ARCHES:
            raise fail(errors.INVALID_ARG, f"cannot find architecture {arch}")
        if arch not in MODELS:
            raise errors.virt_error(
                errors.NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver", domain=errors.FROM_CPU
            )
        return MODELS[arch].split()
