"""What is done to guests or their definitions in one stroke: memory, vCPUs, keys, QEMU's own commands."""

from .. import errors
from ..constants import domain as const
from . import definitions
from .base import QemuBase, call, fail, not_running
from .lifecycle import monitor_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..records import DomainRef
    from ..xml.domain import Domain
    from .guests import Guest
    from .qmp import Monitor

EITHER = const.DOMAIN_AFFECT_LIVE | const.DOMAIN_AFFECT_CONFIG
#: VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
HMP = 1
#: The most keys of one call (VIR_DOMAIN_SEND_KEY_MAX_KEYS).
MAX_KEYS = 16


def impact(guest: "Guest", flags: int) -> int:
    """`flags` with VIR_DOMAIN_AFFECT_LIVE or _CONFIG in place of _CURRENT.

    Raises OPERATION_INVALID for a live change of a stopped domain or a lasting one of a transient domain.
    """
    wanted = flags & EITHER or (const.DOMAIN_AFFECT_LIVE if guest.active else const.DOMAIN_AFFECT_CONFIG)
    if wanted & const.DOMAIN_AFFECT_LIVE and not guest.active:
        raise not_running()
    if wanted & const.DOMAIN_AFFECT_CONFIG and not guest.persistent:
        text = "transient domains do not have any persistent config"
        raise errors.virt_error(errors.OPERATION_INVALID, text, domain=errors.FROM_DOMAIN)
    return wanted


def meant(calls: QemuBase, dom: "DomainRef", flags: int) -> "Domain":
    """The definition that `flags` mean: that of what runs, or the lasting one."""
    guest, store = calls._guest(dom), calls.driver.store
    live = impact(guest, flags) & const.DOMAIN_AFFECT_LIVE
    return definitions.read_live(store, dom.uuid) if live else definitions.read_definition(store, guest.name)


def change(
    calls: QemuBase,
    dom: "DomainRef",
    flags: int,
    edit: "Callable[[Domain], None]",
    act: "Callable[[Monitor, Domain], None] | None" = None,
) -> None:
    """Change what runs, the definition, or both, as `flags` say, under the domain's lock.

    `edit` changes a model, the live one after `act` has changed QEMU. What fails leaves both as they are.
    """
    driver, store = calls.driver, calls.driver.store
    with calls._lock(dom):
        guest = calls._guest(dom)
        wanted = impact(guest, flags)
        lasting = None
        if wanted & const.DOMAIN_AFFECT_CONFIG:
            lasting = definitions.read_definition(store, guest.name)
            edit(lasting)
            # Complete, and refused if it makes no sense, before anything is touched.
            lasting = definitions.read(driver, lasting.format(inactive=True, secure=True))
        if wanted & const.DOMAIN_AFFECT_LIVE:
            live = definitions.read_live(store, dom.uuid)
            live.id = guest.id
            if act is not None:
                with monitor_of(driver, guest) as monitor:
                    act(monitor, live)
            edit(live)
            definitions.write_live(store, live)
        if lasting is not None:
            definitions.write_definition(store, lasting)


class ControlCalls(QemuBase):
    """What is done to running guests in one stroke."""

    @call("qemuDomainSetMemoryFlags", EITHER | const.DOMAIN_MEM_MAXIMUM)
    def domain_set_memory_flags(self, dom: "DomainRef", memory: int, flags: int = 0) -> None:
        if flags & const.DOMAIN_MEM_MAXIMUM:
            guest = self._guest(dom)
            if impact(guest, flags) & const.DOMAIN_AFFECT_LIVE:
                text = "cannot resize the maximum memory on an active domain"
                raise fail(errors.OPERATION_INVALID, text)

            def resize(model: "Domain") -> None:
                model.memory = memory
                model.current_memory = min(model.current_memory, memory)

            return change(self, dom, flags, resize)

        def check(model: "Domain") -> None:
            if memory > model.memory:
                raise fail(errors.INVALID_ARG, "cannot set memory higher than max memory")

        def edit(model: "Domain") -> None:
            check(model)
            model.current_memory = memory

        def balloon(monitor: "Monitor", model: "Domain") -> None:
            check(model)
            if not any(balloon.model != "none" for balloon in model.devices.memballoons):
                text = "Unable to change memory of active domain without the balloon device and guest OS balloon driver"
                raise fail(errors.OPERATION_INVALID, text)
            monitor.execute("balloon", value=memory * 1024)

        return change(self, dom, flags, edit, balloon)

    @call("qemuDomainSendKey")
    def domain_send_key(
        self, dom: "DomainRef", codeset: int, holdtime: int, keycodes: list[int], flags: int = 0
    ) -> None:
        from ..keycodes import CODES, translate

        if not 0 <= codeset < len(CODES):
            raise fail(errors.INVALID_ARG, f"there is no set {codeset} of keycodes")
        if len(keycodes) > MAX_KEYS:
            raise fail(errors.INVALID_ARG, f"at most {MAX_KEYS} keys at once")
        keys = []
        for code in keycodes:
            number = code if codeset == const.KEYCODE_SET_QNUM else translate(codeset, code)
            if number is None:
                text = f"cannot translate keycode {code} of {list(CODES)[codeset]} codeset to qnum keycode"
                raise fail(errors.INTERNAL_ERROR, text)
            keys.append({"type": "number", "data": number})
        hold = {"hold-time": holdtime} if holdtime else {}
        with monitor_of(self.driver, self._active(dom)) as monitor:
            monitor.execute("send-key", keys=keys, **hold)

    @call("virDomainInjectNMI")
    def domain_inject_nmi(self, dom: "DomainRef", flags: int = 0) -> None:
        with monitor_of(self.driver, self._active(dom)) as monitor:
            monitor.execute("inject-nmi")

    @call("qemuDomainMonitorCommand", HMP)
    def qemu_domain_monitor_command(self, dom: "DomainRef", cmd: str, flags: int = 0) -> str:
        import json

        with monitor_of(self.driver, self._active(dom)) as monitor:
            if flags & HMP:
                said: str = monitor.execute("human-monitor-command", **{"command-line": cmd})
                return said
            try:
                request = json.loads(cmd)
                assert isinstance(request, dict)
            except (ValueError, AssertionError):
                raise fail(errors.INTERNAL_ERROR, "cannot parse json: a QMP command is an object") from None
            answer = monitor.converse(request)
            return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
