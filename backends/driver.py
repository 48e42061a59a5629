"""The driver contract: what an adapter writes.

A `Driver` stands for one hypervisor instance (a socket, a root folder, a simulated host), is shared by its connections
and is thread-safe. A `Connection` is one session on it. An adapter subclasses both and writes, as methods of its
connection, the calls of calls.pyi that it has; everything unwritten raises NO_SUPPORT with libvirt's words.
"""

from . import errors, procedures
from .calls import Calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Callable, Sequence
    from typing import Any

    from .credentials import Ask
    from .events import Subscription
    from .uri import Uri

    #: kind of object, its name, why it could not be started
    Autostarted = tuple[str, str, "str | None"]

#: Older calls that the base derives from newer ones: name -> (newer call, arguments to add).
TWINS: "dict[str, tuple[str, tuple[object, ...]]]" = {
    "domain_create": ("domain_create_with_flags", ()),
    "domain_define_xml": ("domain_define_xml_flags", ()),
    "domain_undefine": ("domain_undefine_flags", ()),
    "domain_destroy": ("domain_destroy_flags", ()),
    "domain_shutdown": ("domain_shutdown_flags", ()),
    "domain_attach_device": ("domain_attach_device_flags", (1,)),
    "domain_detach_device": ("domain_detach_device_flags", (1,)),
    "domain_set_vcpus": ("domain_set_vcpus_flags", (1,)),
    "domain_get_max_vcpus": ("domain_get_vcpus_flags", (5,)),
    "domain_set_memory": ("domain_set_memory_flags", (1,)),
    "domain_set_max_memory": ("domain_set_memory_flags", (4,)),
    "domain_get_scheduler_parameters": ("domain_get_scheduler_parameters_flags", ()),
    "domain_set_scheduler_parameters": ("domain_set_scheduler_parameters_flags", (0,)),
    "domain_pin_vcpu": ("domain_pin_vcpu_flags", (1,)),
    "domain_save": ("domain_save_flags", (None,)),
    "domain_restore": ("domain_restore_flags", (None,)),
    "network_define_xml": ("network_define_xml_flags", ()),
    "network_create_xml": ("network_create_xml_flags", ()),
    "storage_vol_get_info": ("storage_vol_get_info_flags", ()),
    "nwfilter_define_xml": ("nwfilter_define_xml_flags", ()),
}
#: Twins whose older form returns nothing although the newer returns a fresh reference.
SILENT = ("domain_create",)


class Connection(Calls):
    """One session on a driver: URI, read-only flag, subscriptions, open streams.

    `close()` frees them and may be repeated.
    """

    #: Calls written in modules of their own ("module:class"), imported when one of their calls is wanted. Keeps what a
    #: one-shot does not need out of its start-up.
    parts: "tuple[str, ...]" = ()
    #: Part -> its calls, a line each (generated). A call that is not there is looked for in all parts, in their order.
    index: "dict[str, str]" = {}
    #: Whose cookies it understands: domains migrate between connections of one kind.
    migration = "libvirt"
    #: Whether another process could go on with the session: `give_away`.
    portable = False

    def __init__(self, driver: "Driver", uri: "Uri", readonly: bool = False):
        self.driver = driver
        self.uri = uri
        self.readonly = readonly
        #: What the user should know about how this session came about, a line each.
        self.notices: list[str] = []

    def open(self, ask: "Ask | None") -> None:
        """Begin the session: reach the other end, log in; `ask` gets what only the user knows (credentials.Ask).

        Raises VirtError when it cannot be had.
        """

    def supports(self, name: str) -> "bool | None":
        """Whether this driver has the call `name`: True, False, or None where only calling tells.

        Never calls anything.
        """
        newer = TWINS[name][0] if name in TWINS else name
        return _written(type(self), name) is not None or _written(type(self), newer) is not None

    def __getattr__(self, name: str) -> "Any":
        if name[:1] == "_":
            raise AttributeError(name)
        written = _written(type(self), name)
        if written is not None:
            return written.__get__(self)
        if name in TWINS and _written(type(self), TWINS[name][0]) is not None:
            return self._twin(name)
        try:
            procedure = procedures.lookup(name)
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None

        def refuse(*_args: object, **_named: object) -> "Any":
            raise errors.no_support(procedure.api)

        return refuse

    def _twin(self, name: str) -> "Callable[..., Any]":
        newer, extra = TWINS[name]
        call: Callable[..., Any] = getattr(self, newer)

        def derived(*args: object) -> "Any":
            value = call(*args, *extra)
            return None if name in SILENT else value

        return derived

    def batch(self, calls: "Sequence[tuple[str, tuple[Any, ...]]]") -> "list[Any]":
        """The results of independent calls, in order; a call that failed has its VirtError as result."""
        results: list[Any] = []
        for name, args in calls:
            try:
                results.append(getattr(self, name)(*args))
            except errors.VirtError as error:
                results.append(error)
        return results

    def presume(self) -> None:
        """The lookups that follow may be answered by what they led to before, until another call is made.

        For a caller who begins again when that call, or `settle`, raises errors.Outdated."""

    def settle(self) -> None:
        """Make sure that what was presumed is so. Raises errors.Outdated."""

    def subscribe(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> "Subscription":
        """Have `callback` called with a record for each event of `kind` (events.KINDS), of the object `ref` or, with
        None, of all.

        Callbacks run one at a time on a thread of the connection. Raises NO_SUPPORT where the driver has no such
        events.
        """
        raise errors.no_support("virConnectDomainEventRegisterAny")

    def subscribe_monitor(
        self, event: "str | None", ref: "Any", callback: "Callable[[Any], None]", flags: int = 0
    ) -> "Subscription":
        """As `subscribe`, for the events that QEMU tells of by itself (a QemuDomainMonitorEvent for each).

        `event` is the name of those that are wanted, None for all, or as the flags say a regular expression
        (virConnectDomainQemuMonitorEventRegisterFlags). Raises NO_SUPPORT where there is no QEMU.
        """
        raise errors.no_support("virConnectDomainQemuMonitorEventRegister")

    def on_close(self, callback: "Callable[[str], None]") -> None:
        """Have `callback` called once, with the reason, when the other end goes away; never after `close()`."""

    def set_keepalive(self, interval: int, count: int) -> None:
        """Ask for a sign of life after `interval` seconds of silence; `count` unanswered ones: it is gone.

        Raises NO_SUPPORT where there is no other end.
        """
        raise errors.no_support("virConnectSetKeepAlive")

    def autostart(self) -> "list[Autostarted]":
        """Start what is marked to start with the machine, unless that was done since it started: what was tried.

        Raises NO_SUPPORT where a daemon does it.
        """
        text = "the host's own daemon starts what starts with it"
        raise errors.virt_error(errors.NO_SUPPORT, text)

    def start_background(self) -> None:
        """For a prompt, which idles between calls: notice at once that the other end went away, and answer its
        keepalive requests."""

    def give_away(self) -> "Socket":
        """The stream of a portable session on which no call was made, for another process to go on with: it has ended
        here, and not at the other end."""
        raise NotImplementedError

    @property
    def alive(self) -> bool:
        """False once the other end is known to be gone."""
        return True

    def close(self) -> None:
        """End the session."""
        self.driver.release(self)


def _written(cls: "type[Connection]", name: str) -> "Any":
    """The function that a connection class or one of its parts has for the call `name`; None when none has."""
    for base in cls.__mro__:
        if base in (Connection, Calls, object):
            break
        if name in base.__dict__:
            return base.__dict__[name]
    for part in (*(part for part, names in cls.index.items() if f"\n{name}\n" in names), *cls.parts):
        module, _, attribute = part.partition(":")
        found = getattr(getattr(__import__(module, fromlist=[attribute]), attribute), name, None)
        if found is not None and found is not getattr(Connection, name, None):
            return found
    return None


class Driver:
    """One hypervisor instance.

    Subclasses give `connection_class` and may override `key`, `start` and `stop`.
    """

    connection_class: "type[Connection]" = Connection
    _shared: "dict[tuple[type, str], Driver]" = {}

    def __init__(self, uri: "Uri"):
        self.uri = uri
        self.connections: list[Connection] = []

    @classmethod
    def key(cls, uri: "Uri") -> str:
        """What tells instances apart: connections whose URIs have one key share one driver."""
        return uri.text

    @classmethod
    def open(cls, uri: "Uri", readonly: bool = False, ask: "Ask | None" = None) -> Connection:
        """A new connection, on the instance that exists for `uri` or on a new one; `ask` as in Connection.open.

        Raises VirtError when it cannot be had.
        """
        key = (cls, cls.key(uri))
        driver = Driver._shared.get(key)
        if driver is None:
            fresh = cls(uri)
            fresh.start(ask)
            driver = Driver._shared.setdefault(key, fresh)
            if driver is not fresh:
                fresh.stop()
        connection = driver.connection_class(driver, uri, readonly)
        driver.connections.append(connection)
        try:
            connection.open(ask)
        except BaseException:
            driver.release(connection)
            raise
        return connection

    def start(self, ask: "Ask | None") -> None:
        """Make a new instance ready, before it has connections; `ask` as in Connection.open.

        Raises VirtError when it cannot be had.
        """

    def stop(self) -> None:
        """Leave an instance that has no connections."""

    def release(self, connection: Connection) -> None:
        """Forget a closed connection; the last one takes the instance with it."""
        if connection in self.connections:
            self.connections.remove(connection)
            if not self.connections:
                Driver._shared.pop((type(self), self.key(self.uri)), None)
                self.stop()
