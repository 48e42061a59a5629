"""Daemons that break the protocol, fall silent or die: one clear error each, and nothing hangs."""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.libvirt.fake import VM, FakeDaemon, header, silent, talking_to
from tests.live.wait import wait_until
from vsh.backends import errors, procedures, registry
from vsh.backends.records import DomainRef
from vsh.backends.rpc.frame import Message


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param(lambda c: b"\0\0\0\x1b" + bytes(40), "too small", id="shorter than a header"),
        pytest.param(lambda c: b"\xff\xff\xff\xff" + bytes(40), "too large", id="4 GiB"),
        pytest.param(lambda c: header(c, 28, serial=999), "no call waiting", id="reply to nobody"),
        pytest.param(lambda c: header(c, 28, procedure=1), "no call waiting", id="reply to another procedure"),
        pytest.param(lambda c: header(c, 28, program=7), "no call waiting", id="reply of another program"),
        pytest.param(lambda c: header(c, 28, type=0), "unexpected RPC call", id="a call"),
        pytest.param(lambda c: header(c, 28, type=77), "unexpected RPC call", id="no such type"),
        pytest.param(lambda c: header(c, 32, type=5) + b"\0\0\0\xff", "too many FDs", id="255 file descriptors"),
    ],
)
def test_a_broken_protocol_ends_the_connection(wrong: Callable[[Message], bytes], says: str) -> None:
    with talking_to(lambda daemon, call: daemon.raw(wrong(call))) as (connection, _):
        with pytest.raises(errors.VirtError, match=says) as caught:
            connection.connect_get_hostname()
        assert caught.value.code == errors.RPC and not connection.alive
        with pytest.raises(errors.VirtError, match="internal error: client socket is closed"):
            connection.connect_get_hostname()


@pytest.mark.parametrize("payload", [b"", b"\0\0\0\xff", b"\0\0\0\1abcdefgh"])
def test_a_malformed_reply_fails_its_call_alone(payload: bytes) -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        if call.procedure == procedures.lookup("connect_get_hostname").number:
            daemon.peer.reply(call, payload)
        else:
            daemon.reply(call, "QEMU")

    with talking_to(answer) as (connection, _):
        with pytest.raises(errors.VirtError, match="Unable to decode message payload"):
            connection.connect_get_hostname()
        assert connection.connect_get_type() == "QEMU"


def test_a_malformed_error_is_an_error() -> None:
    with talking_to(lambda daemon, call: daemon.raw(header(call, 32, status=1) + b"\0\0\0\1")) as (connection, _):
        with pytest.raises(errors.VirtError, match="Unable to decode message payload"):
            connection.connect_get_hostname()
        assert connection.alive


def test_a_slow_daemon_is_waited_for() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        for byte in Message(call.program, 1, call.procedure, 1, call.serial, 0, b"\0\0\0\5there\0\0\0").encode():
            daemon.raw(bytes([byte]))
            time.sleep(0.002)

    with talking_to(answer) as (connection, _):
        assert connection.connect_get_hostname() == "there"


def test_nonsense_before_the_greeting_is_an_error() -> None:
    def run() -> None:
        client = daemon._listener.accept()[0]
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100))
        client.close()

    daemon = FakeDaemon(silent)
    with daemon:
        registry.open(daemon.uri).close()  # Uses up the one client it serves.
        threading.Thread(target=run, daemon=True).start()
        with pytest.raises(errors.VirtError, match="too large"):
            registry.open(daemon.uri)


# Death


@pytest.mark.parametrize("background", [False, True])
def test_death_is_told_to_every_call_in_flight(background: bool) -> None:
    with talking_to(silent) as (connection, daemon):
        reasons: list[str] = []
        connection.on_close(reasons.append)
        if background:
            connection.start_background()
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(connection.domain_get_info, VM) for _ in range(8)]
            wait_until(lambda: daemon.seen.count("domain_get_info") == 8)
            daemon.hang_up()
            failures = [call.exception(10) for call in calls]
        for failure in failures:
            assert isinstance(failure, errors.VirtError) and failure.code == errors.SYSTEM_ERROR
            assert failure.message == "End of file while reading data: Input/output error"
        assert reasons == ["end of file"] and not connection.alive


def test_death_is_noticed_while_nobody_calls() -> None:
    with talking_to(silent) as (connection, daemon):
        gone = threading.Event()
        connection.on_close(lambda reason: gone.set())
        connection.start_background()
        daemon.hang_up()
        assert gone.wait(5) and not connection.alive


def test_closing_is_no_loss() -> None:
    with talking_to(silent) as (connection, _):
        reasons: list[str] = []
        connection.on_close(reasons.append)
        connection.start_background()
        connection.close()
        connection.close()
        time.sleep(0.05)
        assert reasons == []


@pytest.mark.parametrize("background", [False, True])
def test_a_daemon_that_does_not_answer_keepalive_is_given_up(background: bool) -> None:
    def freeze(daemon: FakeDaemon, call: Message) -> None:
        time.sleep(1.5)

    with talking_to(freeze) as (connection, _):
        reasons: list[str] = []
        connection.on_close(reasons.append)
        connection.set_keepalive(0.1, 2)  # type: ignore[arg-type]
        if background:
            connection.start_background()
        with pytest.raises(errors.VirtError, match="connection closed due to keepalive timeout"):
            connection.connect_get_hostname()
        assert reasons == ["keepalive timeout"]


def test_a_busy_daemon_that_answers_keepalive_is_waited_for() -> None:
    def later(daemon: FakeDaemon, call: Message) -> None:
        threading.Timer(0.7, daemon.reply, (call, "there")).start()

    with talking_to(later) as (connection, _):
        connection.set_keepalive(0.1, 2)  # type: ignore[arg-type]
        assert connection.connect_get_hostname() == "there"


# Interrupts


@pytest.mark.parametrize("background", [False, True])
def test_an_interrupted_call_leaves_the_connection_usable(background: bool) -> None:
    def press_ctrl_c() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def answer(daemon: FakeDaemon, call: Message) -> None:
        if daemon.seen.count("connect_get_hostname") == 1:
            threading.Timer(0.1, press_ctrl_c).start()
            threading.Timer(0.3, daemon.reply, (call, "too late")).start()
        else:
            daemon.reply(call, "in time")

    with talking_to(answer) as (connection, daemon):
        if background:
            connection.start_background()
        with pytest.raises(KeyboardInterrupt):
            connection.connect_get_hostname()
        assert connection.connect_get_hostname() == "in time"
        time.sleep(0.3)
        assert connection.connect_get_hostname() == "in time" and connection.alive
        assert daemon.seen.count("connect_get_hostname") == 3


def test_another_thread_calls_while_one_waits() -> None:
    held: list[Message] = []

    def answer(daemon: FakeDaemon, call: Message) -> None:
        if daemon.seen[-1] == "domain_abort_job":
            daemon.peer.reply(call, b"")
            daemon.peer.fail(held[0], errors.virt_error(errors.OPERATION_ABORTED, "migration out job: canceled"))
        else:
            held.append(call)

    with talking_to(answer) as (connection, _), ThreadPoolExecutor(1) as pool:
        long = pool.submit(connection.domain_save, VM, "/file")
        wait_until(lambda: held)
        connection.domain_abort_job(VM)
        assert isinstance(failure := long.exception(5), errors.VirtError)
        assert failure.message == "operation aborted: migration out job: canceled"


def test_threads_do_not_get_each_others_replies() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        daemon.reply(call, DomainRef(call.payload[4:12].decode(), bytes(16), 1))

    def look(first: int) -> bool:
        names = [f"{n:08}" for n in range(first, first + 200)]
        return [connection.domain_lookup_by_name(name).name for name in names] == names

    with talking_to(answer) as (connection, _), ThreadPoolExecutor(6) as pool:
        assert all(pool.map(look, range(0, 6000, 1000)))
