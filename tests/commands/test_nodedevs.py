"""Node devices: nodedev-*."""

from pathlib import Path

from tests.commands.conftest import Host

PAIR = "2000000012341234,1000000012341234"
LIST = [
    "nodedev-list",
    "nodedev-list --all",
    "nodedev-list --inactive",
    "nodedev-list --all --inactive",
    "nodedev-list --tree --cap net",
    "nodedev-list --tree --inactive",
    "nodedev-list --tree --all",
    "nodedev-list --tree",
    "nodedev-list --tree --cap ''",
    "nodedev-list --cap nosuch",
    "nodedev-list --cap ''",
    "nodedev-list --cap net,pci",
    "nodedev-list net",
    "nodedev-list --cap vpd,storage",
    "nodedev-list --cap net,",
]
LOOK = [
    "nodedev-dumpxml computer --xpath //capability/@type",
    "nodedev-dumpxml net_lo_00_00_00_00_00_00",
    "nodedev-dumpxml pci_0000_00_00_0",
    "nodedev-info computer",
    "nodedev-info pci_0000_00_00_0",
    *(
        f"{command} {word}"
        for command in ("nodedev-dumpxml", "nodedev-info", "nodedev-destroy")
        for word in ("nosuch", "''", "1,2", "a,b,c", PAIR)
    ),
]
REFUSED = [
    *(
        f"nodedev-{verb} {word}"
        for word in ("computer", "nosuch", "''", PAIR)
        for verb in ("reset", "detach", "dettach", "reattach", "undefine", "start", "autostart")
    ),
    "nodedev-detach computer --driver vfio",
    "nodedev-detach computer --driver ''",
    "nodedev-autostart computer --disable",
    "nodedev-define /nosuch",
    "nodedev-create /nosuch",
    "nodedev-create ''",
    "nodedev-define /dev/null",
    "nodedev-define /dev/null --validate",
]


def test_real_devices(system: Host) -> None:
    run = system.same(*LIST, *LOOK)
    assert "net_lo_00_00_00_00_00_00" in run.stdout and "+- pci_0000_00_00_0" in run.stdout
    system.same(*LIST, *LOOK[:5], readonly=True, quiet=True)


def test_refusals(system: Host) -> None:
    system.same(*REFUSED, "nodedev-create /dev/null", "nodedev-destroy --name computer")
    system.same(*REFUSED, "nodedev-create /dev/null", readonly=True)
    system.script("nodedev-create", "nodedev-list a b", "nodedev-list --nosuch", "nodedev-detach")


def test_update_is_refused_by_an_older_daemon(system: Host, tmp_path: Path) -> None:
    (tmp_path / "xml").write_text("<device/>")
    run = system.side.vsh("-c", system.uri, f"nodedev-update computer {tmp_path / 'xml'} --config --live")
    assert run.status == 1
    assert run.stderr.startswith(f"error: Failed to update node device computer from '{tmp_path / 'xml'}'\nerror: ")


def test_json(system: Host) -> None:
    [devices] = system.json("nodedev-list --tree")
    assert {"name": "computer", "parent": None} in devices
    assert {"name": "net_lo_00_00_00_00_00_00", "parent": "computer"} in devices
    assert system.json("nodedev-info net_lo_00_00_00_00_00_00")[0]["active"] is True
