"""Fixtures of the suite: a host for each driver, a connection to it, a domain on it."""

import time
from collections.abc import Iterator

import pytest

from tests.conformance.hosts import HOSTS, Host
from tests.live.fresh import untouched
from vsh.backends import api
from vsh.backends.errors import VirtError
from vsh.backends.records import DomainRef


@pytest.fixture(scope="session", params=sorted(HOSTS))
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with HOSTS[request.param]() as host:
        yield host


@pytest.fixture
def conn(host: Host) -> Iterator[api.Connection]:
    connection = host.open()
    deadline = time.monotonic() + 10
    # A daemon lets go of the host of the test before a moment after its last connection was closed.
    while host.fresh and not untouched(connection) and time.monotonic() < deadline:
        connection.close()
        connection = host.open()
    yield connection
    connection.close()


@pytest.fixture
def domain(host: Host, conn: api.Connection) -> Iterator[DomainRef]:
    """A running domain."""
    if host.fresh:
        yield conn.domain_lookup_by_name("test")
        return
    made = conn.domain_define_xml(host.domain_xml.replace("{name}", "vsh-conformance"))
    conn.domain_create(made)
    yield conn.domain_lookup_by_uuid(made.uuid)
    for undo in (conn.domain_destroy, conn.domain_undefine):
        try:
            undo(made)
        except VirtError:
            pass  # the test did it
