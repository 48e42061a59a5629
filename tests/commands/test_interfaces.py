"""Host interfaces: iface-*."""

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
