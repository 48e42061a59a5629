"""The test host's own network interfaces, and transactions around changes to them."""

from .. import errors, records
from ..common import passes
from ..constants import connect
from ..constants.interface import INTERFACE_DEFINE_VALIDATE
from .base import TestBase, call, fail, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import InterfaceRef
    from ..xml.resources.interface import Interface
    from .driver import TestDriver

FILTERS = connect.CONNECT_LIST_INTERFACES_ACTIVE | connect.CONNECT_LIST_INTERFACES_INACTIVE


class Iface:
    """One interface."""

    def __init__(self, definition: "Interface"):
        self.now = definition
        self.active = False

    @property
    def ref(self) -> "InterfaceRef":
        ref: InterfaceRef = records.InterfaceRef(self.now.name, self.now.mac or "")
        return ref


class Interfaces:
    """All interfaces of a host, and while a transaction runs, as they were when it began."""

    def __init__(self) -> None:
        self.by_name: dict[str, Iface] = {}
        self.before: dict[str, Iface] | None = None

    def add(self, definition: "Interface") -> Iface:
        """Give a definition to the interface of that name, or to a new one."""
        iface = self.by_name.setdefault(definition.name, Iface(definition))
        iface.now = definition
        return iface

    def copy(self) -> "dict[str, Iface]":
        """The interfaces as they are defined; as with libvirt's copy, none of them is active."""
        return {name: Iface(iface.now.copy()) for name, iface in self.by_name.items()}


class InterfaceCalls(TestBase):
    """The host's own network interfaces."""

    @call("testConnectListAllInterfaces", FILTERS)
    def connect_list_all_interfaces(self, flags: int = 0) -> "list[InterfaceRef]":
        groups = (FILTERS, connect.CONNECT_LIST_INTERFACES_ACTIVE, connect.CONNECT_LIST_INTERFACES_INACTIVE)
        found = self.driver.interfaces.by_name.values()
        return [iface.ref for iface in found if passes(flags, (*groups, iface.active))]

    @locked
    def connect_num_of_interfaces(self) -> int:
        return len(names(self.driver, active=True))

    @locked
    def connect_list_interfaces(self) -> list[str]:
        return names(self.driver, active=True)

    @locked
    def connect_num_of_defined_interfaces(self) -> int:
        return len(names(self.driver, active=False))

    @locked
    def connect_list_defined_interfaces(self) -> list[str]:
        return names(self.driver, active=False)

    @locked
    def interface_lookup_by_name(self, name: str) -> "InterfaceRef":
        return named(self.driver, name).ref

    @locked
    def interface_lookup_by_mac_string(self, mac: str) -> "InterfaceRef":
        found = [
            iface
            for iface in self.driver.interfaces.by_name.values()
            if iface.now.mac and iface.now.mac.lower() == mac.lower()
        ]
        if not found:
            raise fail(errors.NO_INTERFACE, f"no interface with matching mac '{mac}'")
        if len(found) > 1:
            raise fail(errors.MULTIPLE_INTERFACES)
        ref: InterfaceRef = records.InterfaceRef(found[0].now.name, mac)
        return ref

    @locked
    def interface_is_active(self, iface: "InterfaceRef") -> int:
        return int(named(self.driver, iface.name).active)

    @call("testInterfaceGetXMLDesc")
    def interface_get_xml_desc(self, iface: "InterfaceRef", flags: int = 0) -> str:
        return named(self.driver, iface.name).now.format()

    @call("testInterfaceDefineXML", INTERFACE_DEFINE_VALIDATE)
    def interface_define_xml(self, xml: str, flags: int = 0) -> "InterfaceRef":
        from ..xml.resources.interface import Interface

        return self.driver.interfaces.add(Interface.parse(xml, bool(flags))).ref

    @locked
    def interface_undefine(self, iface: "InterfaceRef") -> None:
        named(self.driver, iface.name)
        del self.driver.interfaces.by_name[iface.name]

    @call("testInterfaceCreate")
    def interface_create(self, iface: "InterfaceRef", flags: int = 0) -> None:
        found = named(self.driver, iface.name)
        if found.active:
            raise fail(errors.OPERATION_INVALID)
        found.active = True

    @call("testInterfaceDestroy")
    def interface_destroy(self, iface: "InterfaceRef", flags: int = 0) -> None:
        found = named(self.driver, iface.name)
        if not found.active:
            raise fail(errors.OPERATION_INVALID)
        found.active = False

    @call("testInterfaceChangeBegin")
    def interface_change_begin(self, flags: int = 0) -> None:
        if self.driver.interfaces.before is not None:
            raise fail(errors.OPERATION_INVALID, "there is another transaction running.")
        self.driver.interfaces.before = self.driver.interfaces.copy()

    @call("testInterfaceChangeCommit")
    def interface_change_commit(self, flags: int = 0) -> None:
        if self.driver.interfaces.before is None:
            raise fail(errors.OPERATION_INVALID, "no transaction running, nothing to be committed.")
        self.driver.interfaces.before = None

    @call("testInterfaceChangeRollback")
    def interface_change_rollback(self, flags: int = 0) -> None:
        if self.driver.interfaces.before is None:
            raise fail(errors.OPERATION_INVALID, "no transaction running, nothing to rollback.")
        self.driver.interfaces.by_name, self.driver.interfaces.before = self.driver.interfaces.before, None


def names(host: "TestDriver", active: bool) -> list[str]:
    """Names of the active interfaces, or of the others."""
    return [name for name, iface in host.interfaces.by_name.items() if iface.active == active]


def named(host: "TestDriver", name: str) -> Iface:
    """The interface called `name`; raises NO_INTERFACE."""
    iface = host.interfaces.by_name.get(name)
    if iface is None:
        raise fail(errors.NO_INTERFACE, f"no interface with matching name '{name}'")
    return iface
