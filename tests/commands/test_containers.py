"""Commands on a real container of libvirt's LXC driver."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.container import CONTAINER_LINE, container
from tests.live.libvirtd import Libvirtd
from tests.live.need import need, unavailable
from tests.live.side import Side

LOOKS = """
    list --all; dominfo box; domstate box --reason; domuuid box; domcontrol box; dumpxml box; dumpxml box --inactive;
    vcpucount box; vcpucount box --live; vcpucount box --config; vcpucount box --maximum --live; vcpucount box --guest;
    vcpuinfo box --pretty; emulatorpin box; memtune box; blkiotune box; numatune box;
    domblklist box --details; domiflist box; domifaddr box; domfsinfo box; domhostname box; dominfo nosuch; domstats;
    domstats box --state; domjobinfo box; ttyconsole box; domdisplay box; snapshot-list box; checkpoint-list box;
    snapshot-list box --tree; snapshot-current box; desc box; metadata box http://x; domtime box; dommemstat box;
    domifstat box eth0; cpu-stats box 0 1; domcapabilities; domxml-to-native lxc /nosuch; perf box;
    iothreadinfo box; get-user-sshkeys box root; domid nosuch; domblkinfo box vda; domlaunchsecinfo box; guestinfo box;
    qemu-monitor-command box x; net-list; nodeinfo; nodememstats --cell 9; freecell; version; uri; hostname; maxvcpus
"""
#: libvirtd 9.0.0 dies of schedinfo while a container is off.
CHANGES = """
    memtune box --hard-limit 131072; memtune box --swap-hard-limit 131072 --soft-limit 65536; setmem box 32768;
    blkiotune box --weight 500; setmem box 65536; setmaxmem box 70000; setmaxmem box 65536 --config;
    desc box --title Boxed; desc box --title; desc box --title ''; autostart box; autostart box --disable; reset box;
    managedsave box; save box /tmp/nosuch/x; screenshot box; snapshot-create box; inject-nmi box; send-key box KEY_A;
    attach-disk box /nosuch vda; detach-disk box vda; setvcpus box 2; setvcpus box 1 --config; blkdeviotune box vda;
    domrename box crate; send-process-signal box 1 0; send-process-signal box 99999 9; domif-setlink box x up;
    lxc-enter-namespace box --noseclabel /bin/ls /; lxc-enter-namespace box --noseclabel -- /bin/hostname;
    lxc-enter-namespace box --noseclabel /nosuch; lxc-enter-namespace box --noseclabel /bin/cat /nosuch
"""
RUNNING = """
    suspend box; domstate box --reason; suspend box; resume box; resume box; schedinfo box;
    schedinfo box --set cpu_shares=512; schedinfo box --set vcpu_quota=5000 --live; schedinfo box --set nosuch=1;
    schedinfo box --set vcpu_quota=-1 --live; vcpupin box; vcpupin box --live; domblkstat box;
    reboot box --mode initctl; shutdown box --mode signal
"""


@pytest.fixture(scope="module")
def box(side: Side, libvirtd_root: Libvirtd) -> Iterator[Host]:
    """A daemon that has the container `box`, which is shut off."""
    need("busybox")
    if not any(Path("/usr/lib").glob("*/libvirt/connection-driver/libvirt_driver_lxc.so")):
        unavailable("not installed: libvirt-daemon-driver-lxc")
    host = Host(side, libvirtd_root.uri("lxc"))
    path = libvirtd_root.directory / "box.xml"
    path.write_text(container("box", libvirtd_root.directory))
    assert side.virsh("-c", host.uri, "define", str(path)).status == 0
    yield host
    side.virsh("-c", host.uri, "destroy box; undefine box")


def each(host: Host, text: str) -> None:
    """Compare all lines; what fails does not end a script."""
    host.script(*(line.strip() for line in text.split(";")), ignore=["cpu-time", "counters", "times"])


def test_a_container_that_is_off(box: Host) -> None:
    each(box, LOOKS)
    each(box, CHANGES)


@pytest.fixture
def running(box: Host) -> Iterator[Host]:
    assert box.side.virsh("-c", box.uri, "start box").status == 0
    yield box
    box.side.virsh("-c", box.uri, "destroy box")


def test_a_container_that_runs(running: Host) -> None:
    each(running, LOOKS)
    each(running, RUNNING + ";" + CHANGES)
    [data] = running.json("dominfo box")
    assert data["state"] == "running" and data["os_type"] == "exe"


def test_life(box: Host) -> None:
    script = ["start box", "start box", "domstate box --reason", "destroy box --graceful", "shutdown box --mode nosuch"]
    script += ["shutdown box --mode signal", "start box", "destroy box", "destroy box"]
    box.script(*script, "start box --paused", "start box --autodestroy", "domstate box --reason", "destroy box")


@pytest.mark.parametrize("program", ["virsh", "vsh"])
def test_console(running: Host, program: str) -> None:
    with running.side.terminal(program, "-c", running.uri, "console", "box") as terminal:
        terminal.expect(CONTAINER_LINE)
        terminal.send("hello\r")
        terminal.expect("got hello")
        terminal.send("\x1d")
        assert terminal.finish()[1] == 0
