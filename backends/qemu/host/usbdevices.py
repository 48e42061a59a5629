"""USB devices of the host: where the one is that a definition describes by who made it."""

from ... import errors
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...xml.domain import Domain
    from ...xml.hostdev_source import UsbSource
    from ...xml.hostdevs import Hostdev

DEVICES = "/sys/bus/usb/devices"
_FILES = ("idVendor", "idProduct", "busnum", "devnum")


def find_all(host: "Host", domain: "Domain", begins: bool = True) -> None:
    """Write into a domain's USB devices where they are; `begins` says that it does not go on from a saved state.

    One that is not there and need not be is dropped. Raises VirtError for any other.
    """
    from ...xml.hostdev_source import UsbSource

    kept = []
    for hostdev in domain.devices.hostdevs:
        source = hostdev.source
        if isinstance(source, UsbSource) and not find(host, source):
            if source.startup_policy == "optional" or (source.startup_policy == "requisite" and not begins):
                continue
            raise _missing(source)
        kept.append(hostdev)
    domain.devices.hostdevs = kept


def find_one(host: "Host", hostdev: "Hostdev") -> None:
    """The same for a device that is plugged in. Raises VirtError when it is not there."""
    from ...xml.hostdev_source import UsbSource

    if isinstance(hostdev.source, UsbSource) and not find(host, hostdev.source):
        raise _missing(hostdev.source)


def find(host: "Host", source: "UsbSource") -> bool:
    """Write down where a device is; whether it is there. Raises OPERATION_FAILED when several fit."""
    found = [
        (bus, device)
        for vendor, product, bus, device in _present(host)
        if (not source.vendor or (vendor, product) == (source.vendor, source.product))
        and (not source.bus or source.auto_address or (bus, device) == (source.bus, source.device))
    ]
    if len(found) > 1:
        who = f"{source.vendor:x}:{source.product:x}"
        text = f"Multiple USB devices for {who}, use <address> to specify one"
        raise fail(errors.OPERATION_FAILED, text)
    if found:
        source.auto_address = source.auto_address or not source.bus
        source.bus, source.device = found[0]
    return bool(found)


def _present(host: "Host") -> "list[tuple[int, int, int, int]]":
    """Vendor, product, bus and number of each device."""
    found = []
    for name in host.listdir(DEVICES):
        if ":" in name:
            continue  # an interface of a device
        try:
            vendor, product, bus, device = (host.read(f"{DEVICES}/{name}/{file}").decode().strip() for file in _FILES)
        except OSError:
            continue
        found.append((int(vendor, 16), int(product, 16), int(bus), int(device)))
    return found


def _missing(source: "UsbSource") -> errors.VirtError:
    if source.vendor:
        what = f"{source.vendor:04x}:{source.product or 0:04x}"
    else:
        what = f"bus:{source.bus} device:{source.device}"
    return fail(errors.INTERNAL_ERROR, f"Did not find USB device {what}")
