"""Refusing domains that read well but make no sense (libvirt's src/conf/domain_validate.c); devices are in
device_checks.py.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from ..errors import CONFIG_UNSUPPORTED, INVALID_ARG, XML_DETAIL, XML_ERROR
from .addresses import DriveAddress
from .boot import Loader, Nvram
from .cpu import Latency
from .device_checks import check_devices
from .engine import Context, fail
from .hostdev_source import HostdevSource

if TYPE_CHECKING:
    from .cpu import Cell
    from .domain import Domain
    from .tuning import IoThreadPool

_UINT_MAX = 0xFFFFFFFF


def check(domain: Domain, context: Context) -> None:
    """VirtError, in libvirt's words, for the first thing that is wrong."""
    check_devices(domain)
    _resource(domain)
    _disk_targets(domain)
    _host_devices(domain)
    _drive_addresses(domain)
    _topology(domain)
    _aliases(domain)
    _iommu(domain)
    for event, action in (("poweroff", domain.on_poweroff), ("reboot", domain.on_reboot)):
        if action.startswith("coredump"):
            raise fail(CONFIG_UNSUPPORTED, f"Lifecycle event '{event}' doesn't support '{action}' action")
    _hugepages(domain)
    _firmware(domain, context)
    _cputune(domain)
    _boot(domain)
    if sum(bool(video.primary) for video in domain.devices.videos) > 1:
        raise fail(CONFIG_UNSUPPORTED, "Only one primary video device is supported")
    paths = [device.path for device in domain.blkiotune.devices] if domain.blkiotune else []
    for position, path in enumerate(paths):
        if path in paths[:position]:
            raise fail(CONFIG_UNSUPPORTED, f"duplicate blkio device path '{path}'")
    _idmap(domain)
    if domain.cpu:
        _numa(domain.cpu.numa.cells, domain.cpu.numa.links)
    tags = [fs.target for fs in domain.devices.filesystems if fs.driver == "virtiofs"]
    for position, tag in enumerate(tags):
        if tag in tags[:position]:
            raise fail(CONFIG_UNSUPPORTED, f"filesystem target '{tag}' specified twice")
    pools: list[IoThreadPool] = list(domain.iothreads)
    for pool in [*pools, *filter(None, [domain.default_iothread])]:
        told = pool.thread_pool_min >= 0 or pool.thread_pool_max >= 0
        if told and pool.thread_pool_max == 0:
            raise fail(CONFIG_UNSUPPORTED, "thread_pool_max must be a positive integer")
        if told and pool.thread_pool_min > pool.thread_pool_max:
            raise fail(CONFIG_UNSUPPORTED, "thread_pool_min must be smaller or equal to thread_pool_max")


def _resource(domain: Domain) -> None:
    appid = domain.resource.appid if domain.resource else None
    if appid is None:
        return
    if not appid.isascii() or not appid.isprintable():
        raise fail(XML_ERROR, "Fibre Channel 'appid' is not a printable string")
    if not 1 <= len(appid) <= 128:
        raise fail(INVALID_ARG, "Fibre Channel 'appid' string length must be between [1, 128]")


def _disk_targets(domain: Domain) -> None:
    for one, other in combinations(domain.devices.disks, 2):
        if one.target == other.target:
            sources = [disk.source.path or disk.source.name or "<null>" for disk in (one, other)]
            what = f"target '{one.target}' duplicated for disk sources '{sources[0]}' and '{sources[1]}'"
            raise fail(XML_ERROR, what)


def _host_devices(domain: Domain) -> None:
    devices = domain.devices
    sources: list[HostdevSource] = [net.hostdev for net in devices.interfaces if net.hostdev]
    sources += [hostdev.source for hostdev in devices.hostdevs if hostdev.source]
    for one, other in combinations(sources, 2):
        if one.same(other):
            raise fail(XML_ERROR, "Hostdev already exists in the domain configuration")
    if sum(bool(hostdev.ramfb) for hostdev in devices.hostdevs) > 1:
        raise fail(CONFIG_UNSUPPORTED, "Only one vgpu device can have 'ramfb' enabled")


def _drive_addresses(domain: Domain) -> None:
    for one, other in combinations(domain.devices.disks, 2):
        place = one.info.address
        if one.bus == other.bus and isinstance(place, DriveAddress) and place == other.info.address:
            where = f"controller='{place.controller}' bus='{place.bus}' target='{place.target}' unit='{place.unit}'"
            what = f"Found duplicate drive address for disk with target name '{one.target}' {where}"
            raise fail(CONFIG_UNSUPPORTED, what)
    scsi = [hostdev.info.address for hostdev in domain.devices.hostdevs if hostdev.type == "scsi"]
    for place, twin in combinations(scsi, 2):
        if isinstance(place, DriveAddress) and place == twin:
            # libvirt names bus and controller the wrong way round.
            where = f"controller='{place.bus}' bus='{place.controller}' target='{place.target}' unit='{place.unit}'"
            raise fail(CONFIG_UNSUPPORTED, f"SCSI host address {where} in use by another SCSI host device")


def _topology(domain: Domain) -> None:
    topology = domain.cpu.topology if domain.cpu else None
    if topology and topology.sockets * topology.dies * topology.cores * topology.threads > _UINT_MAX:
        raise fail(CONFIG_UNSUPPORTED, f"cpu topology results in more than {_UINT_MAX} cpus")


def _aliases(domain: Domain) -> None:
    seen: set[str] = set()
    for field in domain.devices.fields:
        values = getattr(domain.devices, field.name)
        for device in values if isinstance(values, list) else ():
            info = getattr(device, "info", None)
            alias = info.alias if info is not None else None
            shared = field.name == "serials" and device is domain.devices.serials[0]
            if not alias or not alias.startswith("ua-") or shared:
                continue
            if alias in seen:
                raise fail(CONFIG_UNSUPPORTED, f"non unique alias detected: {alias}")
            seen.add(alias)


def _iommu(domain: Domain) -> None:
    for iommu in domain.devices.iommus:
        if iommu.intremap and domain.features.ioapic != "qemu":
            what = "IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')"
            raise fail(CONFIG_UNSUPPORTED, what)
        if iommu.eim and not iommu.intremap:
            raise fail(CONFIG_UNSUPPORTED, "IOMMU eim requires interrupt remapping to be enabled")


def _hugepages(domain: Domain) -> None:
    backing = domain.memory_backing
    pages = backing.hugepages.pages if backing and backing.hugepages else []
    cells = len(domain.cpu.numa.cells) if domain.cpu else 0
    for position, page in enumerate(pages):
        for other in pages[:position]:
            if page.nodeset and other.nodeset and page.nodeset & other.nodeset:
                what = f"nodeset attribute of hugepages of sizes {page.size} and {other.size} intersect"
                raise fail(XML_DETAIL, what)
            if not page.nodeset and not other.nodeset:
                raise fail(XML_DETAIL, f"two master hugepages detected: {page.size} and {other.size}")
        missing = [number for number in sorted(page.nodeset or ()) if number >= cells]
        if missing:
            raise fail(XML_DETAIL, f"hugepages: node {missing[0]} not found")


def _firmware(domain: Domain, context: Context) -> None:
    system = domain.os
    given = system.loader is not None or system.nvram is not None
    loader, nvram = system.loader or Loader(), system.nvram or Nvram()
    if system.firmware:
        if not context.config.firmware_autoselect:
            raise fail(XML_DETAIL, "firmware auto selection not implemented for this driver")
        if not given:
            return
        when = "cannot be specified when firmware autoselection is enabled"
        for what, told in (
            ("loader attribute 'readonly'", loader.readonly is not None),
            ("loader attribute 'type'", bool(loader.type)),
            ("loader path", loader.path is not None),
            ("nvram attribute 'template'", nvram.template is not None),
            ("loader attribute 'secure'", loader.secure is False),
        ):
            if told:
                raise fail(XML_DETAIL, f"{what} {when}")
        if nvram.given and system.firmware != "efi":
            raise fail(XML_DETAIL, f"firmware type '{system.firmware}' does not support nvram")
    elif not given:
        return
    elif loader.path is None:
        raise fail(XML_DETAIL, "no loader path specified and firmware auto selection disabled")
    if loader.stateless:
        if nvram.template is not None:
            raise fail(XML_DETAIL, "NVRAM template is not permitted when loader is stateless")
        if nvram.given:
            raise fail(XML_DETAIL, "NVRAM is not permitted when loader is stateless")
    elif loader.stateless is False:
        if not system.firmware and loader.type != "pflash":
            raise fail(XML_DETAIL, "Only pflash loader type permits NVRAM")
        if system.firmware == "bios":
            raise fail(XML_DETAIL, "Only EFI firmware permits NVRAM")


def _cputune(domain: Domain) -> None:
    tune = domain.cputune
    limits = {"shares": (2, 262144)}
    limits |= dict.fromkeys(("period", "global_period", "emulator_period", "iothread_period"), (1000, 1000000))
    limits |= dict.fromkeys(("quota", "global_quota", "emulator_quota", "iothread_quota"), (1000, 17592186044415))
    for name, (low, high) in limits.items():
        value = getattr(tune, name) or 0
        if value > 0 and not low <= value <= high:
            raise fail(CONFIG_UNSUPPORTED, f"Value of cputune '{name}' must be in range [{low}, {high}]")


def _boot(domain: Domain) -> None:
    if (domain.os.bootmenu_timeout or 0) > 65535:
        raise fail(CONFIG_UNSUPPORTED, "invalid value for boot menu timeout, must be in range [0,65535]")
    if not -1 <= (domain.os.reboot_timeout or 0) <= 65535:
        raise fail(CONFIG_UNSUPPORTED, "invalid value for rebootTimeout, must be in range [-1,65535]")


def _idmap(domain: Domain) -> None:
    if domain.idmap is None:
        return
    uids, gids = domain.idmap.uids, domain.idmap.gids
    if bool(uids) != bool(gids):
        raise fail(CONFIG_UNSUPPORTED, "uid and gid should be mapped both")
    if any(ids and ids[0].start != 0 for ids in (uids, gids)):
        raise fail(CONFIG_UNSUPPORTED, "You must map the root user of container")


def _numa(cells: list[Cell], links: list[Latency]) -> None:
    for cell in cells:
        levels = [cache.level for cache in cell.caches]
        for position, level in enumerate(levels):
            if level > 3:
                raise fail(XML_ERROR, "Ain't nobody heard of that much cache level")
            if level in levels[:position]:
                raise fail(XML_ERROR, f"Cache level '{level}' already defined")
    for position, link in enumerate(links):
        for name in ("initiator", "target"):
            if getattr(link, name) >= len(cells):
                raise fail(XML_ERROR, f"'{name}' refers to a non-existent NUMA node")
        if not cells[link.initiator].cpus:
            raise fail(XML_ERROR, "NUMA nodes without CPUs can't be initiator")
        if link.cache and link.cache not in [cache.level for cache in cells[link.target].caches]:
            raise fail(XML_ERROR, "'cache' refers to a non-existent NUMA node cache")
        for other in links[:position]:
            same = (link.initiator, link.target, link.cache, link.type)
            if type(link) is type(other) and same == (other.initiator, other.target, other.cache, other.type):
                raise fail(XML_ERROR, "Duplicate info for NUMA latencies")
            turned = (other.target, other.initiator) == (link.initiator, link.target)
            if link.initiator != link.target and turned:
                raise fail(XML_ERROR, "Link already defined")
