"""migrate between two daemons, its settings, and domjobinfo and domjobabort."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.conftest import Host
from tests.live.guest import Guests
from tests.live.initramfs import LINUX_PROMPT
from tests.live.libvirtd import Libvirtd, free_port
from tests.live.side import Side
from tests.live.wait import wait_until

HERE = "test:///default"


class Hosts:
    """Two daemons, and a guest on the first of them."""

    def __init__(self, side: Side, source: Libvirtd, destination: Libvirtd, name: str):
        self.side = side
        self.daemons = source, destination
        self.name = name

    def uri(self, at: int, transport: str = "unix") -> str:
        return self.daemons[at].uri("qemu", transport)

    def state(self, at: int) -> str:
        return self.side.virsh("-c", self.uri(at), f"domstate {self.name}").stdout.strip()

    def move(self, at: int, *options: str, program: str = "vsh", transport: str = "unix", json: bool = False) -> Any:
        """Migrate the guest from the daemon `at` to the other."""
        run = getattr(self.side, program)
        data = f"--migrateuri tcp://127.0.0.1:{free_port()}" if "--tunnelled" not in options else ""
        command = f"migrate {self.name} {self.uri(1 - at, transport)} {data} {' '.join(options)}"
        return run(*(["--format=json"] if json else []), "-c", self.uri(at), command)


@pytest.fixture
def hosts(
    side: Side, libvirtd: Libvirtd, new_libvirtd: Callable[..., Libvirtd], guests: Guests, define: Callable[..., None]
) -> Hosts:
    pair = Hosts(side, libvirtd, new_libvirtd(), "mover")
    define(pair.uri(0), guests.boot_sector("mover"), start=True)
    return pair


def test_a_guest_moves_to_and_fro(hosts: Hosts) -> None:
    for at, options, transport in (
        (0, ["--live"], "unix"),
        (1, ["--live", "--verbose", "--persistent"], "tcp"),
        (0, ["--live", "--p2p"], "tcp"),
        (1, ["--live", "--p2p", "--tunnelled"], "tcp"),
    ):
        run = hosts.move(at, *options, transport=transport)
        shown = {"Migration: [100 %]"} if "--verbose" in options else set()
        lines = re.split(r"[\r\n]+", run.stderr)
        told = {line for line in lines if not re.fullmatch(r"(Migration: \[ *\d\d? %\])?", line)}
        assert (run.stdout, told, run.status) == ("\n", shown, 0)
        assert hosts.state(at) in ("shut off", "") and hosts.state(1 - at) == "running", options
    answer = hosts.move(0, "--suspend", "--change-protection", "--auto-converge", json=True)
    assert answer.status == 0 and '"destination": "' in answer.stdout
    assert hosts.state(1) == "paused"


def test_a_definition_moves_alone(hosts: Hosts) -> None:
    hosts.side.virsh("-c", hosts.uri(0), "destroy mover")
    assert hosts.move(0, "--offline", "--persistent").status == 0
    assert hosts.state(1) == "shut off"
    hosts.side.virsh("-c", hosts.uri(1), "undefine mover")


def test_what_cannot_be_moved_runs_on(hosts: Hosts) -> None:
    uri = hosts.uri(1)
    for line in (
        f"migrate mover {uri} --live --migrateuri tcp://127.0.0.1:1",
        f"migrate mover {uri} --live --migrateuri nonsense://x",
        f"migrate mover {uri} --live --xml /nosuch",
        f"migrate mover {hosts.uri(0)} --live",
        "migrate mover qemu+unix:///session?socket=/nosuch --live",
        "migrate mover qemu:///session --live --p2p",
        f"migrate mover {uri} --offline",
        f"migrate mover {uri} --live --copy-storage-all --copy-storage-inc",
        f"migrate mover {uri} --live --comp-methods nosuch",
    ):
        hosts.side.assert_same("-c", hosts.uri(0), line, timeout=5, tries=3)
        assert hosts.state(0) == "running" and hosts.state(1) == ""
    run = hosts.side.assert_same("-r", "-c", hosts.uri(0), f"migrate mover {uri} --live", timeout=5, tries=3)
    assert "read only" in run.stderr


def test_settings(hosts: Hosts) -> None:
    show = ["migrate-getspeed mover", "migrate-getspeed mover --postcopy", "migrate-getmaxdowntime mover"]
    change = ["migrate-setspeed mover 10", "migrate-setmaxdowntime mover 50", "migrate-compcache mover --size 1048576"]
    Host(hosts.side, hosts.uri(0)).same(*change, *show, "migrate-compcache mover", "migrate-setspeed mover -1")
    Host(hosts.side, hosts.uri(0)).same(
        "migrate-postcopy mover", "domjobabort mover", "domjobinfo mover", "migrate-setspeed mover 1 --postcopy"
    )


def test_a_migration_can_be_given_up(hosts: Hosts, guests: Guests, define: Callable[..., None]) -> None:
    define(hosts.uri(0), guests.linux("slow"))
    with hosts.side.terminal("vsh", "-c", hosts.uri(0), "start slow --console") as console:
        console.expect(LINUX_PROMPT)
        console.send("\x1d")
        console.finish()
    for ending in ("interrupt", "abort"):
        line = f"migrate slow {hosts.uri(1)} --live --bandwidth 1 --verbose --migrateuri tcp://127.0.0.1:{free_port()}"
        with hosts.side.terminal("vsh", "-c", hosts.uri(0), line) as terminal:
            terminal.expect("Migration: [ ")
            info = hosts.side.vsh("--format=json", "-c", hosts.uri(0), "domjobinfo slow").stdout
            assert '"type": "unbounded"' in info and '"memory_total_bytes": ' in info
            shown = hosts.side.assert_same("-c", hosts.uri(0), "domjobinfo slow --completed; domjobabort nosuch")
            assert "Job type:         None" in shown.stdout
            if ending == "interrupt":
                terminal.send("\x03")
            else:
                assert hosts.side.vsh("-c", hosts.uri(0), "domjobabort slow").status == 0
            text, status = terminal.finish()
        assert status == 1 and "canceled by client" in text
        wait_until(lambda: hosts.side.virsh("-c", hosts.uri(0), "domstate slow").stdout.strip() == "running")
        assert hosts.side.virsh("-c", hosts.uri(1), "domstate slow").status == 1


def test_a_migration_that_takes_too_long_is_helped_along(
    hosts: Hosts, guests: Guests, define: Callable[..., None]
) -> None:
    define(hosts.uri(0), guests.linux("slow"), start=True)
    time.sleep(1)
    line = f"migrate slow {hosts.uri(1)} --live --bandwidth 4 --timeout 1 --migrateuri tcp://127.0.0.1:{free_port()}"
    with hosts.side.terminal("vsh", "-c", hosts.uri(0), line) as terminal:
        wait_until(lambda: hosts.side.virsh("-c", hosts.uri(0), "domstate slow").stdout.strip() == "paused")
        terminal.send("\x03")
        terminal.finish()
    hosts.side.virsh("-c", hosts.uri(0), "resume slow")


def test_without_migration(host: Host) -> None:
    settings = ["migrate-getspeed", "migrate-getmaxdowntime", "migrate-compcache", "migrate-postcopy", "domjobinfo"]
    host.same(*(f"{verb} test" for verb in settings), *(f"{verb} nosuch" for verb in settings), "domjobabort test")
    host.same(
        "migrate-setspeed test x",
        "migrate-setspeed test 1",
        "migrate-setmaxdowntime test 0",
        "migrate-setmaxdowntime test -",
    )
    host.same("domjobinfo test --completed", "domjobinfo test --rawstats", "domjobinfo test --keep-completed")
    for options in ("", "--p2p", "--offline", "--tunnelled", "--change-protection", "--dname x --comp-methods a,b"):
        host.same(f"migrate test {HERE} {options}", timeout=1, tries=12)


def test_refusals(host: Host) -> None:
    host.same(
        *(
            f"migrate test {HERE} {options}"
            for options in (
                *("--live --offline", "--timeout 5", "--timeout x", "--timeout-suspend", "--timeout-postcopy"),
                *("--timeout-suspend --timeout-postcopy", "--postcopy-after-precopy", "--postcopy-resume"),
                *("--persistent-xml x", "--tls-destination x"),
            )
        ),
        "migrate nosuch x",
        "migrate test foo:///",
        "migrate test ''",
        readonly=False,
    )
    for options in ("--disks-port x", "--bandwidth -1", "--migrateuri ''", "--copy-storage-synchronous-writes"):
        host.same(f"migrate test {HERE} {options}", timeout=1, tries=12)
    verbs = ("migrate", "migrate-setspeed", "migrate-getspeed", "migrate-setmaxdowntime", "migrate-postcopy")
    host.script(*verbs, *(f"{verb} --nosuch" for verb in verbs), "domjobinfo", "domjobabort", "domjobabort test x")
