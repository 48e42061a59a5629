"""What is done in a guest by its agent."""

import base64

from ... import errors, records
from ...constants import domain as const
from .. import journal
from ..base import QemuBase, call, fail, not_running
from ..lifecycle import monitor_of
from .client import FOREVER, Agent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...params import TypedParams
    from ...records import DomainGetTime, DomainInterface, DomainRef
    from ..guests import Guest

APPEND, REMOVE = const.DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND, const.DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE
#: virDomainInterfaceAddressesSource
LEASE, AGENT, ARP = range(3)
#: virNodeSuspendTarget -> what the agent is told
SUSPENSIONS = ("guest-suspend-ram", "guest-suspend-disk", "guest-suspend-hybrid")


class AgentCalls(QemuBase):
    """What is done in a guest by its agent."""

    @call("qemuDomainAgentSetResponseTimeout")
    def domain_agent_set_response_timeout(self, dom: "DomainRef", timeout: int, flags: int = 0) -> int:
        if timeout < FOREVER:
            text = f"guest agent timeout '{timeout}' is less than the minimum '{FOREVER}'"
            raise fail(errors.INVALID_ARG, text)
        with self._lock(dom):
            record = self._active(dom).record
            assert record is not None
            record.agent_timeout = timeout
            self.driver.store.write_running(record)
        return 0

    @call("qemuDomainQemuAgentCommand")
    def qemu_domain_agent_command(self, dom: "DomainRef", cmd: str, timeout: int, flags: int = 0) -> "str | None":
        import json

        try:
            request = json.loads(cmd)
            assert isinstance(request, dict)
        except (ValueError, AssertionError):
            raise fail(errors.INTERNAL_ERROR, f"cannot parse json {cmd}: an agent's command is an object") from None
        with Agent(self.driver, running(self, dom), timeout) as agent:
            return json.dumps(agent.converse(request, timeout), separators=(",", ":"), ensure_ascii=False)

    @call("qemuDomainFSFreeze")
    def domain_fsfreeze(self, dom: "DomainRef", mountpoints: list[str], flags: int = 0) -> int:
        with Agent(self.driver, running(self, dom)) as agent:
            if mountpoints:
                found: int = agent.execute("guest-fsfreeze-freeze-list", mountpoints=mountpoints)
            else:
                found = agent.execute("guest-fsfreeze-freeze")
            return found

    @call("qemuDomainFSThaw")
    def domain_fsthaw(self, dom: "DomainRef", mountpoints: list[str], flags: int = 0) -> int:
        if mountpoints:
            raise fail(errors.ARGUMENT_UNSUPPORTED, "specifying mountpoints is not supported")
        with Agent(self.driver, running(self, dom)) as agent:
            found: int = agent.execute("guest-fsfreeze-thaw")
            return found

    @call("qemuDomainFSTrim")
    def domain_fstrim(self, dom: "DomainRef", mount_point: "str | None", minimum: int, flags: int = 0) -> None:
        if mount_point:
            raise fail(errors.ARGUMENT_UNSUPPORTED, "Specifying mount point is not supported for now")
        with Agent(self.driver, running(self, dom)) as agent:
            agent.execute("guest-fstrim", minimum=minimum)

    @call("qemuDomainGetFSInfo")
    def domain_get_fsinfo(self, dom: "DomainRef", flags: int = 0) -> "list[Any]":
        from .. import definitions
        from . import info as agentinfo

        with Agent(self.driver, running(self, dom)) as agent:
            told = agent.execute("guest-get-fsinfo")
        disks = agentinfo.places(definitions.read_live(self.driver.store, dom.uuid))
        info = records.of_struct("domain_fsinfo")
        found = []
        for entry in told:
            targets = [disks.get(agentinfo.place(disk)) for disk in entry.get("disk", [])]
            found.append(info(entry["mountpoint"], entry["name"], entry["type"], [name for name in targets if name]))
        return found

    @call("qemuDomainGetGuestInfo")
    def domain_get_guest_info(self, dom: "DomainRef", types: int, flags: int = 0) -> "TypedParams":
        from .. import definitions
        from . import info as agentinfo

        guest = running(self, dom)
        model = definitions.read_live(self.driver.store, dom.uuid)
        with Agent(self.driver, guest) as agent:
            return agentinfo.collect(agent, types, model)

    @call("qemuDomainGetHostname", const.DOMAIN_GET_HOSTNAME_LEASE | const.DOMAIN_GET_HOSTNAME_AGENT)
    def domain_get_hostname(self, dom: "DomainRef", flags: int = 0) -> str:
        guest = running(self, dom)
        if flags & const.DOMAIN_GET_HOSTNAME_LEASE:
            raise fail(errors.NO_HOSTNAME, f"no hostname found for domain {guest.name}")
        with Agent(self.driver, guest) as agent:
            name: str = agent.execute("guest-get-host-name")["host-name"]
            return name

    @call("qemuDomainInterfaceAddresses")
    def domain_interface_addresses(self, dom: "DomainRef", source: int, flags: int = 0) -> "list[DomainInterface]":
        from .. import definitions
        from . import info as agentinfo

        guest = self._active(dom)
        model = definitions.read_live(self.driver.store, dom.uuid)
        if source == AGENT:
            with Agent(self.driver, running(self, dom)) as agent:
                return agentinfo.interfaces(agent.execute("guest-network-get-interfaces"))
        if source == ARP:
            return agentinfo.neighbours(self.driver.host, model)
        if source == LEASE:
            return []  # there are no networks of ours that would lease addresses
        raise fail(errors.ARGUMENT_UNSUPPORTED, f"Unknown IP address data source {source} ({guest.name})")

    @call("qemuDomainGetTime")
    def domain_get_time(self, dom: "DomainRef", flags: int = 0) -> "DomainGetTime":
        with Agent(self.driver, running(self, dom)) as agent:
            told: int = agent.execute("guest-get-time")
        now: DomainGetTime = records.DomainGetTime(told // 10**9, told % 10**9)
        return now

    @call("qemuDomainSetTime", const.DOMAIN_TIME_SYNC)
    def domain_set_time(self, dom: "DomainRef", seconds: int, nseconds: int, flags: int = 0) -> None:
        guest = running(self, dom)
        moment = None if flags & const.DOMAIN_TIME_SYNC else seconds * 10**9 + nseconds
        with Agent(self.driver, guest) as agent:
            agent.execute("guest-set-time", time=moment)
        with monitor_of(self.driver, guest) as monitor:
            monitor.execute("rtc-reset-reinjection")

    @call("qemuDomainSetUserPassword", const.DOMAIN_PASSWORD_ENCRYPTED)
    def domain_set_user_password(
        self, dom: "DomainRef", user: "str | None", password: "str | None", flags: int = 0
    ) -> None:
        secret = base64.b64encode((password or "").encode("utf-8", "surrogateescape")).decode()
        crypted = bool(flags & const.DOMAIN_PASSWORD_ENCRYPTED)
        with Agent(self.driver, running(self, dom)) as agent:
            agent.execute("guest-set-user-password", username=user, password=secret, crypted=crypted)

    @call("qemuDomainAuthorizedSSHKeysGet")
    def domain_authorized_ssh_keys_get(self, dom: "DomainRef", user: str, flags: int = 0) -> list[str]:
        with Agent(self.driver, running(self, dom)) as agent:
            keys: list[str] = agent.execute("guest-ssh-get-authorized-keys", username=user)["keys"]
            return keys

    @call("qemuDomainAuthorizedSSHKeysSet", APPEND | REMOVE)
    def domain_authorized_ssh_keys_set(self, dom: "DomainRef", user: str, keys: list[str], flags: int = 0) -> None:
        with Agent(self.driver, running(self, dom)) as agent:
            if flags & REMOVE:
                agent.execute("guest-ssh-remove-authorized-keys", username=user, keys=keys)
            else:
                anew = not flags & APPEND
                agent.execute("guest-ssh-add-authorized-keys", username=user, keys=keys, reset=anew)

    @call("qemuDomainGetGuestVcpus")
    def domain_get_guest_vcpus(self, dom: "DomainRef", flags: int = 0) -> "TypedParams":
        from ...params import STRING, TypedParams
        from ...xml.values import format_cpuset

        cpus = vcpus_of(self, dom)
        sets = {
            "vcpus": frozenset(cpus),
            "online": frozenset(number for number, cpu in cpus.items() if cpu["online"]),
            "offlinable": frozenset(number for number, cpu in cpus.items() if cpu.get("can-offline")),
        }
        return TypedParams([(name, STRING, format_cpuset(numbers)) for name, numbers in sets.items()])

    @call("qemuDomainSetGuestVcpus")
    def domain_set_guest_vcpus(self, dom: "DomainRef", cpumap: str, state: int, flags: int = 0) -> None:
        from ...xml.values import format_cpuset, parse_cpuset

        numbers = parse_cpuset(cpumap)
        if state not in (0, 1):
            raise fail(errors.INVALID_ARG, "unsupported state value")
        with Agent(self.driver, running(self, dom)) as agent:
            cpus = {cpu["logical-id"]: cpu for cpu in agent.execute("guest-get-vcpus")}
            if not numbers <= frozenset(cpus):
                missing = format_cpuset(numbers.difference(cpus))
                raise fail(errors.INVALID_ARG, f"guest is missing vCPUs '{missing}'")
            _switch(agent, [cpus[number] for number in sorted(numbers)], bool(state))

    @call("qemuDomainPMSuspendForDuration")
    def domain_pm_suspend_for_duration(self, dom: "DomainRef", target: int, duration: int, flags: int = 0) -> None:
        if duration:
            raise fail(errors.ARGUMENT_UNSUPPORTED, "Duration not supported. Use 0 for now")
        if target >= len(SUSPENSIONS):
            raise fail(errors.INVALID_ARG, f"Unknown suspend target: {target}")
        guest = running(self, dom)
        order(self, guest, {"execute": SUSPENSIONS[target]}, ("SUSPEND", "SUSPEND_DISK", "SHUTDOWN"))

    @call("qemuDomainPMWakeup")
    def domain_pm_wakeup(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._active(dom)
        with monitor_of(self.driver, guest) as monitor:
            monitor.execute("system_wakeup")


def _switch(agent: Agent, cpus: "list[dict[str, Any]]", on: bool) -> None:
    """Switch a guest's CPUs on or off, as far as the agent can in one go, and again while it goes on."""
    for cpu in cpus:
        if not on and not cpu.get("can-offline"):
            raise fail(errors.OPERATION_UNSUPPORTED, f"vCPU '{cpu['logical-id']}' is not offlinable")
    left = [{"logical-id": cpu["logical-id"], "online": on} for cpu in cpus]
    while left:
        done = agent.execute("guest-set-vcpus", vcpus=left)
        if done <= 0:
            raise fail(errors.INTERNAL_ERROR, "guest agent reports less cpu than requested")
        left = left[done:]


def vcpus_of(calls: QemuBase, dom: "DomainRef") -> "dict[int, dict[str, Any]]":
    """number -> what the guest's agent tells of its CPU."""
    with Agent(calls.driver, running(calls, dom)) as agent:
        return {cpu["logical-id"]: cpu for cpu in agent.execute("guest-get-vcpus")}


def set_vcpus(calls: QemuBase, dom: "DomainRef", count: int) -> None:
    """Have a guest use `count` of its CPUs."""
    with Agent(calls.driver, running(calls, dom)) as agent:
        cpus = agent.execute("guest-get-vcpus")
        if count > len(cpus):
            text = "requested vcpu count is greater than the count of enabled vcpus in the domain"
            raise fail(errors.INVALID_ARG, f"{text}: {count} > {len(cpus)}")
        online = [cpu for cpu in cpus if cpu["online"]]
        if count >= len(online):
            chosen = [cpu for cpu in cpus if not cpu["online"]][: count - len(online)]
        else:
            spare = [cpu for cpu in reversed(online) if cpu.get("can-offline")]
            if len(spare) < len(online) - count:
                raise fail(errors.INVALID_ARG, "unable to set required number of vCPUs in the guest")
            chosen = spare[: len(online) - count]
        _switch(agent, chosen, count >= len(online))


def order(calls: QemuBase, guest: "Guest", request: "dict[str, Any]", events: "tuple[str, ...]") -> None:
    """Have the agent do what ends in one of QEMU's events, and wait for it."""
    driver, record = calls.driver, guest.record
    assert record is not None and record.process is not None
    process = record.process
    before = driver.host.stat(record.journal)
    start = before.size if before else 0

    def done() -> bool:
        text = driver.host.read(record.journal, offset=start)
        return any(name in events for name, _ in journal.events(text)) or not driver.host.alive([process])[0]

    with Agent(driver, guest) as agent:
        agent.order(request, done)


def running(calls: QemuBase, dom: "DomainRef") -> "Guest":
    """A guest whose agent may be asked. Raises OPERATION_INVALID for one that does not run."""
    guest = calls._active(dom)
    if guest.state != const.DOMAIN_RUNNING:
        raise not_running()
    return guest
