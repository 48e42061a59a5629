"""Completion of what is on another machine: from the agent's inventory, in time, without a login and without a word."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.proxy import DelayProxy
from tests.live.wait import wait_until
from tests.ssh.conftest import Person, logins

MAC = "52:54:00:00:00:05"
DOMAIN = (
    "<domain type='qemu'><name>test</name><memory>8192</memory><os><type>hvm</type></os>"
    f"<devices><interface type='user'><mac address='{MAC}'/></interface></devices></domain>"
)
POOL = "<pool type='dir'><name>pool</name><target><path>{}</path></target></pool>"


@pytest.fixture
def person(person: Person, new_libvirtd: type[Libvirtd], tmp_path: Path) -> Iterator[Person]:
    """Who manages guests of QEMU: one that runs, and a pool that does not."""
    daemon = new_libvirtd()
    person.uri = person.through(person.sshd.port, daemon, "qemu", "/session")
    (tmp_path / "domain").write_text(DOMAIN)
    (tmp_path / "pool").write_text(POOL.format(daemon.socket.parent))
    change(person, f"define {tmp_path}/domain; pool-define {tmp_path}/pool; start test")
    yield person
    person.vsh("--no-agent", "-c", person.uri, "destroy test")


def offered(person: Person, *words: str, **env: str) -> list[str]:
    run = person.vsh("-q", "-c", person.uri, "complete", "--values", "--", *words, **env)
    assert run.stderr == "" and not (run.status and run.stdout), run
    return sorted(run.stdout.split())


def change(person: Person, *argv: str) -> None:
    run = person.vsh("--no-agent", "-c", person.uri, *argv)
    assert run.status == 0, run.stderr


def test_nothing_is_begun_for_it(person: Person) -> None:
    before = logins(person.sshd)
    assert offered(person, "domstate", "t") == []
    assert "domstate" in offered(person, "domst")
    run = person.vsh("-q", "-c", person.uri, "complete", "--", "domstate", "t")
    assert run.status == 1 and "\nerror: the agent has no connection to 127.0.0.1: No such file" in run.stderr
    assert logins(person.sshd) == before and not person.pids()


def test_it_is_fresh(person: Person) -> None:
    before = logins(person.sshd)
    assert person.vsh("-c", person.uri, "uri").status == 0
    assert offered(person, "start", "t") == [] and offered(person, "suspend", "t") == ["test"]
    assert offered(person, "pool-start", "p") == ["pool"]
    # What nothing tells of is asked for anew each time, and so is what is not a list.
    assert offered(person, "managedsave-remove", "t") == []
    assert offered(person, "domif-getlink", "test", "5") == [MAC]
    assert logins(person.sshd) == before + 1
    change(person, "destroy test; pool-start pool")
    wait_until(lambda: offered(person, "start", "t") == ["test"])
    assert offered(person, "suspend", "t") == []
    wait_until(lambda: offered(person, "pool-start", "p") == [])
    change(person, "start test")
    wait_until(lambda: offered(person, "start", "t") == [])


def test_of_qemu_without_libvirt(person: Person) -> None:
    """The inventory of a driver that has no daemon is fresh by the events that it writes, and by looking."""
    with tempfile.TemporaryDirectory(prefix="vsh-q", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        person.uri = f"qemu+ssh://root@127.0.0.1:{person.sshd.port}/embed?root={folder}&{person.sshd.query()}"
        (Path(folder) / "domain").write_text(DOMAIN)
        assert person.vsh("-c", person.uri, "define", f"{folder}/domain").status == 0
        wait_until(lambda: offered(person, "start", "t") == ["test"])
        change(person, "start test")
        wait_until(lambda: offered(person, "start", "t") == [])
        assert offered(person, "destroy", "t") == ["test"]
        wait_until(lambda: offered(person, "domif-getlink", "test", "5") == [MAC])
        [pid] = [int(path.parts[2]) for path in Path("/proc").glob("[0-9]*/cmdline") if folder in _read(path)]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: offered(person, "start", "t") == ["test"])


def _read(path: Path) -> str:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    return text if "qemu-system" in text.partition("\0")[0] else ""


def test_a_line_that_loses_everything(person: Person) -> None:
    """What is known is told; what would have to be asked for is given up in time."""
    port, soon = f":{person.sshd.port}/", {"VSH_COMPLETE_TIMEOUT": "1.5"}
    with DelayProxy(("127.0.0.1", person.sshd.port), 0) as proxy:
        person.uri = f"{person.uri.replace(port, f':{proxy.address[1]}/')}&no_verify=1"
        assert person.vsh("-c", person.uri, "uri").status == 0
        assert offered(person, "domstate", "t") == ["test"]
        proxy.lost.set()
        begun = time.monotonic()
        assert offered(person, "domstate", "t", **soon) == ["test"]
        assert offered(person, "domif-getlink", "test", "5", **soon) == []
        assert time.monotonic() - begun < 8
    person.uri = person.uri.replace(f":{proxy.address[1]}/", port)


def test_a_host_that_lives_as_long_as_its_connections_is_not_kept(person: Person, libvirtd: Libvirtd) -> None:
    person.uri, kept = person.through(person.sshd.port, libvirtd), person.uri
    assert person.vsh("-c", person.uri, "destroy test").status == 0
    assert offered(person, "suspend", "t") == ["test"] == offered(person, "suspend", "t")
    assert person.vsh("-c", person.uri, "domstate test").stdout == "running\n\n"
    person.uri = kept
