"""USB devices of the host, found by who made them."""

from pathlib import Path

import pytest

from tests.qemu.documents import domain
from tests.qemu.running import code
from vsh.backends import api
from vsh.backends.errors import INTERNAL_ERROR, OPERATION_FAILED
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.definitions import StoredRules
from vsh.backends.qemu.host import usbdevices
from vsh.backends.xml.domain import Domain

HOSTDEV = "<hostdev mode='subsystem' type='usb'><source{}>{}</source></hostdev>"
VENDOR = "<vendor id='0x1d6b'/><product id='0x0002'/>"


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel would show of three devices, two of them alike."""
    monkeypatch.setattr(usbdevices, "DEVICES", str(tmp_path))
    for name, numbers in (("usb1", "1d6b 0002 1 1"), ("1-1", "0781 5567 1 12"), ("1-2", "0781 5567 1 13")):
        folder = tmp_path / name
        folder.mkdir()
        for file, number in zip(("idVendor", "idProduct", "busnum", "devnum"), numbers.split(), strict=True):
            (folder / file).write_text(f"{number}\n")
    (tmp_path / "1-1:1.0").mkdir()


def found(source: str, policy: str = "", begins: bool = True) -> "list[tuple[int, int]]":
    text = domain("d", 1, "q35", "<emulator>/q</emulator>" + HOSTDEV.format(policy, source), "")
    model = Domain.parse(text, StoredRules())
    usbdevices.find_all(LocalHost(), model, begins)
    return [(hostdev.source.bus, hostdev.source.device) for hostdev in model.devices.hostdevs]  # type: ignore[union-attr]


@pytest.mark.usefixtures("devices")
def test_a_device_is_found() -> None:
    twin = "<vendor id='0x0781'/><product id='0x5567'/>"
    assert found(VENDOR) == [(1, 1)]
    assert found(twin + "<address bus='1' device='13'/>") == [(1, 13)]
    assert found("<address bus='1' device='12'/>") == [(1, 12)]
    assert code(lambda: found(twin)) == OPERATION_FAILED
    gone = "<vendor id='0x1234'/><product id='0x5678'/>"
    for policy, begins, kept in (("optional", True, False), ("requisite", False, False), ("requisite", True, None)):
        if kept is None:
            assert code(lambda p=policy, b=begins: found(gone, f" startupPolicy='{p}'", b)) == INTERNAL_ERROR  # type: ignore[misc]
        else:
            assert found(gone, f" startupPolicy='{policy}'", begins) == []
    assert code(lambda: found(gone)) == code(lambda: found("<address bus='9' device='1'/>")) == INTERNAL_ERROR


def test_a_guest_without_its_device_does_not_start(conn: api.Connection) -> None:
    usb = "<controller type='usb' model='qemu-xhci'/>"
    text = domain("d", 1, "q35", usb + HOSTDEV.format("", "<vendor id='0xfffe'/><product id='0xfffe'/>"), "")
    ref = conn.domain_define_xml_flags(text, 0)
    assert code(lambda: conn.domain_create_with_flags(ref, 1)) == INTERNAL_ERROR
    optional = text.replace("<source>", "<source startupPolicy='optional'>")
    ref = conn.domain_define_xml_flags(optional, 0)
    conn.domain_create_with_flags(ref, 1)
    assert "<hostdev" not in conn.domain_get_xml_desc(ref, 0) and "<hostdev" in conn.domain_get_xml_desc(ref, 2)
