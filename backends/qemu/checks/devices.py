"""Refusing devices that make no sense to QEMU, in the words of libvirt's driver (src/qemu/qemu_validate.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ARGUMENT_UNSUPPORTED, CONFIG_UNSUPPORTED, XML_ERROR
from ...iotune import BURSTS, LENGTHS, MOST, RATES
from ..base import fail

if TYPE_CHECKING:
    from ...xml.disks import Disk
    from ...xml.domain import Domain

#: The least that shared memory has, and what it has where nobody says.
SHMEM_LEAST, SHMEM_USUAL = 1 << 20, 4 << 20


def check(domain: Domain) -> None:
    """Raise VirtError for the first thing that is wrong."""
    cache = domain.cpu.cache if domain.cpu is not None else None
    if cache is not None and domain.cpu is not None:
        if cache.mode == "passthrough" and domain.cpu.mode not in ("host-passthrough", "maximum"):
            what = "CPU cache mode 'passthrough' can only be used with 'host-passthrough' / 'maximum' CPUs"
            raise fail(CONFIG_UNSUPPORTED, what)
        if cache.mode == "emulate" and cache.level not in (-1, 3):
            raise fail(CONFIG_UNSUPPORTED, "CPU cache mode 'emulate' can only be used with level='3'")
    for disk in domain.devices.disks:
        _disk(domain, disk)
        _limits(disk)
    _displays(domain)
    _interfaces(domain)
    _inputs(domain)
    _tpms(domain)
    _filesystems(domain)
    _shared_memory(domain)
    for module in domain.devices.memories:
        address = module.info.address
        if module.model in ("virtio-mem", "virtio-pmem") and address is not None and address.type != "pci":
            what = f"only 'pci' addresses are supported for the {module.model} device"
            raise fail(CONFIG_UNSUPPORTED, what)
        if module.model == "nvdimm" and module.uuid and domain.os.arch not in ("ppc64", "ppc64le"):
            raise fail(CONFIG_UNSUPPORTED, "UUID is not supported for NVDIMM device")
    for iommu in domain.devices.iommus:
        if iommu.model == "virtio" and not domain.features.acpi:
            raise fail(CONFIG_UNSUPPORTED, "IOMMU device: 'virtio' requires ACPI")


def _disk(domain: Domain, disk: Disk) -> None:
    driver, target = disk.driver, disk.target
    if driver.copy_on_read and disk.readonly:
        raise fail(CONFIG_UNSUPPORTED, f"copy_on_read is not compatible with read-only disk '{target}'")
    if driver.cache_size and driver.type != "qcow2":
        what = "metadata cache max size control is supported only with qcow2 images"
        raise fail(CONFIG_UNSUPPORTED, what)
    if driver.type == "iso":
        what = "storage format 'iso' is not directly supported by QEMU, use 'raw' instead"
        raise fail(CONFIG_UNSUPPORTED, what)
    if disk.type == "dir" and driver.type != "fat":
        raise fail(CONFIG_UNSUPPORTED, "storage type 'dir' requires use of storage format 'fat'")
    if driver.type == "fat":
        if disk.type != "dir":
            raise fail(CONFIG_UNSUPPORTED, "storage format 'fat' is supported only with 'dir' storage type")
        if not disk.readonly:
            raise fail(CONFIG_UNSUPPORTED, "virtual FAT storage can't be accessed in read-write mode")
    if disk.sgio == "unfiltered":
        raise fail(CONFIG_UNSUPPORTED, "unfiltered sgio is no longer supported")
    if disk.type == "vhostuser":
        for told, what in ((disk.serial, "serial"), (driver.cache, "cache"), (disk.iotune.limited, "iotune")):
            if told:
                raise fail(CONFIG_UNSUPPORTED, f"{what} is not supported with vhostuser disk")
        if not shares_memory(domain):
            raise fail(CONFIG_UNSUPPORTED, "'vhostuser' requires shared memory")


def _limits(disk: Disk) -> None:
    tune = disk.iotune
    if tune.group_name and not tune.limited:
        raise fail(CONFIG_UNSUPPORTED, "group_name can be configured only together with settings")
    if any(getattr(tune, name) > MOST for name in (*RATES, *BURSTS, *LENGTHS, "size_iops_sec")):
        text = f"block I/O throttle limit must be no more than {MOST} using QEMU"
        raise fail(ARGUMENT_UNSUPPORTED, text)


def shares_memory(domain: Domain) -> bool:
    """Whether a program beside QEMU can reach all of the guest's memory."""
    backing, cells = domain.memory_backing, domain.cpu.numa.cells if domain.cpu else []
    usual = backing.access if backing is not None else ""
    if cells:
        return all((cell.mem_access or usual) == "shared" for cell in cells)
    return usual == "shared"


def _displays(domain: Domain) -> None:
    kinds = [graphics.type for graphics in domain.devices.graphics]
    if len(kinds) != len(set(kinds)):
        what = "only 1 graphics device of each type (sdl, vnc, spice, headless, dbus) is supported"
        raise fail(CONFIG_UNSUPPORTED, what)
    for video in domain.devices.videos:
        if video.acceleration and video.acceleration.accel2d:
            raise fail(CONFIG_UNSUPPORTED, "qemu does not support the accel2d setting")
        if video.acceleration and video.acceleration.accel3d and video.type != "virtio":
            raise fail(CONFIG_UNSUPPORTED, "3d acceleration is supported only with 'virtio' video device")


def _interfaces(domain: Domain) -> None:
    for interface in domain.devices.interfaces:
        families = [ip.family for ip in interface.ips]
        for family, name in (("ipv4", "IPv4"), ("ipv6", "IPv6")):
            if families.count(family) > 1:
                raise fail(CONFIG_UNSUPPORTED, f"Only one {name} address per interface is allowed")


def _inputs(domain: Domain) -> None:
    for device in domain.devices.inputs:
        if device.bus == "virtio" and device.model.endswith("transitional"):
            what = f"virtio (non-)transitional models are not supported for input type={device.type}"
            raise fail(CONFIG_UNSUPPORTED, what)


def _tpms(domain: Domain) -> None:
    tpms = domain.devices.tpms
    if len([tpm for tpm in tpms if tpm.model != "spapr-tpm-proxy"]) > 1:
        raise fail(CONFIG_UNSUPPORTED, "only a single TPM non-proxy device is supported")
    for tpm in tpms:
        if tpm.version == "1.2" and tpm.model in ("tpm-crb", "tpm-spapr", "spapr-tpm-proxy"):
            raise fail(CONFIG_UNSUPPORTED, f"Unsupported interface '{tpm.model}' for TPM 1.2")


def _filesystems(domain: Domain) -> None:
    for filesystem in domain.devices.filesystems:
        if (filesystem.fmode or filesystem.dmode) and filesystem.accessmode != "mapped":
            raise fail(CONFIG_UNSUPPORTED, "fmode and dmode must be used with accessmode=mapped")
        if filesystem.driver != "virtiofs":
            continue
        if not shares_memory(domain):
            raise fail(CONFIG_UNSUPPORTED, "'virtiofs' requires shared memory")
        for told, what in (
            (filesystem.model.endswith("transitional"), "model"),
            (filesystem.multidevs, "multidevs"),
            (filesystem.wrpolicy, "wrpolicy"),
            (filesystem.readonly, "read-only mode"),
        ):
            if told:
                raise fail(CONFIG_UNSUPPORTED, f"virtiofs does not support {what}")


def _shared_memory(domain: Domain) -> None:
    for shmem in domain.devices.shmems:
        if "/" in (shmem.name or "") or shmem.name in (".", ".."):
            raise fail(XML_ERROR, f"shmem name '{shmem.name}' must not be a path")
        doorbell = shmem.model == "ivshmem-doorbell"
        if doorbell and shmem.size:
            raise fail(CONFIG_UNSUPPORTED, f"shmem model '{shmem.model}' does not support size setting")
        if doorbell != (shmem.server is not None) and shmem.model != "ivshmem":
            what = "enabled" if doorbell else "disabled"
            text = f"shmem model '{shmem.model}' is supported only with server option {what}"
            raise fail(CONFIG_UNSUPPORTED, text)
        if not doorbell and (shmem.size < SHMEM_LEAST or shmem.size & (shmem.size - 1)):
            raise fail(XML_ERROR, "shmem size must be a power of two")
