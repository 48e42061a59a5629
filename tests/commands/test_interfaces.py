"""Host interfaces: iface-*."""

from pathlib import Path

from tests.commands.conftest import Host

LIST = ["iface-list", "iface-list --all", "iface-list --inactive", "iface-list --all --inactive"]
REFUSED = [
    *(
        f"iface-{verb} {word}"
        for verb in ("dumpxml", "name", "mac", "undefine", "start", "destroy", "unbridge")
        for word in ("nosuch", "''", "aa:bb:cc:dd:ee:00", "xx:bb:cc:dd:ee:00")
    ),
    "iface-bridge nosuch br",
    "iface-bridge '' br",
    "iface-bridge aa:bb:cc:dd:ee:ff br",
    "iface-define /nosuch",
    "iface-define ''",
    "iface-define /dev/null",
    "iface-define /dev/null --validate",
]


IFACE = "<interface type='ethernet' name='eth7'>{}</interface>"
BRIDGE = "<interface type='bridge' name='br7'>{}</interface>"
BOND = "<interface type='bond' name='bond7'>{}</interface>"
VLAN = "<interface type='vlan' name='v7'>{}</interface>"
PROTOCOL = "<protocol family='ipv4'>{}</protocol>"
#: Descriptions of interfaces, right and wrong.
XML = [
    IFACE.format(""),
    IFACE.format("<mac address='52:54:00:00:00:07'/><link speed='10' state='down'/><start mode='hotplug'/>"),
    IFACE.format(
        "<mtu size='9000'/><protocol family='ipv6'><autoconf/><dhcp peerdns='no'/><ip address='::1' prefix='64'/>"
        "<ip prefix='3'/><ip address='fe80::2'/><route gateway='::2'/></protocol><protocol family='ipv4'><autoconf/>"
        "<dhcp/></protocol><start mode='none'/><link state='up'/>"
    ),
    BRIDGE.format("<bridge/>"),
    BRIDGE.format(
        "<link state='up'/><mac address='52:54:00:00:00:07'/><bridge stp='on' delay='3'>"
        "<interface type='ethernet' name='eth9'><start mode='none'/><mac address='52:54:00:00:00:08'/></interface>"
        "<interface type='vlan' name='eth9.3'><vlan tag='3'><interface name='eth9'/></vlan></interface>"
        "<interface type='bond' name='b1'><bond><interface type='ethernet' name='e1'/></bond></interface></bridge>"
    ),
    BRIDGE.format("<bridge stp='maybe' delay='3'><interface type='ethernet' name='eth9'/></bridge>"),
    BOND.format(
        "<bond mode='active-backup'><interface type='ethernet' name='e1'/><arpmon interval='1' target='t'/>"
        "<miimon freq='100' downdelay='1' updelay='2' carrier='ioctl'/><interface type='ethernet' name='e2'/></bond>"
    ),
    BOND.format("<bond><arpmon interval='100' target='1.2.3.4' validate='all'/></bond>"),
    VLAN.format("<vlan tag='7'><interface name='eth0'/></vlan>"),
    "<domain/>",
    "<interface",
    "<interface type='ethernet'/>",
    "<interface name='x'/>",
    "<interface type='x' name='x'/>",
    IFACE.format("<start mode='x'/>"),
    IFACE.format("<mtu size='x'/>"),
    IFACE.format("<mtu size='100001'/>"),
    IFACE.format("<protocol/>"),
    IFACE.format("<protocol family='ipx'/>"),
    IFACE.format("<link speed='x'/>"),
    IFACE.format("<link state='x'/>"),
    IFACE.format(PROTOCOL.format("<dhcp peerdns='maybe'/>")),
    IFACE.format(PROTOCOL.format("<ip address='1.2.3.4' prefix='x'/>")),
    BRIDGE.format(""),
    BOND.format(""),
    VLAN.format(""),
    BRIDGE.format("<bridge><interface type='bridge' name='x'/></bridge>"),
    VLAN.format("<vlan/>"),
    VLAN.format("<vlan tag='7'/>"),
    BOND.format("<bond><interface type='vlan' name='x'/></bond>"),
    *(
        BOND.format(f"<bond {inside}</bond>")
        for inside in (
            "mode='x'>",
            "><miimon/>",
            "><miimon freq='x'/>",
            "><miimon freq='1' downdelay='x'/>",
            "><miimon freq='1' updelay='x'/>",
            "><miimon freq='1' carrier='x'/>",
            "><arpmon/>",
            "><arpmon interval='5'/>",
            "><arpmon interval='5' target='x' validate='x'/>",
        )
    ),
]
NAMES = ("eth7", "br7", "bond7", "v7")


def test_definitions(host: Host, tmp_path: Path) -> None:
    lines = []
    for i, xml in enumerate(XML):
        (tmp_path / str(i)).write_text(xml)
        lines += [
            f"iface-define {tmp_path / str(i)}",
            *(f"iface-dumpxml {name}" for name in NAMES if f"'{name}'" in xml),
        ]
    run = host.same(*lines, "iface-list --all", "iface-mac eth7", "iface-mac br7")
    assert run.stdout.count("defined from") == 9


def test_the_test_host(host: Host, tmp_path: Path) -> None:
    (tmp_path / "xml").write_text(IFACE.format("<mac address='AA:bb:cc:dd:ee:ff'/>"))
    look = [
        *LIST,
        "iface-dumpxml eth1",
        "iface-dumpxml eth1 --inactive",
        "iface-dumpxml eth1 --xpath //ip",
        "iface-mac eth1",
        "iface-name aa:bb:cc:dd:ee:ff",
        "iface-name AA:bb:cc:dd:ee:ff",
        "iface-mac aa:bb:cc:dd:ee:ff",
        "iface-name eth1",
    ]
    define = f"iface-define {tmp_path / 'xml'}"
    for quiet in (False, True):
        host.same(
            *look,
            "iface-start eth1",
            "iface-destroy eth1",
            "iface-destroy aa:bb:cc:dd:ee:ff",
            *LIST,
            "iface-start eth1",
            define,
            "iface-name aa:bb:cc:dd:ee:ff",
            "iface-start eth7",
            "iface-undefine eth1",
            *LIST,
            quiet=quiet,
        )
    host.same(
        "iface-commit",
        "iface-rollback",
        "iface-begin",
        "iface-begin",
        define,
        "iface-undefine eth1",
        "iface-list --all",
        "iface-rollback",
        "iface-list --all",
        "iface-rollback",
        "iface-begin",
        define,
        "iface-commit",
        "iface-list --all",
    )
    host.same(
        "iface-bridge eth1 br0",
        "iface-bridge eth1 eth1",
        "iface-bridge eth1 ''",
        "iface-bridge eth1 br --delay x",
        "iface-bridge eth1 br --delay -1",
        "iface-unbridge eth1",
        *REFUSED,
    )
    host.same(*look, "iface-begin", define, "iface-undefine eth1", "iface-destroy eth1", readonly=True)
    host.script("iface-define", "iface-list x", "iface-bridge eth1")


def test_real_interfaces(system: Host) -> None:
    look = [
        "iface-dumpxml lo",
        "iface-dumpxml lo --inactive",
        "iface-mac lo",
        "iface-dumpxml lo --xpath //ip/@address",
        "iface-name 00:00:00:00:00:00",
        "iface-mac 00:00:00:00:00:00",
        "iface-name lo",
    ]
    run = system.same(*LIST, *look)
    assert "inactive   00:00:00:00:00:00" in run.stdout and "<interface type='ethernet' name='lo'" in run.stdout
    system.same(*LIST, *look, readonly=True, quiet=True)


def test_the_system_only_looks(system: Host) -> None:
    """Its interface driver is udev's, which changes nothing."""
    changes = [
        "iface-start lo",
        "iface-destroy lo",
        "iface-undefine lo",
        "iface-begin",
        "iface-commit",
        "iface-rollback",
        "iface-bridge lo br9",
        "iface-bridge lo lo",
        "iface-unbridge lo",
        "iface-bridge lo br9 --delay x",
    ]
    system.same(*changes, *REFUSED)
    system.same(*changes, *REFUSED, readonly=True)


def test_json(system: Host) -> None:
    [found] = system.json("iface-list --all")
    assert {"name": "lo", "mac": "00:00:00:00:00:00"}.items() <= next(
        row for row in found if row["name"] == "lo"
    ).items()
