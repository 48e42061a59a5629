"""QEMU's monitor and events, native formats, and saved states of real guests."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side


@pytest.fixture
def qemu(side: Side, libvirtd: Libvirtd, guests: Guests, define: Callable[..., None]) -> Host:
    """A daemon with a running guest."""
    define(libvirtd.uri("qemu"), guests.boot_sector("monitored"), start=True)
    return Host(side, libvirtd.uri("qemu"))


def test_monitor_commands(qemu: Host) -> None:
    for options in ("--pretty", "--return-value", "--pretty --return-value"):
        commands = ("query-kvm", "query-rx-filter", "query-mice", "query-cpu-definitions")
        if "--return-value" in options:
            qemu.same(*(f"qemu-monitor-command monitored {options} {command}" for command in commands))
        run = qemu.side.vsh("-q", "-c", qemu.uri, f"qemu-monitor-command monitored {options} query-name")
        wanted = qemu.side.virsh("-q", "-c", qemu.uri, f"qemu-monitor-command monitored {options} query-name")
        assert re.sub(r"libvirt-\d+", "N", run.stdout) == re.sub(r"libvirt-\d+", "N", wanted.stdout)
    value = "qemu-monitor-command monitored --return-value"
    qemu.same(
        f'{value} human-monitor-command \'"command-line":"info name"\'',
        f"{value} human-monitor-command '{{\"command-line\":' '\"info name\"}}'",
        f'{value} qom-get \'"path":"/machine"\' \'"property":"type"\'',
        f'{value} \'{{"execute":"query-name"}}\'',
        f"{value} nosuch",
        "qemu-monitor-command monitored --hmp info name",
        "qemu-monitor-command monitored --hmp nosuch",
        'qemu-agent-command monitored \'{"execute":"guest-ping"}\'',
        "qemu-monitor-command nosuch x",
    )
    [answer, people] = qemu.json(
        "qemu-monitor-command monitored query-name; qemu-monitor-command monitored --hmp info name"
    )
    assert answer["answer"]["return"] == {"name": "monitored"} and people == {"answer": "monitored"}
    run = qemu.side.vsh("-c", qemu.uri, "qemu-monitor-command monitored query-name a 1")
    assert run.stderr.startswith("error: failed to wrap arguments 'a 1' into a QMP command wrapper\nerror: ")
    qemu.same("qemu-monitor-command monitored x", "qemu-agent-command monitored x", readonly=True)


def test_descriptors_reach_the_monitor(qemu: Host) -> None:
    [added, after] = qemu.json(
        "qemu-monitor-command monitored add-fd '\"fdset-id\":7' --pass-fds 0; "
        "qemu-monitor-command monitored query-fdsets"
    )
    assert added["answer"]["return"]["fdset-id"] == 7
    assert [one["fdset-id"] for one in after["answer"]["return"]] == [7]


@pytest.mark.parametrize(
    "options", ["", "--pretty", "--event stop", "--event 'ST.*' --regex", "--event Stop --no-case"]
)
def test_monitor_events(qemu: Host, options: str) -> None:
    seen = []
    for program in ("virsh", "vsh"):
        line = f"qemu-monitor-event --domain monitored --loop {options.replace('stop', 'STOP')}"
        with qemu.side.terminal(program, "-c", qemu.uri, line) as terminal:
            time.sleep(0.4)
            assert qemu.side.virsh("-c", qemu.uri, "suspend monitored; resume monitored").status == 0
            terminal.expect("event STOP")
            if not options or options == "--pretty":
                terminal.expect("event RESUME")
            time.sleep(0.1)
            terminal.send("\x03")
            text, status = terminal.finish()
        seen.append((re.sub(r"\d+\.\d{6}", "TIME", text), status))
    assert seen[0] == seen[1]


def test_monitor_events_without_any(qemu: Host) -> None:
    qemu.same("qemu-monitor-event --timeout 1", "qemu-monitor-event monitored --event NOSUCH --timeout 1")
    qemu.same("qemu-monitor-event --timeout 1", readonly=True)
    with qemu.side.terminal("vsh", "--format=json", "-c", qemu.uri, "qemu-monitor-event --event STOP") as terminal:
        time.sleep(0.4)
        qemu.side.virsh("-c", qemu.uri, "suspend monitored; resume monitored")
        text, _ = terminal.finish()
    event = json.loads(text.splitlines()[0])["result"]
    assert event["event"] == "STOP" and event["domain"]["name"] == "monitored" and event["details"] is None


def test_native_formats(qemu: Host, tmp_path: Path, guests: Guests) -> None:
    path = tmp_path / "domain.xml"
    xml = guests.boot_sector("native").replace("</name>", "</name><uuid>11111111-1111-1111-1111-111111111111</uuid>")
    path.write_text(xml)
    qemu.same(
        f"domxml-to-native qemu-argv {path}",
        f"domxml-to-native qemu-argv --xml {path}",
        "domxml-to-native x --domain no",
    )
    qemu.same("domxml-to-native nosuch --domain monitored", f"domxml-from-native qemu-argv {path}", "qemu-attach 1")
    [native] = qemu.json("domxml-to-native qemu-argv --domain monitored")
    assert "qemu-system-x86_64 " in native["config"]


def test_saved_guests(qemu: Host, guests: Guests) -> None:
    """Save, change, restore; managed save; dumps."""
    file = guests.directory / "saved"
    guests.directory.chmod(0o777)
    run = qemu.side.vsh("-c", qemu.uri, f"save monitored {file} --verbose; domstate monitored --reason")
    assert run.stdout == f"\nDomain 'monitored' saved to {file}\n\nshut off (saved)\n\n", run.stderr
    assert run.stderr.endswith("Save: [100 %]")
    shown = qemu.side.assert_same(
        "-c", qemu.uri, f"save-image-dumpxml {file} --xpath //name; save-image-dumpxml {file}"
    )
    assert "<name>monitored</name>" in shown.stdout
    edited = guests.directory / "edited.xml"
    edited.write_text(qemu.side.vsh("-c", qemu.uri, f"save-image-dumpxml {file} --security-info").stdout)
    qemu.side.assert_same("-c", qemu.uri, f"save-image-define {file} {edited} --paused")
    run = qemu.side.vsh("-c", qemu.uri, f"restore {file}; domstate monitored --reason; resume monitored")
    assert run.status == 0 and "paused (" in run.stdout
    assert qemu.side.vsh("-c", qemu.uri, "managedsave monitored --running").status == 0
    shown = qemu.side.assert_same(
        "-c", qemu.uri, "managedsave-dumpxml monitored; dominfo monitored", ignore=["cpu-time"]
    )
    assert "Managed save:   yes" in shown.stdout
    assert qemu.side.vsh("-c", qemu.uri, f"managedsave-define monitored {edited}; start monitored").status == 0
    assert qemu.side.vsh("-c", qemu.uri, "domstate monitored --reason").stdout.startswith("running (restored)")
    for name, magic in (("elf", b"\x7fELF"), ("kdump-zlib", b"makedumpfile")):
        core = guests.directory / name
        line = f"dump monitored {core} --memory-only --format {name} --verbose"
        run = qemu.side.vsh("-c", qemu.uri, line)
        assert run.stdout == f"\nDomain 'monitored' dumped to {core}\n\n" and "Dump: [100 %]" in run.stderr
        assert core.read_bytes().startswith(magic)
    qemu.side.assert_same("-c", qemu.uri, "dump monitored /nosuch/x --memory-only", timeout=1, tries=12)


def test_without_qemu(host: Host) -> None:
    host.same(*(f"qemu-attach {word}" for word in ("''", "0", "-1", "x", "1", "4294967295", "4294967296")))
    monitor, agent = "qemu-monitor-command test", "qemu-agent-command test"
    host.same(f"{monitor} --hmp --pretty x", f"{monitor} --hmp --return-value x", f"{monitor} ''", f"{monitor} '' ''")
    host.same(*(f"{monitor} --pass-fds {word} a" for word in ("x", "0", "''")), f"{monitor} a '{{\"x\":1}}'")
    host.same(*(f"{agent} x {more}" for more in ("", "--timeout 5 --async", "--timeout x", "--timeout -5 --block")))
    host.same(
        *(f"qemu-monitor-event {more}" for more in ("", "--domain no", "--timeout 0", "--event ''", "--domain ''"))
    )
    host.same("lxc-enter-namespace nosuch a", "lxc-enter-namespace test --noseclabel /bin/ls")
    host.same(
        "domxml-to-native x --domain test",
        "domxml-to-native '' --domain test",
        "domxml-to-native x",
        "domxml-from-native a b",
    )
    host.same(f"{monitor} x", f"{agent} x", "qemu-attach 1", "lxc-enter-namespace test a", readonly=True)
    verbs = ("qemu-attach", "qemu-monitor-command", "qemu-agent-command", "lxc-enter-namespace", "domxml-to-native")
    host.script(
        *verbs, *(f"{verb} --nosuch" for verb in verbs), "domxml-to-native x --domain a --xml b", "domxml-from-native x"
    )
