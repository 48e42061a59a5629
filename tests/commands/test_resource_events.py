"""net-event, pool-event: what is told of a real daemon's networks and pools, and what is refused."""

import threading
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.side import Run, Side

NETWORK = "<network><name>vsh-ev</name><forward mode='open'/><ip address='10.80.0.1' prefix='24'/></network>"


def watched(side: Side, uri: str, command: str, changes: str) -> list[Run]:
    """What virsh and vsh, waiting at the same time, tell of `changes` that follow."""
    seen: dict[int, Run] = {}

    def watch(number: int) -> None:
        program = (side.virsh, side.vsh)[number]
        seen[number] = program("-c", uri, f"{command} --loop --timeout 3")

    threads = [threading.Thread(target=watch, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    threading.Event().wait(1)
    assert side.virsh("-c", uri, changes).status == 0
    for thread in threads:
        thread.join()
    return [seen[0], seen[1]]


def test_networks(side: Side, libvirtd_net: Libvirtd, tmp_path: Path) -> None:
    file = tmp_path / "net.xml"
    file.write_text(NETWORK)
    uri = libvirtd_net.uri("qemu")
    changes = f"net-define {file}; net-start vsh-ev; net-destroy vsh-ev; net-undefine vsh-ev"
    wanted, seen = watched(side, uri, "net-event --event lifecycle", changes)
    assert seen == wanted
    assert seen.stdout.startswith("event 'lifecycle' for network vsh-ev: Defined\n")
    assert seen.stdout.endswith("event loop timed out\nevents received: 4\n\n")


@pytest.mark.parametrize("kind", ["lifecycle", "refresh"])
def test_pools(side: Side, libvirtd_root: Libvirtd, kind: str) -> None:
    uri, folder = libvirtd_root.uri("qemu"), libvirtd_root.directory / "vsh-ev"
    changes = (
        f"pool-define-as vsh-ev dir --target {folder}; pool-build vsh-ev; pool-start vsh-ev; pool-refresh vsh-ev; "
        "pool-destroy vsh-ev; pool-delete vsh-ev; pool-undefine vsh-ev"
    )
    wanted, seen = watched(side, uri, f"pool-event --event {kind}", changes)
    assert seen == wanted
    assert seen.stdout.startswith(f"event '{kind}' for storage pool vsh-ev")


@pytest.mark.parametrize(("command", "option"), [("net-event", "network"), ("pool-event", "pool")])
def test_refusals(host: Host, command: str, option: str) -> None:
    words = [
        "", "--event nosuch", "--event ''", "--event lifecycle --timeout 0", "--event lifecycle --timeout x",
        f"--event lifecycle --{option} nosuch --timeout 1",
        f"--event nosuch --{option} nosuch",
    ]  # fmt: skip
    host.same(*(f"{command} {word}" for word in words))
    host.script(f"{command} --all", f"{command} --event", f"{command} a b 1 c")


def test_kinds(host: Host) -> None:
    host.same("pool-event --list", "pool-event --list --event nosuch")
    # As libvirt 11.3 lists them; 9.0.0 knows only the first.
    assert host.side.vsh("-c", host.uri, "net-event --list").stdout == "lifecycle\nmetadata-change\n\n"


def test_json(side: Side, libvirtd_net: Libvirtd) -> None:
    assert Host(side, libvirtd_net.uri("qemu")).json("pool-event --list") == [{"events": ["lifecycle", "refresh"]}]
