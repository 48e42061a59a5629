"""Guests that run, as their watchers see them: definitions, events, consoles."""

import json
import re
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.guest import BOOT_SECTOR_LINE, Guests
from tests.live.initramfs import LINUX_LINE, LINUX_PROMPT
from tests.live.side import Side, vsh_command
from tests.live.wait import wait_until
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.records import QemuDomainMonitorEvent


def test_the_live_definition_tells_what_runs(conn: api.Connection, guests: Guests) -> None:
    devices = (
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        "<graphics type='vnc' port='-1' passwd='pa55word'/>"
    )
    xml = guests.boot_sector("shown").replace("<memballoon model='none'/>", devices)
    ref = conn.domain_create_xml(xml, 0)
    shown = conn.domain_get_xml_desc(ref, 0)
    assert re.search(r"<domain type='qemu' id='\d+'>", shown)
    pty = re.search(r"<serial type='pty'>\s*<source path='(/dev/pts/\d+)'/>.*?<alias name='serial0'/>", shown, re.S)
    assert pty
    assert f"<console type='pty' tty='{pty[1]}'>" in shown
    port = re.search(r"<graphics type='vnc' port='(\d+)' autoport='yes' listen='127.0.0.1'>", shown)
    assert port
    assert int(port[1]) >= 5900
    channel = re.search(r"<source mode='bind' path='(\S+/org.qemu.guest_agent.0)'/>", shown)
    assert channel
    assert Path(channel[1]).is_socket()
    assert "pa55word" not in shown
    assert "passwd='pa55word'" in conn.domain_get_xml_desc(ref, const.DOMAIN_XML_SECURE)
    inactive = conn.domain_get_xml_desc(ref, const.DOMAIN_XML_INACTIVE)
    assert "port='-1'" in inactive and "/dev/pts" not in inactive and "<alias" not in inactive


class Events:
    """What `event --all --loop` in a process of its own shows of the domain `seen`."""

    def __init__(self, uri: str):
        argv = [*vsh_command(), "--format=json", "-c", uri, "event", "--all", "--loop", "--timeout", "60"]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.output = self.process.stdout

    def until(self, *last: str) -> list[tuple[str, str]]:
        """(event, detail) of the lifecycle events up to `last`."""
        found: list[tuple[str, str]] = []
        while not found or found[-1] != last:
            line = self.output.readline()
            assert line, found
            result = json.loads(line)["result"]
            if result.get("event") == "lifecycle" and result["domain"]["name"] == "seen":
                found.append((result["type"], result["detail"]))
        return found


@pytest.fixture
def events(conn: api.Connection, guests: Guests, uri: str) -> Iterator[list[Events]]:
    """Two readers that have begun."""
    readers = [Events(uri), Events(uri)]
    deaf = {reader.output for reader in readers}
    while deaf:
        conn.domain_undefine_flags(conn.domain_define_xml_flags(guests.boot_sector("bell"), 0), 0)
        deaf -= set(select.select(deaf, [], [], 0.1)[0])
    yield readers
    for reader in readers:
        reader.process.kill()
        reader.process.communicate()


def test_any_number_of_readers_see_events(events: list[Events], conn: api.Connection, guests: Guests, uri: str) -> None:
    ref = conn.domain_define_xml_flags(guests.boot_sector("seen"), 0)
    conn.domain_create_with_flags(ref, 0)
    for reader in events:
        assert reader.until("started", "booted") == [
            ("defined", "added"),
            ("resumed", "unpaused"),
            ("started", "booted"),
        ]
    for word, event in {
        "suspend": ("suspended", "paused"),
        "resume": ("resumed", "unpaused"),
        "destroy": ("stopped", "destroyed"),
        "undefine": ("undefined", "removed"),
    }.items():
        argv = [*vsh_command(), "-q", "-c", uri, word, "seen"]
        assert subprocess.run(argv, timeout=60).returncode == 0
        for reader in events:
            assert reader.until(*event) == [event]


def test_console(side: Side, guests: Guests, uri: str, conn: api.Connection) -> None:
    conn.domain_define_xml_flags(guests.boot_sector("talker"), 0)
    with side.terminal("vsh", "-c", uri, "start", "--console", "talker") as terminal:
        terminal.expect(BOOT_SECTOR_LINE)
        terminal.send("are you there?")
        terminal.expect("are you there?")
        busy = side.vsh("-c", uri, "console", "talker")
        assert busy.status == 1
        with side.terminal("vsh", "-c", uri, "console", "talker") as second:
            shown, status = second.finish()
            assert "Active console session exists for this domain" in shown and status == 1
        terminal.send("\x1d")
        assert terminal.finish()[1] == 0
    with side.terminal("vsh", "-c", uri, "console", "talker", "serial0") as terminal:
        terminal.expect("Escape character")
        terminal.send("again")
        terminal.expect("again")
        # Who forces his way in ends the other's session.
        with side.terminal("vsh", "-c", uri, "console", "talker", "--force") as second:
            second.expect("Escape character")
            assert terminal.finish()[1] == 0
            second.send("mine")
            second.expect("mine")
    assert "cannot find character device nope" in _console_error(side, uri, "nope")


def _console_error(side: Side, uri: str, device: str) -> str:
    with side.terminal("vsh", "-c", uri, "console", "talker", device) as terminal:
        return terminal.finish()[0]


def test_a_linux_guest_powers_off(side: Side, guests: Guests, uri: str, conn: api.Connection) -> None:
    ref = conn.domain_define_xml_flags(guests.linux("tiny"), 0)
    with side.terminal("vsh", "-c", uri, "start", "--console", "tiny") as terminal:
        terminal.expect(LINUX_LINE, 60)
        terminal.expect(LINUX_PROMPT, 60)
        terminal.send("echo $((6 * 7))\r")
        terminal.expect("\n42\r\n")
        terminal.send("exit\r")
        assert terminal.finish(60)[1] == 0
    wait_until(lambda: conn.domain_get_state(ref, 0).state == const.DOMAIN_SHUTOFF)
    assert conn.domain_get_state(ref, 0).reason == const.DOMAIN_SHUTOFF_SHUTDOWN


def test_what_qemu_itself_tells(side: Side, conn: api.Connection, guests: Guests, uri: str) -> None:
    ref = conn.domain_create_xml(guests.boot_sector("told"), 0)
    other = conn.domain_create_xml(guests.boot_sector("other"), 0)
    seen: dict[str, list[str]] = {name: [] for name in ("all", "stop", "regex")}
    details: list[str | None] = []

    def all_of_one(event: QemuDomainMonitorEvent) -> None:
        seen["all"].append(event.event)
        details.append(event.details)

    watches = [
        conn.subscribe_monitor(None, ref, all_of_one),
        conn.subscribe_monitor("stop", None, lambda event: seen["stop"].append(event.dom.name), 2),
        conn.subscribe_monitor("^RES", ref, lambda event: seen["regex"].append(event.event), 1),
    ]
    for domain in (ref, other):
        conn.domain_suspend(domain)
        conn.domain_resume(domain)
    conn.domain_reset(ref)
    wait_until(lambda: "RESET" in seen["all"] and len(seen["stop"]) == 2 and len(seen["regex"]) >= 2)
    assert seen["all"][:3] == ["STOP", "RESUME", "RESET"]
    assert details[:3] == [None, None, '{"guest":false,"reason":"host-qmp-system-reset"}']
    assert seen["stop"] == ["told", "other"] and seen["regex"][:2] == ["RESUME", "RESET"]
    for watch in watches:
        watch.close()
    run = side.vsh("-c", uri, "qemu-monitor-event", "--event", "(", "--regex")
    assert run.status == 1 and "failed to compile regex '('" in run.stderr
