"""Hosts described by XML: `test:///PATH.xml`, and hosts of tests (https://libvirt.org/drvtest.html).

    <node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
      <cpu><mhz/><model/><active/><nodes/><sockets/><cores/><threads/></cpu>
      <memory>KiB</memory>
      <domain>...<test:runstate>5</test:runstate><test:transient/><test:hasmanagedsave/><test:domainsnapshot/></domain>
      <network/> <interface/> <pool>...<volume/></pool> <device/>
      <auth><user password='...'>name</user></auth>
    </node>

Domains, networks, interfaces, pools, volumes, devices and snapshots may stand in files of their own (`file='PATH'`,
beside the host's file unless absolute).
"""

import os

from lxml import etree

from .. import errors
from ..constants import domain as const
from ..xml.config import TestConfig
from ..xml.node import Node
from ..xml.parse import LIMIT, read_tree
from ..xml.resources.interface import Interface
from ..xml.resources.network import Network
from ..xml.resources.nodedev import Device
from ..xml.resources.pool import Pool
from ..xml.resources.snapshot import Snapshot
from ..xml.resources.volume import Volume
from ..xml.values import signed, unsigned
from .base import fail
from .definition import Definition
from .taint import taint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lxml.etree import _Element

    from .driver import TestDriver
    from .guests import Guest
    from .host import Figures

NAMESPACE = "{http://libvirt.org/schemas/domain/test/1.0}"
#: One past the last virDomainState.
STATES = const.DOMAIN_PMSUSPENDED + 1


def load(host: "TestDriver", path: str) -> None:
    """Make an empty host what the file `path` says; raises VirtError."""
    build(host, _read(path), path)


def _read(path: str) -> str:
    """The text of a file, no more of it than what shows that it is too long."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(LIMIT + 1)
    except OSError:
        raise errors.virt_error(errors.XML_ERROR, f"failed to parse xml document '{path}'") from None


def build(host: "TestDriver", text: str, path: str) -> None:
    """The same for a text; `path` is what files in it are beside."""
    root = read_tree(text, path, errors.FROM_XML)
    if root.tag != "node":
        raise errors.virt_error(errors.XML_ERROR, f"expecting root element of 'node', not '{root.tag}'")
    host.figures = figures(root, host.figures)
    for element in elements(root, "domain", path):
        add_domain(host, element, path)
    for element in elements(root, "network", path):
        host.networks.add(Network.parse(markup(element))).active = True
    for element in elements(root, "interface", path):
        host.interfaces.add(Interface.parse(markup(element))).active = True
    for element in elements(root, "pool", path):
        add_pool(host, element, path)
    for element in elements(root, "device", path):
        device = Device.parse(markup(element))
        host.node_devices[device.name] = device
    for element in root.findall("auth/user"):
        if not element.text:
            raise fail(errors.XML_ERROR, "missing username in /node/auth/user field")
        host.users.setdefault(element.text, element.get("password"))


def figures(root: "_Element", usual: "Figures") -> "Figures":
    """The host's CPUs and memory: what is not said is as usual."""

    def number(path: str, what: str, default: int) -> int:
        text = root.findtext(path)
        try:
            return signed(text, bits=64) if text else default
        except ValueError:
            raise fail(errors.XML_ERROR, f"invalid node {what} value") from None

    model, memory, _, mhz, *topology = usual
    nodes, sockets, cores, threads = (
        number(f"cpu/{name}", f"cpu {name}", default)
        for name, default in zip(("nodes", "sockets", "cores", "threads"), topology, strict=True)
    )
    cpus = nodes * sockets * cores * threads
    cpus = min(cpus, number("cpu/active", "cpu active", cpus))
    mhz = number("cpu/mhz", "cpu mhz", mhz)
    model = root.findtext("cpu/model") or model
    if len(model.encode()) > 31:
        raise fail(errors.INTERNAL_ERROR, f"Model {model} too big for destination")
    return model, number("memory", "memory", memory), cpus, mhz, nodes, sockets, cores, threads


def elements(parent: "_Element", tag: str, path: str) -> "list[_Element]":
    """The children called `tag`; in place of one that names a file, what is in that file."""
    found = []
    for element in parent.findall(tag):
        file = element.get("file")
        if file is not None:
            place = os.path.join(os.path.dirname(path) or ".", file)
            element = read_tree(_read(place), place, errors.FROM_XML)
        found.append(element)
    return found


def markup(element: "_Element") -> str:
    """An element as a document."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def add_domain(host: "TestDriver", element: "_Element", path: str) -> None:
    """Add a domain in the state that elements of the test driver's own namespace say."""
    definition = Definition.parse(markup(element))
    transient = element.find(f"{NAMESPACE}transient") is not None
    saved = element.find(f"{NAMESPACE}hasmanagedsave") is not None
    state = run_state(element)
    if transient and state == const.DOMAIN_SHUTOFF:
        raise fail(errors.XML_ERROR, "transient domain cannot have runstate 'shutoff'")
    if saved and state != const.DOMAIN_SHUTOFF:
        raise fail(errors.XML_ERROR, "domain with managedsave data can only have runstate 'shutoff'")
    guest, _ = host.guests.add(definition)
    add_snapshots(guest, elements(element, f"{NAMESPACE}domainsnapshot", path))
    guest.persistent, guest.managed_save = not transient, saved
    if state != const.DOMAIN_SHUTOFF:
        guest.start(host.next_id(), const.DOMAIN_RUNNING_BOOTED)
    guest.set_state(state, 0)
    taint(guest)


def run_state(element: "_Element") -> int:
    """The state of a domain; running where none is given."""
    text = element.findtext(f"{NAMESPACE}runstate")
    if not text:
        return const.DOMAIN_RUNNING
    try:
        state = unsigned(text)
    except ValueError:
        raise fail(errors.XML_ERROR, "invalid runstate") from None
    if state >= STATES:
        raise fail(errors.XML_ERROR, f"runstate '{state}' out of range'")
    return state


def add_snapshots(guest: "Guest", given: "list[_Element]") -> None:
    """Give a domain its snapshots; the one whose <active> is not 0 is current."""
    snapshots = guest.snapshots
    for element in given:
        if etree.QName(element).localname != "domainsnapshot":
            raise fail(errors.XML_ERROR, "domainsnapshot", errors.FROM_DOMAIN_SNAPSHOT)
        model = Snapshot.build(Node(element), TestConfig(), now=0, redefine=True)
        try:
            active = signed(element.findtext("active") or "")
        except ValueError:
            raise fail(errors.INTERNAL_ERROR, "Could not find 'active' element") from None
        snapshot = snapshots.assign(model)
        if active and snapshots.current:
            raise fail(errors.INTERNAL_ERROR, "more than one snapshot claims to be active")
        snapshots.current = snapshot if active else snapshots.current
    lost = [moment for moment in snapshots.values() if moment.model.parent and not anchored(guest, moment.name)]
    if lost:
        text = f"Snapshots have inconsistent relations for domain {guest.now.name}"
        raise fail(errors.INTERNAL_ERROR, text)
    for moment in snapshots.values():
        snapshots.link(moment)


def anchored(guest: "Guest", name: str) -> bool:
    """Whether a snapshot's line of parents ends in a root."""
    seen: set[str] = set()
    while name and name in guest.snapshots and name not in seen:
        seen.add(name)
        name = guest.snapshots[name].model.parent or ""
    return not name


def add_pool(host: "TestDriver", element: "_Element", path: str) -> None:
    """Add an active pool and its volumes."""
    pool = host.pools.add(Pool.parse(markup(element)))
    pool.active = pool.persistent = True
    for found in elements(element, "volume", path):
        volume = Volume.read_for(Node(found), pool.now.type)
        assert volume.target is not None
        volume.target.path = volume.target.path or f"{pool.now.target.path or '(null)'}/{volume.name}"
        volume.key = volume.key or volume.target.path
        pool.volumes[volume.name] = volume
        pool.use(volume.allocation)
