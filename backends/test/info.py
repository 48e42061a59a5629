"""What a domain is and how it stands."""

import time

from .. import records
from ..constants import domain as const
from .base import TestBase, call, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainGetInfo, DomainGetSecurityLabel, DomainGetState, DomainRef

EITHER = const.DOMAIN_AFFECT_LIVE | const.DOMAIN_AFFECT_CONFIG


def microseconds() -> int:
    """The wall clock, from which libvirt's driver makes CPU times and counters that grow."""
    return time.time_ns() // 1000


class InfoCalls(TestBase):
    """What a domain is and how it stands."""

    @locked
    def domain_get_info(self, dom: "DomainRef") -> "DomainGetInfo":
        guest = self._guest(dom)
        now = guest.now
        info: DomainGetInfo = records.DomainGetInfo(
            guest.state, now.figure("memory"), now.figure("current_memory"), now.figure("vcpus"), microseconds() * 1000
        )
        return info

    @call("testDomainGetState")
    def domain_get_state(self, dom: "DomainRef", flags: int = 0) -> "DomainGetState":
        guest = self._guest(dom)
        state: DomainGetState = records.DomainGetState(guest.state, guest.reason)
        return state

    def domain_get_os_type(self, dom: "DomainRef") -> str:
        return "linux"

    @locked
    def domain_get_max_memory(self, dom: "DomainRef") -> int:
        return self._guest(dom).now.figure("memory")

    @call("testDomainGetVcpusFlags", EITHER | const.DOMAIN_VCPU_MAXIMUM)
    def domain_get_vcpus_flags(self, dom: "DomainRef", flags: int = 0) -> int:
        definition = self._guest(dom).definition(flags)
        return definition.figure("max_vcpus" if flags & const.DOMAIN_VCPU_MAXIMUM else "vcpus")

    @locked
    def domain_get_autostart(self, dom: "DomainRef") -> int:
        return int(self._guest(dom).autostart)

    @locked
    def domain_set_autostart(self, dom: "DomainRef", autostart: int) -> None:
        self._guest(dom).autostart = bool(autostart)

    @locked
    def domain_is_active(self, dom: "DomainRef") -> int:
        return int(self._guest(dom).active)

    @locked
    def domain_is_persistent(self, dom: "DomainRef") -> int:
        return int(self._guest(dom).persistent)

    def domain_is_updated(self, dom: "DomainRef") -> int:
        return 0

    @locked
    def domain_get_security_label(self, dom: "DomainRef") -> "DomainGetSecurityLabel":
        label: DomainGetSecurityLabel = records.DomainGetSecurityLabel(
            *(("libvirt-test", 1) if self._guest(dom).active else ("", 0))
        )
        return label

    @call("testDomainGetMessages", const.DOMAIN_MESSAGE_DEPRECATION | const.DOMAIN_MESSAGE_TAINTING)
    def domain_get_messages(self, dom: "DomainRef", flags: int = 0) -> list[str]:
        kinds = flags or const.DOMAIN_MESSAGE_DEPRECATION | const.DOMAIN_MESSAGE_TAINTING
        return [text for kind, text in self._guest(dom).messages if kind & kinds]

    @call("testDomainGetHostname")
    def domain_get_hostname(self, dom: "DomainRef", flags: int = 0) -> str:
        self._active(dom)
        return f"{dom.name}host"

    @call("testDomainHasManagedSaveImage")
    def domain_has_managed_save_image(self, dom: "DomainRef", flags: int = 0) -> int:
        return int(self._guest(dom).managed_save)
