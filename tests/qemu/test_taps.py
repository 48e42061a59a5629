"""Interfaces on bridges and taps: QEMU gets them open, as from libvirtd, and they go with it."""

import json
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tests.live.libvirtd import Libvirtd
from tests.live.need import need, need_root, unavailable
from tests.live.side import Side
from tests.qemu.documents import domain
from vsh.backends.qemu.taps import BRIDGE_HELPERS

OFFLOADS = "<host csum='off' gso='off'/><guest tso4='off' ufo='off'/>"
INTERFACES = (
    f"<interface type='bridge'><source bridge='br7'/><driver name='vhost' queues='3' packed='on'>{OFFLOADS}</driver>",
    "<interface type='bridge'><source bridge='br7'/><driver name='qemu'/><mtu size='1300'/>"
    "<tune><sndbuf>1600</sndbuf></tune>",
    "<interface type='ethernet'><target dev='mytap'/>",
    "<interface type='direct'><source dev='near' mode='bridge'/>",
    "<interface type='direct'><source dev='near' mode='private'/><target dev='mymac'/>",
    "<interface type='ethernet'><target dev='given' managed='no'/><mtu size='1280'/>",
    "<interface type='user'><driver txmode='iothread' rx_queue_size='512' rss='on'/><teaming type='persistent'/>",
    "<interface type='udp'><source address='127.0.0.1' port='5555'><local address='127.0.0.1' port='5556'/></source>",
    "<interface type='user'><ip family='ipv4' address='172.17.2.0' prefix='24'/><rom enabled='no'/>",
)


def text(name: str, number: int) -> str:
    devices = ""
    for index, interface in enumerate(INTERFACES):
        parts = [interface, f"<mac address='52:54:00:0{number}:22:{index:02x}'/><model type='virtio'/></interface>"]
        devices += "".join(parts)
    return domain(name, number, "q35", devices, "")


def options(argv: list[str]) -> list[str]:
    """What is said of networks; which open files they are differs."""
    found = []
    for option, value in pairwise(argv):
        if option in ("-netdev", "-device") and "net" in value:
            props = json.loads(value)
            for name in ("fd", "fds"):
                if name in props:
                    props[name] = len(props[name].split(":"))
            found.append(re.sub("52:54:00:0.:22", "MAC", json.dumps(props)))
    return found


def test_taps_are_libvirts(libvirtd_net: Libvirtd, side: Side, root: Path) -> None:
    def inside(*argv: str, wrong: bool = False) -> str:
        command = libvirtd_net.command_inside(*argv)
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert (run.returncode != 0) == wrong, run.stdout
        return run.stdout

    def vsh(*argv: str, wrong: bool = False) -> str:
        return inside(sys.executable, "-m", "vsh", "-q", "-c", f"qemu:///embed?root={root}/e", *argv, wrong=wrong)

    (root / "e/etc").mkdir(parents=True)
    (root / "e/etc/qemu.conf").write_text('user = "root"\ngroup = "root"\n')
    (root / "ours.xml").write_text(text("ours", 1))
    theirs = libvirtd_net.directory / "theirs.xml"
    theirs.write_text(text("theirs", 2))
    inside("ip", "link", "add", "br7", "type", "bridge")
    inside("ip", "link", "set", "br7", "mtu", "1400", "up")
    inside("ip", "tuntap", "add", "dev", "given", "mode", "tap")
    inside("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
    inside("ip", "link", "set", "near", "up")
    try:
        assert "Cannot get interface MTU on 'br8'" in vsh("create", str(other(root)), wrong=True)
        done = side.virsh("-c", libvirtd_net.uri("qemu"), "create", str(theirs), "--paused")
        assert not done.status, done.stderr
        expected = shlex.split((libvirtd_net.directory / "log/qemu/theirs.log").read_text().replace("\\\n", " "))
        side.virsh("-c", libvirtd_net.uri("qemu"), "destroy", "theirs")

        vsh("create", str(root / "ours.xml"), "--paused")
        pid = next((root / "e/run/qemu").glob("*.state")).read_text().partition("process\t")[2].partition("/")[0]
        assert options(Path(f"/proc/{pid}/cmdline").read_text().split("\0")) == options(expected)
        assert len(options(expected)) == 2 * len(INTERFACES)
        names = re.findall(r"(\S+) +(?:bridge|ethernet)", vsh("domiflist", "ours"))
        assert names[2:] == ["mytap", "given"]
        direct = re.findall(r"(\S+) +direct +near", vsh("domiflist", "ours"))
        assert direct == ["macvtap0", "mymac"]
        shown = inside("ip", "-o", "-d", "link", "show", "macvtap0")
        assert "macvtap mode bridge" in shown and "UP" in shown and "link/ether 52:54:00:01:22:03" in shown
        assert "macvtap mode private" in inside("ip", "-o", "-d", "link", "show", "mymac")
        links = inside("ip", "-o", "link")
        assert f"{names[0]}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400" in links
        assert "link/ether fe:54:00:01:22:00" in links
        assert f"{names[1]}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1300" in links
        assert "given: <BROADCAST,MULTICAST> mtu 1500" in links  # not ours to set up

        vsh("attach-interface", "ours", "bridge", "br7", "--model", "e1000", "--mac", "52:54:00:01:22:77", wrong=True)
        vsh("attach-interface", "ours", "bridge", "br7", "--model", "virtio", "--mac", "52:54:00:01:22:77")
        added = re.findall(r"(\S+) +bridge +br7 +virtio +52:54:00:01:22:77", vsh("domiflist", "ours"))
        assert f"{added[0]}: " in inside("ip", "-o", "link", "show", "master", "br7")
        vsh("attach-interface", "ours", "direct", "near", "--model", "usb-net", "--mac", "52:54:00:01:22:78")
        assert "macvtap1@near" in inside("ip", "-o", "link")
        vsh("attach-interface", "ours", "direct", "none", "--model", "usb-net", wrong=True)
        assert "macvtap2" not in inside("ip", "-o", "link")
        for name in ("br7", "far"):  # what others have stays theirs
            taken = f"<interface type='direct'><source dev='near'/><target dev='{name}'/></interface>"
            (root / "taken.xml").write_text(domain("taken", 4, "q35", taken, ""))
            assert "File exists" in vsh("create", str(root / "taken.xml"), wrong=True)
            assert f" {name}" in inside("ip", "-o", "link")
        vsh("destroy", "ours")
        assert not re.search("macvtap|mymac", inside("ip", "-o", "link"))
        assert not inside("ip", "-o", "link", "show", "master", "br7") and "mytap" not in inside("ip", "-o", "link")
        assert "given" in inside("ip", "-o", "link")
    finally:
        inside("ip", "link", "del", "br7")
        inside("ip", "link", "del", "given")
        inside("ip", "link", "del", "near")


def other(root: Path) -> Path:
    path = root / "other.xml"
    interface = "<interface type='bridge'><source bridge='br8'/></interface>"
    path.write_text(domain("other", 3, "q35", interface, ""))
    return path


HELPED = """
mount -t tmpfs none /etc && mkdir /etc/qemu && echo allow br9 >/etc/qemu/bridge.conf
ip link add br9 type bridge && exec "$@"
"""
ASK = """
import os, subprocess, sys
from vsh.backends.hosts.local import LocalHost
name, file = LocalHost().receive_tap([sys.argv[1], "--use-vnet", "--br=br9"])
subprocess.run(["ip", "-o", "link", "show", "master", "br9"], check=True)
os.close(file)
subprocess.run(["ip", "-o", "link", "show", "master", "br9"], check=True)
print(name, os.get_inheritable(file) if os.path.exists(f"/proc/self/fd/{file}") else "closed")
try:
    LocalHost().receive_tap([sys.argv[1], "--use-vnet", "--br=br8"])
except OSError as error:
    print(error.strerror)
"""


def test_the_helper_hands_a_tap_over() -> None:
    need_root()
    need("ip")
    helper = next((path for path in BRIDGE_HELPERS if Path(path).exists()), None)
    if helper is None:
        unavailable("not installed: qemu-bridge-helper")
    argv = ["unshare", "--net", "--mount", "sh", "-ec", HELPED, "sh", sys.executable, "-c", ASK, helper]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    lines = run.stdout.splitlines()
    assert not run.stderr and lines[-1] == "access denied by acl file"
    assert lines[1:-1] == ["tap0 closed"] and ": tap0: " in lines[0]
