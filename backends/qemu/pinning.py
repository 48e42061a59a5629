"""On which of the host's processors a guest's threads run."""

from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from ..xml.domain import Domain
    from .driver import QemuDriver
    from .qmp import Monitor
    from .store import Running


def pin(driver: "QemuDriver", monitor: "Monitor", model: "Domain", record: "Running") -> None:
    """Put the threads of a guest that has just started where its definition wants them.

    Raises VirtError for processors that there are not.
    """
    tune = model.cputune
    if not (model.cpuset or tune.vcpu_pins or tune.emulator_pins or tune.iothread_pins):
        return
    assert record.process is not None
    emulator = tune.emulator_pins[0].cpuset if tune.emulator_pins else model.cpuset
    places: dict[int, frozenset[int] | None] = dict.fromkeys(threads_of(driver.host, record.process.pid), emulator)
    vcpus = {pin.vcpu: pin.cpuset for pin in tune.vcpu_pins}
    for cpu in monitor.execute("query-cpus-fast"):
        if cpu["thread-id"] != record.process.pid:
            places[cpu["thread-id"]] = vcpus.get(cpu["cpu-index"], model.cpuset)
    iothreads = {f"iothread{pin.iothread}": pin.cpuset for pin in tune.iothread_pins}
    for thread in monitor.execute("query-iothreads"):
        places[thread["thread-id"]] = iothreads.get(thread["id"], model.cpuset)
    for thread, cpus in places.items():
        if cpus:
            try:
                driver.host.pin(thread, cpus)
            except OSError as error:
                raise system_error(error, f"cannot set CPU affinity on process {thread}") from None


def threads_of(host: "Host", pid: int) -> "list[int]":
    """The threads of a process."""
    return [int(name) for name in host.listdir(f"/proc/{pid}/task")]
