"""libvirtd as if it were older: a proxy answers no when it is asked for features of the protocol."""

import re
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from tests.libvirt.fake import FakeDaemon, hostname
from tests.live.libvirtd import Libvirtd
from tests.live.proxy import DelayProxy
from tests.live.wait import wait_until
from vsh.backends import driver, errors, events, procedures, registry
from vsh.backends.records import DomainRef

#: A reply to REMOTE_PROC_CONNECT_SUPPORTS_FEATURE (60) that says 1: length, program, version, procedure, type, serial,
#: status, answer.
YES = re.compile(rb"(\0\0\0\x20\x20\0\x80\x86\0\0\0\x01\0\0\0\x3c\0\0\0\x01....\0\0\0\0\0\0\0)\x01", re.DOTALL)


class Older(DelayProxy):
    def changed(self, data: bytes) -> bytes:
        return YES.sub(rb"\1\0", data)


@pytest.fixture
def pair(libvirtd: Libvirtd) -> Iterator[tuple[driver.Connection, driver.Connection]]:
    """A connection to the daemon as if it were old, and one that changes things."""
    with Older(("127.0.0.1", libvirtd.port), 0) as proxy:
        old = registry.open(libvirtd.uri_at(proxy.address, "qemu"))
        other = registry.open(libvirtd.uri("qemu"))
        yield old, other
        old.close()
        other.close()


def define(connection: driver.Connection, name: str) -> DomainRef:
    xml = f"<domain type='qemu'><name>{name}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
    found: DomainRef = connection.domain_define_xml_flags(xml, 0)
    return found


def test_domain_events_without_callback_ids(pair: tuple[driver.Connection, driver.Connection]) -> None:
    old, other = pair
    a = define(other, "old-a")
    told: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    every = old.subscribe("domain_event_lifecycle", None, lambda event: told.put(("all", event)))
    one = old.subscribe("domain_event_lifecycle", a, lambda event: told.put(("one", event)))
    b = define(other, "old-b")
    who, event = told.get(timeout=10)
    assert (who, event.dom, event.event, event.detail) == ("all", b, 0, 0)
    other.domain_undefine_flags(b, 0)
    assert told.get(timeout=10)[0] == "all"
    other.domain_undefine_flags(a, 0)
    assert sorted(told.get(timeout=10)[0] for _ in "12") == ["all", "one"]
    every.close()
    other.domain_undefine_flags(define(other, "old-a"), 0)
    with pytest.raises(Empty):
        told.get(timeout=0.3)
    one.close()
    again = old.subscribe("domain_event_lifecycle", None, lambda event: told.put(("again", event)))
    other.domain_undefine_flags(define(other, "old-a"), 0)
    assert told.get(timeout=10)[0] == "again"
    again.close()


def test_kinds_that_came_later(pair: tuple[driver.Connection, driver.Connection]) -> None:
    old, _ = pair
    for kind in ("domain_event_tunable", "domain_event_block_job_2", "domain_event_memory_failure"):
        with pytest.raises(errors.VirtError) as caught:
            old.subscribe(kind, None, print)
        assert caught.value.code == errors.NO_SUPPORT
    # What is not about domains always had callback ids.
    old.subscribe("network_event_lifecycle", None, print).close()
    for kind in events.KINDS:
        if events.older(kind):
            old.subscribe(kind, None, print).close()


@pytest.mark.parametrize(
    ("reason", "told"), [(0, "I/O error"), (1, "end of file"), (2, "keepalive timeout"), (9, "I/O error")]
)
def test_the_hypervisor_behind_the_daemon_goes_away(reason: int, told: str) -> None:
    with FakeDaemon(hostname) as daemon:
        connection = registry.open(daemon.uri)
        heard: list[str] = []
        connection.on_close(heard.append)
        connection.start_background()
        wait_until(lambda: "connect_register_close_callback" in daemon.seen)
        daemon.peer.event(procedures.lookup("connect_event_connection_closed"), reason.to_bytes(4, "big"))
        daemon.flush()
        wait_until(lambda: heard)
        assert heard == [told] and not connection.alive
        with pytest.raises(errors.VirtError):
            connection.connect_get_hostname()
        connection.close()
