"""Lookups whose answer is presumed: one round trip less, and never a wrong answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.libvirt.fake import FakeDaemon
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.backends import api, errors
from vsh.backends.records import DomainGetState, DomainRef
from vsh.backends.rpc.frame import Message

ONE, OTHER = DomainRef("web", bytes(16), 1), DomainRef("web", bytes(15) + b"\1", 2)
OFF = DomainRef("web", bytes(16), -1)


class Table:
    """What a daemon answers: calls to results, errors among them."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "domain_lookup_by_name": ONE,
            "domain_get_state": DomainGetState(1, 1),
            "domain_get_os_type": "hvm",
            "domain_destroy": None,
        }

    def __call__(self, daemon: FakeDaemon, call: Message) -> None:
        answer = self.answers[daemon.seen[-1]]
        if isinstance(answer, errors.VirtError):
            daemon.peer.fail(call, answer)
        else:
            daemon.reply(call, answer)


@contextmanager
def opened(table: Table) -> Iterator[tuple[FakeDaemon, api.Connection]]:
    """A connection that knows the domain `web` already."""
    with FakeDaemon(table) as daemon:
        connection = api.open(daemon.uri)
        connection.presume()
        assert connection.domain_lookup_by_name("web") == ONE
        daemon.seen.clear()
        yield daemon, connection
        connection.close()


def test_a_lookup_travels_with_the_question_after_it() -> None:
    with opened(Table()) as (daemon, connection):
        connection.presume()
        assert connection.domain_lookup_by_name("web") == ONE
        assert daemon.seen == []
        assert connection.domain_get_state(ONE, 0).state == 1
        assert daemon.seen == ["domain_lookup_by_name", "domain_get_state"]
        # That was the first question: from now on lookups are made as before.
        assert connection.domain_lookup_by_name("web") == ONE
        assert len(daemon.seen) == 3


@pytest.mark.parametrize("now", [OTHER, OFF, errors.virt_error(errors.NO_DOMAIN, "gone")])
@pytest.mark.parametrize("question", [True, False])
def test_what_was_presumed_is_not_so(now: Any, question: bool) -> None:
    table = Table()
    with opened(table) as (_, connection):
        table.answers["domain_lookup_by_name"] = now
        connection.presume()
        assert connection.domain_lookup_by_name("web") == ONE
        with pytest.raises(errors.Outdated):
            connection.domain_get_state(ONE, 0) if question else connection.settle()
        # Begun again without presuming, as it should.
        if isinstance(now, DomainRef):
            found = connection.domain_lookup_by_name("web")
            assert tuple(found) == tuple(now) and connection.domain_get_state(found, 0).state == 1
        else:
            with pytest.raises(errors.VirtError, match="gone"):
                connection.domain_lookup_by_name("web")


def test_nothing_is_changed_on_a_presumption() -> None:
    table = Table()
    with opened(table) as (daemon, connection):
        table.answers["domain_lookup_by_name"] = OTHER
        connection.presume()
        ref = connection.domain_lookup_by_name("web")
        with pytest.raises(errors.Outdated):
            connection.domain_destroy(ref)
        assert daemon.seen == ["domain_lookup_by_name"]
        table.answers["domain_lookup_by_name"] = ONE
        connection.domain_lookup_by_name("web")
        connection.presume()
        connection.domain_destroy(connection.domain_lookup_by_name("web"))
        assert daemon.seen[-2:] == ["domain_lookup_by_name", "domain_destroy"]


def test_other_names_are_not_presumed() -> None:
    with opened(Table()) as (daemon, connection):
        connection.presume()
        connection.domain_lookup_by_name("db")
        assert daemon.seen == ["domain_lookup_by_name"]
        answers = connection.batch([("domain_get_state", (ONE, 0)), ("domain_get_os_type", (ONE,))])
        assert answers[1] == "hvm"


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_names_that_lead_elsewhere_within_a_script(libvirtd: Libvirtd, side: Side, transport: str) -> None:
    script = """
        domid test; domuuid test; destroy test; domid test; domstate test; start test; domid test; dominfo test;
        destroy test; domrename test other; domstate test; domuuid test; domstate other; domrename other test;
        domstate other; domuuid test; undefine test; domuuid test; domstate test --reason; dumpxml test
    """
    side.assert_same("-c", libvirtd.uri("test", transport), script.replace("\n", " "), ignore=["cpu-time"])
