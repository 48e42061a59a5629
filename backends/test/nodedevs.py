"""The test host's node devices: the machine, two SCSI hosts, and virtual ones below them."""

from .. import errors, records
from ..constants import connect
from ..constants.node import NODE_DEVICE_CREATE_XML_VALIDATE, NODE_DEVICE_EVENT_CREATED, NODE_DEVICE_EVENT_DELETED
from .base import TestBase, call, fail, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import NodeDeviceRef
    from ..xml.resources.nodedev import Device
    from .driver import TestDriver

FILTERS = 2 * connect.CONNECT_LIST_NODE_DEVICES_CAP_VPD - 1
#: What a new virtual SCSI host is a copy of, and its name: each takes the place of the one before.
PATTERN, COPY = "scsi_host11", "scsi_host12"


class NodeDeviceCalls(TestBase):
    """Node devices."""

    @call("testConnectListAllNodeDevices", FILTERS)
    def connect_list_all_node_devices(self, flags: int = 0) -> "list[NodeDeviceRef]":
        from ..xml.resources.nodedev_kinds import KINDS

        found = self.driver.node_devices.values()
        return [_ref(dev) for dev in found if not flags or any(1 << KINDS.index(kind) & flags for kind in _kinds(dev))]

    @call("testNodeNumOfDevices")
    def node_num_of_devices(self, cap: "str | None", flags: int = 0) -> int:
        return len(_names(self.driver, cap))

    @call("testNodeListDevices")
    def node_list_devices(self, cap: "str | None", flags: int = 0) -> list[str]:
        return _names(self.driver, cap)

    @locked
    def node_device_lookup_by_name(self, name: str) -> "NodeDeviceRef":
        return _ref(_named(self.driver, name))

    @call("testNodeDeviceGetXMLDesc")
    def node_device_get_xml_desc(self, name: str, flags: int = 0) -> str:
        return _named(self.driver, name).format()

    @locked
    def node_device_get_parent(self, name: str) -> "str | None":
        found = _named(self.driver, name)
        return found.parent.name if found.parent is not None else None

    @locked
    def node_device_num_of_caps(self, name: str) -> int:
        return len(_named(self.driver, name).capabilities)

    @locked
    def node_device_list_caps(self, name: str) -> list[str]:
        return [capability.what for capability in _named(self.driver, name).capabilities]

    @call("testNodeDeviceCreateXML", NODE_DEVICE_CREATE_XML_VALIDATE)
    def node_device_create_xml(self, xml_desc: str, flags: int = 0) -> "NodeDeviceRef":
        """Make a virtual SCSI host.

        Its description says what it hangs on and its world wide names; the rest is that of the one the host began with.
        """
        from ..xml.resources.nodedev import Device

        wanted = Device.parse(xml_desc, new=True, validate=bool(flags))
        if wanted.scsi_host is None or wanted.scsi_host.fc_host is None:
            raise _not_fc()
        _check_parent(self.driver, wanted)
        pattern = self.driver.node_devices.get(PATTERN)
        if pattern is None:
            raise errors.VirtError(errors.INTERNAL_ERROR, errors.UNKNOWN)
        made = pattern.copy()
        made.name = COPY
        assert made.scsi_host is not None and made.scsi_host.fc_host is not None
        made.scsi_host.fc_host.wwnn = wanted.scsi_host.fc_host.wwnn
        made.scsi_host.fc_host.wwpn = wanted.scsi_host.fc_host.wwpn
        self.driver.node_devices[COPY] = made
        self.driver.emit("node_device_event_lifecycle", _ref(made), NODE_DEVICE_EVENT_CREATED, 0)
        return _ref(made)

    @locked
    def node_device_destroy(self, name: str) -> None:
        """Remove a SCSI host; as libvirt's test driver does, accept all others and leave them as they are."""
        found = _named(self.driver, name)
        parent = found.parent.name if found.parent is not None else None
        if found.scsi_host is None or parent not in self.driver.node_devices:
            return
        del self.driver.node_devices[name]
        self.driver.emit("node_device_event_lifecycle", _ref(found), NODE_DEVICE_EVENT_DELETED, 0)


def _ref(device: "Device") -> "NodeDeviceRef":
    ref: NodeDeviceRef = records.NodeDeviceRef(device.name)
    return ref


def _kinds(device: "Device") -> list[str]:
    return [kind for capability in device.capabilities for kind in capability.names]


def _check_parent(host: "TestDriver", wanted: "Device") -> None:
    """Raise when the device that a new one names as its parent does not exist or cannot have any below it."""
    given, devices = wanted.parent, host.node_devices
    if given is not None and given.name:
        found = devices.get(given.name)
    elif given is not None and (given.wwnn or given.fabric_wwn):
        hosts = [dev for dev in devices.values() if dev.scsi_host]
        found = next((dev for dev in hosts if _has(dev, given.wwnn, given.wwpn, given.fabric_wwn)), None)
    else:
        found = next((dev for dev in devices.values() if "vports" in _kinds(dev)), None)
        if found is None:
            raise fail(errors.INTERNAL_ERROR, "Could not find any vport capable device", errors.FROM_NODEDEV)
    if found is None:
        what = f"Could not find parent device for '{wanted.name}'"
        raise fail(errors.INTERNAL_ERROR, what, errors.FROM_NODEDEV)
    if "vports" not in _kinds(found):
        what = f"Parent device {found.name} is not capable of vport operations"
        raise fail(errors.INTERNAL_ERROR, what, errors.FROM_NODEDEV)


def _has(device: "Device", wwnn: "str | None", wwpn: "str | None", fabric: "str | None") -> bool:
    """Whether a SCSI host has these names, or is on this fabric and can have virtual ones below it."""
    names = device.scsi_host and device.scsi_host.fc_host
    if not names:
        return False
    if wwnn:
        return (names.wwnn, names.wwpn) == (wwnn, wwpn)
    return names.fabric_wwn == fabric and "vports" in _kinds(device)


def _names(host: "TestDriver", kind: "str | None") -> list[str]:
    return [dev.name for dev in host.node_devices.values() if kind is None or kind in _kinds(dev)]


def _named(host: "TestDriver", name: str) -> "Device":
    """The device called `name`; raises NO_NODE_DEVICE."""
    device = host.node_devices.get(name)
    if device is None:
        raise fail(errors.NO_NODE_DEVICE, f"no node device with matching name '{name}'")
    return device


def _not_fc() -> errors.VirtError:
    return fail(errors.INTERNAL_ERROR, "Device is not a fibre channel HBA", errors.FROM_NODEDEV)
