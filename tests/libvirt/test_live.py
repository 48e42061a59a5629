"""The client against libvirt's own daemon: its test driver and QEMU guests."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live.guest import BOOT_SECTOR_LINE, Guests
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.nursery import NOBODY
from tests.live.proxy import DelayProxy
from tests.live.wait import wait_until
from vsh.backends import driver, errors, procedures, registry
from vsh.backends.records import DomainRef

DOMAIN = "<domain type='test'><name>{}</name><memory>65536</memory><os><type>hvm</type></os></domain>"
RUNNING, SHUTOFF = 1, 5


@pytest.fixture(params=["unix", "tcp"])
def connection(request: pytest.FixtureRequest, libvirtd: Libvirtd) -> Iterator[driver.Connection]:
    """libvirt's test driver, which starts anew with each connection that finds none."""
    connection = registry.open(libvirtd.uri("test", request.param))
    yield connection
    connection.close()


def test_calls_of_all_shapes(connection: driver.Connection) -> None:
    assert connection.connect_get_type() == "TEST"
    (ref,) = connection.connect_list_all_domains()
    assert ref.name == "test" and ref.id == 1 and len(ref.uuid) == 16
    assert tuple(connection.domain_get_state(dom=ref)) == (RUNNING, 0)
    assert connection.domain_get_info(ref).nr_virt_cpu == 2
    assert connection.domain_lookup_by_uuid(ref.uuid) == ref
    assert connection.node_get_info().model == "i686"
    assert connection.domain_get_scheduler_parameters(ref)["weight"] == 50
    assert connection.connect_list_domains() == [1]
    assert connection.domain_suspend(ref) is None
    assert connection.domain_get_state(ref).state == 3
    assert connection.supports("domain_get_state") is None and connection.supports("domain_dance") is False


def test_errors_are_the_daemons(connection: driver.Connection) -> None:
    with pytest.raises(errors.VirtError, match=r"^Domain not found$") as caught:
        connection.domain_lookup_by_name("nope")
    assert (caught.value.code, caught.value.domain) == (errors.NO_DOMAIN, 12)
    with pytest.raises(errors.VirtError, match="this function is not supported by the connection driver"):
        connection.node_get_sev_info()


def test_wrong_arguments_are_the_callers_mistake(connection: driver.Connection) -> None:
    for wrong in ({}, {"name": "a", "color": 1}):
        with pytest.raises(TypeError, match="domain_lookup_by_name"):
            connection.domain_lookup_by_name(**wrong)
    with pytest.raises(TypeError, match="takes 1"):
        connection.domain_lookup_by_name("a", "b")
    with pytest.raises(AttributeError):
        connection.domain_dance  # noqa: B018


def test_a_domain_lives_and_its_events_are_seen(connection: driver.Connection) -> None:
    told: list[tuple[str, int, int]] = []
    mine: list[str] = []
    ref = connection.domain_define_xml(DOMAIN.format("one"))
    (other,) = (r for r in connection.connect_list_all_domains() if r.name == "test")
    everybody = connection.subscribe("domain_event_lifecycle", None, lambda e: told.append((e.dom.name, *e[1:])))
    connection.subscribe("domain_event_lifecycle", other, lambda e: mine.append(e.dom.name))
    connection.domain_create(ref)
    connection.domain_suspend(other)
    connection.domain_destroy(ref)
    wait_until(lambda: len(told) == 3)
    assert told == [("one", 2, 0), ("test", 3, 0), ("one", 5, 1)] and mine == ["test"]
    everybody.close()
    everybody.close()
    connection.domain_undefine(ref)
    connection.domain_resume(other)
    wait_until(lambda: len(mine) == 2)
    assert len(told) == 3


@pytest.mark.parametrize(
    ("family", "act"),
    [
        ("network", lambda c: c.network_destroy(c.network_lookup_by_name("default"))),
        ("storage_pool", lambda c: c.storage_pool_destroy(c.storage_pool_lookup_by_name("default-pool"))),
        ("node_device", lambda c: c.node_device_destroy("scsi_host1")),
    ],
)
def test_events_of_other_objects(
    connection: driver.Connection, family: str, act: Callable[[driver.Connection], None]
) -> None:
    told: list[tuple[object, ...]] = []
    connection.subscribe(f"{family}_event_lifecycle", None, told.append)
    act(connection)
    wait_until(lambda: told)


def test_a_thousand_calls_in_one_batch(connection: driver.Connection) -> None:
    refs = connection.connect_list_all_domains()
    nobody = DomainRef("nobody", bytes(16), -1)
    calls = [("domain_get_state", (refs[0], 0)), ("domain_get_state", (nobody,)), ("connect_get_type", ())] * 334
    results = connection.batch(calls)
    assert len(results) == 1002
    assert all(tuple(state) == (RUNNING, 0) for state in results[::3])
    assert all(isinstance(error, errors.VirtError) and error.code == errors.NO_DOMAIN for error in results[1::3])
    assert set(results[2::3]) == {"TEST"}
    assert connection.batch([]) == []


def test_a_batch_larger_than_all_buffers(connection: driver.Connection) -> None:
    (ref,) = connection.connect_list_all_domains()
    xml = connection.domain_get_xml_desc(ref)
    assert connection.batch([("domain_get_xml_desc", (ref, 0))] * 3000) == [xml] * 3000
    text = xml.replace("<memory", f"<description>{'x' * 200000}</description><memory")
    assert connection.batch([("domain_define_xml_flags", (text, 0))] * 100) == [ref] * 100


def test_open_list_states_and_close_are_a_round_trip_each(libvirtd: Libvirtd) -> None:
    before = len(libvirtd.log())
    with DelayProxy(("127.0.0.1", libvirtd.port), rtt=0.3) as proxy:
        connection = registry.open(libvirtd.uri_at(proxy.address, "test"))
        refs = connection.connect_list_all_domains()
        connection.batch([("domain_get_state", (ref, 0)) for ref in refs * 200])
        connection.close()
        assert proxy.turns == 4
    assert "End of file" not in libvirtd.log()[before:]  # What daemons log when a client goes without a word.


def test_threads_share_a_connection(connection: driver.Connection) -> None:
    refs = [connection.domain_define_xml(DOMAIN.format(f"t{n}")) for n in range(6)]

    def work(ref: DomainRef) -> bool:
        for _ in range(40):
            connection.domain_create(ref)
            running = connection.domain_get_state(ref).state == RUNNING
            same = connection.domain_lookup_by_name(ref.name) == ref
            connection.domain_destroy(ref)
            if not (running and same and connection.domain_get_state(ref).state == SHUTOFF):
                return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, refs))


def test_a_readonly_connection_is_readonly_at_the_far_end(libvirtd: Libvirtd) -> None:
    connection = registry.open(libvirtd.uri("test"), readonly=True)
    (ref,) = connection.connect_list_all_domains()
    with pytest.raises(errors.VirtError, match="read only access prevents virDomainDestroy"):
        connection.domain_destroy(ref)
    connection.close()


def test_keepalive_requests_of_the_daemon_are_answered(libvirtd: Libvirtd) -> None:
    connection = registry.open(libvirtd.uri("test"))
    connection.set_keepalive(1, 1)
    connection.start_background()
    time.sleep(2.5)  # Two of our requests, each of which would otherwise have ended the connection.
    assert connection.alive and connection.connect_get_type() == "TEST"
    connection.close()


def test_a_killed_daemon(new_libvirtd: Callable[[], Libvirtd]) -> None:
    daemon = new_libvirtd()
    connection = registry.open(daemon.uri("test"))
    reasons: list[str] = []
    connection.on_close(reasons.append)
    os.kill(daemon.pid, 19)  # Stopped: calls wait.
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(connection.connect_get_type) for _ in range(4)]
        time.sleep(0.1)
        daemon.kill()
        texts = {str(call.exception(10)) for call in calls}
    assert texts <= {
        "End of file while reading data: Input/output error",
        "Cannot recv data: Connection reset by peer",
    }
    assert len(reasons) == 1 and not connection.alive
    connection.close()


# Guests


@pytest.fixture(scope="module")
def guests(libvirtd: Libvirtd) -> Guests:
    need("qemu-system-x86_64")
    return Guests(libvirtd.directory)


@pytest.fixture
def guest(libvirtd: Libvirtd, guests: Guests) -> Iterator[tuple[driver.Connection, DomainRef]]:
    connection = registry.open(libvirtd.uri("qemu"))
    ref = connection.domain_create_xml(guests.boot_sector("rpc"), 1)  # PAUSED
    yield connection, ref
    try:
        connection.domain_destroy(ref)
    except errors.VirtError:
        pass
    connection.close()


def test_every_question_about_a_guest_is_understood(guest: tuple[driver.Connection, DomainRef]) -> None:
    """All calls that change nothing and want no more than the domain: a value or the daemon's own refusal."""
    connection, ref = guest
    answered = set()
    for name in (n for group in ("connect", "domain", "node") for n in procedures.table(group)):
        procedure = procedures.lookup(name)
        names = [field.name for field in procedure.parameters if field.name != "flags"]
        asks = not (procedure.readonly or procedure.event or procedure.stream or procedure.files)
        if asks and names in ([], ["dom"]) and "register" not in name and hasattr(connection, name):
            try:
                getattr(connection, name)(*[ref] * len(names))
                answered.add(name)
            except errors.VirtError as error:
                assert error.code != errors.RPC or "unknown procedure" in str(error), f"{name}: {error}"
    assert len(answered) > 55, sorted(answered)
    assert {"domain_get_vcpus", "domain_get_blkio_parameters", "node_get_cpu_map"} & answered


def test_questions_that_the_wire_asks_differently(guest: tuple[driver.Connection, DomainRef]) -> None:
    connection, ref = guest
    info, maps = connection.domain_get_vcpus(ref)
    assert len(info) == 1 and info[0].number == 0 and len(maps) == 256 and maps[0] & 1
    maps, count = connection.domain_get_vcpu_pin_info(ref)
    assert count == 1 and len(maps) == 256
    stats = connection.node_get_cpu_stats(-1)
    assert {"kernel", "user", "idle", "iowait"} <= {stat.field for stat in stats}
    assert "total" in {stat.field for stat in connection.node_get_memory_stats(-1)}
    assert connection.batch([("node_get_cpu_stats", (-1, 0))])[0][0].field == stats[0].field


def test_a_console_is_read_and_typed_into(guest: tuple[driver.Connection, DomainRef]) -> None:
    connection, ref = guest
    value, stream = connection.domain_open_console(ref, None)
    assert value is None
    connection.domain_resume(ref)
    screen = b""
    while BOOT_SECTOR_LINE.encode() not in screen:
        screen += stream.recv(1024, timeout=40) or b""
    stream.send(b"hello")
    while b"hello" not in screen:
        screen += stream.recv(1024, timeout=40) or b""
    with pytest.raises(errors.VirtError, match="Active console session exists for this domain"):
        connection.domain_open_console(ref, None)
    stream.abort()
    _, again = connection.domain_open_console(ref, None)
    connection.domain_destroy(ref)
    while again.recv(1024, timeout=40):  # What the guest printed, then the end.
        pass
    again.abort()


def test_a_blocking_call_is_aborted_from_another_thread(
    guest: tuple[driver.Connection, DomainRef], libvirtd: Libvirtd
) -> None:
    connection, ref = guest
    connection.domain_resume(ref)
    fifo = Path(libvirtd.directory) / "fifo"
    os.mkfifo(fifo)
    if os.geteuid() == 0:
        os.chown(fifo, NOBODY, NOBODY)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # Never read: writing the image gets stuck.
    try:
        with ThreadPoolExecutor(1) as pool:
            saving = pool.submit(connection.domain_save, ref, str(fifo))
            wait_until(lambda: connection.domain_get_job_stats(ref).type)
            assert not saving.done()
            threading.Timer(0.3, os.close, (reader,)).start()
            connection.domain_abort_job(ref)
            assert isinstance(saving.exception(20), errors.VirtError)
    finally:
        fifo.unlink()
    assert connection.domain_get_state(ref).state == RUNNING
