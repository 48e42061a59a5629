"""PCI devices of the host: taken from its drivers for a guest, given back, and the files through which QEMU has them.

By sysfs, as the kernel's Documentation/ABI/testing/sysfs-bus-pci has it: driver_override, unbind, drivers_probe.
"""

from ... import errors
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...xml.domain import Domain
    from ...xml.hostdevs import Hostdev
    from ..driver import QemuDriver
    from ..ownership import Need
    from ..store import Running

BUS = "/sys/bus/pci"
STUB = "vfio-pci"


def address(hostdev: "Hostdev") -> str:
    """Where it sits, as sysfs names it; "" for what is no PCI device."""
    from ...xml.hostdev_source import PciSource

    source = hostdev.source
    if not isinstance(source, PciSource) or source.address is None:
        return ""
    return "{:04x}:{:02x}:{:02x}.{:x}".format(*source.address.place)


def take(driver: "QemuDriver", record: "Running", domain: "Domain") -> None:
    """Bind the devices that are to be managed to vfio-pci; what had another driver is written down before.

    Raises VirtError.
    """
    for hostdev in domain.devices.hostdevs:
        name = address(hostdev) if hostdev.managed else ""
        if name and bound_to(driver.host, name) != STUB:
            _load(driver.host)
            record.detached.append(name)
            driver.store.write_running(record)
            _bind(driver.host, name)


def give_back(driver: "QemuDriver", record: "Running") -> None:
    """Let the host's drivers have what was taken for a guest that has ended."""
    host = driver.host
    for name in record.detached:
        try:
            host.write_at(f"{BUS}/devices/{name}/driver_override", b"\n", 0)
            if bound_to(host, name) == STUB:
                host.write_at(f"{BUS}/drivers/{STUB}/unbind", name.encode(), 0)
            host.write_at(f"{BUS}/drivers_probe", name.encode(), 0)
        except OSError:
            continue  # it was pulled out
    record.detached = []


def files(host: "Host", domain: "Domain") -> "list[Need]":
    """What QEMU opens for devices of PCI: the groups they are in."""
    found = []
    for name in filter(None, map(address, domain.devices.hostdevs)):
        group = _link(host, f"{BUS}/devices/{name}/iommu_group")
        found += [(f"/dev/vfio/{group}", True)] if group else []
    return found


def bound_to(host: "Host", name: str) -> str:
    """The driver that has a device; "" for none."""
    return _link(host, f"{BUS}/devices/{name}/driver")


def _link(host: "Host", path: str) -> str:
    return host.run(["readlink", path]).stdout.decode().strip().rpartition("/")[2]


def _load(host: "Host") -> None:
    if host.stat(f"{BUS}/drivers/{STUB}") is None:
        try:
            host.run(["modprobe", STUB])
        except FileNotFoundError:
            pass
    if host.stat(f"{BUS}/drivers/{STUB}") is None:
        raise fail(errors.OPERATION_FAILED, f"Failed to load PCI driver module {STUB}")


def _bind(host: "Host", name: str) -> None:
    device = f"{BUS}/devices/{name}"
    try:
        host.write_at(f"{device}/driver_override", STUB.encode(), 0)
        if bound_to(host, name):
            host.write_at(f"{device}/driver/unbind", name.encode(), 0)
        host.write_at(f"{BUS}/drivers_probe", name.encode(), 0)
    except OSError as error:
        text = f"Unable to bind PCI device {name} to {STUB}: {error.strerror}"
        raise fail(errors.OPERATION_FAILED, text, hint="is it there, and are we root?") from None
    if bound_to(host, name) != STUB:
        raise fail(errors.OPERATION_FAILED, f"Unable to bind PCI device {name} to {STUB}", hint="dmesg may say why")
