"""The test host and its connections."""

from _thread import RLock  # threading would cost its import in every one-shot command

from .. import driver, errors, records
from ..constants.domain import DOMAIN_RUNNING_BOOTED
from .base import fail
from .capabilities import CELLS
from .definition import Definition
from .guests import Guests
from .host import NODE, HostCalls
from .index import CALLS
from .info import InfoCalls
from .lifecycle import LifecycleCalls
from .listing import ListingCalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..credentials import Ask
    from ..dispatch import Dispatcher
    from ..events import Subscription
    from ..records import NodeGetInfo
    from ..uri import Uri
    from ..xml.resources.nodedev import Device
    from .interfaces import Interfaces
    from .networks import Networks
    from .pools import Pools


class TestConnection(HostCalls, ListingCalls, InfoCalls, LifecycleCalls):
    """One session on a test host: what listing, inspecting, starting and stopping need; the rest is in `parts`."""

    parts = (
        "vsh.backends.test.define:DefineCalls",
        "vsh.backends.test.metadata:MetadataCalls",
        "vsh.backends.test.save:SaveCalls",
        "vsh.backends.test.snapshots:SnapshotCalls",
        "vsh.backends.test.reverting:RevertCalls",
        "vsh.backends.test.checkpoints:CheckpointCalls",
        "vsh.backends.test.resources:ResourceCalls",
        "vsh.backends.test.cpus:CpuCalls",
        "vsh.backends.test.tunables:TunableCalls",
        "vsh.backends.test.iotune:IoTuneCalls",
        "vsh.backends.test.iothreads:IoThreadCalls",
        "vsh.backends.test.statistics:StatisticsCalls",
        "vsh.backends.test.addresses:AddressCalls",
        "vsh.backends.test.screen:ScreenCalls",
        "vsh.backends.test.node:NodeCalls",
        "vsh.backends.test.cpu_models:CpuModelCalls",
        "vsh.backends.test.interfaces:InterfaceCalls",
        "vsh.backends.test.nodedevs:NodeDeviceCalls",
        "vsh.backends.test.agent:AgentCalls",
        "vsh.backends.test.networks:NetworkCalls",
        "vsh.backends.test.storage:PoolCalls",
        "vsh.backends.test.volumes:VolumeCalls",
    )
    index = CALLS

    def __init__(self, driver: driver.Driver, uri: "Uri", readonly: bool = False):
        super().__init__(driver, uri, readonly)
        self.subscriptions: list[Subscription] = []
        self.dispatcher: Dispatcher | None = None

    def open(self, ask: "Ask | None") -> None:
        """Log in, where the host's file names users; raises AUTH_FAILED."""
        users = self.driver.users
        if not users:
            return
        from ..credentials import password, username

        name = username(self.uri, ask, "test", "localhost")
        known = users.get(name, "")
        if known is not None and (password(self.uri, ask, "test", name, "localhost") != known or name not in users):
            text = "authentication failed, see test XML for the correct username/password"
            raise fail(errors.AUTH_FAILED, text)

    def subscribe(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> "Subscription":
        """Have `callback` called for events of `kind`.

        All kinds of domains, networks, storage pools and node devices are accepted, as libvirt's driver accepts them,
        whether or not it ever sends them.
        """
        from ..dispatch import Dispatcher
        from ..events import KINDS, Subscription

        if kind not in KINDS:
            raise fail(errors.INVALID_ARG, f"there are no events called '{kind}'")
        family = KINDS[kind][0]
        if family == "secret":
            raise errors.no_support("virConnectSecretEventRegisterAny")
        with self.driver.lock:
            if ref is not None and family == "domain":
                ref = self._guest(ref).ref
            subscription = Subscription(kind, ref, callback, self._unsubscribe)
            self.dispatcher = self.dispatcher or Dispatcher()
            self.subscriptions.append(subscription)
        return subscription

    def _unsubscribe(self, subscription: "Subscription") -> None:
        with self.driver.lock:
            if subscription in self.subscriptions:
                self.subscriptions.remove(subscription)

    def close(self) -> None:
        with self.driver.lock:
            for subscription in list(self.subscriptions):
                subscription.close()
            super().close()
        if self.dispatcher:
            self.dispatcher.close()


class TestDriver(driver.Driver):
    """One test host.

    `lock` guards everything on it.
    """

    __test__ = False  # not a pytest class
    connection_class = TestConnection

    def __init__(self, uri: "Uri", xml: "str | None" = None):
        """The default host, the one that the URI's file describes or, if given, that of `xml` beside such a file.

        Raises INVALID_ARG for a URI without a path, and what is wrong with a description.
        """
        if uri.path in ("", "/"):
            raise fail(errors.INVALID_ARG, "testOpen: supply a path or use test:///default")
        super().__init__(uri)
        self.lock = RLock()
        self.guests = Guests()
        self.figures = NODE
        self.cells: tuple[tuple[int, int], ...] = ()  #: NUMA cells, as capabilities.CELLS
        self.users: dict[str, str | None] = {}  #: who may connect, with what password; anybody where nobody is named
        self._next_id = 1
        self._networks: Networks | None = None
        self._pools: Pools | None = None
        self._interfaces: Interfaces | None = None
        self._node_devices: dict[str, Device] | None = None
        if uri.path == "/default" and xml is None:
            self._fill()
        else:
            from .hostfile import build, load

            self._empty()
            if xml is None:
                load(self, uri.path)
            else:
                build(self, xml, uri.path)

    def _fill(self) -> None:
        """Be the default host; what is not asked for at once is made when it is."""
        self.cells = CELLS
        guest, _ = self.guests.add(Definition.default())
        guest.persistent = True
        guest.start(self.next_id(), DOMAIN_RUNNING_BOOTED)
        guest.reason = 0  # the host says where its domains stand, not why

    def _empty(self) -> None:
        """Be a host on which there is nothing."""
        from .interfaces import Interfaces
        from .networks import Networks
        from .pools import Pools

        self._networks, self._pools, self._interfaces, self._node_devices = Networks(), Pools(), Interfaces(), {}

    @classmethod
    def key(cls, uri: "Uri") -> str:
        """`test:///default` is one host for all; one read from a file belongs to the connection that read it."""
        return uri.path if uri.path == "/default" else f"{uri.path} {id(uri)}"

    @property
    def node(self) -> "NodeGetInfo":
        """The host's CPUs and memory."""
        node: NodeGetInfo = records.NodeGetInfo(*self.figures)
        return node

    @property
    def networks(self) -> "Networks":
        if self._networks is None:
            from ..xml.resources.network import Network
            from .default import NETWORK
            from .networks import Networks

            self._networks = Networks()
            self._networks.add(Network.parse(NETWORK)).active = True
        return self._networks

    @property
    def pools(self) -> "Pools":
        if self._pools is None:
            from ..xml.resources.pool import Pool
            from .default import POOL
            from .pools import Pools

            self._pools = Pools()
            pool = self._pools.add(Pool.parse(POOL))
            pool.active = pool.persistent = True
        return self._pools

    @property
    def interfaces(self) -> "Interfaces":
        if self._interfaces is None:
            from ..xml.resources.interface import Interface
            from .default import INTERFACE
            from .interfaces import Interfaces

            self._interfaces = Interfaces()
            self._interfaces.add(Interface.parse(INTERFACE)).active = True
        return self._interfaces

    @property
    def node_devices(self) -> "dict[str, Device]":
        if self._node_devices is None:
            from ..xml.resources.nodedev import Device
            from .default import DEVICES

            self._node_devices = {device.name: device for device in map(Device.parse, DEVICES)}
        return self._node_devices

    def connect(self, readonly: bool = False) -> TestConnection:
        """One more session on this host."""
        connection = TestConnection(self, self.uri, readonly)
        self.connections.append(connection)
        return connection

    def next_id(self) -> int:
        """An id for a domain that starts: they grow and never return."""
        self._next_id += 1
        return self._next_id - 1

    def emit(self, kind: str, ref: "Any", *fields: object) -> None:
        """Send an event about the object `ref` to every subscription that wants it."""
        event = None
        for connection in self.connections:
            assert isinstance(connection, TestConnection)
            for subscription in connection.subscriptions:
                if subscription.kind == kind and subscription.ref in (None, ref):
                    event = event or getattr(records, records.class_name(kind))(ref, *fields)
                    assert connection.dispatcher is not None
                    connection.dispatcher.post(subscription, event)


def private_host(xml: "str | None" = None, beside: str = "/") -> TestConnection:
    """A session on a host of one's own, which ends with its last session: the default host's like, or what `xml` says.

    Files that `xml` names lie in the folder `beside`. Raises VirtError for a description that is wrong.
    """
    from ..uri import Uri

    place = "/default" if xml is None else f"{beside.rstrip('/')}/host.xml"
    return TestDriver(Uri(f"test://{place}"), xml).connect()
