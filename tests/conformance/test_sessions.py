"""References, batches, several threads, closing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.hosts import Host
from vsh.backends import api, errors
from vsh.backends.errors import VirtError
from vsh.backends.records import DomainRef

NOWHERE = DomainRef("vsh-nowhere", bytes(15) + b"\x01", -1)


def test_references_are_identified_by_uuid(conn: api.Connection, domain: DomainRef) -> None:
    again = conn.domain_lookup_by_name(domain.name)
    stale = again._replace(id=4711, name="vsh-other")
    assert again == stale
    assert len({again, stale, domain}) == 1
    assert again != NOWHERE
    assert conn.domain_get_state(stale) == conn.domain_get_state(again)


def test_calls_that_change_state_return_fresh_references(conn: api.Connection, domain: DomainRef) -> None:
    assert domain.id > 0
    conn.domain_destroy(domain)
    assert conn.domain_lookup_by_uuid(domain.uuid).id == -1
    started = conn.domain_create_with_flags(domain)
    assert started == domain
    assert started.id == conn.domain_lookup_by_name(domain.name).id > domain.id


def test_a_batch_is_a_loop_that_keeps_errors_in_their_places(conn: api.Connection, domain: DomainRef) -> None:
    calls: list[tuple[str, tuple[object, ...]]] = [
        ("domain_get_state", (domain,)),
        ("domain_get_state", (NOWHERE,)),
        ("connect_get_type", ()),
        ("domain_block_pull", (domain, "vda", 0, 0)),
        ("domain_lookup_by_name", (domain.name,)),
        ("domain_get_autostart", (domain,)),
    ]
    for (name, args), seen in zip(calls, conn.batch(calls), strict=True):
        try:
            assert seen == getattr(conn, name)(*args)
        except VirtError as error:
            assert (seen.code, seen.message) == (error.code, error.message)


def test_an_empty_batch_has_no_results(conn: api.Connection) -> None:
    assert conn.batch([]) == []


def test_a_read_only_batch_refuses_only_what_changes_something(host: Host, domain: DomainRef) -> None:
    conn = host.open(readonly=True)
    try:
        first, second, third = conn.batch(
            [("domain_get_state", (domain,)), ("domain_destroy", (domain,)), ("domain_get_state", (domain,))]
        )
        assert first == third == conn.domain_get_state(domain)
        assert isinstance(second, VirtError) and second.code == errors.OPERATION_DENIED
    finally:
        conn.close()


def test_connections_see_the_same_host(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    other = host.open()
    try:
        conn.domain_suspend(domain)
        assert other.domain_get_state(domain).state == 3
        other.domain_resume(domain)
        assert conn.domain_get_state(domain).state == 1
    finally:
        other.close()


def at_once(threads: int, work: Callable[[], None]) -> None:
    """Have several threads do the same, and none fail."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result(60)


def test_one_connection_serves_several_threads(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    def work() -> None:
        for _ in range(host.rounds):
            assert conn.domain_get_info(domain).nr_virt_cpu > 0
            assert domain in conn.connect_list_all_domains()
            try:
                conn.domain_suspend(domain)
                conn.domain_resume(domain)
            except VirtError as error:
                assert error.code in (errors.INTERNAL_ERROR, errors.OPERATION_INVALID)  # another was faster

    at_once(6, work)


def test_connections_may_come_and_go_in_several_threads(host: Host, domain: DomainRef) -> None:
    def work() -> None:
        for _ in range(10):
            conn = host.open()
            assert conn.domain_lookup_by_uuid(domain.uuid) == domain
            conn.close()

    at_once(4, work)


def test_closing_may_be_repeated(host: Host) -> None:
    conn = host.open()
    assert conn.alive
    conn.close()
    conn.close()


def test_the_uri_is_the_one_opened(conn: api.Connection) -> None:
    assert conn.uri.text
    assert conn.connect_get_uri().startswith(conn.uri.scheme)


def test_shared_hosts_start_anew_after_the_last_connection(host: Host) -> None:
    if not host.fresh:
        pytest.skip("this host lasts")
    first, second = host.open(), host.open()
    first.domain_destroy(first.domain_lookup_by_name("test"))
    first.close()
    assert second.domain_lookup_by_name("test").id == -1
    second.close()
    third = host.open()
    assert third.domain_lookup_by_name("test").id == 1
    third.close()
