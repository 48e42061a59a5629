"""Refusing devices that make no sense to QEMU, in the words of libvirt's driver (src/qemu/qemu_validate.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CONFIG_UNSUPPORTED, XML_ERROR
from .base import fail

if TYPE_CHECKING:
    from ..xml.domain import Domain

#: The least that shared memory has, and what it has where nobody says.
SHMEM_LEAST, SHMEM_USUAL = 1 << 20, 4 << 20


def check(domain: Domain) -> None:
    """Raise VirtError for the first thing that is wrong."""
    _displays(domain)
    _interfaces(domain)
    _inputs(domain)
    _tpms(domain)
    _filesystems(domain)
    _shared_memory(domain)
    for iommu in domain.devices.iommus:
        if iommu.model == "virtio" and not domain.features.acpi:
            raise fail(CONFIG_UNSUPPORTED, "IOMMU device: 'virtio' requires ACPI")


def _displays(domain: Domain) -> None:
    kinds = [graphics.type for graphics in domain.devices.graphics]
    if len(kinds) != len(set(kinds)):
        what = "only 1 graphics device of each type (sdl, vnc, spice, headless, dbus) is supported"
        raise fail(CONFIG_UNSUPPORTED, what)
    for video in domain.devices.videos:
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
        if filesystem.driver != "virtiofs":
            continue
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
