"""Proof that what the live tests stand on holds: daemons, cleaning up, delays, comparisons."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import Guests, await_boot_sector
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.nursery import Nursery, unprivileged
from tests.live.proxy import DelayProxy
from tests.live.side import Run, Side, compare, forks, vsh_command
from tests.live.wait import wait_until


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_unprivileged_libvirtd_serves_both_drivers(libvirtd: Libvirtd, side: Side, transport: str) -> None:
    assert side.virsh("-q", "-c", libvirtd.uri("test", transport), "list", "--name").stdout.strip() == "test"
    uri = libvirtd.uri("qemu", transport)
    assert side.virsh("-q", "-c", uri, "uri").stdout.strip() == uri
    if os.geteuid() == 0:
        assert Path(f"/proc/{libvirtd.pid}").stat().st_uid == 65534


def test_client_of_the_same_user_finds_the_daemon_by_itself(libvirtd: Libvirtd) -> None:
    argv = [*unprivileged(), "virsh", "-c", "qemu:///session", "uri"]
    done = subprocess.run(argv, env=libvirtd.env, cwd="/", capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "qemu:///session", done.stderr


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_privileged_libvirtd_is_private(libvirtd_root: Libvirtd, side: Side, transport: str) -> None:
    uri = libvirtd_root.uri("qemu", transport)
    assert "/system" in uri
    assert side.virsh("-q", "-c", uri, "uri").stdout.strip() == uri
    assert side.virsh("-q", "-c", uri, "net-list", "--all", "--name").stdout.strip() == ""


def test_killed_daemon_can_be_started_again(new_libvirtd: Callable[..., Libvirtd], side: Side) -> None:
    daemon = new_libvirtd()
    daemon.kill()
    assert side.virsh("-c", daemon.uri("test"), "list").status == 1
    daemon.start()
    assert side.virsh("-c", daemon.uri("test"), "list").status == 0
    daemon.stop()
    assert not daemon.directory.exists()


@pytest.mark.parametrize(
    ("argv", "stdin"),
    [
        (["dumpxml test; nosuch; list"], ""),
        (["-q"], "list\nvol-list default-pool\nsuspend\n"),
        (["--format=json", "list", "--all"], ""),
        (["--nosuch"], ""),
    ],
)
def test_a_fork_does_what_a_program_does(
    side: Side, argv: list[str], stdin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VSH_LIVE", raising=False)
    forked = side.vsh("-c", "test:///default", *argv, stdin=stdin)
    monkeypatch.setenv("VSH_LIVE", "1")
    assert side.vsh("-c", "test:///default", *argv, stdin=stdin) == forked
    assert forked.stdout or forked.stderr


def test_a_fork_that_takes_too_long_is_killed(side: Side) -> None:
    argv = [vsh_command()[1], "-c", "test:///default", "event --all --loop"]
    with pytest.raises(subprocess.TimeoutExpired):
        forks().run(argv, b"", side.env, side.env["HOME"], 0.5)
    pid = forks().pid
    wait_until(lambda: not Path(f"/proc/{pid}/task/{pid}/children").read_text())


DYING_OWNER = """
import os, signal, sys, time
from pathlib import Path
from tests.live.nursery import Nursery

nursery, pids = Nursery(), Path(sys.argv[1])
daemon = f"sleep 99 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
nursery.spawn(["sh", "-c", f"setsid sh -c '{daemon}' &"], dict(os.environ), nursery.directory / "log")
while not pids.exists():
    time.sleep(0.01)
print(nursery.directory, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nursery_kills_daemons_even_when_its_owner_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    argv = [sys.executable, "-c", DYING_OWNER, str(pids)]
    done = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=30)
    assert done.returncode == -signal.SIGKILL, done.stderr
    directory = Path(done.stdout.strip())
    wait_until(lambda: not directory.exists())
    wards = pids.read_text().split()
    assert len(wards) == 2
    assert not [pid for pid in wards if Path("/proc", pid).exists()]


def test_nursery_reports_what_cannot_be_started() -> None:
    with Nursery() as nursery, pytest.raises(OSError, match="no-such-program: not found"):
        nursery.spawn(["no-such-program"], {}, nursery.directory / "log")


def guest_pids(name: str) -> list[str]:
    """QEMU processes of guests whose names start with `name`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"guest={name}" in path.read_text():
                found.append(path.parent.name)
        except OSError:  # it has ended meanwhile
            pass
    return found


def test_boot_sector_prints_and_echoes(
    libvirtd: Libvirtd,
    side: Side,
    guests: Guests,
    define: Callable[..., None],
) -> None:
    uri = libvirtd.uri("qemu")
    define(uri, guests.boot_sector("sector"))
    with side.terminal("virsh", "-c", uri, "start", "--console", "sector") as terminal:
        await_boot_sector(terminal)
        terminal.send("are you there?")
        terminal.expect("are you there?")
        terminal.send("\x1d")
        assert terminal.finish()[1] == 0


@pytest.mark.parametrize("privileged", [False, True])
def test_guests_outlive_the_daemon_but_not_the_test(
    new_libvirtd: Callable[..., Libvirtd],
    side: Side,
    guests: Guests,
    define: Callable[..., None],
    privileged: bool,
) -> None:
    daemon = new_libvirtd(privileged=privileged)
    define(daemon.uri("qemu"), guests.boot_sector("orphan"), start=True)
    before = guest_pids("orphan")
    assert len(before) == 1
    daemon.kill()
    daemon.start()
    assert side.virsh("-q", "-c", daemon.uri("qemu"), "domstate", "orphan").stdout.strip() == "running"
    assert guest_pids("orphan") == before
    daemon.kill()
    daemon.stop()
    assert not guest_pids("orphan")


@pytest.mark.long
def test_fifty_guests_run_and_are_gone_afterwards(
    new_libvirtd: Callable[..., Libvirtd],
    side: Side,
    guests: Guests,
    tmp_path: Path,
) -> None:
    daemon = new_libvirtd()
    script = ""
    for number in range(50):
        path = tmp_path / f"{number}.xml"
        path.write_text(guests.boot_sector(f"crowd-{number}"))
        script += f"create {path}\n"
    run = side.virsh("-c", daemon.uri("qemu"), stdin=script, timeout=100)
    assert (run.stderr, run.status) == ("", 0)
    assert len(side.virsh("-q", "-c", daemon.uri("qemu"), "list", "--name").stdout.split()) == 50
    assert len(guest_pids("crowd-")) == 50
    daemon.stop()
    assert not guest_pids("crowd-")


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_proxy_adds_the_round_trip(libvirtd: Libvirtd, side: Side, transport: str) -> None:
    target = libvirtd.socket if transport == "unix" else ("127.0.0.1", libvirtd.port)

    def seconds(uri: str) -> float:
        """Of the fastest of some runs, for the machine may be busy."""
        taken = []
        for _ in range(3):
            start = time.monotonic()
            run = side.virsh("-q", "-c", uri, "list --name")
            assert (run.stdout, run.status) == ("test\n", 0)
            taken.append(time.monotonic() - start)
        return min(taken)

    with Nursery() as nursery, DelayProxy(target, 0.02, nursery.directory) as proxy:
        slow = libvirtd.uri_at(proxy.address, "test")
        # Opening, listing and closing take virsh about ten calls.
        assert 0.1 < seconds(slow) - seconds(libvirtd.uri("test", transport)) < 1


def test_same_program_is_the_same_and_another_is_not() -> None:
    need("virsh")
    with Side(program=["virsh"]) as same:
        assert same.assert_same("-t", "-c", "test:///default", "list --all").status == 0
        piped = same.assert_same("-c", "test:///default", stdin="list\nno-such\nquit\n")
        assert piped.stdout.startswith("Welcome to virsh")
    with Side(program=["virsh", "-q"]) as quiet, pytest.raises(AssertionError, match="-stdout:  Id   Name   State"):
        quiet.assert_same("-c", "test:///default", "list")


def test_only_what_is_declared_may_differ() -> None:
    one = Run("Using API: Test 9.0.0\nCPU time:       1.5s\n(Time: 3.125 ms)\nvirsh # ", "error: a", 1)
    two = Run("Using API: Test 11.3.0\nCPU time:       2.5s\n(Time: 0.001 ms)\nvsh # ", "error: a", 1)
    assert not compare(one, two, ["versions", "cpu-time"])
    assert "CPU time" in compare(one, two, ["versions"])
    assert "API" in compare(one, two, ["cpu-time"])
    assert "stderr" in compare(one, one._replace(stderr="error: b"))
    assert "status" in compare(one, one._replace(status=0))
    assert compare(one, one._replace(stdout=one.stdout + "\n"))
