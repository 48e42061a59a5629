"""How far a job of a whole domain is (a migration, save, dump or backup), and giving it up; what helps migrations."""

from ... import errors, params, records
from ...constants import domain as const
from .. import plans
from ..base import QemuBase, call, fail
from ..blocks import backupjobs
from ..lifecycle import monitor_of
from ..qmp import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...records import DomainGetJobInfo, DomainGetJobStats, DomainRef

MIB = 1 << 20
#: libvirt's largest speed, which is none: MiB/s.
NO_LIMIT = 8796093022207
#: Of QEMU's states of a migration, those in which it goes on.
GOING = ("setup", "active", "pre-switchover", "device", "postcopy-active", "postcopy-paused", "cancelling")
#: What somebody is at who has QEMU send its guest's state (plans.Plan) -> virDomainJobOperation
OPERATIONS = {
    "save": const.DOMAIN_JOB_OPERATION_SAVE,
    "dump": const.DOMAIN_JOB_OPERATION_DUMP,
    "create": const.DOMAIN_JOB_OPERATION_SNAPSHOT,
}


class MoveJobCalls(QemuBase):
    """How far a migration is, how it is helped along, and giving it up."""

    @call("")
    def domain_get_job_info(self, dom: "DomainRef") -> "DomainGetJobInfo":
        told = _told(self, dom)
        if told is None:
            return backupjobs.info(self, dom)
        data = _sums(told)
        numbers = [const.DOMAIN_JOB_UNBOUNDED, told.get("total-time", 0), 0, *data["data"]]
        numbers += [*data["memory"], *data["file"]]
        info: DomainGetJobInfo = records.DomainGetJobInfo(*numbers)
        return info

    @call("qemuDomainGetJobStats", const.DOMAIN_JOB_STATS_COMPLETED | const.DOMAIN_JOB_STATS_KEEP_COMPLETED)
    def domain_get_job_stats(self, dom: "DomainRef", flags: int = 0) -> "DomainGetJobStats":
        told = None if flags & const.DOMAIN_JOB_STATS_COMPLETED else _told(self, dom)
        if told is None:
            return backupjobs.stats(self, dom, flags)
        found = params.TypedParams()
        found.add("operation", params.INT, told["operation"])
        found.add("time_elapsed", params.ULLONG, told.get("total-time", 0))
        for group, names in _sums(told).items():
            for part, value in zip(("total", "processed", "remaining"), names, strict=True):
                found.add(f"{'disk' if group == 'file' else group}_{part}", params.ULLONG, value)
        ram = told.get("ram", {})
        for name, key in (("memory_bps", "mbps"), ("memory_constant", "duplicate"), ("memory_normal", "normal"),
                          ("memory_normal_bytes", "normal-bytes"), ("memory_dirty_rate", "dirty-pages-rate"),
                          ("memory_iteration", "dirty-sync-count"), ("memory_page_size", "page-size"),
                          ("memory_postcopy_requests", "postcopy-requests")):  # fmt: skip
            if key in ram:
                value = int(ram[key] * 1_000_000 / 8) if key == "mbps" else int(ram[key])
                found.add(name, params.ULLONG, value)
        if "expected-downtime" in told:
            found.add("downtime", params.ULLONG, told["expected-downtime"])
        stats: DomainGetJobStats = records.DomainGetJobStats(const.DOMAIN_JOB_UNBOUNDED, found)
        return stats

    @call("")
    def domain_abort_job(self, dom: "DomainRef") -> None:
        self.domain_abort_job_flags(dom, 0)

    @call("qemuDomainAbortJobFlags", const.DOMAIN_ABORT_JOB_POSTCOPY)
    def domain_abort_job_flags(self, dom: "DomainRef", flags: int = 0) -> None:
        from .nbdcopies import PREFIX

        guest = self._active(dom)
        if flags:
            told = _told(self, dom)
            if told is None or not str(told["status"]).startswith("postcopy-"):
                text = "current job is not outgoing migration in post-copy mode"
                raise fail(errors.OPERATION_INVALID, text)
            raise fail(errors.OPERATION_UNSUPPORTED, "a migration in post-copy mode cannot be held without libvirt yet")
        verb = plans.verb(self.driver, dom.uuid)
        if guest.record is None or not (guest.record.moving or verb in OPERATIONS):
            backupjobs.abort(self, dom)
            return
        with monitor_of(self.driver, guest) as monitor:
            if verb == "dump" and monitor.execute("query-dump")["status"] == "active":
                raise fail(errors.OPERATION_INVALID, "cannot abort memory-only dump")
            if monitor.execute("query-migrate").get("status") == "postcopy-active":
                raise fail(errors.OPERATION_INVALID, "cannot abort migration in post-copy mode")
            monitor.execute("migrate_cancel")
            for job in monitor.execute("query-jobs"):
                if job["id"].startswith(PREFIX) and job["status"] not in ("concluded", "null"):
                    monitor.do("block-job-cancel", {"device": job["id"], "force": True})

    @call("qemuDomainMigrateSetMaxSpeed", const.DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY)
    def domain_migrate_set_max_speed(self, dom: "DomainRef", bandwidth: int, flags: int = 0) -> None:
        guest = self._active(dom)
        limited = bandwidth <= NO_LIMIT
        if not limited and bandwidth != 2**64 - 1:
            raise fail(errors.OVERFLOW, f"bandwidth must be less than {NO_LIMIT + 1}")
        name = "max-postcopy-bandwidth" if flags & const.DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY else "max-bandwidth"
        with monitor_of(self.driver, guest) as monitor:
            monitor.do("migrate-set-parameters", {name: min(bandwidth, NO_LIMIT) * MIB})
        if name == "max-bandwidth" and guest.record is not None:
            record = self.driver.store.read_running(dom.uuid)
            if record is not None:
                record.speed = bandwidth if bandwidth < NO_LIMIT else 0
                self.driver.store.write_running(record)

    @call("qemuDomainMigrateGetMaxSpeed", const.DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY)
    def domain_migrate_get_max_speed(self, dom: "DomainRef", flags: int = 0) -> int:
        guest = self._active(dom)
        if flags & const.DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY:
            return _parameter(self, dom, "max-postcopy-bandwidth") // MIB
        assert guest.record is not None
        return guest.record.speed or NO_LIMIT

    @call("qemuDomainMigrateSetMaxDowntime")
    def domain_migrate_set_max_downtime(self, dom: "DomainRef", downtime: int, flags: int = 0) -> None:
        with monitor_of(self.driver, self._active(dom)) as monitor:
            monitor.do("migrate-set-parameters", {"downtime-limit": downtime})

    @call("qemuDomainMigrateGetMaxDowntime")
    def domain_migrate_get_max_downtime(self, dom: "DomainRef", flags: int = 0) -> int:
        return _parameter(self, dom, "downtime-limit")

    @call("qemuDomainMigrateSetCompressionCache")
    def domain_migrate_set_compression_cache(self, dom: "DomainRef", cache_size: int, flags: int = 0) -> None:
        with monitor_of(self.driver, self._active(dom)) as monitor:
            monitor.do("migrate-set-parameters", {"xbzrle-cache-size": cache_size})

    @call("qemuDomainMigrateGetCompressionCache")
    def domain_migrate_get_compression_cache(self, dom: "DomainRef", flags: int = 0) -> int:
        return _parameter(self, dom, "xbzrle-cache-size")

    @call("qemuDomainMigrateStartPostCopy")
    def domain_migrate_start_post_copy(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._active(dom)
        if guest.record is None or not guest.record.moving:
            text = "post-copy can only be started while outgoing migration is in progress"
            raise fail(errors.OPERATION_INVALID, text)
        with monitor_of(self.driver, guest) as monitor:
            try:
                monitor.execute("migrate-start-postcopy")
            except CommandFailed:
                text = "switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag"
                raise fail(errors.OPERATION_INVALID, text) from None


def _parameter(calls: QemuBase, dom: "DomainRef", name: str) -> int:
    with monitor_of(calls.driver, calls._active(dom)) as monitor:
        return int(monitor.execute("query-migrate-parameters").get(name, 0))


def _told(calls: QemuBase, dom: "DomainRef") -> "dict[str, Any] | None":
    """What QEMU says of a migration, or what else sends a guest's state, that is under way; None when there is none."""
    from .nbdcopies import PREFIX

    guest = calls._active(dom)
    operation = const.DOMAIN_JOB_OPERATION_MIGRATION_OUT
    if guest.record is None or not guest.record.moving:
        operation = OPERATIONS.get(plans.verb(calls.driver, dom.uuid), 0)
    if not operation:
        return None
    with monitor_of(calls.driver, guest) as monitor:
        told: dict[str, Any] = monitor.execute("query-migrate")
        jobs = [job for job in monitor.execute("query-block-jobs") if job["device"].startswith(PREFIX)]
    if told.get("status") not in GOING and not jobs:
        return None
    told["operation"] = operation
    told["disk"] = {
        "total": sum(job["len"] for job in jobs),
        "transferred": sum(job["offset"] for job in jobs),
        "remaining": sum(job["len"] - job["offset"] for job in jobs),
    }
    return told


def _sums(told: "dict[str, Any]") -> "dict[str, tuple[int, int, int]]":
    """Total, processed and remaining bytes of memory, of disks, and of both."""

    def of(name: str) -> "tuple[int, int, int]":
        part = told.get(name, {})
        return part.get("total", 0), part.get("transferred", 0), part.get("remaining", 0)

    memory, disk = of("ram"), of("disk")
    both = (memory[0] + disk[0], memory[1] + disk[1], memory[2] + disk[2])
    return {"data": both, "memory": memory, "file": disk}
