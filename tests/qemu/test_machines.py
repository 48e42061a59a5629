"""Machines other than pc and q35."""

from tests.live.guest import Guests
from tests.live.initramfs import LINUX_PROMPT
from tests.live.side import Side
from vsh.backends import api

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
