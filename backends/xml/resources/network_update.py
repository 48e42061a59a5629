"""Changing one section of a network's definition, as virNetworkUpdate does; `update` is the whole of it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from ... import errors
from ...constants import network as const
from ..engine import Context, fail
from ..network_parts import parse_ip
from ..node import Node
from ..parse import read_tree
from ..values import parse_mac
from .network import Network, PortGroup, parsing
from .network_dns import Dns, DnsHost, Srv, Txt
from .network_forward import ForwardInterface
from .network_ip import DhcpHost, Ip, Range

MODIFY, DELETE = const.NETWORK_UPDATE_COMMAND_MODIFY, const.NETWORK_UPDATE_COMMAND_DELETE
ADD_FIRST, ADD_LAST = const.NETWORK_UPDATE_COMMAND_ADD_FIRST, const.NETWORK_UPDATE_COMMAND_ADD_LAST


def update(network: Network, command: int, section: int, parent: int, text: str) -> Network:
    """A copy of `network` in which the element `text` of a section (virNetworkUpdateSection) was added, modified or
    deleted (virNetworkUpdateCommand); `parent` is the index of its <ip>, -1 for the one that serves DHCP.

    Raises VirtError in libvirt's words.
    """
    changed = network.copy()
    node = Node(read_tree(text, "network_update_xml", errors.FROM_NETWORK))
    if section not in _SECTIONS:
        what = _FIXED.get(section)
        detail = f"'{what}' section of network '{network.name}'" if what else "unrecognized section of network"
        raise fail(errors.OPERATION_UNSUPPORTED, f"can't update {detail}")
    _SECTIONS[section](_Change(changed, command, parent, node))
    return Network.parse(changed.format())


class _Change:
    """One change: what it is to be made on, and what is known about it."""

    def __init__(self, network: Network, command: int, parent: int, node: Node):
        self.network = network
        self.command = command
        self.parent = parent
        self.node = node
        self.name = network.name

    @property
    def adds(self) -> bool:
        return self.command in (ADD_FIRST, ADD_LAST)

    def context(self) -> Context:
        """How to parse the element; one that is to be deleted need only be recognisable."""
        context = parsing(self.name)
        context.memo["partial"] = not self.adds and self.command != MODIFY
        return context

    def expect(self, tag: str) -> None:
        if self.node.tag != tag:
            what = f"unexpected element <{self.node.tag}>, expecting <{tag}>, while updating network '{self.name}'"
            raise fail(errors.XML_ERROR, what)

    def no_modify(self, what: str) -> None:
        if self.command == MODIFY:
            raise fail(errors.OPERATION_UNSUPPORTED, f"{what} cannot be modified, only added or deleted")

    def add(self, items: list[Any], item: object) -> None:
        items.insert(0 if self.command == ADD_FIRST else len(items), item)

    def unknown(self) -> errors.VirtError:
        return fail(errors.OPERATION_UNSUPPORTED, f"unrecognized network update command code {self.command}")

    def add_or_delete(self, items: list[Any], item: object, found: int | None, exists: str, missing: str) -> None:
        """Add `item`, which may not be there yet, or delete the one at `found`."""
        if self.adds:
            if found is not None:
                raise refuse(exists)
            self.add(items, item)
        elif self.command == DELETE:
            if found is None:
                raise refuse(missing)
            del items[found]
        else:
            raise self.unknown()

    def ip(self) -> Ip:
        """The <ip> whose DHCP is to be changed."""
        ips = self.network.ips
        where, none = f"in network '{self.name}'", "couldn't update dhcp host entry - no <ip> element found"
        if self.parent >= 0:
            if self.parent >= len(ips):
                raise refuse(f"{none} at index {self.parent} {where}")
            return ips[self.parent]
        serving = [ip for ip in ips if ip.ranges or ip.hosts]
        if not ips:
            raise refuse(f"{none} {where}")
        return serving[0] if serving else min(ips, key=lambda ip: ip.version)

    def only_dhcp(self, ip: Ip) -> None:
        others = [other for other in self.network.ips if other is not ip and other.version == ip.version]
        if any(other.ranges or other.hosts for other in others):
            raise refuse(f"dhcp is supported only for a single IPv{ip.version} address on each network")


def refuse(detail: str) -> errors.VirtError:
    return fail(errors.OPERATION_INVALID, detail)


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    return parse_ip(text) if text is not None else None


def _mac(text: str | None) -> bytes | None:
    return parse_mac(text) if text is not None else None


def _dhcp_host(change: _Change) -> None:
    change.expect("host")
    ip = change.ip()
    host = DhcpHost.from_node(change.node, change.context())
    host.check(change.name, ip.version == 6, partial=change.command == DELETE)
    mac, name, address = _mac(host.mac), host.name, _address(host.ip)
    if change.command != DELETE and address and address.version != ip.version:
        raise refuse("the address family of a host entry IP must match the address family of the dhcp element's parent")

    def alike(other: DhcpHost) -> bool:
        same = (mac, _mac(other.mac)), (name, other.name), (address, _address(other.ip))
        return any(mine is not None and mine == its for mine, its in same)

    def matches(other: DhcpHost) -> bool:
        return (
            (mac is None or other.mac is None or mac == _mac(other.mac))
            and name in (None, other.name)
            and address in (None, _address(other.ip))
        )

    chosen = matches if change.command == DELETE else alike
    found = next((i for i, other in enumerate(ip.hosts) if chosen(other)), None)
    shown = host.mac or "unknown", host.name or "(null)", host.ip
    if change.command == MODIFY:
        if found is None:
            known = "\"mac='{}'\" \"name='{}'\" \"ip='{}'\"".format(*shown)
            raise refuse(f"couldn't locate an existing dhcp host entry with {known} in network '{change.name}'")
        ip.hosts[found] = host
        return
    if change.adds:
        change.only_dhcp(ip)
    element = "<host mac='{}' name='{}' ip='{}'/>".format(*shown)
    change.add_or_delete(
        ip.hosts,
        host,
        found,
        f"there is an existing dhcp host entry in network '{change.name}' that matches \"{element}\"",
        f"couldn't locate a matching dhcp host entry in network '{change.name}'",
    )


def _dhcp_range(change: _Change) -> None:
    change.expect("range")
    ip = change.ip()
    change.no_modify("dhcp ranges")
    given = Range.from_node(change.node, change.context())
    ip.check_range(given)
    found = next((i for i, other in enumerate(ip.ranges) if (other.start, other.end) == (given.start, given.end)), None)
    if change.adds:
        change.only_dhcp(ip)
    element = f"<range start='{given.start}' end='{given.end}'/>"
    change.add_or_delete(
        ip.ranges,
        given,
        found,
        f"there is an existing dhcp range entry in network '{change.name}' that matches \"{element}\"",
        f"couldn't locate a matching dhcp range entry in network '{change.name}'",
    )


def _forward_interface(change: _Change) -> None:
    change.expect("interface")
    change.no_modify("forward interface entries")
    dev = change.node.get("dev")
    if dev is None:
        raise fail(errors.XML_ERROR, "missing dev attribute in <interface> element")
    forward = change.network.forward
    interfaces = forward.interfaces if forward else []
    found = next((i for i, other in enumerate(interfaces) if other.dev == dev), None)
    change.add_or_delete(
        interfaces,
        ForwardInterface(dev=dev),
        found,
        f"there is an existing interface entry in network '{change.name}' that matches \"<interface dev='{dev}'>\"",
        f"couldn't find an interface entry in network '{change.name}' matching <interface dev='{dev}'>",
    )
    if forward:
        forward.dev = interfaces[0].dev if interfaces else None


def _port_group(change: _Change) -> None:
    change.expect("portgroup")
    group = PortGroup.from_node(change.node, change.context())
    groups = change.network.port_groups
    found = next((i for i, other in enumerate(groups) if other.name == group.name), None)
    element = f"<portgroup name='{group.name}'>"
    missing = f"couldn't find a portgroup entry in network '{change.name}' matching {element}"
    exists = f"there is an existing portgroup entry in network '{change.name}' that matches \"{element}\""
    if found is None and change.command in (MODIFY, DELETE):
        raise refuse(missing)
    if found is not None and change.adds:
        raise refuse(exists)
    if change.command != DELETE and group.default and any(g.default for g in groups if g.name != group.name):
        what = f"a different portgroup entry in network '{change.name}' is already set as the default."
        raise refuse(f"{what} Only one default is allowed.")
    if change.command == MODIFY and found is not None:
        groups[found] = group
    else:
        change.add_or_delete(groups, group, found, exists, missing)


def _dns(network: Network) -> Dns:
    network.dns = network.dns or Dns()
    return network.dns


def _dns_host(change: _Change) -> None:
    change.no_modify("DNS HOST records")
    change.expect("host")
    host = DnsHost.from_node(change.node, change.context())
    hosts = _dns(change.network).hosts

    def alike(other: DnsHost) -> bool:
        return (host.ip is not None and host.ip == other.ip) or (
            not change.adds and not set(host.names).isdisjoint(other.names)
        )

    found = [i for i, other in enumerate(hosts) if alike(other)]
    if change.command == DELETE and len(found) > 1:
        raise refuse(f"multiple matching DNS HOST records were found in network {change.name}")
    change.add_or_delete(
        hosts,
        host,
        found[-1] if found else None,
        f"there is already at least one DNS HOST record with a matching field in network {change.name}",
        f"couldn't locate a matching DNS HOST record in network {change.name}",
    )


def _dns_txt(change: _Change) -> None:
    change.no_modify("DNS TXT records")
    change.expect("txt")
    txt = Txt.from_node(change.node, change.context())
    txts = _dns(change.network).txts
    found = next((i for i, other in enumerate(txts) if other.name == txt.name), None)
    change.add_or_delete(
        txts,
        txt,
        found,
        f"there is already a DNS TXT record with name '{txt.name}' in network {change.name}",
        f"couldn't locate a matching DNS TXT record in network {change.name}",
    )


def _dns_srv(change: _Change) -> None:
    change.no_modify("DNS SRV records")
    change.expect("srv")
    srv = Srv.from_node(change.node, change.context())
    srvs = _dns(change.network).srvs
    told = [(name, getattr(srv, name)) for name in ("domain", "service", "protocol", "target") if getattr(srv, name)]
    found = [i for i, other in enumerate(srvs) if all(getattr(other, name) == value for name, value in told)]
    if change.command == DELETE and len(found) > 1:
        raise refuse(f"multiple DNS SRV records matching all specified fields were found in network {change.name}")
    change.add_or_delete(
        srvs,
        srv,
        found[-1] if found else None,
        f"there is already at least one DNS SRV record matching all specified fields in network {change.name}",
        f"couldn't locate a matching DNS SRV record in network {change.name}",
    )


#: Sections that are never changed: number -> its name.
_FIXED = {
    const.NETWORK_SECTION_BRIDGE: "bridge",
    const.NETWORK_SECTION_DOMAIN: "domain",
    const.NETWORK_SECTION_IP: "ip",
    const.NETWORK_SECTION_FORWARD: "forward",
    const.NETWORK_SECTION_FORWARD_PF: "forward pf",
}
_SECTIONS: dict[int, Callable[[_Change], None]] = {
    const.NETWORK_SECTION_IP_DHCP_HOST: _dhcp_host,
    const.NETWORK_SECTION_IP_DHCP_RANGE: _dhcp_range,
    const.NETWORK_SECTION_FORWARD_INTERFACE: _forward_interface,
    const.NETWORK_SECTION_PORTGROUP: _port_group,
    const.NETWORK_SECTION_DNS_HOST: _dns_host,
    const.NETWORK_SECTION_DNS_TXT: _dns_txt,
    const.NETWORK_SECTION_DNS_SRV: _dns_srv,
}
