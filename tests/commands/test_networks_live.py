"""Networks of a real libvirtd, in a network namespace: bridges, DHCP leases, ports."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Side

UUID = "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d300"
PORT = "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d301"
MAC = "52:54:00:7b:35:93"
#: `open` needs no firewall, so no iptables either.
XML = f"""\
<network>
  <name>vsh-net</name>
  <uuid>{UUID}</uuid>
  <forward mode='open'/>
  <bridge name='vshbr0' stp='off' delay='0'/>
  <mac address='52:54:00:11:22:33'/>
  <dns>
    <host ip='10.79.0.9'>
      <hostname>nine</hostname>
    </host>
  </dns>
  <ip address='10.79.0.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='10.79.0.2' end='10.79.0.99'/>
    </dhcp>
  </ip>
</network>
"""


@pytest.fixture
def net(side: Side, libvirtd_net: Libvirtd, tmp_path: Path) -> Iterator[Host]:
    """A host with a defined network."""
    file = tmp_path / "net.xml"
    file.write_text(XML)
    host = Host(side, libvirtd_net.uri("qemu"))
    made = side.virsh("-c", host.uri, f"net-define {file}")
    assert made.status == 0, made.stderr
    yield host
    side.virsh("-c", host.uri, "net-destroy vsh-net; net-undefine vsh-net")


def test_lifecycle(net: Host) -> None:
    look = "net-info vsh-net; net-list --all; net-dumpxml vsh-net; net-dumpxml vsh-net --inactive"
    net.same(look, "net-start vsh-net", look, "net-start vsh-net", "net-autostart vsh-net", look,
             "net-autostart vsh-net --disable", "net-destroy vsh-net", look, "net-destroy vsh-net")  # fmt: skip


def test_definitions(net: Host, tmp_path: Path) -> None:
    broken = {"range": ("10.79.0.99", "10.80.0.99"), "mode": ("'open'", "'nosuch'"), "name": ("vsh-net", "other")}
    for name, (old, new) in broken.items():
        (tmp_path / name).write_text(XML.replace(old, new))
    (tmp_path / "twice").write_text(XML.replace("</ip>", "</ip><ip address='10.79.0.1' netmask='255.255.255.0'/>"))
    (tmp_path / "same").write_text(XML)
    net.same(*(f"net-define {tmp_path / name}" for name in (*broken, "same")), "net-list --all")
    net.same(*(f"net-create {tmp_path / name}" for name in broken), "net-list --all")
    net.same(f"net-define {tmp_path / 'same'} --validate", "net-list --all")


@pytest.mark.parametrize("state", ["active", "inactive"])
def test_updates(net: Host, state: str) -> None:
    """What is stored, what runs, and what is refused; each script ends as it began."""
    host = f"<host mac='{MAC}' name='guest' ip='10.79.0.50'/>"
    elements = {
        "ip-dhcp-host": host,
        "dns-host": "<host ip='10.79.0.10'><hostname>ten</hostname></host>",
        "dns-txt": "<txt name='t' value='v'/>",
        "dns-srv": "<srv service='s' protocol='tcp'/>",
        "portgroup": "<portgroup name='p'/>",
        "ip-dhcp-range": "<range start='10.79.0.200' end='10.79.0.210'/>",
    }
    lines = ["net-start vsh-net"] if state == "active" else []
    for section, element in elements.items():
        # --live and --config alone do what the default does in one of the two states.
        for flags in ("", "--live --config") if element != host else ("", "--live", "--config", "--live --config"):
            lines += [f'net-update vsh-net {command} {section} "{element}" {flags}'
                      for command in ("add", "modify", "delete", "delete")]  # fmt: skip
        lines.append("net-dumpxml vsh-net; net-dumpxml vsh-net --inactive")
    net.same(*lines, 'net-update vsh-net add bridge "<bridge/>"', "net-destroy vsh-net", "net-dumpxml vsh-net")


def test_leases(net: Host, libvirtd_net: Libvirtd) -> None:
    need("busybox")

    def inside(command: str) -> None:
        done = subprocess.run(libvirtd_net.command_inside(*command.split()), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    net.same("net-dhcp-leases vsh-net")
    assert net.side.virsh("-c", net.uri, "net-start vsh-net").status == 0
    inside(f"ip link add vshv0 type veth peer name vshv1 address {MAC}")
    try:
        for command in ("master vshbr0", "up"):
            inside(f"ip link set vshv0 {command}")
        inside("ip link set vshv1 up")
        net.same("net-dhcp-leases vsh-net", f"net-dhcp-leases vsh-net {MAC}")
        inside("busybox udhcpc -i vshv1 -n -q -t 10 -T 1 -s /bin/true -x hostname:guest")
        seen = net.same("net-dhcp-leases vsh-net", f"net-dhcp-leases vsh-net --mac {MAC}",
                        "net-dhcp-leases vsh-net 52:54:00:00:00:00", "net-dhcp-leases vsh-net nonsense")  # fmt: skip
        assert seen.stdout.count(MAC) == 4
        net.same("net-dhcp-leases vsh-net", quiet=True)
        ((lease,),) = net.json("net-dhcp-leases vsh-net")
        assert lease["mac"] == MAC and lease["hostname"] == "guest" and lease["protocol"] == "ipv4"
        assert lease["address"].startswith("10.79.0.") and lease["prefix"] == 24 and lease["expires_at_seconds"] > 0
    finally:
        inside("ip link del vshv0")


def test_ports(net: Host, tmp_path: Path) -> None:
    file = tmp_path / "port.xml"
    file.write_text(
        f"<networkport><uuid>{PORT}</uuid><owner><name>guest</name><uuid>{UUID}</uuid></owner>"
        f"<mac address='{MAC}'/></networkport>"
    )
    (tmp_path / "bad.xml").write_text("<networkport><owner><name>guest</name></owner></networkport>")
    for quiet in (False, True):
        net.same(
            f"net-port-create vsh-net {file}", "net-start vsh-net", "net-port-list vsh-net",
            f"net-port-create vsh-net {file}", f"net-port-create vsh-net {file}",
            f"net-port-create vsh-net {tmp_path / 'bad.xml'}", f"net-port-create vsh-net {file} --validate",
            "net-port-list vsh-net", "net-port-list vsh-net --uuid", f"net-port-dumpxml vsh-net {PORT}",
            f"net-port-dumpxml vsh-net {PORT} --xpath //mac", f"net-port-dumpxml vsh-net {UUID}",
            f"net-port-delete vsh-net {UUID}", f"net-port-delete vsh-net {PORT}", f"net-port-delete vsh-net {PORT}",
            "net-port-list vsh-net", "net-destroy vsh-net", quiet=quiet,
        )  # fmt: skip
    net.json("net-start vsh-net")
    created, listed, deleted = net.json(
        f"net-port-create vsh-net {file}; net-port-list vsh-net; net-port-delete vsh-net {PORT}"
    )
    identity = {"network": {"name": "vsh-net", "uuid": UUID}, "port": PORT}
    assert (created, listed, deleted) == (identity | {"file": str(file)}, [{"uuid": PORT}], identity)


def test_read_only(net: Host) -> None:
    net.same("net-start vsh-net", "net-undefine vsh-net", "net-update vsh-net add portgroup <portgroup/>",
             "net-port-list vsh-net", "net-dhcp-leases vsh-net", "net-info vsh-net", readonly=True)  # fmt: skip
