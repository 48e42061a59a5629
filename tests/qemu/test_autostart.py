"""What starts with the machine: by the command for boot scripts, or by the first that may change something."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.backends import api


@pytest.fixture
def marker(conn: api.Connection, guests: Guests, root: Path) -> Path:
    """A pool and a guest that start with the machine, and one that cannot; the file that says in which start it was."""
    for name in ("early", "broken"):
        xml = guests.boot_sector(name)
        if name == "broken":
            xml = re.sub("file='[^']*'", "file='/nowhere'", xml)
        conn.domain_set_autostart(conn.domain_define_xml(xml), 1)
    pool = f"<pool type='dir'><name>p</name><target><path>{root}</path></target></pool>"
    conn.storage_pool_set_autostart(conn.storage_pool_define_xml(pool, 0), 1)
    marker = root / "e/run/qemu/autostarted"
    marker.write_text("another start")
    return marker


def test_for_boot_scripts(side: Side, conn: api.Connection, marker: Path, uri: str) -> None:
    early = conn.domain_lookup_by_name("early")
    for looking in (["-r", "list", "--all"], ["complete", "--", "start", "--domain", ""]):
        assert side.vsh("-c", uri, *looking).status == 0
    assert "early" in side.vsh("-c", uri, "-q", "complete", "--", "start", "--domain", "").stdout
    run = side.vsh("-c", uri, "-r", "autostart-all")
    assert (run.status, conn.domain_is_active(early)) == (1, 0) and "read only access" in run.stderr
    run = side.vsh("-c", uri, "autostart-all")
    assert run.status == 1 and run.stderr == "error: 1 of 3 could not be started\n"
    seen = [line.split(None, 3) for line in run.stdout.splitlines()[2:] if line]
    assert seen[0] == ["storage", "pool", "p", "started"] and seen[2][:3] == ["domain", "early", "started"]
    assert seen[1][:3] == ["domain", "broken", "failed:"] and "/nowhere" in seen[1][3]
    assert conn.domain_is_active(early) == 1
    conn.domain_destroy(early)
    run = side.vsh("-c", uri, "--format", "json", "autostart-all")
    assert (run.status, json.loads(run.stdout)["result"]) == (0, []) and conn.domain_is_active(early) == 0


def test_started_once_by_two_at_once(side: Side, conn: api.Connection, marker: Path, uri: str) -> None:
    """Each waits for the other, and only one has something to tell."""
    argv = [*side.program, "-c", uri, "--format", "json", "autostart-all"]
    both = [
        subprocess.Popen(argv, env=side.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    told = [json.loads(one.communicate(timeout=60)[0])["result"] for one in both]
    early = conn.domain_lookup_by_name("early")
    assert conn.domain_is_active(early) == 1
    assert sorted(map(len, told)) == [0, 3]
    assert {entry["name"]: bool(entry["error"]) for entry in max(told, key=len)} == {
        "p": False,
        "early": False,
        "broken": True,
    }
    conn.domain_destroy(early)


def test_a_daemon_starts_them_itself(side: Side, libvirtd: Libvirtd) -> None:
    for uri in (libvirtd.uri("qemu"), "test:///default"):
        run = side.vsh("-c", uri, "autostart-all")
        assert run.status == 1 and "the host's own daemon" in run.stderr
