"""Subscriptions: one thread, in order, ended by close; overflow is told."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance import shapes
from tests.conformance.hosts import Host
from vsh.backends import api
from vsh.backends.dispatch import Dispatcher
from vsh.backends.errors import VirtError
from vsh.backends.events import Subscription
from vsh.backends.records import DomainRef

LIFECYCLE = "domain_event_lifecycle"
SUSPENDED, RESUMED, STOPPED, STARTED, SHUTDOWN = (3, 0), (4, 0), (5, 1), (2, 0), (6, 2)


class Seen(list[Any]):
    """Collects events, and the threads they came on."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def __call__(self, event: Any) -> None:
        self.threads.add(threading.get_ident())
        self.append(event)

    def wait(self, count: int) -> "list[tuple[int, int]]":
        """The first `count` events' kind and detail, once they are there."""
        wait_until(lambda: len(self) >= count)
        return [(event.event, event.detail) for event in self]


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@pytest.fixture
def other(host: Host) -> Iterator[api.Connection]:
    connection = host.open()
    yield connection
    connection.close()


def test_events_come_in_order_on_one_thread_of_their_own(
    conn: api.Connection, other: api.Connection, domain: DomainRef
) -> None:
    seen = Seen()
    conn.subscribe(LIFECYCLE, None, seen)
    other.domain_suspend(domain)
    conn.domain_resume(domain)
    other.domain_destroy(domain)
    conn.domain_create(domain)
    wait_until(lambda: bool(seen) and seen.wait(1)[-1] == STARTED)
    # QEMU's guests are told to have been resumed, too, before they are told to have been started, and libvirtd may tell
    # that one was shut down, too, when it is destroyed.
    told = [event for event in seen.wait(4) if event != SHUTDOWN]
    assert told[:3] == [SUSPENDED, RESUMED, STOPPED]
    assert [*told[3:]] in ([STARTED], [RESUMED, STARTED])
    assert len(seen.threads) == 1
    assert threading.get_ident() not in seen.threads
    for event in seen:
        assert event.dom == domain
        assert not shapes.event_fault(LIFECYCLE, event)


def test_a_subscription_to_one_domain_hears_of_no_other(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    mine, all_ = Seen(), Seen()
    conn.subscribe(LIFECYCLE, domain, mine)
    conn.subscribe(LIFECYCLE, None, all_)
    second = conn.domain_create_xml(host.domain_xml.replace("{name}", "vsh-second"))
    conn.domain_suspend(domain)
    conn.domain_resume(domain)
    conn.domain_destroy(second)
    all_.wait(4)
    assert {event.dom for event in all_} == {domain, second}
    assert {event.dom for event in mine} == {domain}


def test_a_closed_subscription_hears_nothing(conn: api.Connection, domain: DomainRef) -> None:
    closed, open_ = Seen(), Seen()
    subscription = conn.subscribe(LIFECYCLE, None, closed)
    conn.subscribe(LIFECYCLE, None, open_)
    assert subscription.open
    subscription.close()
    subscription.close()
    assert not subscription.open
    conn.domain_suspend(domain)
    conn.domain_resume(domain)
    open_.wait(2)
    assert closed == []


def test_a_callback_may_call_and_may_close_its_own_subscription(conn: api.Connection, domain: DomainRef) -> None:
    states = []
    subscriptions: list[Subscription] = []

    def once(event: Any) -> None:
        states.append(conn.domain_get_state(event.dom).state)
        subscriptions[0].close()

    subscriptions.append(conn.subscribe(LIFECYCLE, domain, once))
    conn.domain_suspend(domain)
    wait_until(lambda: bool(states))
    conn.domain_resume(domain)
    seen = Seen()
    conn.subscribe(LIFECYCLE, domain, seen)
    conn.domain_suspend(domain)
    seen.wait(1)
    assert states == [3]


def test_events_end_with_the_connection(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    other, seen, still = host.open(), Seen(), Seen()
    subscription = other.subscribe(LIFECYCLE, None, seen)
    conn.subscribe(LIFECYCLE, None, still)
    other.close()
    conn.domain_suspend(domain)
    still.wait(1)
    assert seen == []
    subscription.close()


def test_unknown_kinds_are_refused(conn: api.Connection) -> None:
    with pytest.raises(VirtError):
        conn.subscribe("domain_event_birthday", None, print)


def test_overflow_is_told_and_what_waits_is_kept() -> None:
    told: list[int] = []
    seen: list[int] = []
    gate = threading.Event()

    def slow(event: int) -> None:
        gate.wait(10)
        seen.append(event)

    dispatcher = Dispatcher(limit=3, overflow=told.append)
    subscription = Subscription(LIFECYCLE, None, slow, lambda _: None)
    dispatcher.post(subscription, 0)
    wait_until(lambda: not dispatcher._queue)  # the first is being delivered
    for number in range(1, 11):
        dispatcher.post(subscription, number)
    gate.set()
    wait_until(lambda: len(seen) == 4)
    assert seen == [0, 1, 2, 3]
    assert told == [7]
    dispatcher.close()
