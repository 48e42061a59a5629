"""The guest agent of a real guest: what virsh and vsh have it do and say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Host
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.live.wait import wait_until


@pytest.fixture(scope="module")
def tiny(side: Side, libvirtd: Libvirtd, guests: Guests) -> Iterator[Host]:
    """A QEMU host with a running guest `tiny` whose agent answers; the tests stand in the order of its life."""
    host = Host(side, libvirtd.uri("qemu"))
    path = guests.directory / "tiny.xml"
    xml = guests.agent("tiny")
    path.write_text(xml.replace("</features>", "</features><pm><suspend-to-mem enabled='yes'/></pm>"))
    assert side.virsh("-c", host.uri, f"define {path}; start tiny").status == 0
    wait_until(lambda: answers(host), 60)
    yield host
    side.virsh("-c", host.uri, "destroy tiny; undefine tiny")


def answers(host: Host) -> bool:
    return host.side.virsh("-c", host.uri, "qemu-agent-command tiny '{\"execute\":\"guest-ping\"}'").status == 0


def inside(host: Host, *argv: str) -> int:
    """Run a program in the guest by vsh; its exit status."""

    def ask(order: str, **arguments: object) -> Any:
        text = json.dumps({"execute": order, "arguments": arguments})
        run = host.side.vsh("-q", "-c", host.uri, "qemu-agent-command", "tiny", text)
        assert not run.stderr
        return json.loads(run.stdout)["return"]

    pid = ask("guest-exec", path=argv[0], arg=argv[1:])["pid"]
    status = {"exited": False}

    def ended() -> bool:
        status.update(ask("guest-exec-status", pid=pid))
        return status["exited"]

    wait_until(ended)
    return int(status["exitcode"])


def test_what_it_tells(tiny: Host) -> None:
    shown = tiny.same(
        "guestinfo tiny", "guestinfo tiny --os --hostname", "guestinfo tiny --user --timezone --filesystem",
        "guestinfo tiny --disk --interface", "domfsinfo tiny", "domhostname tiny --source agent", "guestvcpus tiny",
        "vcpucount tiny --guest", "domifaddr tiny --source agent", "domifaddr tiny nosuch --source agent",
        "qemu-agent-command tiny --pretty '{\"execute\":\"guest-get-timezone\"}'",
        "qemu-agent-command tiny --timeout 5 guest-ping", "qemu-agent-command tiny '{\"execute\":\"nosuch\"}'",
        "qemu-agent-command tiny --block '{\"execute\":\"guest-get-host-name\"}'",
        "guest-agent-timeout tiny --timeout 5", "guest-agent-timeout tiny",
    ).stdout  # fmt: skip
    assert "hostname            : tiny\n" in shown and " /data        vda    ext2   vda\n" in shown
    [systems] = tiny.json("domfsinfo tiny")
    assert systems == [{"mountpoint": "/data", "name": "vda", "type": "ext2", "targets": ["vda"]}]


def test_what_it_does(tiny: Host, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n")
    tiny.same(
        "domfsfreeze tiny", "domfsfreeze tiny", "domfsthaw tiny", "domfsthaw tiny", "domfsfreeze tiny --mountpoint /",
        "domfsfreeze tiny /data", "domfsthaw tiny", "domfstrim tiny", "domfstrim tiny --mountpoint /data",
        "set-user-password tiny root secret", "set-user-password tiny root '$6$x' --encrypted",
        f"set-user-sshkeys tiny root {keys}", "get-user-sshkeys tiny root", "get-user-sshkeys tiny nobody",
        f"set-user-sshkeys tiny root {keys} --remove", "get-user-sshkeys tiny root",
        "guestvcpus tiny 1 --disable", "guestvcpus tiny", "vcpucount tiny --guest", "guestvcpus tiny 1 --enable",
        "guestvcpus tiny 0 --disable", "guestvcpus tiny 9 --disable", "setvcpus tiny 1 --guest",
        "vcpucount tiny --guest", "setvcpus tiny 2 --guest", "setvcpus tiny 3 --guest", "vcpucount tiny",
    )  # fmt: skip
    assert inside(tiny, "grep", "-q", "^root:secret$", "/etc/passwords") == 0
    assert inside(tiny, "grep", "-q", "^-eroot:.6.x$", "/etc/passwords") == 0
    assert inside(tiny, "test", "-s", "/root/.ssh/authorized_keys") == 1
    tiny.same("domtime tiny --time 1800000000", "domtime tiny", "domtime tiny --pretty", "domtime tiny --sync",
              "domtime tiny --now", "domtime tiny", ignore=["times"])  # fmt: skip
    [clock] = tiny.json("domtime tiny")
    assert 1_600_000_000 < clock["seconds"] < 1_800_000_000


def test_suspend_and_wake(tiny: Host) -> None:
    for program in (tiny.side.virsh, tiny.side.vsh):
        run = program("-c", tiny.uri, "dompmsuspend tiny mem")
        assert (run.stdout, run.stderr) == ("Domain 'tiny' successfully suspended\n", "")
        wait_until(lambda: "pmsuspended" in tiny.side.virsh("-c", tiny.uri, "domstate tiny").stdout)
        tiny.same("domstate tiny --reason", "guestinfo tiny", "dompmsuspend tiny mem")
        run = program("-c", tiny.uri, "dompmwakeup tiny")
        assert (run.stdout, run.stderr) == ("Domain 'tiny' successfully woken up\n", "")
        wait_until(lambda: answers(tiny), 60)


@pytest.mark.long
def test_reboot_by_the_agent(tiny: Host) -> None:
    run = tiny.side.vsh("-c", tiny.uri, "reboot tiny --mode agent")
    assert (run.stdout, run.stderr) == ("Domain 'tiny' is being rebooted\n\n", "")
    wait_until(lambda: not answers(tiny))
    wait_until(lambda: answers(tiny), 60)


def test_shutdown_by_the_agent(tiny: Host) -> None:
    run = tiny.side.vsh("-c", tiny.uri, "shutdown tiny --mode agent")
    if "End of file from agent socket" not in run.stderr:  # libvirtd may see the agent go before QEMU says why
        assert (run.stdout, run.stderr) == ("Domain 'tiny' is being shutdown\n\n", "")
    wait_until(lambda: tiny.side.virsh("-c", tiny.uri, "domstate tiny").stdout == "shut off\n\n")
    tiny.same("guestinfo tiny", "domfsfreeze tiny", "shutdown tiny --mode agent", "domtime tiny", "guestvcpus tiny")
