"""Calls about the host itself."""

from .. import records
from .base import TestBase, call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import NodeGetInfo, NodeGetSecurityModel
    from .driver import TestDriver

    Figures = tuple[str, int, int, int, int, int, int, int]

MAX_VCPUS = 32
#: libvirt's release whose test driver this one follows, as its virConnectGetLibVersion says it.
LIBRARY = 9000000
#: model, KiB of memory, CPUs, MHz, NUMA nodes, sockets, cores, threads
NODE: "Figures" = ("i686", 3145728, 16, 1400, 2, 2, 2, 2)


class HostCalls(TestBase):
    """Calls about the host itself."""

    def connect_get_type(self) -> str:
        return "TEST"

    def connect_get_version(self) -> int:
        return 2

    def connect_get_lib_version(self) -> int:
        return LIBRARY

    def connect_get_uri(self) -> str:
        return self.uri.text

    def connect_get_hostname(self) -> str:
        """This machine's name, its canonical form where the name service knows one."""
        import os

        name = os.uname().nodename
        if name.startswith("localhost") or "." in name:
            return name
        import socket

        try:
            found = socket.getaddrinfo(name, None, flags=socket.AI_CANONNAME)[0][3]
        except OSError:
            return name
        return name if not found or found.startswith("localhost") else found

    def connect_is_secure(self) -> int:
        return 1

    def connect_get_max_vcpus(self, type: "str | None") -> int:
        return MAX_VCPUS

    def connect_get_capabilities(self) -> str:
        from .capabilities import capabilities

        return capabilities(self.driver.cells)

    @call("testConnectGetSysinfo")
    def connect_get_sysinfo(self, flags: int = 0) -> str:
        from .capabilities import SYSINFO

        return SYSINFO

    def node_get_info(self) -> "NodeGetInfo":
        return self.driver.node

    def node_get_security_model(self) -> "NodeGetSecurityModel":
        model: NodeGetSecurityModel = records.NodeGetSecurityModel("testSecurity", "")
        return model


def host_cpus(host: "TestDriver") -> frozenset[int]:
    """All CPUs of the host, by its topology."""
    node = host.node
    return frozenset(range(node.nodes * node.sockets * node.cores * node.threads))
