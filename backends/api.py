"""What callers use: a connection whose calls are checked before a driver sees them.

`open(uri)` gives a `Connection`: every call of calls.pyi, `batch`, `subscribe`. On a read-only connection, calls that
change something are refused with libvirt's words, as libvirt's public functions refuse them.
"""

import os

from . import errors, flags, procedures, registry
from .calls import Calls
from .uri import Uri, choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from . import driver
    from .credentials import Ask
    from .events import Subscription

#: Flag of each call that makes it tell secrets, which a read-only connection may not ask for (libvirt's *_XML_SECURE).
SECURE = {
    "domain_get_xml_desc": 1,
    "domain_snapshot_get_xml_desc": 1,
    "domain_checkpoint_get_xml_desc": 1,
    "domain_managed_save_get_xml_desc": 1,
    "domain_save_image_get_xml_desc": 1,
}
#: Whether a call marked `?` is refused on a read-only connection: VIR_DOMAIN_VCPU_GUEST; addresses by the agent.
GUARDED: "dict[str, Callable[[tuple[Any, ...]], bool]]" = {
    "domain_get_vcpus_flags": lambda args: bool(args[1] & 8),
    "domain_interface_addresses": lambda args: args[1] == 1,
}
#: Other arguments that are refused: call -> a test of its arguments, and what is wrong when it says yes.
FAULTS: "dict[str, tuple[Callable[[tuple[Any, ...]], bool], str]]" = {
    "domain_fd_associate": (lambda args: not args[2], "nfds in virDomainFDAssociate must not be zero"),
    "domain_set_memory_flags": (lambda args: args[1] == 0, "memory in virDomainSetMemoryFlags must not be zero"),
    "domain_set_metadata": (
        lambda args: args[1] == 1 and "\n" in (args[2] or ""),
        "metadata title can't contain newlines",
    ),
    "domain_send_process_signal": (
        lambda args: args[1] == 0,
        "pid_value in virDomainSendProcessSignal must not be zero",
    ),
    "qemu_domain_attach": (lambda args: args[0] == 0, "pid_value in virDomainQemuAttach must not be zero"),
}
#: Calls with the path of a file on the host, and its place: a relative one starts at the caller's current folder.
PATHS = {
    "domain_core_dump": 1,
    "domain_core_dump_with_format": 1,
    "domain_restore": 0,
    "domain_restore_flags": 0,
    "domain_save": 1,
    "domain_save_flags": 1,
    "domain_save_image_define_xml": 0,
    "domain_save_image_get_xml_desc": 0,
}


def open(uri: "str | None" = None, readonly: bool = False, ask: "Ask | None" = None) -> "Connection":
    """Connect; `ask` gets from the user what a login needs and no file tells (credentials.Ask).

    Without a URI the environment, the configuration, then a probe choose one (`uri.choose`, `registry.probe`).
    Raises VirtError: NO_CONNECT when nothing answers to the URI, INVALID_ARG when it cannot be understood.
    """
    return Connection(registry.open(uri, readonly, ask))


def glance(uri: "str | None" = None) -> "Connection":
    """A read-only connection for completion: nobody is asked for anything, and no SSH login is begun.

    Raises VirtError, also where the user's agent has no connection to the host.
    """
    found = Uri(choose(uri) or registry.probe())
    if found.transport not in registry.SHELLS:
        return Connection(registry.reach(found, True))
    from .ssh.glance import GlanceConnection

    return Connection(GlanceConnection(found))


class Connection(Calls):
    """A checked session.

    See calls.pyi for the calls.
    """

    def __init__(self, session: "driver.Connection"):
        self.session = session
        self.readonly = session.readonly

    @property
    def uri(self) -> "Uri":
        """The URI that was opened, parsed."""
        return self.session.uri

    @property
    def alive(self) -> bool:
        """False once the other end is known to be gone."""
        return self.session.alive

    def supports(self, name: str) -> "bool | None":
        """Whether the driver has the call `name`; None where only calling tells."""
        return self.session.supports(name)

    def __getattr__(self, name: str) -> "Any":
        if name[:1] == "_":
            raise AttributeError(name)
        call = getattr(self.session, name)
        if not self.readonly and not any(name in table for table in (flags.EXCLUSIVE, FAULTS, PATHS)):
            return call

        def checked(*args: object, **named: object) -> "Any":
            check(name, args + tuple(named.values()), self.readonly)
            return call(*absolute(name, args), **named)

        return checked

    def batch(self, calls: "Sequence[tuple[str, tuple[Any, ...]]]") -> "list[Any]":
        """The results of independent calls, in order, in as few round trips as the driver can; failures are VirtErrors
        in the list."""
        results: list[Any] = []
        for name, args in calls:
            try:
                check(name, args, self.readonly)
                results.append(None)
            except errors.VirtError as error:
                results.append(error)
        allowed = [(name, absolute(name, args)) for (name, args), r in zip(calls, results, strict=True) if r is None]
        answers = iter(self.session.batch(allowed))
        return [next(answers) if r is None else r for r in results]

    def presume(self) -> None:
        """See driver.Connection.presume."""
        self.session.presume()

    def settle(self) -> None:
        """See driver.Connection.settle."""
        self.session.settle()

    def subscribe(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> "Subscription":
        """Have `callback` called with a record for each event of `kind`, of `ref` or of all objects.

        See driver.Connection.subscribe.
        """
        return self.session.subscribe(kind, ref, callback)

    def subscribe_monitor(
        self, event: "str | None", ref: "Any", callback: "Callable[[Any], None]", flags: int = 0
    ) -> "Subscription":
        """Have `callback` called for events that QEMU tells of.

        See driver.Connection.subscribe_monitor.
        """
        if self.readonly:
            raise errors.read_only("virConnectDomainQemuMonitorEventRegister")
        return self.session.subscribe_monitor(event, ref, callback, flags)

    def autostart(self) -> "list[driver.Autostarted]":
        """Start what is marked to start with the machine; see driver.Connection.autostart."""
        if self.readonly:
            raise errors.read_only("autostart")
        return self.session.autostart()

    def close(self) -> None:
        """End the session; may be repeated."""
        self.session.close()


def absolute(name: str, args: "tuple[Any, ...]") -> "tuple[Any, ...]":
    """The arguments of a call with the path among them made absolute."""
    at = PATHS.get(name)
    if at is None or args[at].startswith("/"):
        return args
    return (*args[:at], f"{os.getcwd()}/{args[at]}", *args[at + 1 :])


def check(name: str, args: "tuple[Any, ...]", readonly: bool) -> None:
    """Raise what libvirt's public function raises before any driver sees the call."""
    flags.check(name, args)
    if readonly:
        _refuse(name, args)
    if name in FAULTS and FAULTS[name][0](args):
        raise errors.VirtError(errors.INVALID_ARG, FAULTS[name][1])


def _refuse(name: str, args: "tuple[Any, ...]") -> None:
    """Raise what a read-only connection does not allow."""
    procedure = procedures.lookup(name)
    if procedure.readonly == "!" or (procedure.readonly == "?" and GUARDED[name](args)):
        raise errors.read_only(procedure.api)
    if name in SECURE and isinstance(args[-1], int) and args[-1] & SECURE[name]:
        raise errors.virt_error(errors.OPERATION_DENIED, f"{procedure.api} with secure flag")
