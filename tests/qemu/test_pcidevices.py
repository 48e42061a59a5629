"""PCI devices taken from the host and given back: against sysfs as the kernel documents it, since none are here."""

import errno
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tests.qemu.documents import domain
from vsh.backends.errors import OPERATION_FAILED, VirtError
from vsh.backends.hosts import Finished
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.definitions import read_text
from vsh.backends.qemu.host import pcidevices
from vsh.backends.qemu.store import Entry, Running

BUS = "/sys/bus/pci"
HOSTDEV = (
    "<hostdev mode='subsystem' type='pci' managed='{}'><source><address domain='0' bus='{}' slot='0' function='1'/>"
    "</source></hostdev>"
)


class Sysfs(LocalHost):
    """Devices with the drivers that have them and would have them; writes do what the kernel does."""

    def __init__(self, module: bool = True) -> None:
        super().__init__()
        self.drivers = {"0000:06:00.1": "nvme", "0000:07:00.1": "", "0000:08:00.1": "vfio-pci"}
        self.own = {"0000:06:00.1": "nvme", "0000:07:00.1": "", "0000:08:00.1": ""}
        self.overrides: dict[str, str] = {}
        self.module = module
        self.log: list[tuple[str, str]] = []

    def run(self, argv: Sequence[str], stdin: bytes = b"", timeout: float | None = None) -> Finished:
        if argv[0] == "modprobe":
            return Finished((1, b"", b"no such module"))
        device, _, what = argv[1].removeprefix(f"{BUS}/devices/").partition("/")
        found = {"driver": self.drivers.get(device, ""), "iommu_group": "14"}[what]
        return Finished((0 if found else 1, f"../../{found}\n".encode() if found else b"", b""))

    def stat(self, path: str) -> Any:
        return True if self.module and path == f"{BUS}/drivers/vfio-pci" else None

    def write_at(self, path: str, data: bytes, offset: int, durable: bool = False) -> None:
        text = data.decode().strip()
        self.log.append((path.removeprefix(BUS), text))
        device = text if not path.endswith("driver_override") else path.split("/")[-2]
        if device not in self.drivers:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        if path.endswith("driver_override"):
            self.overrides[device] = text
        elif path.endswith("unbind"):
            assert self.drivers[device], "nothing has it"
            self.drivers[device] = ""
        elif not self.drivers[device]:
            self.drivers[device] = self.overrides.get(device) or self.own[device]


def taken(host: Sysfs, *devices: str) -> tuple[Any, Running, list[list[str]]]:
    model = read_text(domain("g", 1, "pc", "".join(devices), ""))
    record = Running("g", model.uuid, 1, "starting", Entry.of(model, ""))
    written: list[list[str]] = []
    store = SimpleNamespace(write_running=lambda record: written.append([*Running.load(record.dump()).detached]))
    driver: Any = SimpleNamespace(host=host, store=store)
    pcidevices.take(driver, record, model)
    assert pcidevices.files(host, model) == [("/dev/vfio/14", True)] * len(devices)
    return driver, record, written


def test_devices_are_taken_and_given_back() -> None:
    host = Sysfs()
    driver, record, written = taken(
        host, *(HOSTDEV.format("yes", bus) for bus in (6, 7, 8)), HOSTDEV.format("no", 9)
    )
    assert {name: had for name, had in host.drivers.items() if had != "vfio-pci"} == {}
    assert written == [["0000:06:00.1"], ["0000:06:00.1", "0000:07:00.1"]]  # before each; the third had vfio-pci
    assert host.log[:3] == [
        ("/devices/0000:06:00.1/driver_override", "vfio-pci"),
        ("/devices/0000:06:00.1/driver/unbind", "0000:06:00.1"),
        ("/drivers_probe", "0000:06:00.1"),
    ]
    pcidevices.give_back(driver, record)
    assert host.drivers == {"0000:06:00.1": "nvme", "0000:07:00.1": "", "0000:08:00.1": "vfio-pci"}
    assert record.detached == [] and not any(host.overrides.values())


@pytest.mark.parametrize(
    ("host", "bus", "said"),
    [
        (Sysfs(module=False), 6, "Failed to load PCI driver module vfio-pci"),
        (Sysfs(), 5, "Unable to bind PCI device 0000:05:00.1 to vfio-pci: No such file"),
    ],
)
def test_devices_that_cannot_be_taken(host: Sysfs, bus: int, said: str) -> None:
    before = dict(host.drivers)
    with pytest.raises(VirtError, match=said) as caught:
        taken(host, HOSTDEV.format("yes", bus))
    assert caught.value.code == OPERATION_FAILED
    assert host.drivers == before
