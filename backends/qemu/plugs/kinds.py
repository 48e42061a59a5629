"""What is particular to plugging in each kind of device."""

from .. import definitions, helpers, taps, tls
from ..blocks import chains
from ..host import usbdevices
from ..readying import launch
from . import plugging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.domain import Domain
    from ..argv.command import Command
    from ..argv.launch import Launch
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..qmp import Monitor
    from .plugging import Option

#: Fields of Devices whose devices come and go while the guest runs.
FIELDS = (
    "disks", "interfaces", "inputs", "rngs", "sounds", "hubs", "redirdevs", "channels", "serials", "shmems", "vsocks",
    "watchdogs", "memories", "filesystems", "hostdevs", "controllers",
)  # fmt: skip
#: Controllers that are nothing but devices; others are part of the machine or of its buses.
_CONTROLLERS = ("scsi", "virtio-serial")


def is_device(device: "Any") -> bool:
    """Whether a device is one to QEMU, under its own name."""
    from ...xml.chars import Channel, Serial
    from ...xml.controllers import Controller
    from ...xml.devices import Input
    from ...xml.sound import Sound
    from ..argv.chars import MACHINE_SERIALS

    if isinstance(device, Controller):
        return device.type in _CONTROLLERS
    if isinstance(device, Input):
        return device.bus not in ("ps2", "none")
    if isinstance(device, Channel):
        return device.target_type == "virtio"
    if isinstance(device, Serial):
        return device.target_type not in MACHINE_SERIALS
    return not (isinstance(device, Sound) and device.model == "pcspk")


def prepare(
    driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, new: "Any", launched: "Launch"
) -> None:
    """Make what a device needs on the host."""
    assert guest.record is not None
    if field == "disks":
        from ..storage.disks import locate

        locate(driver.store, [new])
        tls.choose(driver, [new])
    elif field == "interfaces":
        taps.open_one(driver, guest.record, model, new, launched)
        if new.backend == "passt":
            helpers.start_passt(driver, model, new, guest.record, launched)
    elif field == "filesystems" and new.driver == "virtiofs" and new.socket is None:
        helpers.start_virtiofsd(driver, model, new, guest.record, launched)
    elif field == "channels" and new.source.type == "unix" and not new.source.socket:
        from ..argv.chars import channel_path
        from ..readying import make_folder

        if driver.host.stat(launched.channel_folder) is None:
            make_folder(driver, launched.channel_folder)
        new.source.mode, new.source.socket = "bind", channel_path(launched.channel_folder, new)
    elif field == "vsocks":
        taps.open_vsock(driver, new, launched)
    elif field == "hostdevs":
        usbdevices.find_one(driver.host, new)
        if new.managed and new.type == "pci":
            from ..argv.command import refuse

            hint = "bind it to vfio-pci (driver_override in sysfs, or driverctl), and say managed='no'"
            raise refuse(new, "plugging in a PCI device with managed='yes'", hint)
    elif field == "memories":
        from ..readying import make_memory_folder

        make_memory_folder(driver, launched, model)


def finish(monitor: "Monitor", model: "Domain", new: "Any", answers: "dict[str, Any]") -> None:
    """What is done and known once a device is there."""
    from ..blocks.throttle import limit
    from ..launching import fill_memory

    source = getattr(new, "source", None)
    told = answers.get(f"char{new.info.alias}", {})
    if "pty" in told and source is not None:
        source.pty = told["pty"]
    if getattr(getattr(new, "iotune", None), "limited", False):
        limit(monitor, new, new.iotune)
    if new in model.devices.memories:
        fill_memory(monitor, model)


def options(
    driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, new: "Any", launched: "Launch"
) -> "list[Option]":
    """The options that a command line would have for one device; images get numbers that none has had."""

    def add(command: "Command") -> None:
        if field == "disks":
            _add_disk(driver, guest, command, new)
        else:
            _ADDERS[field](command)

    return _only(driver, model, field, new, launched, add)


def present(driver: "QemuDriver", model: "Domain", field: str, device: "Any") -> "list[Option]":
    """The same for one that is there, its images as they are now."""

    def add(command: "Command") -> None:
        if field == "disks":
            from ..argv.disks import blockdevs
            from ..storage.disks import pretend

            pretend([device])  # what counts is what its images are called
            if not device.source.empty and device.type != "vhostuser":
                blockdevs(command, device)
        else:
            _ADDERS[field](command)

    return _only(driver, model, field, device, launch(driver, model, model.id), add)


def _only(
    driver: "QemuDriver", model: "Domain", field: str, device: "Any", launched: "Launch", add: "Any"
) -> "list[Option]":
    """What `add` says where there are no other devices but controllers."""
    from ..argv.command import Command

    command = Command(model, definitions.capabilities(driver, model), launched)
    others = {name: getattr(model.devices, name) for name in FIELDS if name != "controllers"}
    boot, model.os.boot = model.os.boot, []  # the guest has booted: only an order of the device's own counts
    try:
        for name in others:
            setattr(model.devices, name, [device] if name == field else [])
        if field == "controllers":
            from ..argv.controllers import add_one

            add_one(command, device)
        else:
            add(command)
    finally:
        model.os.boot = boot
        for name, devices in others.items():
            setattr(model.devices, name, devices)
    return plugging.parse(command.argv)


def _add_disk(driver: "QemuDriver", guest: "Guest", command: "Command", disk: "Any") -> None:
    from ..argv import disks

    record = guest.record
    assert record is not None
    first = record.nodes
    disk.index = 0
    record.nodes, detected = chains.detect(driver.host, [disk], first)
    record.detected += detected
    disks.add(command)
    driver.store.write_running(record)


def _interfaces(command: "Command") -> None:
    from ..argv.nets import add

    add(command)


def _few_words(name: str) -> "Any":
    """The function of argv.misc of that name."""

    def add(command: "Command") -> None:
        from ..argv import misc

        getattr(misc, name)(command)

    return add


def _sounds(command: "Command") -> None:
    from ..argv.displays import sounds

    sounds(command)


def _channels(command: "Command") -> None:
    from ..argv.chars import channels

    channels(command)


def _serials(command: "Command") -> None:
    from ..argv.chars import serials

    serials(command)


def _memories(command: "Command") -> None:
    from ..argv.memory import add_modules

    add_modules(command)


def _filesystems(command: "Command") -> None:
    from ..argv.filesystems import add

    add(command)


def _hostdevs(command: "Command") -> None:
    from ..argv.hostdevs import add

    add(command)


_ADDERS: "dict[str, Any]" = {
    "interfaces": _interfaces,
    "inputs": _few_words("inputs"),
    "rngs": _few_words("rngs"),
    "sounds": _sounds,
    "hubs": _few_words("hubs"),
    "redirdevs": _few_words("redirdevs"),
    "channels": _channels,
    "serials": _serials,
    "shmems": _few_words("shmems"),
    "vsocks": _few_words("vsocks"),
    "watchdogs": _few_words("watchdogs"),
    "memories": _memories,
    "filesystems": _filesystems,
    "hostdevs": _hostdevs,
}
