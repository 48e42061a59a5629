"""Counters of disks, interfaces and memory, and what the guest mounts.

Counters are made from the clock, so that they grow.
"""

from .. import errors, params, records
from ..constants import domain as const
from ..constants.connect import TYPED_PARAM_STRING_OKAY
from .base import TestBase, call, fail, locked
from .info import microseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import (
        DomainBlockStats,
        DomainDiskError,
        DomainFsinfo,
        DomainGetBlockInfo,
        DomainGetSchedulerType,
        DomainInterfaceStats,
        DomainMemoryStat,
        DomainRef,
    )
    from ..xml.domain import Domain
    from ..xml.interfaces import Interface

#: Every disk, in bytes.
CAPACITY, ALLOCATION = 1099506450432, 1099511627776
#: Memory statistics: tag and share of the balloon's size (tag, divisor); 0 says 0.
MEMORY = (
    (const.DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, 1),
    (const.DOMAIN_MEMORY_STAT_SWAP_IN, 0),
    (const.DOMAIN_MEMORY_STAT_SWAP_OUT, 0),
    (const.DOMAIN_MEMORY_STAT_MAJOR_FAULT, 0),
    (const.DOMAIN_MEMORY_STAT_MINOR_FAULT, 0),
    (const.DOMAIN_MEMORY_STAT_UNUSED, 2),
    (const.DOMAIN_MEMORY_STAT_AVAILABLE, 1),
    (const.DOMAIN_MEMORY_STAT_USABLE, 2),
    (const.DOMAIN_MEMORY_STAT_LAST_UPDATE, None),
    (const.DOMAIN_MEMORY_STAT_DISK_CACHES, 8),
    (const.DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, 0),
    (const.DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, 0),
    (const.DOMAIN_MEMORY_STAT_RSS, 2),
)
LAST_UPDATE = 627319920


class StatisticsCalls(TestBase):
    """Counters of disks, interfaces and memory, and what the guest mounts."""

    @locked
    def domain_block_stats(self, dom: "DomainRef", path: str) -> "DomainBlockStats":
        if not path:
            raise fail(errors.OPERATION_UNSUPPORTED, "summary statistics are not supported yet")
        from ..xml.disks import find_disk

        if find_disk(self._active(dom).now.model.devices.disks, path) is None:
            raise fail(errors.INVALID_ARG, f"invalid path: {path}")
        now = microseconds()
        stats: DomainBlockStats = records.DomainBlockStats(now // 10, now // 20, now // 30, now // 40, now // 2000000)
        return stats

    @call("testDomainGetBlockInfo")
    def domain_get_block_info(self, dom: "DomainRef", path: str, flags: int = 0) -> "DomainGetBlockInfo":
        from ..xml.disks import find_disk

        disk = find_disk(self._guest(dom).now.model.devices.disks, path)
        if disk is None:
            raise fail(errors.INVALID_ARG, f"invalid path {path} not assigned to domain")
        if disk.source.empty:
            raise fail(errors.INVALID_ARG, f"disk '{path}' does not currently have a source assigned")
        info: DomainGetBlockInfo = records.DomainGetBlockInfo(ALLOCATION, CAPACITY, ALLOCATION)
        return info

    @call("testDomainGetDiskErrors")
    def domain_get_disk_errors(self, dom: "DomainRef", flags: int = 0) -> "list[DomainDiskError]":
        """Disks have no space left (2) and unspecified errors (1) by turns."""
        disks = self._active(dom).now.model.devices.disks
        kind = records.of_struct("domain_disk_error")
        return [kind(disk.target, i % 2 + 1) for i, disk in enumerate(disks)]

    @call("testDomainGetFSInfo")
    def domain_get_fsinfo(self, dom: "DomainRef", flags: int = 0) -> "list[DomainFsinfo]":
        kind = records.of_struct("domain_fsinfo")
        for disk in self._active(dom).now.model.devices.disks:
            if disk.device == "disk":
                name = disk.target
                return [kind("/", f"{name}1", "ext4", [name]), kind("/boot", f"{name}2", "ext4", [name])]
        return []

    @locked
    def domain_interface_stats(self, dom: "DomainRef", device: str) -> "DomainInterfaceStats":
        find_interface(self._active(dom).now.model, device)
        now = microseconds()
        second = now // 1000000
        stats: DomainInterfaceStats = records.DomainInterfaceStats(
            now // 10, now // 100, second, second // 2, now // 20, now // 110, second // 3, second // 4
        )
        return stats

    @call("testDomainMemoryStats")
    def domain_memory_stats(self, dom: "DomainRef", flags: int = 0) -> "list[DomainMemoryStat]":
        model = self._active(dom).now.model
        balloons = model.devices.memballoons
        if not balloons or balloons[0].model == "none":
            return []
        kind, size = records.of_struct("domain_memory_stat"), model.current_memory
        return [kind(tag, LAST_UPDATE if share is None else size // share if share else 0) for tag, share in MEMORY]

    def domain_get_scheduler_type(self, dom: "DomainRef") -> "DomainGetSchedulerType":
        kind: DomainGetSchedulerType = records.DomainGetSchedulerType("fair", 1)
        return kind

    @call("testDomainGetLaunchSecurityInfo", told=TYPED_PARAM_STRING_OKAY)
    def domain_get_launch_security_info(self, dom: "DomainRef", flags: int = 0) -> params.TypedParams:
        """Always refused: libvirt's library says that it takes strings, of which its test driver does not know."""
        return params.TypedParams()


def find_interface(model: "Domain", device: str) -> "Interface":
    """The interface with this name or MAC address; raises INVALID_ARG."""
    from ..xml.values import parse_mac

    try:
        mac = parse_mac(device)
    except ValueError:
        mac = b""
    for interface in model.devices.interfaces:
        if interface.mac == mac if mac else interface.target == device:
            return interface
    raise fail(errors.INVALID_ARG, f"'{device}' is not a known interface", errors.FROM_DOMAIN)
