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


def host_xml(parent: str, wwpn: str = "1000000000000001", kind: str = "fc_host") -> str:
    names = f"<wwnn>2000000000000001</wwnn><wwpn>{wwpn}</wwpn>"
    inner = f"<capability type='{kind}'>{names}</capability>"
    return f"<device>{parent}<capability type='scsi_host'>{inner}</capability></device>"


#: Descriptions of devices to make; only some can be made.
XML = {
    "named": host_xml("<parent>scsi_host1</parent>"),
    "anywhere": host_xml(""),
    "by-names": host_xml("<parent wwnn='2000000012341234' wwpn='1000000012341234'/>", "1000000000000002"),
    "by-fabric": host_xml("<parent fabric_wwn='2000000043214321'/>", "no name at all"),
    "nameless": host_xml("", ""),
    "orphan": host_xml("<parent>nosuch</parent>"),
    "misnamed": host_xml("<parent wwnn='2000000012341234' wwpn='1000000012341239'/>"),
    "lost": host_xml("<parent fabric_wwn='2000000043214329'/>"),
    "half-named": host_xml("<parent wwnn='2000000012341234'/>"),
    "incapable": host_xml("<parent>computer</parent>"),
    "below-virtual": host_xml("<parent>scsi_host11</parent>"),
    "strange": host_xml("", kind="nosuch"),
    "plain": "<device><capability type='scsi_host'><capability type='vport_ops'/></capability></device>",
    "kindless": "<device><capability type='scsi_host'><capability/></capability></device>",
    "empty": "<device><parent>scsi_host1</parent></device>",
    "unknown": "<device><capability type='nosuch'/></device>",
    "untyped": "<device><capability/></device>",
    "net": "<device><capability type='net'><interface>eth0</interface></capability></device>",
    "system": "<device><capability type='system'><hardware><uuid>x</uuid></hardware></capability></device>",
    "devnode": "<device><devnode>x</devnode><capability type='net'/></device>",
    "other-devnode": "<device><devnode type='x'>x</devnode><capability type='net'/></device>",
    "other": "<domain/>",
    "broken": "<device>",
}
TEST_LOOK = [
    f"nodedev-{verb} {name}"
    for name in ("computer", "scsi_host1", "scsi_host2", "scsi_host11", "scsi_host12")
    for verb in ("dumpxml", "info")
]


def test_devices_of_the_test_host(host: Host) -> None:
    host.same(*LIST, *LOOK, *REFUSED, *TEST_LOOK)
    host.same(*LOOK, *REFUSED, *TEST_LOOK[:2], "nodedev-create /dev/null", readonly=True)
    run = host.same(
        "nodedev-destroy computer",
        "nodedev-info computer",
        "nodedev-destroy scsi_host1",
        *TEST_LOOK,
        "nodedev-destroy scsi_host11",
        "nodedev-info scsi_host11",
        "nodedev-destroy scsi_host2",
    )
    assert run.stdout.count("Destroyed") == 4 and run.stdout.count("Name:           scsi_host11") == 2


def test_virtual_scsi_hosts(host: Host, tmp_path: Path) -> None:
    for name, xml in XML.items():
        (tmp_path / name).write_text(xml)
    make = {name: f"nodedev-create {tmp_path / name}" for name in XML}
    lines = []
    for line in make.values():
        lines += [line, "nodedev-dumpxml scsi_host12"]
    run = host.same(*lines, "nodedev-destroy scsi_host12", *TEST_LOOK[-2:])
    assert run.stdout.count("created from") == 4
    host.same(
        "nodedev-destroy scsi_host11",
        make["named"],
        "nodedev-destroy scsi_host1",
        make["by-names"],
        make["anywhere"],
        "nodedev-destroy scsi_host2",
        make["anywhere"],
    )


def test_events_of_the_test_host(host: Host, tmp_path: Path) -> None:
    """Of a host in memory only its own shell can see the events."""
    (tmp_path / "xml").write_text(XML["named"])
    for name in ("", "--device scsi_host1"):
        host.same(
            f"nodedev-event lifecycle {name} --timeout 1" if name else "nodedev-event --event lifecycle --timeout 1"
        )


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
