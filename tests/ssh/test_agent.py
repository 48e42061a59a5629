"""The agent: warm connections, who may use them, and what happens when it is gone."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.sshd import Sshd
from tests.live.wait import wait_until
from tests.ssh.conftest import Person, logins
from vsh.backends.ssh import warm


def test_the_second_command_needs_no_login(person: Person) -> None:
    before = logins(person.sshd)
    for _ in range(3):
        person.works()
    assert logins(person.sshd) == before + 1
    [link] = person.links()
    assert link["host"] == "127.0.0.1" and link["user"] == "root" and link["clients"] == 0
    run = person.vsh("agent", "stop")
    assert run.status == 0 and run.stdout == "Agent stopped\n\n"
    assert "does not run" in person.vsh("agent", "status").stderr
    wait_until(lambda: not person.pids())
    person.works()
    assert logins(person.sshd) == before + 2


def test_without_the_agent(person: Person) -> None:
    before = logins(person.sshd)
    person.works(VSH_NO_AGENT="1")
    assert person.vsh("--no-agent", "-c", person.uri, "list --name").stdout.startswith("test\n")
    assert logins(person.sshd) == before + 2 and not person.pids()
    run = person.vsh("agent", "status")
    assert run.status == 1 and run.stderr.startswith("error: the agent does not run")
    assert person.vsh("agent", "stop").status == 0
    assert person.vsh("agent", "dance").stderr.startswith("error: unknown action 'dance'")


def test_only_its_owner_can_reach_it(person: Person) -> None:
    person.works()
    assert stat.S_IMODE(person.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in person.folder.iterdir()} == {0o600}


@pytest.mark.parametrize("spoil", ["others may enter", "a link", "not ours"])
def test_a_folder_that_others_can_enter_is_not_used(person: Person, tmp_path: Path, spoil: str) -> None:
    if spoil == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        person.folder.symlink_to(tmp_path / "elsewhere")
    else:
        person.folder.mkdir(mode=0o777 if spoil == "others may enter" else 0o700)
        person.folder.chmod(0o777 if spoil == "others may enter" else 0o700)
        if spoil == "not ours":
            os.chown(person.folder, 65534, 65534)
    person.works()  # and does without
    assert not person.pids()


def test_a_stale_socket_is_replaced(person: Person) -> None:
    person.works()
    [pid] = person.pids()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not person.pids())
    assert (person.folder / f"agent-{warm.PROTOCOL}").exists()
    person.works()
    assert person.pids() and person.pids() != [pid]


def test_a_daemon_that_has_gone(person: Person, new_libvirtd: Callable[..., Libvirtd]) -> None:
    """A socket that could be opened before is not waited for; that it cannot be now is told as ever."""
    daemon = new_libvirtd()
    person.uri = person.through(person.sshd.port, daemon)
    person.works()
    person.works()
    daemon.stop()
    runs = [person.vsh("-c", person.uri, "list", **env) for env in ({}, {}, {"VSH_NO_AGENT": "1"})]
    assert runs[0] == runs[1] == runs[2] and "libvirt-sock': " in runs[0].stderr, runs


def test_many_at_once_share_one_login(person: Person) -> None:
    before = logins(person.sshd)
    with ThreadPoolExecutor(12) as pool:
        runs = list(pool.map(lambda _: person.vsh("-c", person.uri, "list --name"), range(12)))
    assert all(run.status == 0 and run.stdout.startswith("test\n") for run in runs), runs
    assert len(person.pids()) == 1 and logins(person.sshd) == before + 1


def test_a_server_that_ended_is_reached_anew(person: Person, new_sshd: Callable[..., Sshd]) -> None:
    person.works()
    [agent] = person.pids()
    for entry in Path("/proc").iterdir():
        try:
            if b"sshd: root@notty" in (entry / "cmdline").read_bytes() and _parent(int(entry.name)) == person.sshd.pid:
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue
    time.sleep(0.3)
    person.works()
    assert person.pids() == [agent]


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_an_agent_that_is_killed_in_the_middle_of_a_command(person: Person) -> None:
    person.works()
    waiting = subprocess.Popen(
        [sys.executable, "-m", "vsh", "-c", person.uri, "event --all --timeout 30"],
        env=person.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: person.links()[0]["clients"] == 1)
    time.sleep(0.5)
    [pid] = person.pids()
    os.kill(pid, signal.SIGKILL)
    out, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 1 and "events received: 0" in out and "Traceback" not in err
    person.works()


def test_failures_are_told_as_without_it(person: Person) -> None:
    uri = person.uri.replace("known_hosts=", "known_hosts=/nowhere")
    runs = [person.vsh("-c", uri, "list", **env) for env in ({}, {"VSH_NO_AGENT": "1"})]
    assert runs[0] == runs[1] and runs[0].status == 1 and "is not known" in runs[0].stderr


def test_a_connection_that_nobody_uses_is_closed(person: Person) -> None:
    config = Path(person.env["XDG_CONFIG_HOME"]) / "vsh"
    config.mkdir(parents=True)
    (config / "vsh.toml").write_text("agent_idle = 1\n")
    person.works()
    wait_until(lambda: not person.pids(), timeout=15)
    assert not (person.folder / f"agent-{warm.PROTOCOL}").exists()
