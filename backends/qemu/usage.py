"""What a running guest uses: the host's view of its process, and the guest's balloon."""

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host, Process
    from .driver import QemuDriver
    from .store import Running

#: Nanoseconds of a tick in /proc (USER_HZ is 100 on all Linux).
TICK = 10_000_000


def cpu_time(host: "Host", process: "Process") -> int:
    """Nanoseconds that a process has run; 0 when it is gone."""
    try:
        fields = host.read(f"/proc/{process.pid}/stat", 4096).rpartition(b")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) * TICK


def balloon(driver: "QemuDriver", record: "Running") -> int:
    """KiB that a guest has of its memory; 0 where there is no balloon, or QEMU does not say."""
    from .qmp import Monitor

    try:
        with Monitor(driver.host, record.monitor) as monitor:
            actual: int = monitor.execute("query-balloon")["actual"]
            return actual // 1024
    except (OSError, errors.VirtError):
        return 0
