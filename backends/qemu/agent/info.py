"""What a guest's agent tells, as libvirt's records and parameters."""

from ... import records
from ...constants import domain as const
from ...params import BOOLEAN, INT, STRING, UINT, ULLONG, TypedParams
from ...xml.addresses import DriveAddress, PciAddress
from .client import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...hosts import Host
    from ...records import DomainInterface
    from ...xml.domain import Domain
    from .client import Agent

    Place = tuple[Any, ...]

#: virIPAddrType
FAMILIES = {"ipv4": 0, "ipv6": 1}
_OS = ("id", "name", "pretty-name", "version", "version-id", "machine", "variant", "variant-id", "kernel-release",
       "kernel-version")  # fmt: skip


def collect(agent: "Agent", types: int, model: "Domain") -> TypedParams:
    """The guest's figures of these kinds (virDomainGuestInfoTypes); for 0 of all that its agent knows.

    Raises VirtError for a kind that was asked for and is not known.
    """
    found, disks = TypedParams(), places(model)
    for kind, command, add in (
        (const.DOMAIN_GUEST_INFO_USERS, "guest-get-users", _users),
        (const.DOMAIN_GUEST_INFO_OS, "guest-get-osinfo", _system),
        (const.DOMAIN_GUEST_INFO_TIMEZONE, "guest-get-timezone", _timezone),
        (const.DOMAIN_GUEST_INFO_HOSTNAME, "guest-get-host-name", _hostname),
        (const.DOMAIN_GUEST_INFO_FILESYSTEM, "guest-get-fsinfo", _filesystems),
        (const.DOMAIN_GUEST_INFO_DISKS, "guest-get-disks", _disks),
        (const.DOMAIN_GUEST_INFO_INTERFACES, "guest-network-get-interfaces", _interfaces),
    ):
        if types and not types & kind:
            continue
        try:
            told = agent.execute(command)
        except Unsupported:
            if types:
                raise
            continue
        add(found, told, disks)
    return found


def _users(found: TypedParams, told: "Any", disks: "dict[Place, str]") -> None:
    found.add("user.count", UINT, len(told))
    for number, user in enumerate(told):
        found.add(f"user.{number}.name", STRING, user["user"])
        if "domain" in user:
            found.add(f"user.{number}.domain", STRING, user["domain"])
        found.add(f"user.{number}.login-time", ULLONG, int(user["login-time"] * 1000))


def _system(found: TypedParams, told: "Any", disks: "dict[Place, str]") -> None:
    for name in _OS:
        if name in told:
            found.add(f"os.{name}", STRING, told[name])


def _timezone(found: TypedParams, told: "Any", disks: "dict[Place, str]") -> None:
    if "zone" in told:
        found.add("timezone.name", STRING, told["zone"])
    found.add("timezone.offset", INT, told["offset"])


def _hostname(found: TypedParams, told: "Any", disks: "dict[Place, str]") -> None:
    found.add("hostname", STRING, told["host-name"])


def _filesystems(found: TypedParams, told: "Any", disks: "dict[Place, str]") -> None:
    found.add("fs.count", UINT, len(told))
    for number, entry in enumerate(told):
        for name, key in (("name", "name"), ("mountpoint", "mountpoint"), ("fstype", "type")):
            found.add(f"fs.{number}.{name}", STRING, entry[key])
        for size in ("total-bytes", "used-bytes"):
            if size in entry:
                found.add(f"fs.{number}.{size}", ULLONG, entry[size])
        found.add(f"fs.{number}.disk.count", UINT, len(entry.get("disk", [])))
        for place_, disk in enumerate(entry.get("disk", [])):
            alias = disks.get(place(disk))
            for name, value in (("alias", alias), ("serial", disk.get("serial")), ("device", disk.get("dev"))):
                if value:
                    found.add(f"fs.{number}.disk.{place_}.{name}", STRING, value)


def _disks(found: TypedParams, told: "Any", disks: "dict[Place, str]") -> None:
    found.add("disk.count", UINT, len(told))
    for number, entry in enumerate(told):
        found.add(f"disk.{number}.name", STRING, entry["name"])
        found.add(f"disk.{number}.partition", BOOLEAN, bool(entry["partition"]))
        needed = entry.get("dependencies", [])
        if needed:
            found.add(f"disk.{number}.dependency.count", UINT, len(needed))
        for place_, name in enumerate(needed):
            found.add(f"disk.{number}.dependency.{place_}.name", STRING, name)
        address = entry.get("address")
        if address is not None:
            for name, value in (("serial", address.get("serial")), ("alias", disks.get(place(address)))):
                if value:
                    found.add(f"disk.{number}.{name}", STRING, value)
        if "alias" in entry:
            found.add(f"disk.{number}.guest_alias", STRING, entry["alias"])


def _interfaces(found: TypedParams, told: "Any", disks: "dict[Place, str]") -> None:
    faces = interfaces(told)
    found.add("if.count", UINT, len(faces))
    for number, face in enumerate(faces):
        found.add(f"if.{number}.name", STRING, face.name)
        if face.hwaddr:
            found.add(f"if.{number}.hwaddr", STRING, face.hwaddr)
        found.add(f"if.{number}.addr.count", UINT, len(face.addrs))
        for place_, address in enumerate(face.addrs):
            family = next(name for name, value in FAMILIES.items() if value == address.type)
            found.add(f"if.{number}.addr.{place_}.type", STRING, family)
            found.add(f"if.{number}.addr.{place_}.addr", STRING, address.addr)
            found.add(f"if.{number}.addr.{place_}.prefix", UINT, address.prefix)


def interfaces(told: "list[dict[str, Any]]") -> "list[DomainInterface]":
    """What guest-network-get-interfaces returned; an address of eth0:1 is one of eth0's."""
    address, face = records.of_struct("domain_ip_addr"), records.of_struct("domain_interface")
    found: dict[str, DomainInterface] = {}
    for entry in told:
        name = entry["name"].partition(":")[0]
        made = found.setdefault(name, face(name, entry.get("hardware-address"), []))
        for one in entry.get("ip-addresses", []):
            made.addrs.append(address(FAMILIES[one["ip-address-type"]], one["ip-address"], one["prefix"]))
    return list(found.values())


def neighbours(host: "Host", model: "Domain") -> "list[DomainInterface]":
    """The addresses that the machine knows of a guest's interfaces."""
    address, face = records.of_struct("domain_ip_addr"), records.of_struct("domain_interface")
    rows = [line.split() for line in host.read("/proc/net/arp").decode("ascii", "replace").splitlines()[1:]]
    found = []
    for net in model.devices.interfaces:
        told = [address(0, row[0], 0) for row in rows if row[3].lower() == str(net.mac).lower() and row[2] != "0x0"]
        if told:
            found.append(face(net.target or "", str(net.mac), told))
    return found


def places(model: "Domain") -> "dict[Place, str]":
    """Where the agent sees a domain's disks -> their targets."""
    found: dict[Place, str] = {}
    homes = {(c.type, c.index): c.info.address for c in model.devices.controllers}
    for disk in model.devices.disks:
        address = disk.info.address
        if isinstance(address, PciAddress):
            found[(_pci(address), 0, 0, 0)] = str(disk.target)
        elif isinstance(address, DriveAddress):
            kind = {"scsi": "scsi", "ide": "ide", "sata": "sata"}.get(disk.bus, "")
            home = homes.get((kind, address.controller))
            if isinstance(home, PciAddress):
                found[(_pci(home), address.bus, address.target, address.unit)] = str(disk.target)
    return found


def _pci(address: PciAddress) -> "tuple[int, int, int, int]":
    place = address.pci
    return place.domain or 0, place.bus or 0, place.slot or 0, place.function or 0


def place(disk: "dict[str, Any]") -> "Place":
    """The same of a disk as the agent tells of it."""
    pci = disk.get("pci-controller", {})
    home = tuple(pci.get(name, -1) for name in ("domain", "bus", "slot", "function"))
    return (home, *(disk.get(name, 0) for name in ("bus", "target", "unit")))
