"""Virtual networks."""

from .. import errors, records
from ..common import passes, uuid_text
from ..constants import connect
from ..constants import network as const
from .base import TestBase, call, fail, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..records import NetworkRef
    from ..xml.resources.network import Network
    from .driver import TestDriver

FILTERS = 0x3F


class Net:
    """One network: `now` is its definition, `later` what was defined while it was active."""

    def __init__(self, definition: "Network", persistent: bool):
        self.now = definition
        self.later: Network | None = None
        self.active = False
        self.persistent = persistent
        self.autostart = False

    @property
    def ref(self) -> "NetworkRef":
        ref: NetworkRef = records.NetworkRef(self.now.name, self.now.uuid)
        return ref

    def assign(self, definition: "Network", live: bool) -> None:
        """Take a new definition, to run by it or to keep."""
        if live:
            if self.persistent and not self.later:
                self.later = self.now
            self.now = definition
            return
        if self.active or not self.persistent:
            self.later = definition
        else:
            self.now, self.later = definition, None
        self.persistent = True

    def update(self, flags: int, change: "Callable[[Network], Network]") -> None:
        """Change the running definition, the stored one or both, or neither if one cannot be changed."""
        live, config = flags & const.NETWORK_UPDATE_AFFECT_LIVE, flags & const.NETWORK_UPDATE_AFFECT_CONFIG
        if not (live or config):
            live, config = self.active, not self.active
        if live and not self.active:
            raise fail(errors.OPERATION_INVALID, "network is not running", errors.FROM_NETWORK)
        if config and not self.persistent:
            what = "cannot change persistent config of a transient network"
            raise fail(errors.OPERATION_INVALID, what, errors.FROM_NETWORK)
        now = change(self.now) if live else None
        stored = change(self.later or self.now) if config else None
        if stored and self.active:
            self.later = stored
        self.now = now or (self.now if self.active else stored) or self.now

    def matches(self, flags: int) -> bool:
        """Whether it passes the filters VIR_CONNECT_LIST_NETWORKS_*."""
        return passes(
            flags,
            (0x3, connect.CONNECT_LIST_NETWORKS_ACTIVE, connect.CONNECT_LIST_NETWORKS_INACTIVE, self.active),
            (0xC, connect.CONNECT_LIST_NETWORKS_PERSISTENT, connect.CONNECT_LIST_NETWORKS_TRANSIENT, self.persistent),
            (0x30, connect.CONNECT_LIST_NETWORKS_AUTOSTART, connect.CONNECT_LIST_NETWORKS_NO_AUTOSTART, self.autostart),
        )


class Networks:
    """All networks of a host."""

    def __init__(self) -> None:
        self.by_uuid: dict[bytes, Net] = {}

    def add(self, definition: "Network", live: bool = False) -> Net:
        """Give a definition to the network of that name and uuid, or to a new one; `live` when it shall run by it.

        Raises OPERATION_FAILED when either name or uuid is another's, OPERATION_INVALID when one that shall run does.
        """
        net = self.by_uuid.get(definition.uuid)
        if net is None:
            other = self.by_name(definition.name)
            if other:
                text = f"network '{definition.name}' already exists with uuid {uuid_text(other.now.uuid)}"
                raise fail(errors.OPERATION_FAILED, text, errors.FROM_NETWORK)
            net = self.by_uuid[definition.uuid] = Net(definition, persistent=not live)
            return net
        if net.now.name != definition.name:
            text = f"network '{net.now.name}' is already defined with uuid {uuid_text(net.now.uuid)}"
            raise fail(errors.OPERATION_FAILED, text, errors.FROM_NETWORK)
        if live and net.active:
            raise fail(errors.OPERATION_INVALID, f"network is already active as '{net.now.name}'", errors.FROM_NETWORK)
        net.assign(definition, live)
        return net

    def by_name(self, name: str) -> "Net | None":
        return next((net for net in self.by_uuid.values() if net.now.name == name), None)


class NetworkCalls(TestBase):
    """Virtual networks."""

    @call("testConnectListAllNetworks", FILTERS)
    def connect_list_all_networks(self, flags: int = 0) -> "list[NetworkRef]":
        return [net.ref for net in self.driver.networks.by_uuid.values() if net.matches(flags)]

    @locked
    def connect_num_of_networks(self) -> int:
        return len(names(self.driver, active=True))

    @locked
    def connect_list_networks(self) -> list[str]:
        return names(self.driver, active=True)

    @locked
    def connect_num_of_defined_networks(self) -> int:
        return len(names(self.driver, active=False))

    @locked
    def connect_list_defined_networks(self) -> list[str]:
        return names(self.driver, active=False)

    @locked
    def network_lookup_by_name(self, name: str) -> "NetworkRef":
        return named(self.driver, name).ref

    @locked
    def network_lookup_by_uuid(self, uuid: bytes) -> "NetworkRef":
        return identified(self.driver, uuid).ref

    @call("testNetworkCreateXMLFlags", const.NETWORK_CREATE_VALIDATE)
    def network_create_xml_flags(self, xml: str, flags: int = 0) -> "NetworkRef":
        from ..xml.resources.network import Network

        net = self.driver.networks.add(Network.parse(xml, bool(flags)), live=True)
        net.active = True
        send(self.driver, net, const.NETWORK_EVENT_STARTED)
        return net.ref

    @call("testNetworkDefineXMLFlags", const.NETWORK_DEFINE_VALIDATE)
    def network_define_xml_flags(self, xml: str, flags: int = 0) -> "NetworkRef":
        from ..xml.resources.network import Network

        net = self.driver.networks.add(Network.parse(xml, bool(flags)))
        send(self.driver, net, const.NETWORK_EVENT_DEFINED)
        return net.ref

    @locked
    def network_undefine(self, net: "NetworkRef") -> None:
        found = named(self.driver, net.name)
        if found.active:
            raise fail(errors.OPERATION_INVALID, f"Network '{net.name}' is still running")
        send(self.driver, found, const.NETWORK_EVENT_UNDEFINED)
        del self.driver.networks.by_uuid[found.now.uuid]

    @locked
    def network_create(self, net: "NetworkRef") -> None:
        found = named(self.driver, net.name)
        if found.active:
            raise fail(errors.OPERATION_INVALID, f"Network '{net.name}' is already running")
        found.active = True
        send(self.driver, found, const.NETWORK_EVENT_STARTED)

    @locked
    def network_destroy(self, net: "NetworkRef") -> None:
        found = named(self.driver, net.name)
        found.active = False
        send(self.driver, found, const.NETWORK_EVENT_STOPPED)
        if not found.persistent:
            del self.driver.networks.by_uuid[found.now.uuid]

    @call("testNetworkUpdate", const.NETWORK_UPDATE_AFFECT_LIVE | const.NETWORK_UPDATE_AFFECT_CONFIG)
    def network_update(
        self, net: "NetworkRef", command: int, section: int, parent_index: int, xml: str, flags: int = 0
    ) -> None:
        from ..xml.resources.network_update import update

        found = identified(self.driver, net.uuid)
        found.update(flags, lambda network: update(network, command, section, parent_index, xml))

    @call("testNetworkGetXMLDesc")
    def network_get_xml_desc(self, net: "NetworkRef", flags: int = 0) -> str:
        return named(self.driver, net.name).now.format()

    @locked
    def network_get_bridge_name(self, net: "NetworkRef") -> str:
        found = named(self.driver, net.name).now
        if not found.bridge.name:
            raise fail(errors.INTERNAL_ERROR, f"network '{found.name}' does not have a bridge name.")
        return found.bridge.name

    @locked
    def network_get_autostart(self, net: "NetworkRef") -> int:
        return int(named(self.driver, net.name).autostart)

    @locked
    def network_set_autostart(self, net: "NetworkRef", autostart: int) -> None:
        named(self.driver, net.name).autostart = bool(autostart)

    @locked
    def network_is_active(self, net: "NetworkRef") -> int:
        return int(identified(self.driver, net.uuid).active)

    @locked
    def network_is_persistent(self, net: "NetworkRef") -> int:
        return int(identified(self.driver, net.uuid).persistent)


def names(host: "TestDriver", active: bool) -> list[str]:
    """Names of the active networks, or of the others."""
    return [net.now.name for net in host.networks.by_uuid.values() if net.active == active]


def named(host: "TestDriver", name: str) -> Net:
    """The network called `name`; raises NO_NETWORK."""
    net = host.networks.by_name(name)
    if net is None:
        raise fail(errors.NO_NETWORK, f"no network with matching name '{name}'")
    return net


def identified(host: "TestDriver", uuid: bytes) -> Net:
    """The network with this UUID; raises NO_NETWORK."""
    net = host.networks.by_uuid.get(uuid)
    if net is None:
        raise fail(errors.NO_NETWORK, f"no network with matching uuid '{uuid_text(uuid)}'")
    return net


def send(host: "TestDriver", net: Net, event: int) -> None:
    """Send a lifecycle event of `net`."""
    host.emit("network_event_lifecycle", net.ref, event, 0)
