"""Refusing devices that read well but make no sense, each by itself; libvirt's words and order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, INVALID_ARG, NO_TARGET, XML_DETAIL, XML_ERROR
from .chars import Channel, CharDevice, CharSource
from .disk_checks import check_disk, check_labels
from .engine import fail
from .graphics import DBus, Networked, Vnc

if TYPE_CHECKING:
    from .addresses import Info, RomInfo
    from .controllers import Controller
    from .devices import Input, Iommu, Video
    from .domain import Domain
    from .graphics import Graphics
    from .hostdevs import Hostdev
    from .interfaces import Interface
    from .memory_devices import MemoryDevice
    from .tpm import Tpm

_CHANNEL_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


def check_devices(domain: Domain) -> None:
    devices = domain.devices
    for disk in devices.disks:
        _address(disk.info)
        check_disk(disk, domain)
    for interface in devices.interfaces:
        _address(interface.info)
        _interface(interface)
    for sound in devices.sounds:
        _address(sound.info)
        _audio(domain, sound.audio)
    for hostdev in devices.hostdevs:
        _hostdev(hostdev)
    for video in devices.videos:
        _address(video.info)
        _video(video, len(devices.videos))
    for controller in devices.controllers:
        _address(controller.info)
        _controller(controller)
    for card in devices.smartcards:
        if card.info.address and card.info.address.type != "ccid":
            _address(card.info)
            raise fail(CONFIG_UNSUPPORTED, "Controllers must use the 'ccid' address type")
        if card.mode == "passthrough":
            _source(card.source, domain)
    ports: list[CharDevice] = [*devices.serials, *devices.parallels, *devices.channels, *devices.consoles]
    for port in ports:
        _address(port.info)
        _source(port.source, domain, nameless=isinstance(port, Channel) and port.target_type in ("virtio", "xen"))
    for device in devices.inputs:
        _address(device.info)
        _input(device, domain)
    for filesystem in devices.filesystems:
        _address(filesystem.info)
        if filesystem.target is None:
            raise fail(NO_TARGET, filesystem.source)
        if filesystem.boot and filesystem.driver != "virtiofs":
            raise fail(CONFIG_UNSUPPORTED, "boot order is only supported for virtiofs")
    for rng in devices.rngs:
        _address(rng.info)
        if rng.backend == "egd":
            _source(rng.source, domain)
    for shmem in devices.shmems:
        _address(shmem.info)
        if "/" in (shmem.name or ""):
            raise fail(CONFIG_UNSUPPORTED, "shmem name cannot include '/' character")
        if shmem.name in (".", ".."):
            raise fail(CONFIG_UNSUPPORTED, f"shmem name cannot be equal to '{shmem.name}'")
    for tpm in devices.tpms:
        _tpm(tpm)
    for memory in devices.memories:
        _memory(memory, domain)
    for redirdev in devices.redirdevs:
        if not any(c.type == "usb" and c.model != "none" for c in devices.controllers):
            what = "cannot add redirected USB device: USB is disabled for this domain"
            raise fail(CONFIG_UNSUPPORTED, what)
        _source(redirdev.source, domain)
    for others in (devices.hubs, devices.watchdogs, devices.memballoons, devices.nvrams, devices.panics):
        for other in others:
            _address(other.info)
    for iommu in devices.iommus:
        _address(iommu.info)
        _iommu(iommu)
    for vsock in devices.vsocks:
        _address(vsock.info)
        if 0 < vsock.cid <= 2:
            raise fail(CONFIG_UNSUPPORTED, "guest CIDs must be >= 3")
        if not vsock.model:
            vsock.virtio.refuse()
    for graphics in devices.graphics:
        _graphics(graphics, domain)
    ids = [audio.id for audio in devices.audios]
    for number in ids:
        if ids.count(number) > 1:
            raise fail(XML_ERROR, f"audio ID {number} is used multiple times")


def _address(info: Info | RomInfo) -> None:
    if info.address and info.address.type == "unassigned":
        raise fail(CONFIG_UNSUPPORTED, "address of type 'unassigned' is supported only for hostdevs")


def _audio(domain: Domain, number: int) -> None:
    if number and number not in [audio.id for audio in domain.devices.audios]:
        raise fail(XML_ERROR, f"no audio device with ID {number}")


def _source(source: CharSource, domain: Domain, nameless: bool = False) -> None:
    """The host end of a character device; `nameless` ones get their socket from the driver."""
    kind = source.type
    listens = source.mode == "bind" and source.reconnect is not None and source.reconnect.enabled is not None
    sends = any(u.mode == "connect" and u.service is not None for u in source.udp)
    for wrong, what in (
        (kind in ("file", "dev", "pipe") and source.path is None, "Missing source path attribute"),
        (kind == "tcp" and source.host is None, "Missing source host attribute"),
        (kind == "tcp" and source.service is None, "Missing source service attribute"),
        (kind == "udp" and not sends, "Missing source service attribute"),
        (kind == "unix" and source.socket is None and not nameless, "Missing source path attribute"),
    ):
        if wrong:
            raise fail(INTERNAL_ERROR, f"{what} for char device")
    if kind == "nmdm" and (source.master is None) != (source.slave is None):
        raise fail(INTERNAL_ERROR, "Should define both master and slave path attributes for nmdm device")
    if listens:
        raise fail(INTERNAL_ERROR, "chardev reconnect is possible only for connect mode")
    if kind in ("spiceport", "dbus"):
        if source.channel is None:
            raise fail(CONFIG_UNSUPPORTED, "Missing source channel attribute for char device")
        if not _CHANNEL_CHARS.issuperset(source.channel):
            raise fail(INVALID_ARG, "Invalid character in source channel for char device")
    check_labels(source.labels, domain)


def _interface(net: Interface) -> None:
    if (net.host_ips or net.host_routes) and net.type != "ethernet":
        what = "Invalid attempt to set network interface host-side IP route and/or address info on interface of type"
        raise fail(CONFIG_UNSUPPORTED, f"{what} '{net.type}'. This is only supported on interfaces of type 'ethernet'")
    if net.target_managed is False and net.type != "ethernet":
        raise fail(CONFIG_UNSUPPORTED, f"unmanaged target dev is not supported on interfaces of type '{net.type}'")
    if net.teaming and net.teaming.type == "transient":
        if net.teaming.persistent is None:
            what = "teaming persistent attribute must be set if teaming type is 'transient'"
            raise fail(CONFIG_UNSUPPORTED, what)
    elif net.teaming and net.teaming.persistent is not None:
        what = f"teaming persistent attribute not allowed if teaming type is '{net.teaming.type}'"
        raise fail(CONFIG_UNSUPPORTED, what)
    if net.port_isolated:
        what = f"interface {net.mac.hex(':')} - <port isolated='yes'/> is not supported for network interfaces with"
        if net.type not in ("network", "bridge"):
            raise fail(CONFIG_UNSUPPORTED, f"{what} type='{net.type}'")
        if net.virtualport and net.virtualport.type:
            raise fail(CONFIG_UNSUPPORTED, f"{what} virtualport type='{net.virtualport.type}'")
    net.stray.refuse()
    if net.backend == "passt" and net.type != "user":
        raise fail(INTERNAL_ERROR, "The 'passt' backend can only be used with interface type='user'")
    if net.type == "vhostuser":
        if not net.virtio:
            what = "Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>."
            raise fail(INTERNAL_ERROR, f"{what} vhostuser requires the virtio-net* frontend")
        if net.socket_mode == "server" and net.reconnect and net.reconnect.enabled:
            what = "'reconnect' attribute unsupported 'server' mode for <interface type='vhostuser'>"
            raise fail(CONFIG_UNSUPPORTED, what)


def _hostdev(hostdev: Hostdev) -> None:
    if hostdev.mode == "subsystem" and hostdev.info.address is not None:
        problems = {
            "pci": (
                INTERNAL_ERROR, ("pci", "unassigned"), "PCI host devices must use 'pci' or 'unassigned' address type",
            ),
            "scsi": (CONFIG_UNSUPPORTED, ("drive",), "SCSI host device must use 'drive' address type"),
            "scsi_host": (
                CONFIG_UNSUPPORTED, ("pci", "ccw"), "SCSI_host host device must use 'pci' or 'ccw' address type",
            ),
            "usb": (CONFIG_UNSUPPORTED, ("usb",), "USB host device must use 'usb' address type"),
        }  # fmt: skip
        code, allowed, what = problems.get(hostdev.type or "", (0, (hostdev.info.address.type,), ""))
        if hostdev.info.address.type not in allowed:
            raise fail(code, what)
    if hostdev.sgio == "unfiltered":
        raise fail(CONFIG_UNSUPPORTED, "unfiltered sgio is no longer supported")
    if hostdev.teaming:
        if hostdev.teaming.type != "transient":
            raise fail(CONFIG_UNSUPPORTED, "teaming hostdev devices must have type='transient'")
        if hostdev.teaming.persistent is None:
            raise fail(CONFIG_UNSUPPORTED, "missing required persistent attribute in hostdev teaming element")
        if hostdev.mode != "subsystem" or hostdev.type != "pci":
            raise fail(CONFIG_UNSUPPORTED, "teaming is only supported for pci hostdev devices")


def _video(video: Video, count: int) -> None:
    if not video.type:
        raise fail(INTERNAL_ERROR, "missing video model and cannot determine default")
    if video.type == "none" and count > 1:
        raise fail(CONFIG_UNSUPPORTED, "a 'none' video type must be the only video device defined for the domain")
    if video.backend == "vhostuser":
        if video.type != "virtio":
            raise fail(CONFIG_UNSUPPORTED, "'vhostuser' driver is only supported with 'virtio' device")
    elif video.acceleration and video.acceleration.rendernode is not None:
        raise fail(CONFIG_UNSUPPORTED, "unsupported rendernode accel attribute without 'vhostuser'")
    if video.resolution and not (video.resolution.x and video.resolution.y):
        raise fail(CONFIG_UNSUPPORTED, "video resolution values must be greater than 0")
    for name in ("ram", "vram64", "vgamem"):
        if video.type != "qxl" and getattr(video, name):
            raise fail(CONFIG_UNSUPPORTED, f"{name} attribute only supported for video type qxl")
    if video.type == "ramfb" and video.info.address:
        raise fail(CONFIG_UNSUPPORTED, "address not supported for video type ramfb")
    if video.type != "virtio":
        video.virtio.refuse()


def _controller(controller: Controller) -> None:
    if controller.type != "pci":
        return
    if controller.model in ("pci-root", "pcie-root") and controller.info.address:
        raise fail(CONFIG_UNSUPPORTED, "pci-root and pcie-root controllers should not have an address")
    if controller.index > 255:
        raise fail(CONFIG_UNSUPPORTED, f"PCI controller index {controller.index} too high, maximum is 255")
    for what, value, low, high in (
        ("target index", controller.target_index, 0, 30),
        ("chassisNr", controller.chassis_nr, 1, 255),
        ("chassis", controller.chassis, 0, 255),
        ("port", controller.port, 0, 255),
        ("busNr", controller.bus_nr, 1, 254),
    ):
        if value != -1 and not low <= value <= high:
            raise fail(CONFIG_UNSUPPORTED, f"PCI controller {what} '{value}' out of range - must be {low}-{high}")
        if what == "target index" and value != -1 and (value == 0) != (controller.index == 0):
            only = "Only the PCI controller with index 0 can have target index 0, and vice versa"
            raise fail(CONFIG_UNSUPPORTED, only)
    if controller.numa_node is not None and controller.index == 0:
        raise fail(CONFIG_UNSUPPORTED, "The PCI controller with index=0 can't be associated with a NUMA node")


def _input(device: Input, domain: Domain) -> None:
    kind, bus = device.type, device.bus
    simple = kind in ("mouse", "keyboard")
    if domain.os.type == "hvm":
        if bus == "ps2" and not simple:
            raise fail(INTERNAL_ERROR, f"ps2 bus does not support {kind} input device")
        if bus == "xen":
            raise fail(INTERNAL_ERROR, "unsupported input bus xen")
    elif domain.os.type in ("xen", "xenpvh"):
        if bus != "xen":
            raise fail(INTERNAL_ERROR, f"unsupported input bus {bus}")
        if not simple:
            raise fail(INTERNAL_ERROR, f"xen bus does not support {kind} input device")
    elif domain.type not in ("vz", "parallels"):
        raise fail(INTERNAL_ERROR, "Input devices are not supported by this virtualization driver.")
    elif bus != "parallels":
        raise fail(INTERNAL_ERROR, f"parallels containers don't support input bus {bus}")
    elif not simple:
        raise fail(INTERNAL_ERROR, f"parallels bus does not support {kind} input device")
    if kind == "passthrough" and bus != "virtio":
        raise fail(CONFIG_UNSUPPORTED, "only bus 'virtio' is supported for 'passthrough' input devices")
    if kind == "evdev" and bus != "none":
        raise fail(CONFIG_UNSUPPORTED, "input evdev doesn't support bus element")
    if device.model and bus != "virtio":
        raise fail(CONFIG_UNSUPPORTED, f"only bus 'virtio' is supported for input model '{device.model}'")


def _tpm(tpm: Tpm) -> None:
    _address(tpm.info)
    if tpm.pcr_banks and tpm.version != "2.0":
        raise fail(XML_ERROR, "<active_pcr_banks/> requires TPM version '2.0'")
    if tpm.type == "external":
        if tpm.source_mode == "bind":
            raise fail(XML_ERROR, "only 'client' mode is supported for external TPM device")
        if tpm.socket is None:
            raise fail(XML_ERROR, "missing socket path for external TPM device")


def _memory(memory: MemoryDevice, domain: Domain) -> None:
    _address(memory.info)
    cells = len(domain.cpu.numa.cells) if domain.cpu else 0
    if memory.node is not None:
        if not cells:
            raise fail(XML_DETAIL, "can't add memory backend as guest has no NUMA nodes configured")
        if memory.node >= cells:
            what = f"can't add memory backend for guest node '{memory.node}' as the guest has only '{cells}'"
            raise fail(XML_DETAIL, f"{what} NUMA nodes configured")
    if memory.model in ("nvdimm", "virtio-pmem"):
        if memory.path is None:
            raise fail(XML_DETAIL, f"path is required for model '{memory.model}'")
        if memory.discard:
            kind = "nvdimms" if memory.model == "nvdimm" else f"model '{memory.model}'"
            raise fail(CONFIG_UNSUPPORTED, f"discard is not supported for {kind}")
    if memory.model == "nvdimm":
        if domain.os.arch in ("ppc64", "ppc64le"):
            if not memory.label_size:
                raise fail(CONFIG_UNSUPPORTED, "label size is required for NVDIMM device")
        elif memory.uuid:
            raise fail(CONFIG_UNSUPPORTED, "UUID is not supported for NVDIMM device")
    elif memory.model == "virtio-pmem":
        if memory.access != "shared":
            raise fail(CONFIG_UNSUPPORTED, "shared access mode required for virtio-pmem device")
        if memory.node is not None:
            raise fail(CONFIG_UNSUPPORTED, "virtio-pmem does not support NUMA nodes")
    elif memory.model == "virtio-mem":
        if memory.requested_size > memory.size:
            what = f"requested size must be smaller than or equal to @size ({memory.size}KiB)"
            raise fail(XML_DETAIL, what)
        if not memory.block_size or memory.block_size & (memory.block_size - 1):
            raise fail(XML_DETAIL, "block size must be a power of two")
        if memory.block_size < 2048:
            raise fail(XML_DETAIL, "block size too small, must be at least 2048KiB")
        if memory.requested_size % memory.block_size:
            raise fail(XML_DETAIL, "requested size must be an integer multiple of block size")
    elif memory.model == "sgx-epc" and memory.info.address:
        raise fail(CONFIG_UNSUPPORTED, "memory device address is not supported for model 'sgx-epc'")


def _iommu(iommu: Iommu) -> None:
    driver = (iommu.intremap, iommu.caching_mode, iommu.eim, iommu.iotlb)
    if iommu.model != "intel" and (iommu.aw_bits or any(option is not None for option in driver)):
        raise fail(XML_ERROR, f"iommu model '{iommu.model}' doesn't support additional attributes")
    if iommu.model != "virtio" and iommu.info.address:
        raise fail(XML_ERROR, f"iommu model '{iommu.model}' can't have address")


def _graphics(graphics: Graphics, domain: Domain) -> None:
    if isinstance(graphics, Networked) and any(
        listen.type == "network" and listen.network is None for listen in graphics.listens
    ):
        raise fail(XML_ERROR, "'network' attribute is required for listen type 'network'")
    if isinstance(graphics, Vnc):
        _audio(domain, graphics.audio)
    if isinstance(graphics, DBus) and graphics.p2p and graphics.address is not None:
        raise fail(XML_ERROR, "D-Bus p2p with an address is not supported")
