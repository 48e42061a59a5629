"""What is done inside a guest: its clock, its file systems, keys, signals."""

from .. import errors, records
from ..constants import domain as const
from .base import TestBase, call, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainGetControlInfo, DomainGetTime, DomainRef

#: The file systems that every guest has.
MOUNT_POINTS = ("/", "/boot")
#: Signals are VIR_DOMAIN_PROCESS_SIGNAL_*: below this.
SIGNALS = 65


class AgentCalls(TestBase):
    """What is done inside a guest."""

    @call("testDomainGetTime")
    def domain_get_time(self, dom: "DomainRef", flags: int = 0) -> "DomainGetTime":
        guest = self._guest(dom)
        if guest.state != const.DOMAIN_RUNNING:
            raise fail(errors.OPERATION_INVALID, "domain is not running")
        now: DomainGetTime = records.DomainGetTime(guest.seconds, guest.nseconds)
        return now

    @call("testDomainSetTime", const.DOMAIN_TIME_SYNC)
    def domain_set_time(self, dom: "DomainRef", seconds: int, nseconds: int, flags: int = 0) -> None:
        guest = self._active(dom)
        guest.seconds, guest.nseconds = seconds, nseconds

    @call("testDomainGetControlInfo")
    def domain_get_control_info(self, dom: "DomainRef", flags: int = 0) -> "DomainGetControlInfo":
        """The state of the control interface, which a test chooses by setting the guest's clock: below 10000 seconds a
        job, below 30000 occupied, below 60000 an error whose reason is the last two bits."""
        seconds = self._active(dom).seconds
        if 0 < seconds < 10000:
            found = (const.DOMAIN_CONTROL_JOB, 0, seconds)
        elif 10000 <= seconds < 30000:
            found = (const.DOMAIN_CONTROL_OCCUPIED, 0, seconds - 10000)
        elif 30000 <= seconds < 60000:
            found = (const.DOMAIN_CONTROL_ERROR, seconds % 4, seconds - 30000)
        else:
            found = (const.DOMAIN_CONTROL_OK, 0, 0)
        info: DomainGetControlInfo = records.DomainGetControlInfo(*found)
        return info

    @call("testDomainFSFreeze")
    def domain_fsfreeze(self, dom: "DomainRef", mountpoints: list[str], flags: int = 0) -> int:
        guest = self._active(dom)
        chosen = _mount_points(mountpoints) - guest.frozen
        guest.frozen |= chosen
        return len(chosen)

    @call("testDomainFSThaw")
    def domain_fsthaw(self, dom: "DomainRef", mountpoints: list[str], flags: int = 0) -> int:
        guest = self._active(dom)
        chosen = _mount_points(mountpoints) & guest.frozen
        guest.frozen -= chosen
        return len(chosen)

    @call("testDomainFSTrim")
    def domain_fstrim(self, dom: "DomainRef", mount_point: "str | None", minimum: int, flags: int = 0) -> None:
        self._active(dom)
        _mount_points([mount_point] if mount_point is not None else [])

    @call("testDomainSetUserPassword", const.DOMAIN_PASSWORD_ENCRYPTED)
    def domain_set_user_password(
        self, dom: "DomainRef", user: "str | None", password: "str | None", flags: int = 0
    ) -> None:
        self._active(dom)

    @call("testDomainSendProcessSignal")
    def domain_send_process_signal(self, dom: "DomainRef", pid_value: int, signum: int, flags: int = 0) -> None:
        if pid_value != 1:
            raise fail(errors.INVALID_ARG, "only sending a signal to pid 1 is supported")
        if signum >= SIGNALS:
            raise fail(errors.INVALID_ARG, f"signum value {signum} is out of range")
        self._guest(dom)

    @call("testDomainSendKey")
    def domain_send_key(
        self, dom: "DomainRef", codeset: int, holdtime: int, keycodes: list[int], flags: int = 0
    ) -> None:
        from ..keycodes import CODES, translate

        self._active(dom)
        for code in keycodes:
            if translate(codeset, code) is None:
                text = f"invalid keycode {code} of {list(CODES)[codeset]} codeset"
                raise fail(errors.INTERNAL_ERROR, text)

    @call("testDomainInjectNMI")
    def domain_inject_nmi(self, dom: "DomainRef", flags: int = 0) -> None:
        self._active(dom)

    @call("testDomainMemoryPeek", const.MEMORY_VIRTUAL | const.MEMORY_PHYSICAL)
    def domain_memory_peek(self, dom: "DomainRef", offset: int, size: int, flags: int = 0) -> bytes:
        """Memory in which each byte is the last byte of its own address."""
        if flags not in (const.MEMORY_VIRTUAL, const.MEMORY_PHYSICAL):
            text = "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL"
            raise fail(errors.INVALID_ARG, text)
        self._active(dom)
        return bytes((offset + i) & 0xFF for i in range(size))


def _mount_points(asked: list[str]) -> set[str]:
    """The file systems meant: all, when none is named.

    Raises OPERATION_INVALID for one no guest has.
    """
    for name in asked:
        if name not in MOUNT_POINTS:
            raise fail(errors.OPERATION_INVALID, f"mount point not found: {name}")
    return set(asked or MOUNT_POINTS)
