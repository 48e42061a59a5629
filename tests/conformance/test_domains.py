"""What calls about one domain promise each other: what is set can be got, what is made is listed."""

import pytest

from tests.conformance.hosts import Host
from vsh.backends import api
from vsh.backends.errors import ARGUMENT_UNSUPPORTED, NO_DOMAIN_CHECKPOINT, NO_DOMAIN_SNAPSHOT, VirtError
from vsh.backends.params import UINT, ULLONG, TypedParams
from vsh.backends.records import DomainRef


def needs(host: Host, conn: api.Connection, call: str) -> None:
    """Skips a test of a call that the driver lacks, or on a host that lasts and whose bare domain has too little."""
    if conn.supports(call) is False or not host.fresh:
        pytest.skip("this host cannot or must not do it")


def test_snapshots_form_a_tree(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    needs(host, conn, "domain_snapshot_create_xml")
    first, second = (
        conn.domain_snapshot_create_xml(domain, f"<domainsnapshot><name>{name}</name></domainsnapshot>", 0)
        for name in "ab"
    )
    assert set(conn.domain_list_all_snapshots(domain, 0)) == {first, second}
    assert conn.domain_list_all_snapshots(domain, 1) == [first]
    assert conn.domain_snapshot_get_parent(second) == first
    assert conn.domain_snapshot_list_all_children(first, 0) == [second]
    assert conn.domain_snapshot_current(domain) == second
    assert "<name>b</name>" in conn.domain_snapshot_get_xml_desc(second, 0)
    conn.domain_snapshot_delete(first, 0)
    assert conn.domain_list_all_snapshots(domain, 1) == [second]
    with pytest.raises(VirtError) as refused:
        conn.domain_snapshot_get_xml_desc(first, 0)
    assert refused.value.code == NO_DOMAIN_SNAPSHOT


def test_checkpoints_form_a_line(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    needs(host, conn, "domain_checkpoint_create_xml")
    first, second = (
        conn.domain_checkpoint_create_xml(domain, f"<domaincheckpoint><name>{name}</name></domaincheckpoint>", 0)
        for name in "ab"
    )
    assert set(conn.domain_list_all_checkpoints(domain, 0)) == {first, second}
    assert conn.domain_checkpoint_get_parent(second) == first
    assert conn.domain_checkpoint_list_all_children(first, 0) == [second]
    conn.domain_checkpoint_delete(first, 1)
    assert conn.domain_list_all_checkpoints(domain, 0) == []
    with pytest.raises(VirtError) as refused:
        conn.domain_checkpoint_lookup_by_name(domain, "a", 0)
    assert refused.value.code == NO_DOMAIN_CHECKPOINT


def test_limits_are_kept(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    needs(host, conn, "domain_set_memory_parameters")
    conn.domain_set_memory_parameters(domain, TypedParams([("soft_limit", ULLONG, 5000)]), 1)
    assert conn.domain_get_memory_parameters(domain, 1)["soft_limit"] == 5000
    assert conn.domain_get_memory_parameters(domain, 2)["soft_limit"] != 5000
    with pytest.raises(VirtError) as refused:
        conn.domain_set_memory_parameters(domain, TypedParams([("nothing", ULLONG, 5000)]), 1)
    assert refused.value.code == ARGUMENT_UNSUPPORTED


def test_pins_are_kept(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    needs(host, conn, "domain_pin_emulator")
    conn.domain_pin_emulator(domain, b"\x02", 1)
    assert conn.domain_get_emulator_pin_info(domain, 1).cpumaps.rstrip(b"\0") == b"\x02"


def test_threads_come_and_go(host: Host, conn: api.Connection, domain: DomainRef) -> None:
    needs(host, conn, "domain_add_iothread")
    conn.domain_add_iothread(domain, 7, 1)
    assert [thread.iothread_id for thread in conn.domain_get_iothread_info(domain, 1)] == [7]
    conn.domain_set_iothread_params(domain, 7, TypedParams([("poll_grow", UINT, 9)]), 1)
    [record] = conn.connect_get_all_domain_stats([domain], 128, 0)
    assert record.params["iothread.7.poll-grow"] == 9
    conn.domain_del_iothread(domain, 7, 1)
    assert conn.domain_get_iothread_info(domain, 1) == []
