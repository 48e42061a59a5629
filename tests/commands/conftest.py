"""The hosts that commands are tried on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Run, Side

#: Domains in many states, for libvirtd's test driver. One is called as another's id, one has a blank in its name.
MANY = """\
<node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <domain type='test'>
    <name>zulu</name><uuid>11111111-1111-1111-1111-111111111111</uuid><title>The last one</title>
    <memory>65536</memory><os><type arch='i686'>hvm</type></os>
    <test:runstate>5</test:runstate>
  </domain>
  <domain type='test'>
    <name>Alpha beta</name><uuid>22222222-2222-2222-2222-222222222222</uuid>
    <memory>65536</memory><os><type arch='i686'>hvm</type></os>
    <test:runstate>5</test:runstate><test:hasmanagedsave/>
  </domain>
  <domain type='test'>
    <name>yankee</name><uuid>33333333-3333-3333-3333-333333333333</uuid><title>ünïcode 日本</title>
    <memory>65536</memory><os><type arch='i686'>hvm</type></os>
    <test:runstate>3</test:runstate>
  </domain>
  <domain type='test'>
    <name>bravo</name><uuid>44444444-4444-4444-4444-444444444444</uuid>
    <memory>65536</memory><os><type arch='i686'>hvm</type></os>
    <test:transient/><test:runstate>1</test:runstate>
  </domain>
  <domain type='test'>
    <name>2</name><uuid>55555555-5555-5555-5555-555555555555</uuid>
    <memory>65536</memory><os><type arch='i686'>hvm</type></os>
    <test:runstate>6</test:runstate>
    <test:domainsnapshot>
      <name>s1</name><creationTime>1</creationTime><state>shutoff</state><active>1</active>
    </test:domainsnapshot>
  </domain>
  <domain type='test'>
    <name>日本</name><uuid>66666666-6666-6666-6666-666666666666</uuid>
    <memory>65536</memory><os><type arch='i686'>hvm</type></os>
    <test:runstate>5</test:runstate>
    <test:domainsnapshot>
      <name>s1</name><creationTime>1</creationTime><state>shutoff</state><active>1</active>
    </test:domainsnapshot>
  </domain>
</node>
"""
DOMAIN = """\
<domain type='test'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>65536</memory>
  <os><type arch='i686'>hvm</type></os>
  <devices>
    <disk type='file'><source file='/nowhere/disk.img'/><target dev='vda'/></disk>
    <disk type='volume'><source pool='nopool' volume='vol'/><target dev='vdb'/></disk>
  </devices>
</domain>
"""


class Host:
    """A hypervisor to try commands on; each connection to it finds it as new."""

    def __init__(self, side: Side, uri: str):
        self.side = side
        self.uri = uri

    def same(self, *commands: str, readonly: bool = False, quiet: bool = False, **rest: Any) -> Run:
        """Assert that virsh and vsh answer one line of these commands alike; virsh's answer."""
        options = [*(["-r"] if readonly else []), *(["-q"] if quiet else [])]
        ignore = ["cpu-time", *rest.pop("ignore", ())]
        return self.side.assert_same(*options, "-c", self.uri, "; ".join(commands), ignore=ignore, **rest)

    def script(self, *lines: str, **rest: Any) -> Run:
        """The same for lines on standard input, each of which is parsed by itself."""
        return self.side.assert_same("-c", self.uri, stdin="".join(f"{line}\n" for line in lines), **rest)

    def json(self, command: str, status: int = 0, **rest: Any) -> list[Any]:
        """What vsh answers as JSON."""
        run = self.side.vsh("--format=json", "-c", self.uri, command, **rest)
        assert run.status == status, run.stderr
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        assert all(answer["schema_version"] == 1 for answer in answers)
        return [answer["result"] for answer in answers]


@pytest.fixture(params=["embedded", "rpc"])
def host(request: pytest.FixtureRequest, side: Side) -> Host:
    """The default test host: vsh's own, and libvirtd's through RPC."""
    if request.param == "embedded":
        return Host(side, "test:///default")
    libvirtd: Libvirtd = request.getfixturevalue("libvirtd")
    return Host(side, libvirtd.uri("test"))


@pytest.fixture
def rpc(side: Side, libvirtd: Libvirtd) -> Host:
    """The default test host through RPC alone, for what the embedded one does not have."""
    return Host(side, libvirtd.uri("test"))


@pytest.fixture
def many(side: Side, libvirtd: Libvirtd) -> Host:
    """A host with many domains, through RPC."""
    path = libvirtd.directory / "many.xml"
    path.write_text(MANY)
    path.chmod(0o644)
    return Host(side, libvirtd.uri("test", path=str(path)))


@pytest.fixture
def domain_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes the XML of a domain: domain_file("name", extra...)."""

    def write(name: str, uuid: str = "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d000", xml: str = DOMAIN) -> Path:
        path = tmp_path / f"{name}.xml"
        path.write_text(xml.format(name=name, uuid=uuid))
        return path

    return write


@pytest.fixture
def image(guests: Guests) -> Path:
    """A disk of 1 MiB that guests may write."""
    path: Path = guests.directory / "disk.img"
    path.write_bytes(bytes(1 << 20))
    path.chmod(0o666)
    return path


@pytest.fixture
def start_guest(side: Side, libvirtd: Libvirtd, guests: Guests, define: Callable[..., None]) -> Callable[..., Host]:
    """Starts a QEMU guest `guest` without privileges: start_guest(devices, cpus=..., paused=...); its host."""

    def start(devices: str = "", *, cpus: str = "<vcpu>1</vcpu>", paused: bool = True) -> Host:
        host = Host(side, libvirtd.uri("qemu"))
        xml = guests.boot_sector("guest").replace("</devices>", f"{devices}</devices>")
        define(host.uri, xml.replace("<vcpu>1</vcpu>", cpus), start=True)
        if paused:  # So that no counter moves between two looks.
            side.virsh("-c", host.uri, "suspend guest")
        return host

    return start


@pytest.fixture
def system(side: Side, libvirtd_root: Libvirtd) -> Host:
    """A privileged libvirtd that drives QEMU and the machine's own interfaces, devices, filters and secrets."""
    return Host(side, libvirtd_root.uri("qemu"))


@pytest.fixture(params=["test", "system"])
def remote(request: pytest.FixtureRequest, side: Side) -> Host:
    """Two drivers behind a daemon: libvirtd's test host, and QEMU."""
    if request.param == "test":
        libvirtd: Libvirtd = request.getfixturevalue("libvirtd")
        return Host(side, libvirtd.uri("test"))
    found: Host = request.getfixturevalue("system")
    return found
