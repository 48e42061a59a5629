"""A guest's memory and its screen, as files."""

import os
import time

from .. import errors, streams
from ..constants import domain as const
from . import ending
from .base import QemuBase, call, fail
from .guests import Guests
from .handing import FILE, hand
from .lifecycle import monitor_of
from .packing import chosen, pack
from .plans import Plan
from .save import beside, go_on, migrate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from .driver import QemuDriver
    from .guests import Guest

DUMP = const.DUMP_CRASH | const.DUMP_LIVE | const.DUMP_BYPASS_CACHE | const.DUMP_RESET | const.DUMP_MEMORY_ONLY
#: virDomainCoreDumpFormat -> QEMU's name
FORMATS = ("elf", "kdump-zlib", "kdump-lzo", "kdump-snappy")


class BytesStream(streams.Stream):
    """A stream of what is there already."""

    def __init__(self, data: bytes):
        self._left = data
        self._ended = False

    def recv(self, size: int, timeout: "float | None" = None) -> bytes:
        if self._ended:
            raise streams.not_open()
        part, self._left = self._left[:size], self._left[size:]
        return part

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        raise errors.no_support("virStreamSend")

    def recv_hole(self, timeout: "float | None" = None) -> int:
        return 0

    def send_hole(self, length: int, timeout: "float | None" = None) -> None:
        raise errors.no_support("virStreamSendHole")

    def finish(self, timeout: "float | None" = None) -> None:
        self._ended = True

    def abort(self) -> None:
        self._ended = True


class DumpCalls(QemuBase):
    """A guest's memory and its screen."""

    @call("qemuDomainCoreDumpWithFormat", DUMP)
    def domain_core_dump_with_format(self, dom: "DomainRef", to: str, dumpformat: int, flags: int = 0) -> None:
        driver = self.driver
        if dumpformat and not flags & const.DUMP_MEMORY_ONLY:
            raise fail(errors.INVALID_ARG, "kdump-compressed format is only supported with memory-only dump")
        if not 0 <= dumpformat < len(FORMATS):
            raise fail(errors.INVALID_ARG, f"unknown dumpformat '{dumpformat}'")
        with self._lock(dom):
            guest = self._active(dom)
            record = guest.record
            assert record is not None
            running = guest.state == const.DOMAIN_RUNNING
            there = driver.host.stat(to)
            ours = there is None or there.regular  # a device is filled, and stays
            work = beside(guest.uuid, to)
            told = {"file": [to, work] if ours else [], "running": [str(int(running))]}
            plan = Plan(driver, guest.uuid, "dump", told)
            memory_only = bool(flags & const.DUMP_MEMORY_ONLY)
            format = chosen(driver, "dump") if ours and not memory_only else 0
            plan.write()
            try:
                hand(driver.host, record.monitor, to, new=True)
                if running and not flags & const.DUMP_LIVE:
                    with monitor_of(driver, guest) as monitor:
                        monitor.execute("stop")
                if memory_only:
                    _dump_memory(driver, guest, dumpformat)
                else:
                    migrate(driver, guest, "domain core dump job")
                    pack(driver.host, to, 0, format, work)
                if ours:
                    driver.host.write_at(to, b"", 0, durable=True)
                with monitor_of(driver, guest) as monitor:
                    if flags & const.DUMP_RESET:
                        monitor.execute("system_reset")
                    if running and not flags & const.DUMP_CRASH:
                        monitor.execute("cont")
            except BaseException:
                settle(driver, plan)
                raise
            plan.clear()
            if flags & const.DUMP_CRASH:
                record.reason = const.DOMAIN_SHUTOFF_CRASHED
                driver.store.write_running(record)
                ending.kill(driver, record)
                ending.finish(driver, record)

    @call("")
    def domain_core_dump(self, dom: "DomainRef", to: str, flags: int = 0) -> None:
        self.domain_core_dump_with_format(dom, to, 0, flags)

    @call("qemuDomainScreenshot")
    def domain_screenshot(self, dom: "DomainRef", screen: int, flags: int = 0) -> "tuple[str, BytesStream]":
        driver, guest = self.driver, self._active(dom)
        assert guest.record is not None
        path = f"{guest.record.paths[0]}/screen-{os.getpid()}.png"
        with monitor_of(driver, guest) as monitor:
            if screen:
                raise fail(errors.INVALID_ARG, "only the first screen can be shown")
            monitor.execute("screendump", filename=path, format="png")
        try:
            return "image/png", BytesStream(driver.host.read(path))
        finally:
            driver.host.remove(path)


def _dump_memory(driver: "QemuDriver", guest: "Guest", format: int) -> None:
    """Have QEMU write a guest's memory into the file that it was handed, and wait until it has; others may ask QEMU
    meanwhile. Raises VirtError."""
    how = {"paging": False, "protocol": f"fd:{FILE}", "format": FORMATS[format], "detach": True}
    with monitor_of(driver, guest) as monitor:
        monitor.do("dump-guest-memory", how)
    pause = 0.005
    while True:
        with monitor_of(driver, guest) as monitor:
            status = monitor.execute("query-dump")["status"]
        if status == "completed":
            return
        if status != "active":
            raise fail(errors.OPERATION_FAILED, "dump-guest-memory: the dump failed")
        time.sleep(pause)
        pause = min(pause * 1.5, driver.host.pause)


def settle(driver: "QemuDriver", plan: Plan) -> None:
    """Undo a dump that was cut short: the guest goes on as before, and the file is gone.

    Of a QEMU that does not answer nothing is known: it can be destroyed, and the plan stays.
    """
    guest = Guests(driver.store).by_uuid.get(plan.uuid)
    if guest is not None and guest.active:
        try:
            with monitor_of(driver, guest) as monitor:
                while monitor.execute("query-dump")["status"] == "active":
                    time.sleep(0.01)  # which nobody can give up
                go_on(monitor, plan.told["running"] == ["1"])
        except (OSError, errors.VirtError):
            return
    driver.host.remove(*plan.told["file"])
    plan.clear()
