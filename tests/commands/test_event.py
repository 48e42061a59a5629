"""event: what is shown of each kind, how the waiting ends, what is refused."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.announcer import Announcer
from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.nursery import Nursery
from tests.live.side import Side
from vsh.backends.params import BOOLEAN, DOUBLE, INT, LLONG, STRING, UINT, ULLONG, TypedParams

DOMAIN = ("test domain", bytes(range(16)), 3)
PARAMS = TypedParams(
    [
        ("cputune.vcpupin0", STRING, "0-1"),
        ("int", INT, -7),
        ("uint", UINT, 4294967295),
        ("llong", LLONG, -(2**40)),
        ("ullong", ULLONG, 2**63),
        ("double", DOUBLE, 1234567.125),
        ("small", DOUBLE, 1e-7),
        ("yes", BOOLEAN, True),
        ("no", BOOLEAN, False),
    ]
)
#: Every kind of event with every number that virsh has a word for, and some for which it has none.
EVENTS: list[tuple[str, tuple[Any, ...]]] = [
    *(("lifecycle", (DOMAIN, event, detail)) for event in range(10) for detail in (*range(10), 99)),
    ("reboot", (DOMAIN,)),
    *(("rtc_change", (DOMAIN, offset)) for offset in (-3600, 0, 2**40)),
    *(("watchdog", (DOMAIN, action)) for action in (-1, *range(9))),
    *(("io_error", (DOMAIN, "/disk", "virtio-disk0", action)) for action in range(4)),
    *(
        (
            "graphics",
            (DOMAIN, n, (n, "here", "5900"), (n, "there", "9"), "vnc", [("x509dname", "CN=me"), ("sasl", "me")][:n]),
        )
        for n in range(4)
    ),
    *(("io_error_reason", (DOMAIN, "/disk", "virtio-disk0", action, "enospc")) for action in range(4)),
    ("control_error", (DOMAIN,)),
    *(("block_job", (DOMAIN, "/disk", type, status)) for type in range(7) for status in range(5)),
    *(("disk_change", (DOMAIN, *paths, "ide0", n)) for n in range(3) for paths in ((None, "/a"), ("/b", None))),
    *(("tray_change", (DOMAIN, "ide0", reason)) for reason in range(3)),
    ("pmwakeup", (0, DOMAIN)),
    ("pmsuspend", (0, DOMAIN)),
    ("balloon_change", (DOMAIN, 2**45)),
    ("pmsuspend_disk", (0, DOMAIN)),
    ("device_removed", (DOMAIN, "net0")),
    *(("block_job_2", (DOMAIN, "vda", type, 3)) for type in range(7)),
    ("tunable", (DOMAIN, PARAMS)),
    *(("agent_lifecycle", (DOMAIN, n, n)) for n in range(4)),
    ("device_added", (DOMAIN, "net0")),
    ("migration_iteration", (DOMAIN, 12)),
    ("job_completed", (DOMAIN, PARAMS)),
    ("device_removal_failed", (DOMAIN, "net0")),
    *(("metadata_change", (DOMAIN, type, uri)) for type in range(4) for uri in (None, "http://x/y")),
    *(("block_threshold", (DOMAIN, "vda", path, 2**40, 5)) for path in (None, "/disk")),
    *(("memory_failure", (DOMAIN, n % 3, n, flags)) for n in range(5) for flags in range(4)),
    ("memory_device_size_change", (DOMAIN, "virtiomem0", 131072)),
]


@pytest.fixture
def announce() -> Iterator[Callable[[str], str]]:
    """announce(last): the URI of a daemon that tells of EVENTS when a client registers for `last`."""
    with Nursery() as nursery:
        daemons = []

        def start(last: str) -> str:
            events = [(f"domain_event_{name}", record) for name, record in EVENTS]
            path = Path(nursery.directory) / f"socket{len(daemons)}"
            daemons.append(Announcer(path, events, f"domain_event_{last}"))
            return daemons[-1].uri

        yield start
        for daemon in daemons:
            daemon.close()


def test_every_kind_is_told_in_virshs_words(side: Side, announce: Callable[[str], str]) -> None:
    uri = announce("memory_device_size_change")
    run = side.assert_same("-c", uri, "event --all --loop --timeout 1")
    assert run.stdout.endswith(f"event loop timed out\nevents received: {len(EVENTS)}\n\n")


@pytest.mark.parametrize("name", ["lifecycle", "pm-wakeup", "block-job-2", "graphics"])
def test_one_event_is_enough(side: Side, announce: Callable[[str], str], name: str) -> None:
    uri = announce(name.replace("pm-", "pm").replace("-", "_"))
    run = side.assert_same("-c", uri, f"event --event {name}")
    assert run.status == 0 and run.stdout.endswith("events received: 1\n\n")
    side.assert_same("-q", "-c", uri, f"event --event {name} --timeout 9")


def test_timestamps(side: Side, announce: Callable[[str], str]) -> None:
    uri = announce("balloon_change")
    before = time.time()
    for program in (side.virsh, side.vsh):
        run = program("-c", uri, "event --event balloon-change --timestamp")
        stamp, _, rest = run.stdout.partition(": ")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000", stamp)
        assert rest.startswith("event 'balloon-change' for domain 'test domain': 35184372088832KiB\n")
        seconds = time.strptime(stamp[:19] + " UTC", "%Y-%m-%d %H:%M:%S %Z")
        assert time.strftime("%Y-%m-%d %H", time.gmtime(before)) <= stamp[:13]
        assert seconds.tm_year >= 2024


def test_json(side: Side, announce: Callable[[str], str]) -> None:
    uri = announce("memory_device_size_change")
    run = side.vsh("--format=json", "-c", uri, "event --all --loop --timeout 1 --timestamp")
    answers = [json.loads(line)["result"] for line in run.stdout.splitlines()]
    assert answers[-2:] == [{"ended": "timed_out"}, {"events_received": len(EVENTS)}]
    told = answers[:-2]
    identity = {"name": "test domain", "uuid": "00010203-0405-0607-0809-0a0b0c0d0e0f"}
    assert all(answer["domain"] == identity and answer.pop("time") > 1.7e9 for answer in told)
    first = {answer["event"]: answer for answer in reversed(told)}
    assert len(first) == 27
    for answer in first.values():
        del answer["domain"]
    assert first["lifecycle"] == {"event": "lifecycle", "type": "defined", "detail": "added"}
    assert first["pm_suspend_disk"] == {"event": "pm_suspend_disk"}
    assert first["balloon_change"] == {"event": "balloon_change", "memory_bytes": 2**55}
    assert first["block_job_2"] == {"event": "block_job_2", "disk": "vda", "job": "unknown_job", "status": "ready"}
    assert first["tunable"]["params"]["double"] == 1234567.125 and first["tunable"]["params"]["yes"] is True
    assert first["disk_change"] == {
        "event": "disk_change",
        "device": "ide0",
        "old_path": None,
        "new_path": "/a",
        "reason": "changed",
    }
    graphics = [answer for answer in told if answer["event"] == "graphics"][1]
    assert graphics["local"] == {"family": "IPv6", "node": "here", "service": "5900"}
    assert graphics["subject"] == [{"type": "x509dname", "name": "CN=me"}]


def test_refusals(host: Host) -> None:
    host.same(
        "event --list",
        "event --list --timeout x",
        "event",
        "event --domain test",
        "event foo",
        "event test foo",
        "event --event ''",
        "event --all --event lifecycle",
        "event --list --all",
        "event --list --event lifecycle",
        "event --timeout x",
        "event --all --timeout 0",
        "event --all --timeout -1",
        "event --all --timeout 2147484",
        "event --all --timeout 1x",
        "event --event nosuch --timeout x",
        "event --all --domain nosuch",
        "event --all --domain ''",
        "event nosuch lifecycle --timeout x",
    )
    host.script("event --nosuch", "event a b 1 c", "event --timeout", "event --loop=1", "event --all --all")


def test_nothing_happens(host: Host) -> None:
    host.same("event test lifecycle --timeout 1 --timestamp", readonly=True)


def test_real_events_and_ctrl_c(side: Side, libvirtd: Libvirtd, tmp_path: Path) -> None:
    """Both programs watch the same domains; neither leaves anything out, and Ctrl-C ends them alike."""
    file = tmp_path / "seen.xml"
    file.write_text("<domain type='test'><name>seen</name><memory>1024</memory><os><type>hvm</type></os></domain>")
    acts = f"define {file}; start seen; desc seen --title x --live --config; suspend seen; resume seen; reboot seen; "
    acts += "destroy seen; undefine seen"
    uri = libvirtd.uri("test")
    shown = []
    with (
        side.terminal("virsh", "-c", uri, "event --all --loop") as virsh,
        side.terminal("vsh", "-c", uri, "event --all --loop") as vsh,
    ):
        for watcher in (virsh, vsh):
            wake(side, uri, watcher)
        side.virsh("-c", uri, "suspend test; resume test")
        side.virsh("-c", uri, acts)
        for watcher in (virsh, vsh):
            before = watcher.expect("'seen': Undefined Removed\r\n")
            watcher.send("\x03")
            after, status = watcher.finish()
            shown.append((before[before.index("event 'lifecycle' for domain 'seen'") :], status))
            assert re.search(r"event loop interrupted\r\nevents received: \d+\r\n", after)
    assert shown[0] == shown[1]
    assert shown[0][1] == 0


def wake(side: Side, uri: str, watcher: Any) -> None:
    """Let things happen until the watcher sees them: then it is registered."""
    for _ in range(50):
        side.virsh("-c", uri, "suspend test; resume test")
        try:
            watcher.expect("Resumed Unpaused\r\n", timeout=0.3)
            return
        except AssertionError:
            continue
    raise AssertionError("the watcher sees nothing")


def test_only_the_domain_that_was_asked_for(side: Side, libvirtd: Libvirtd, tmp_path: Path) -> None:
    file = tmp_path / "other.xml"
    file.write_text("<domain type='test'><name>other</name><memory>1024</memory><os><type>hvm</type></os></domain>")
    uri = libvirtd.uri("test")
    with side.terminal("vsh", "-c", uri, "event --domain test --event lifecycle --loop") as watcher:
        wake(side, uri, watcher)
        side.virsh("-c", uri, f"define {file}; undefine other; suspend test; resume test")
        seen = watcher.expect("Suspended Paused\r\n") + watcher.expect("Resumed Unpaused\r\n")
        assert "other" not in seen


def test_the_end_of_the_connection_ends_the_waiting(side: Side, new_libvirtd: Callable[..., Libvirtd]) -> None:
    daemon = new_libvirtd()
    uri = daemon.uri("test")
    with side.terminal("vsh", "-c", uri, "event --all --loop") as watcher:
        wake(side, uri, watcher)
        daemon.kill()
        shown, status = watcher.finish()
    assert "events received: " in shown and "Traceback" not in shown
    assert status == 1
