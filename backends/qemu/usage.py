"""What a running guest uses: the host's view of its process and threads, and the guest's balloon."""

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host, Process
    from .driver import QemuDriver
    from .qmp import Monitor
    from .store import Running

#: Nanoseconds of a tick in /proc (USER_HZ is 100 on all Linux).
TICK = 10_000_000
#: Bytes of a page on all that runs QEMU as we know it; /proc/PID/statm counts in them.
PAGE = 4096


class Task:
    """A thread: ns that it ran and that it waited for a CPU, and the CPU it last ran on."""

    __slots__ = ("cpu", "delay", "time")

    def __init__(self, time: int = 0, delay: int = 0, cpu: int = 0):
        self.time, self.delay, self.cpu = time, delay, cpu


def times(host: "Host", process: "Process") -> "tuple[int, int]":
    """Nanoseconds that a process has run in user and in system mode; 0 when it is gone."""
    fields = _stat(host, f"/proc/{process.pid}/stat")
    return (int(fields[11]) * TICK, int(fields[12]) * TICK) if fields else (0, 0)


def cpu_time(host: "Host", process: "Process") -> int:
    """Nanoseconds that a process has run; 0 when it is gone."""
    return sum(times(host, process))


def thread(host: "Host", process: "Process", id: int) -> Task:
    """One of its threads."""
    folder = f"/proc/{process.pid}/task/{id}"
    fields = _stat(host, f"{folder}/stat")
    if not fields:
        return Task()
    try:
        _, delay, _ = host.read(f"{folder}/schedstat", 4096).split()
    except (OSError, ValueError):
        delay = b"0"
    return Task((int(fields[11]) + int(fields[12])) * TICK, int(delay), int(fields[36]))


def affinity(host: "Host", process: "Process", id: int) -> bytes:
    """The CPUs a thread may run on, as libvirt's CPU maps: one bit each, of as many CPUs as the host has."""
    from ..xml.values import parse_cpuset

    status = host.read(f"/proc/{process.pid}/task/{id}/status", 1 << 16).decode("ascii", "replace")
    allowed = parse_cpuset(status.partition("Cpus_allowed_list:")[2].partition("\n")[0])
    present = parse_cpuset(host.read("/sys/devices/system/cpu/present", 4096).decode("ascii"))
    found = bytearray((max(present) + 8) // 8)
    for cpu in allowed & present:
        found[cpu // 8] |= 1 << cpu % 8
    return bytes(found)


def resident(host: "Host", process: "Process") -> int:
    """KiB of the host's memory that a process has."""
    try:
        return int(host.read(f"/proc/{process.pid}/statm", 4096).split()[1]) * PAGE // 1024
    except (OSError, IndexError):
        return 0


def balloon(driver: "QemuDriver", record: "Running") -> int:
    """KiB that a guest has of its memory; 0 where there is no balloon, or QEMU does not say."""
    from .qmp import Monitor

    try:
        with Monitor(driver.host, record.monitor) as monitor:
            return balloon_of(monitor)
    except (OSError, errors.VirtError):
        return 0


def balloon_of(monitor: "Monitor") -> int:
    """The same over a monitor that is open."""
    from .qmp import CommandFailed

    try:
        actual: int = monitor.execute("query-balloon")["actual"]
    except CommandFailed:
        return 0
    return actual // 1024


def _stat(host: "Host", path: str) -> "list[bytes]":
    """The fields after a process's name; [] when it is gone."""
    try:
        return host.read(path, 4096).rpartition(b")")[2].split()
    except OSError:
        return []
