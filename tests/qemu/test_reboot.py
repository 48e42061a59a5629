"""Rebooting by ACPI where nobody watches: a guest that has powered off starts again."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.side import Side
from tests.live.wait import wait_until
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.qemu import lifecycle
from vsh.backends.records import DomainRef

#: Prints a line on COM1, waits for a byte there, and powers off (8086, at 0x7c00; ACPI's PM1a_CNT of pc is at 0x604).
CODE = """
fa fc 31 c0 8e d8 8e d0 bc 00 7c be 2b 7c ba f8 03 ac 84 c0 74 03 ee eb f8
ba fd 03 ec a8 01 74 fb ba 04 06 b8 00 20 ef f4 eb fd
"""
LINE = b"UP AGAIN"


class Machine:
    """A guest that powers off when it is told to."""

    def __init__(self, conn: api.Connection, ref: DomainRef):
        self.conn, self.ref = conn, ref
        pty = re.search(r"<source path='(/dev/pts/\d+)'", conn.domain_get_xml_desc(ref, 0))
        assert pty
        self.line = os.open(pty[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.said = b""

    def up(self, times: int) -> bool:
        try:
            self.said += os.read(self.line, 4096)
        except BlockingIOError:
            pass
        return self.said.count(LINE) >= times

    def power_off(self) -> None:
        os.write(self.line, b"x")

    @property
    def state(self) -> int:
        return self.conn.domain_get_state(self.ref, 0).state


@pytest.fixture
def machine(conn: api.Connection, guests: Guests, root: Path) -> Machine:
    image = root / "power.img"
    code = bytes.fromhex("".join(CODE.split())) + LINE + b"\r\n\0"
    image.write_bytes(code.ljust(510, b"\0") + b"\x55\xaa")
    image.chmod(0o644)
    xml = re.sub(r"<source file='[^']*boot-sector.img'", f"<source file='{image}'", guests.boot_sector("power"))
    ref = conn.domain_define_xml_flags(xml, 0)
    made = Machine(conn, conn.domain_create_with_flags(ref, 0))
    wait_until(lambda: made.up(1))
    return made


def test_reboot_by_acpi(
    machine: Machine, connect: Callable[..., api.Connection], side: Side, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reboot = [*side.program, "-c", uri, "reboot", "power", "--mode", "acpi"]
    # The command waits for the guest, and resets it.
    waiting = subprocess.Popen(reboot, env=side.env, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: presses(uri) == 1)
    machine.power_off()
    assert waiting.communicate(timeout=30)[0] == "Domain 'power' is being rebooted\n\n"
    wait_until(lambda: machine.up(2))
    assert machine.state == const.DOMAIN_RUNNING
    # Killed before that, it leaves the rest to whoever comes next; who only looks changes nothing.
    killed = subprocess.Popen(reboot, env=side.env)
    wait_until(lambda: presses(uri) == 2)
    killed.kill()
    killed.wait()
    reader = connect(readonly=True)
    machine.power_off()
    wait_until(lambda: reader.domain_get_state(machine.ref, 0).state == const.DOMAIN_SHUTDOWN)
    assert machine.state == const.DOMAIN_RUNNING
    wait_until(lambda: machine.up(3))
    # A shutdown that is asked for later counts.
    monkeypatch.setattr(lifecycle, "REBOOT", 0.0)
    machine.conn.domain_reboot(machine.ref, const.DOMAIN_REBOOT_ACPI_POWER_BTN)
    machine.conn.domain_shutdown_flags(machine.ref, const.DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    machine.power_off()
    wait_until(lambda: machine.state == const.DOMAIN_SHUTOFF)


def presses(uri: str) -> int:
    """How often the guest's power button was pressed."""
    [journal] = Path(uri.partition("root=")[2], "run/qemu").glob("*.journal.out")
    return journal.read_text().count('"POWERDOWN"')
