"""The host that guests run on."""

from .. import records
from .base import QemuBase, call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from ..records import NodeGetInfo

#: libvirt's release that this driver follows, as virConnectGetLibVersion says it.
LIBRARY = 9000000
MAX_VCPUS = {"kvm": 710, "qemu": 16}


class NodeCalls(QemuBase):
    """The host that guests run on."""

    def connect_get_lib_version(self) -> int:
        return LIBRARY

    @call("")
    def connect_get_version(self) -> int:
        """The version of the QEMU for this machine's own architecture."""
        from .capabilities import emulator, probe

        driver = self.driver
        binary = emulator(machine(driver.host))
        caps = probe(driver.host, f"{driver.places.cache}/capabilities", binary, driver.user_prefix())
        major, minor, micro = caps.version
        return major * 1_000_000 + minor * 1_000 + micro

    @call("")
    def connect_get_capabilities(self) -> str:
        from ..xml.serialize import Out
        from .capabilities import probe
        from .capabilities_xml import KVM, emulators, guest_xml, host_xml

        driver, host = self.driver, self.driver.host
        folder, user = f"{driver.places.cache}/capabilities", driver.user_prefix()
        parts = [host_xml(machine(host), _memory(host), _processors(host))]
        for arch, path in emulators(host):
            kvm = arch == machine(host) and not host.run([*user, "test", "-w", KVM]).status
            parts.append(guest_xml(arch, path, probe(host, folder, path, user), kvm))
        out = Out("capabilities")
        out.raw("\n" + "\n".join(part.render(1) for part in parts) + "\n")
        return out.render()

    @call("")
    def connect_get_hostname(self) -> str:
        return self.driver.host.read("/proc/sys/kernel/hostname").decode().strip()

    def connect_get_max_vcpus(self, type: "str | None") -> int:
        return MAX_VCPUS.get((type or "qemu").lower(), MAX_VCPUS["qemu"])

    @call("")
    def node_get_info(self) -> "NodeGetInfo":
        host = self.driver.host
        processors = _processors(host)
        memory = _memory(host)
        sockets = {entry.get("physical id", "0") for entry in processors}
        cores = {(entry.get("physical id", "0"), entry.get("core id", str(n))) for n, entry in enumerate(processors)}
        nodes = sum(name.startswith("node") for name in host.listdir("/sys/devices/system/node")) or 1
        mhz = int(float(processors[0].get("cpu MHz", "0"))) if processors else 0
        each = max(1, len(cores) // max(1, len(sockets)))
        threads = max(1, len(processors) // max(1, len(cores)))
        per_node = max(1, len(sockets) // nodes)
        found = (machine(host), memory, len(processors), mhz, nodes, per_node, each, threads)
        info: NodeGetInfo = records.NodeGetInfo(*found)
        return info

    @call("")
    def node_get_free_memory(self) -> int:
        return int(self.driver.host.read("/proc/meminfo").partition(b"MemFree:")[2].split()[0]) * 1024


def machine(host: "Host") -> str:
    """The host's architecture, as the kernel calls it."""
    return host.run(["uname", "-m"]).stdout.decode("ascii", "replace").strip()


def _memory(host: "Host") -> int:
    """KiB."""
    return int(host.read("/proc/meminfo").partition(b"MemTotal:")[2].split()[0])


def _processors(host: "Host") -> "list[dict[str, str]]":
    """The entries of /proc/cpuinfo."""
    text = host.read("/proc/cpuinfo").decode("utf-8", "replace")
    entries = [dict(_pairs(block)) for block in text.split("\n\n")]
    return [entry for entry in entries if "processor" in entry]


def _pairs(block: str) -> "list[tuple[str, str]]":
    return [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in block.split("\n"))]
