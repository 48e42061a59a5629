"""Consoles: a running guest's serial port or virtio console, for one user at a time."""

import time

from .. import errors, streams
from ..constants import domain as const
from . import definitions
from .base import QemuBase, call, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Channel, Host, Lock
    from ..records import DomainRef
    from ..xml.chars import CharSource
    from ..xml.domain import Domain


#: Seconds between two looks whether somebody has taken the console away.
LOOK = 0.5


class ConsoleStream(streams.Stream):
    """A console's bytes; its lock is held until it ends. It ends, too, when somebody forces his way in: he removes the
    lock's file, and has another one."""

    def __init__(self, host: "Host", channel: "Channel", lock: "Lock", path: str):
        self._host = host
        self._channel = channel
        self._lock = lock
        self._path = path
        self._mine = self._inode()
        self._ended = False

    def _inode(self) -> int:
        stat = self._host.stat(self._path)
        return stat.inode if stat is not None else -1

    def recv(self, size: int, timeout: "float | None" = None) -> bytes:
        self._check()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = LOOK if deadline is None else min(LOOK, max(0.0, deadline - time.monotonic()))
            try:
                return self._channel.recv(size, left)
            except TimeoutError:
                if self._inode() != self._mine:
                    return b""
                if deadline is not None and time.monotonic() >= deadline:
                    raise fail(errors.OPERATION_TIMEOUT, "no data from the console") from None

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        self._check()
        try:
            self._channel.send(data, timeout)
        except TimeoutError:
            raise fail(errors.OPERATION_TIMEOUT, "the console takes no data") from None
        except OSError as error:
            raise fail(errors.OPERATION_FAILED, f"the console was closed: {error.strerror}") from None

    def recv_hole(self, timeout: "float | None" = None) -> int:
        return 0

    def send_hole(self, length: int, timeout: "float | None" = None) -> None:
        raise errors.no_support("virStreamSendHole")

    def finish(self, timeout: "float | None" = None) -> None:
        self.abort()

    def abort(self) -> None:
        self._ended = True
        self._channel.close()
        self._lock.release()

    def _check(self) -> None:
        if self._ended:
            raise streams.not_open()


class ConsoleCalls(QemuBase):
    """Consoles."""

    @call("qemuDomainOpenConsole", const.DOMAIN_CONSOLE_SAFE | const.DOMAIN_CONSOLE_FORCE)
    def domain_open_console(
        self, dom: "DomainRef", dev_name: "str | None", flags: int = 0
    ) -> "tuple[None, ConsoleStream]":
        driver, guest = self.driver, self._active(dom)
        model = definitions.read_live(driver.store, dom.uuid)
        alias, source = _find(model, dev_name)
        path = source.pty if source.type == "pty" else source.socket if source.type == "unix" else None
        if path is None:
            raise fail(errors.INTERNAL_ERROR, f"character device {alias} is not using a PTY or UNIX socket")
        lock_path = f"{driver.places.run}/{guest.uuid.hex()}.{alias}.lock"
        try:
            lock = driver.host.lock(lock_path, 0)
        except TimeoutError:
            if not flags & const.DOMAIN_CONSOLE_FORCE:
                raise fail(errors.OPERATION_FAILED, "Active console session exists for this domain") from None
            driver.host.remove(lock_path)
            lock = driver.host.lock(lock_path, 1)
        try:
            return None, ConsoleStream(driver.host, driver.host.open_device(path), lock, lock_path)
        except BaseException:
            lock.release()
            raise


def _find(model: "Domain", name: "str | None") -> "tuple[str, CharSource]":
    """Alias and host end of the console called `name`, or of the first; raises INTERNAL_ERROR."""
    devices = model.devices
    if name is None:
        for first in (*devices.consoles[:1], *devices.serials[:1], *devices.parallels[:1]):
            source = devices.serials[0].source if first.source.type == "pty" and not first.source.pty else first.source
            return str(first.info.alias), source
    for device in (*devices.serials, *devices.consoles, *devices.parallels):
        if device.info.alias == name:
            return str(name), device.source
    raise fail(errors.INTERNAL_ERROR, f"cannot find character device {name or '<null>'}")
