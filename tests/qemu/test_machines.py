"""Machines other than pc and q35."""

import json
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.initramfs import LINUX_PROMPT
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.live.wait import wait_until
from tests.qemu.machine_families import MACHINES, domain, families
from tests.qemu.test_define import ours, theirs
from tests.qemu.test_native import differences
from vsh.backends import api
from vsh.backends.constants import domain as const

MMIO = "<address type='virtio-mmio'/>"


def test_a_microvm_boots(side: Side, guests: Guests, uri: str, conn: api.Connection) -> None:
    # Debian's kernel finds no serial port where this machine has ACPI.
    text = guests.linux("micro").replace("machine='pc'", "machine='microvm'").replace("<acpi/>", "")
    rng = f"<rng model='virtio'><backend model='random'>/dev/urandom</backend>{MMIO}</rng>"
    ref = conn.domain_define_xml_flags(text.replace("</devices>", f"{rng}</devices>"), 0)
    with side.terminal("vsh", "-c", uri, "start", "--console", "micro") as terminal:
        terminal.expect(LINUX_PROMPT, 60)
        terminal.send("ls /sys/bus/pci/devices | wc -l; echo done\r")
        assert "\n0\r" in terminal.expect("\ndone", 30)
        terminal.send("\x1d")
        terminal.finish()
    assert 'dev: virtio-rng-device, id "rng0"' in conn.qemu_domain_monitor_command(ref, "info qtree", 1)


def test_definitions_are_completed_as_libvirtd_does_it(
    libvirtd: Libvirtd, side: Side, conn: api.Connection, root: Path
) -> None:
    texts = families()
    expected = theirs(side, libvirtd, texts)
    nvram = f"{libvirtd.directory}/config/libvirt/qemu/nvram"
    shown = {name: ours(conn, text).replace(f"{root}/e/lib/qemu/nvram", nvram) for name, text in texts.items()}
    assert shown == expected


def test_command_lines_are_libvirts(libvirtd: Libvirtd, side: Side, conn: api.Connection, root: Path) -> None:
    wrong, compared = differences(libvirtd, side, conn, root, families())
    assert not wrong, "\n".join(f"{k}: {v}" for k, v in wrong.items())
    assert compared > 25 * len(MACHINES)


@pytest.mark.parametrize("arch", MACHINES)
def test_guests_run_and_devices_are_plugged_in(conn: api.Connection, root: Path, arch: str) -> None:
    (root / "d.img").write_bytes(b"\0" * 4096)
    (root / "d.img").chmod(0o666)
    machine = MACHINES[arch][0]
    devices = "<interface type='user'/><controller type='scsi' model='virtio-scsi'/><console type='pty'/>"
    ref = conn.domain_define_xml_flags(domain("other", 1, arch, machine, "", devices), 0)
    conn.domain_create_with_flags(ref, const.DOMAIN_START_PAUSED)
    assert json.loads(conn.qemu_domain_monitor_command(ref, '{"execute": "query-target"}', 0))["return"]["arch"] == arch
    source = f"<source file='{root}/d.img'/><target dev='sdb' bus='scsi'/>"
    disk = f"<disk type='file'>{source}<serial>plugged</serial></disk>"
    net = "<interface type='user'><mac address='52:54:00:11:22:33'/></interface>"
    for device in (disk, net):
        conn.domain_attach_device_flags(ref, device, 0)
    tree = conn.qemu_domain_monitor_command(ref, "info qtree", 1)
    assert 'serial = "plugged"' in tree and 'mac = "52:54:00:11:22:33"' in tree
    conn.domain_detach_device_flags(ref, disk, 0)
    wait_until(lambda: "plugged" not in conn.qemu_domain_monitor_command(ref, "info qtree", 1))
    if arch != "s390x":  # whose firmware ends a guest that has nothing to boot
        conn.domain_resume(ref)
        assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
    conn.domain_destroy_flags(ref, 0)
