"""Devices that come and go while a guest runs, and in its definition."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.initramfs import LINUX_PROMPT
from tests.live.side import Side
from tests.live.wait import wait_until
from tests.qemu.running import code
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import (
    CONFIG_UNSUPPORTED,
    DEVICE_MISSING,
    INTERNAL_ERROR,
    OPERATION_INVALID,
    OPERATION_UNSUPPORTED,
    XML_DETAIL,
    XML_ERROR,
)
from vsh.backends.qemu.plugs import calls as hotplug
from vsh.backends.records import DomainRef

LIVE, CONFIG, BOTH = const.DOMAIN_AFFECT_LIVE, const.DOMAIN_AFFECT_CONFIG, 3
DISK = "<disk type='file'><driver name='qemu' type='raw'/><source file='{}'/><target dev='{}' bus='{}'/></disk>"
NIC = "<interface type='user'><mac address='52:54:00:00:00:09'/><model type='virtio'/></interface>"
TABLET = "<input type='tablet' bus='usb'/>"
CDROM = "<disk type='file' device='cdrom'>{}<target dev='sdc' bus='scsi'/></disk>"


@pytest.fixture
def image(root: Path) -> Callable[[str], Path]:
    def image(name: str) -> Path:
        path = root / f"{name}.img"
        path.write_bytes(bytes(1 << 16))
        path.chmod(0o666)
        return path

    return image


@pytest.fixture
def running(conn: api.Connection, guests: Guests) -> DomainRef:
    controllers = "<controller type='usb' model='qemu-xhci'/><controller type='scsi' model='virtio-scsi'/>"
    xml = guests.boot_sector("plugged").replace("<controller type='usb' model='none'/>", controllers)
    ref = conn.domain_define_xml_flags(xml.replace("<devices>", f"<devices>{CDROM.format('')}"), 0)
    return conn.domain_create_with_flags(ref, 0)


def targets(conn: api.Connection, ref: DomainRef, flags: int = 0) -> list[str]:
    return re.findall(r"<target dev='(\w+)'", conn.domain_get_xml_desc(ref, flags))


def blocks(conn: api.Connection, ref: DomainRef) -> set[str]:
    """The images that QEMU has open."""
    return set(re.findall(r"/(\w+)\.img", conn.qemu_domain_monitor_command(ref, "info block", 1)))


def test_statistics_know_of_hot_plug(
    conn: api.Connection, running: DomainRef, image: Callable[[str], Path], root: Path
) -> None:
    """The cache of devices follows its guests, and is none of the truth."""

    def told() -> list[object]:
        (record,) = conn.connect_get_all_domain_stats([running], 0, 0)
        names = sorted(name for name in record.params if re.fullmatch(r"block\.\d+\.name", name))
        return [record.params[name] for name in names]

    before = told()
    disk = DISK.format(image("sdb"), "sdb", "usb")
    conn.domain_attach_device_flags(running, disk, LIVE)
    assert sorted(map(str, told())) == sorted([*map(str, before), "sdb"])
    cache = root / "e/cache/qemu/devices"
    for damage in (b"", b"\xff\n", cache.read_bytes()[:40], b"vsh-devices\t1\ndisk\tx\n", b"vsh-devices\t1\nfile\n"):
        cache.write_bytes(damage)
        assert "sdb" in told()
    conn.domain_detach_device_flags(running, disk, LIVE)
    assert told() == before


def test_disks(conn: api.Connection, running: DomainRef, image: Callable[[str], Path]) -> None:
    for target, bus in (("vdb", "virtio"), ("sda", "scsi"), ("sdb", "usb")):
        conn.domain_attach_device_flags(running, DISK.format(image(target), target, bus), BOTH)
    assert sorted(targets(conn, running)) == sorted(targets(conn, running, 2)) == ["fda", "sda", "sdb", "sdc", "vdb"]
    assert blocks(conn, running) >= {"vdb", "sda", "sdb"}
    shown = conn.domain_get_xml_desc(running, 0)
    assert all(f"<alias name='{alias}'/>" in shown for alias in ("virtio-disk1", "scsi0-0-0-0", "usb-disk1"))
    again = DISK.format(image("again"), "vdb", "virtio")
    assert code(lambda: conn.domain_attach_device_flags(running, again, LIVE)) == OPERATION_INVALID
    conn.domain_detach_device_flags(running, DISK.format(image("sdb"), "sdb", "usb"), BOTH)
    assert "sdb" not in targets(conn, running) + targets(conn, running, 2)
    assert "sdb" not in blocks(conn, running)
    assert code(lambda: conn.domain_detach_device_flags(running, again.replace("vdb", "vdz"), LIVE)) == DEVICE_MISSING
    # What was attached to the definition is there after the next start, at the same place.
    before = re.findall(r"<address [^>]*>", conn.domain_get_xml_desc(running, 2))
    conn.domain_destroy_flags(running, 0)
    conn.domain_create_with_flags(running, 0)
    assert re.findall(r"<address [^>]*>", conn.domain_get_xml_desc(running, 0)) == before


def test_failures_leave_nothing(conn: api.Connection, running: DomainRef, root: Path) -> None:
    before = [conn.domain_get_xml_desc(running, flags) for flags in (0, 2)]
    missing = DISK.format(root / "missing.img", "vdb", "virtio")
    for xml, wanted in (
        (missing, INTERNAL_ERROR),
        ("<disk", XML_DETAIL),
        ("<nope/>", XML_ERROR),
        ("<parallel type='null'/>", OPERATION_UNSUPPORTED),
        (NIC.replace("<model", "<vlan><tag id='1'/></vlan><model"), CONFIG_UNSUPPORTED),
    ):
        assert code(lambda xml=xml: conn.domain_attach_device_flags(running, xml, BOTH)) == wanted, xml  # type: ignore[misc]
    assert [conn.domain_get_xml_desc(running, flags) for flags in (0, 2)] == before
    assert "missing" not in conn.qemu_domain_monitor_command(running, "info block", 1)


def test_small_devices(conn: api.Connection, running: DomainRef, monkeypatch: pytest.MonkeyPatch) -> None:
    conn.domain_attach_device_flags(running, TABLET, LIVE)
    conn.domain_attach_device_flags(running, NIC, LIVE)
    conn.domain_attach_device_flags(running, "<rng model='virtio'><backend model='random'/></rng>", LIVE)
    shown = conn.domain_get_xml_desc(running, 0)
    assert all(f"<alias name='{alias}'/>" in shown for alias in ("input2", "net0", "rng0"))
    assert "tablet" not in conn.domain_get_xml_desc(running, 2)
    conn.domain_detach_device_alias(running, "input2", LIVE)
    assert "tablet" not in conn.domain_get_xml_desc(running, 0)
    assert code(lambda: conn.domain_detach_device_alias(running, "input2", LIVE)) == DEVICE_MISSING
    conn.domain_update_device_flags(running, NIC.replace("<model", "<link state='down'/><model"), LIVE)
    assert "<link state='down'/>" in conn.domain_get_xml_desc(running, 0)
    # A boot sector does not give a PCI device back: it stays.
    monkeypatch.setattr(hotplug, "PATIENCE", 0.1)
    conn.domain_detach_device_flags(running, NIC, LIVE)
    assert "net0" in conn.domain_get_xml_desc(running, 0)


def test_media(conn: api.Connection, running: DomainRef, image: Callable[[str], Path], root: Path) -> None:
    for name in ("one", "two"):
        conn.domain_update_device_flags(running, CDROM.format(f"<source file='{image(name)}'/>"), BOTH)
        assert blocks(conn, running) & {"one", "two"} == {name}
        assert all(f"{name}.img" in conn.domain_get_xml_desc(running, flags) for flags in (0, 2))
    missing = CDROM.format(f"<source file='{root}/missing.img'/>")
    assert code(lambda: conn.domain_update_device_flags(running, missing, LIVE)) == INTERNAL_ERROR
    assert blocks(conn, running) & {"one", "two"} == {"two"}
    conn.domain_update_device_flags(running, CDROM.format(""), LIVE)
    assert not blocks(conn, running) & {"one", "two"}
    assert "two.img" in conn.domain_get_xml_desc(running, 2)


def test_the_definition_alone(conn: api.Connection, guests: Guests, image: Callable[[str], Path]) -> None:
    ref = conn.domain_define_xml_flags(guests.boot_sector("still"), 0)
    before = conn.domain_get_xml_desc(ref, 0)
    for xml in (DISK.format(image("a"), "vda", "virtio"), NIC, "<watchdog model='i6300esb'/>"):
        conn.domain_attach_device_flags(ref, xml, CONFIG)
    assert all(text in conn.domain_get_xml_desc(ref, 0) for text in ("'vda'", "00:09", "i6300esb"))
    for xml in ("<watchdog model='i6300esb' action='reset'/>", NIC, DISK.format(image("a"), "vda", "virtio")):
        conn.domain_detach_device_flags(ref, xml, CONFIG)
    assert conn.domain_get_xml_desc(ref, 0) == before
    assert code(lambda: conn.domain_detach_device_flags(ref, NIC, CONFIG)) == DEVICE_MISSING
    assert code(lambda: conn.domain_attach_device_flags(ref, NIC, LIVE)) == OPERATION_INVALID


def test_a_guest_gives_a_disk_back(
    side: Side, guests: Guests, uri: str, conn: api.Connection, image: Callable[[str], Path]
) -> None:
    ref = conn.domain_define_xml_flags(guests.linux("giver"), 0)
    disk = DISK.format(image("given"), "vda", "virtio")
    with side.terminal("vsh", "-c", uri, "start", "--console", "giver") as terminal:
        terminal.expect(LINUX_PROMPT, 60)
        conn.domain_attach_device_flags(ref, disk, LIVE)
        terminal.send("until ls /sys/bus/pci/devices | grep -c 0000:00:02; do sleep 0.1; done; echo there\r")
        terminal.expect("\nthere", 30)
        terminal.send("echo 1 > /sys/bus/pci/slots/2/power; echo asked\r")
        terminal.expect("\nasked", 30)
        conn.domain_detach_device_flags(ref, disk, LIVE)
        wait_until(lambda: "given" not in conn.qemu_domain_monitor_command(ref, "info block", 1))
        terminal.send("\x1d")
        terminal.finish()
    assert targets(conn, ref) == []
