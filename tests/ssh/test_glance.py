"""Completion of what is on another machine: from the agent's inventory, in time, without a login and without a word."""

import time

from tests.live.proxy import DelayProxy
from tests.live.wait import wait_until
from tests.ssh.conftest import Person, logins


def offered(person: Person, *words: str, **env: str) -> list[str]:
    run = person.vsh("-q", "-c", person.uri, "complete", "--", *words, **env)
    assert run.stderr == "" and not (run.status and run.stdout), run
    return sorted(run.stdout.split())


def change(person: Person, *argv: str) -> None:
    run = person.vsh("--no-agent", "-c", person.uri, *argv)
    assert run.status == 0, run.stderr


def test_nothing_is_begun_for_it(person: Person) -> None:
    before = logins(person.sshd)
    assert offered(person, "domstate", "t") == []
    assert "domstate" in offered(person, "domst")
    assert logins(person.sshd) == before and not person.pids()


def test_it_is_fresh(person: Person) -> None:
    person.works()
    wait_until(lambda: offered(person, "domstate", "t") == ["test"])
    before = logins(person.sshd)
    assert offered(person, "start", "t") == [] and offered(person, "suspend", "t") == ["test"]
    # What nothing tells of is asked for anew each time, and so is what is not a list.
    assert offered(person, "managedsave-remove", "t") == []
    assert offered(person, "iface-destroy", "e") == ["eth1"]
    assert offered(person, "net-start", "d") == [] and offered(person, "net-destroy", "d") == ["default"]
    assert logins(person.sshd) == before
    change(person, "destroy test; net-destroy default")
    wait_until(lambda: offered(person, "start", "t") == ["test"])
    assert offered(person, "suspend", "t") == []
    wait_until(lambda: offered(person, "net-start", "d") == ["default"])
    change(person, "undefine test")
    wait_until(lambda: offered(person, "domstate", "t") == [])


def test_a_line_that_loses_everything(person: Person) -> None:
    """What is known is told; what would have to be asked for is given up in time."""
    with DelayProxy(("127.0.0.1", person.sshd.port), 0) as proxy:
        person.uri = f"{person.through(proxy.address[1])}&no_verify=1"
        person.works()
        wait_until(lambda: offered(person, "domstate", "t") == ["test"])
        proxy.lost.set()
        begun = time.monotonic()
        assert offered(person, "domstate", "t", VSH_COMPLETE_TIMEOUT="0.3") == ["test"]
        assert offered(person, "iface-destroy", "e", VSH_COMPLETE_TIMEOUT="0.3") == []
        assert time.monotonic() - begun < 3
