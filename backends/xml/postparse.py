"""Completing a domain after reading: what libvirt fills in, moves and adds, in libvirt's order
(src/conf/domain_postparse.c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_DETAIL, XML_ERROR
from .boot import BootDevice, FirmwareFeature
from .chars import Serial
from .controllers import assign_indexes
from .disk_places import complete_disk, complete_hostdev
from .engine import Context, fail
from .graphics import Spice
from .implied import add_implied
from .interfaces import MODELS

if TYPE_CHECKING:
    from .device_list import Devices
    from .devices import Video
    from .domain import Domain


def complete(domain: Domain, context: Context) -> None:
    """Fill in defaults, assign indexes, ports and drive addresses, add what is implied. VirtError for what
    cannot be.
    """
    devices = domain.devices
    assign_indexes(devices.controllers)
    context.config.complete_domain(domain, context)
    context.config.complete_devices(domain, context)
    _isa_ports(devices.serials)
    for disk in devices.disks:
        complete_disk(disk, domain, context)
    for hostdev in devices.hostdevs:
        complete_hostdev(hostdev, devices)
    for video in devices.videos:
        _video(video, domain, context)
    _controllers(devices)
    _other_devices(domain, context)
    _vcpus(domain)
    if domain.os.type == "exe" and domain.os.init is None:
        raise fail(XML_ERROR, "init binary must be specified")
    _memory(domain, context.config.memory_from_cells)
    _hugepages(domain)
    _firmware(domain)
    _unique_controllers(devices)
    _unique_panics(devices)
    if domain.os.type == "hvm":
        _boot_order(domain)
    for timer in domain.clock.timers:
        timer.check()
    add_implied(domain)
    _first_video(domain, context)
    if devices.serials:
        _serial_port(devices.serials[0], devices.serials)
    for graphics in devices.graphics:
        if isinstance(graphics, Spice) and not (graphics.port or graphics.tls_port or graphics.autoport):
            first = graphics.listens[0]
            if first.type == "address":
                first.type, first.address = "none", None
    if domain.cpu and domain.cpu.mode == "custom" and domain.cpu.model is None and domain.cpu.check:
        raise fail(CONFIG_UNSUPPORTED, "check attribute specified for CPU with no model")
    _abilities(domain, context)
    context.config.assign_addresses(domain, context)


def _isa_ports(serials: list[Serial]) -> None:
    most = 4
    isa = [serial for serial in serials if serial.target_type == "isa-serial"]
    if len(isa) > most or any(serial.port >= most for serial in isa):
        raise fail(INTERNAL_ERROR, f"Maximum supported number of ISA serial ports is '{most}'")
    ports = [serial.port for serial in isa if serial.port != -1]
    for position, port in enumerate(ports):
        if port in ports[:position]:
            raise fail(INTERNAL_ERROR, f"target port '{port}' already allocated")
    free = iter([port for port in range(most) if port not in ports])
    for serial in isa:
        if serial.port == -1:
            serial.port = next(free)


def _video(video: Video, domain: Domain, context: Context) -> None:
    """Model and memory (KiB)."""
    video.type = video.type or context.config.default_video(domain, video)
    if video.type == "qxl":
        video.ram = video.ram or 65536
    if not video.vram:
        plain = {"vbox": 8192, "vmware": 4096}.get(domain.type, 16384)
        video.vram = {"vga": plain, "cirrus": plain, "vmvga": plain, "bochs": 16384, "xen": 4096, "qxl": 65536}.get(
            video.type, 0
        )
    video.ram = _power_of_two(video.ram)
    video.vram = _power_of_two(video.vram)


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length() if number else 0


def _controllers(devices: Devices) -> None:
    for controller in devices.controllers:
        if controller.iothread and controller.model not in (
            "virtio-scsi",
            "virtio-transitional",
            "virtio-non-transitional",
        ):
            raise fail(XML_ERROR, "'iothread' attribute only supported for virtio scsi controllers")


def _serial_port(serial: Serial, serials: list[Serial]) -> None:
    if serial.port == -1:
        serial.port = max(other.port for other in serials) + 1


def _other_devices(domain: Domain, context: Context) -> None:
    devices, config = domain.devices, context.config
    for serial in devices.serials:
        if serial.target_type == "isa-debug" and domain.os.arch not in ("i686", "x86_64"):
            raise fail(CONFIG_UNSUPPORTED, "isa-debug serial type only valid on x86 architecture")
        _serial_port(serial, devices.serials)
    for console in devices.consoles:
        console.target_type = console.target_type or "serial"
    for filesystem in devices.filesystems:
        if not filesystem.accessmode and filesystem.socket is None:
            filesystem.accessmode = "passthrough"
    for rng in devices.rngs:
        if rng.backend == "random" and rng.file is None:
            rng.file = "/dev/random"
    for memory in devices.memories:
        if not config.memory_hotplug:
            raise fail(CONFIG_UNSUPPORTED, "memory devices are not supported by this driver")
        if memory.model == "virtio-pmem":
            memory.access = memory.access or "shared"
        elif memory.model == "nvdimm" and domain.os.arch in ("ppc64", "ppc64le"):
            memory.uuid = memory.uuid or config.new_uuid()
    for vsock in devices.vsocks:
        if vsock.auto is None:
            vsock.auto = vsock.cid == 0


def _vcpus(domain: Domain) -> None:
    for vcpu in domain.vcpu_states:
        if vcpu.hotpluggable is None:
            vcpu.hotpluggable = not vcpu.enabled
        elif not vcpu.hotpluggable and not vcpu.enabled:
            raise fail(CONFIG_UNSUPPORTED, f"vcpu '{vcpu.id}' is both offline and not hotpluggable")


def _memory(domain: Domain, from_cells: bool) -> None:
    modules = sum(module.size for module in domain.devices.memories)
    cells = sum(cell.memory for cell in domain.cpu.numa.cells) if domain.cpu else 0
    if domain.memory == 0 or (cells and from_cells):
        domain.memory = cells + modules if cells else 0
    if modules > domain.memory:
        raise fail(XML_ERROR, "Total size of memory devices exceeds the total memory size")
    if domain.memory == modules:
        raise fail(XML_ERROR, "Memory size must be specified via <memory> or in the <numa> configuration")
    if not 0 < domain.current_memory <= domain.memory:
        domain.current_memory = domain.memory
    if bool(domain.max_memory) != bool(domain.memory_slots):
        raise fail(XML_ERROR, "both maximum memory size and memory slot count must be specified")
    if domain.max_memory and domain.max_memory < domain.memory:
        raise fail(XML_ERROR, "maximum memory size must be equal or greater than the actual memory size")


def _hugepages(domain: Domain) -> None:
    """Without NUMA cells in the guest, pages for node 0 are for all of it."""
    backing = domain.memory_backing
    if not (domain.cpu and domain.cpu.numa.cells):
        for page in backing.hugepages.pages if backing and backing.hugepages else ():
            if page.nodeset == frozenset((0,)):
                page.nodeset = None


def _firmware(domain: Domain) -> None:
    features = {feature.name: feature for feature in domain.os.firmware_features}
    keys, secure = features.get("enrolled-keys"), features.get("secure-boot")
    if keys is not None and keys.enabled:
        if secure is not None and not secure.enabled:
            what = "firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled"
            raise fail(XML_DETAIL, what)
        if secure is None:
            domain.os.firmware_features.append(FirmwareFeature(name="secure-boot", enabled=True))
    loader = domain.os.loader
    if loader and loader.path is not None and not loader.type:
        loader.type = "rom"


def _unique_controllers(devices: Devices) -> None:
    seen: set[tuple[str, int]] = set()
    for controller in devices.controllers:
        place = (controller.type, controller.index)
        if place in seen and controller.type != "usb":
            raise fail(XML_ERROR, f"Multiple '{controller.type}' controllers with index '{controller.index}'")
        seen.add(place)


def _unique_panics(devices: Devices) -> None:
    models = [panic.model or "default" for panic in devices.panics]
    for position, model in enumerate(models):
        if model in models[:position]:
            raise fail(XML_ERROR, f"Multiple panic devices with model '{model}'")


def _boot_order(domain: Domain) -> None:
    devices = domain.devices
    orders: set[int] = set()
    groups = (devices.disks, devices.interfaces, devices.hostdevs, devices.filesystems, devices.redirdevs)
    for device in (device for group in groups for device in group):
        if device.boot is None:
            continue
        if device.boot.order in orders:
            raise fail(CONFIG_UNSUPPORTED, f"boot order '{device.boot.order}' used for more than one device")
        orders.add(device.boot.order)
    if domain.os.boot and orders:
        raise fail(CONFIG_UNSUPPORTED, "per-device boot elements cannot be used together with os/boot elements")
    if not domain.os.boot and not orders:
        domain.os.boot = [BootDevice(dev="hd")]


def _first_video(domain: Domain, context: Context) -> None:
    videos = domain.devices.videos
    if not videos:
        return
    if videos[0].type == "none":
        alias = videos[0].info.alias
        videos[0] = type(videos[0])(type="none", heads=0)
        videos[0].info.alias = alias
    else:
        videos[0].primary = True
        _video(videos[0], domain, context)


def _abilities(domain: Domain, context: Context) -> None:
    """Refuse what the driver cannot do."""
    config = context.config
    if not config.memory_hotplug and (domain.max_memory or domain.memory_slots):
        what = "memory hotplug tunables <maxMemory> are not supported by this hypervisor driver"
        raise fail(CONFIG_UNSUPPORTED, what)
    if not config.offline_vcpu_pinning:
        domain.cputune.vcpu_pins = [pin for pin in domain.cputune.vcpu_pins if pin.vcpu < domain.vcpus]
    if not config.name_with_slash and "/" in domain.name:
        raise fail(XML_ERROR, f"name {domain.name} cannot contain '/'")
    if not config.individual_vcpus and domain.vcpu_states:
        raise fail(CONFIG_UNSUPPORTED, "individual CPU state configuration is not supported")
    for interface in domain.devices.interfaces:
        if not config.any_net_model and interface.model is not None and interface.model not in MODELS:
            raise fail(CONFIG_UNSUPPORTED, f"driver does not support net model '{interface.model}'")
    for disk in domain.devices.disks:
        if disk.source.fdgroup is not None and not config.disk_fds:
            raise fail(CONFIG_UNSUPPORTED, f"driver does not support FD passing for disk '{disk.target}'")
