"""What the host and its domains are and how they stand."""

from .. import errors, records
from ..constants import domain as const
from .base import QemuBase, call, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainGetInfo, DomainGetSecurityLabel, DomainGetState, DomainRef, NodeGetSecurityModel

EITHER = const.DOMAIN_AFFECT_LIVE | const.DOMAIN_AFFECT_CONFIG


class InfoCalls(QemuBase):
    """What the host and its domains are and how they stand."""

    def connect_get_type(self) -> str:
        return "QEMU"

    def connect_get_uri(self) -> str:
        return self.uri.text

    def connect_is_secure(self) -> int:
        return 1

    def node_get_security_model(self) -> "NodeGetSecurityModel":
        model: NodeGetSecurityModel = records.NodeGetSecurityModel("", "")
        return model

    @call("")
    def domain_get_security_label(self, dom: "DomainRef") -> "DomainGetSecurityLabel":
        self._guest(dom)
        label: DomainGetSecurityLabel = records.DomainGetSecurityLabel("", 0)
        return label

    @call("")
    def domain_get_info(self, dom: "DomainRef") -> "DomainGetInfo":
        guest = self._guest(dom)
        figures, used, spent = guest.figures, guest.figures.current_memory, 0
        if guest.active and guest.record is not None and guest.record.process is not None:
            from .usage import balloon, cpu_time

            spent = cpu_time(self.driver.host, guest.record.process)
            used = balloon(self.driver, guest.record) or figures.memory
        info: DomainGetInfo = records.DomainGetInfo(guest.state, figures.memory, used, figures.vcpus, spent)
        return info

    @call("qemuDomainGetState")
    def domain_get_state(self, dom: "DomainRef", flags: int = 0) -> "DomainGetState":
        state: DomainGetState = records.DomainGetState(*self._guest(dom).standing)
        return state

    @call("")
    def domain_get_os_type(self, dom: "DomainRef") -> str:
        return self._guest(dom).figures.os_type

    @call("")
    def domain_get_max_memory(self, dom: "DomainRef") -> int:
        return self._guest(dom).figures.memory

    @call("qemuDomainGetVcpusFlags", EITHER | const.DOMAIN_VCPU_MAXIMUM | const.DOMAIN_VCPU_GUEST)
    def domain_get_vcpus_flags(self, dom: "DomainRef", flags: int = 0) -> int:
        if flags & const.DOMAIN_VCPU_GUEST:
            from .agent.calls import vcpus_of

            told = vcpus_of(self, dom).values()
            return len(told) if flags & const.DOMAIN_VCPU_MAXIMUM else sum(bool(cpu["online"]) for cpu in told)
        guest = self._guest(dom)
        figures = guest.figures
        if flags & const.DOMAIN_AFFECT_LIVE and not guest.active:
            raise errors.virt_error(errors.OPERATION_INVALID, "domain is not running", domain=errors.FROM_DOMAIN)
        if flags & const.DOMAIN_AFFECT_CONFIG:
            if guest.entry is None:
                text = "transient domains do not have any persistent config"
                raise errors.virt_error(errors.OPERATION_INVALID, text, domain=errors.FROM_DOMAIN)
            figures = guest.entry
        return figures.max_vcpus if flags & const.DOMAIN_VCPU_MAXIMUM else figures.vcpus

    @call("")
    def domain_get_autostart(self, dom: "DomainRef") -> int:
        return int(self._guest(dom).autostart)

    @call("")
    def domain_set_autostart(self, dom: "DomainRef", autostart: int) -> None:
        guest, driver = self._guest(dom), self.driver
        if not guest.persistent:
            raise fail(errors.OPERATION_INVALID, "cannot set autostart for transient domain")
        path = driver.places.autostart(guest.name)
        with self._lock(dom):
            if autostart:
                driver.host.link(driver.places.definition(guest.name), path)
            else:
                driver.host.remove(path)

    @call("")
    def domain_is_active(self, dom: "DomainRef") -> int:
        return int(self._guest(dom).active)

    @call("")
    def domain_is_persistent(self, dom: "DomainRef") -> int:
        return int(self._guest(dom).persistent)

    @call("")
    def domain_is_updated(self, dom: "DomainRef") -> int:
        self._guest(dom)
        return 0

    @call("qemuDomainGetMessages", const.DOMAIN_MESSAGE_DEPRECATION | const.DOMAIN_MESSAGE_TAINTING)
    def domain_get_messages(self, dom: "DomainRef", flags: int = 0) -> list[str]:
        self._guest(dom)
        return []

    @call("qemuDomainHasManagedSaveImage")
    def domain_has_managed_save_image(self, dom: "DomainRef", flags: int = 0) -> int:
        return int(self._guest(dom).managed_save)
