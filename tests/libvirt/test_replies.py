"""Daemons whose events and replies are strange: out of order, twice, endless, cut off, of another structure."""

import os
import tracemalloc

import pytest

from tests.libvirt.fake import VM, FakeDaemon, header, talking_to
from tests.live.wait import wait_until
from vsh.backends import errors, procedures
from vsh.backends.records import DomainRef
from vsh.backends.rpc import frame
from vsh.backends.rpc.codec import encode_event
from vsh.backends.rpc.frame import Message

# Events


def lifecycle(daemon: FakeDaemon, callback_id: int, detail: int) -> None:
    number = procedures.lookup("domain_event_callback_lifecycle")
    daemon.peer.event(number, encode_event("domain_event_lifecycle", callback_id, (VM, 2, detail)))


def test_events_that_outrun_their_registration_are_not_lost() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        lifecycle(daemon, 7, 1)
        lifecycle(daemon, 8, 99)
        daemon.reply(call, 7)
        lifecycle(daemon, 7, 2)

    with talking_to(answer) as (connection, daemon):
        told: list[int] = []
        connection.subscribe("domain_event_lifecycle", None, lambda event: told.append(event.detail))
        wait_until(lambda: len(told) == 2)
        lifecycle(daemon, 9, 3)  # Of a callback nobody has.
        lifecycle(daemon, 7, 4)
        daemon.flush()
        wait_until(lambda: len(told) == 3)
        assert told == [1, 2, 4]


def test_an_event_that_cannot_be_read_ends_the_connection() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        daemon.reply(call, 7)
        daemon.peer.event(procedures.lookup("domain_event_callback_lifecycle"), b"\0\0\0\7\0\0\0\1")

    with talking_to(answer) as (connection, _):
        connection.subscribe("domain_event_lifecycle", None, print)
        wait_until(lambda: not connection.alive)


def test_events_nobody_asked_for_are_ignored() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        lifecycle(daemon, 1, 1)
        daemon.peer.event(procedures.lookup("qemu_domain_monitor_event"), b"")
        daemon.reply(call, "there")

    with talking_to(answer) as (connection, _):
        assert connection.connect_get_hostname() == "there"


# Replies of the wrong type, order or length


def piece_of(call: Message, payload: bytes) -> bytes:
    return Message(call.program, 1, call.procedure, frame.REPLY, call.serial, frame.OK, payload).encode()


def test_a_reply_cut_off_by_the_end_fails_its_call_once() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        daemon.raw(piece_of(call, b"\0\0\0\5there\0\0\0")[:-6])
        daemon.hang_up()

    with talking_to(answer) as (connection, _):
        with pytest.raises(errors.VirtError, match="End of file while reading data"):
            connection.connect_get_hostname()
        assert not connection.alive


@pytest.mark.parametrize("payload", [b"\0\0\0\7", b"\0\0\0\1\0\0\0\0", bytes(400), b"\0\0\x40\0" + bytes(64)])
def test_the_reply_of_another_structure_is_an_error_of_its_call(payload: bytes) -> None:
    """A number or a list where a domain is due, and a domain's fields where a number is."""
    with talking_to(lambda daemon, call: daemon.peer.reply(call, payload)) as (connection, _):
        for ask in (connection.connect_list_all_domains, connection.node_get_info, connection.connect_get_hostname):
            try:
                ask()
            except errors.VirtError as error:
                assert error.code == errors.RPC and "Unable to decode message payload" in error.message
        with pytest.raises(errors.VirtError, match="Unable to decode"):
            connection.domain_lookup_by_name("x")
        assert connection.alive


def test_replies_in_any_order_reach_their_calls() -> None:
    held: list[Message] = []

    def answer(daemon: FakeDaemon, call: Message) -> None:
        held.append(call)
        if len(held) == 50:
            for one in reversed(held):
                daemon.reply(one, DomainRef(one.payload[4:12].decode(), bytes(16), 1))

    names = [f"{number:08}" for number in range(50)]
    with talking_to(answer) as (connection, _):
        found = connection.batch([("domain_lookup_by_name", (name,)) for name in names])
        assert [ref.name for ref in found] == names


def test_a_second_reply_is_one_to_nobody() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        daemon.raw(2 * piece_of(call, b"\0\0\0\5there\0\0\0"))

    with talking_to(answer) as (connection, _):
        try:
            assert connection.connect_get_hostname() == "there"
        except errors.VirtError as error:  # Both came at once, and the connection was given up first.
            assert "no call waiting" in error.message
        with pytest.raises(errors.VirtError, match=r"no call waiting|client socket is closed"):
            connection.connect_get_hostname()
        assert not connection.alive


def test_an_endless_message_costs_no_more_than_the_largest() -> None:
    """The largest size is announced and bytes come for ever: what is behind the message is another one, and wrong."""

    def answer(daemon: FakeDaemon, call: Message) -> None:
        daemon.raw(header(call, frame.MESSAGE_MAX))
        for _ in range(frame.MESSAGE_MAX // (1 << 20) + 64):
            daemon.raw(b"\xff" * (1 << 20))

    with talking_to(answer) as (connection, _):
        tracemalloc.start()
        try:
            with pytest.raises(errors.VirtError, match="too large"):
                connection.connect_get_hostname()
            assert tracemalloc.get_traced_memory()[1] < 4 * frame.MESSAGE_MAX
        finally:
            tracemalloc.stop()
        assert not connection.alive


def test_endless_events_do_not_starve_a_call() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        for _ in range(20000):
            lifecycle(daemon, 1, 1)
        daemon.reply(call, "there")

    with talking_to(answer) as (connection, _):
        assert connection.connect_get_hostname() == "there"


# File descriptors


def test_file_descriptors_travel_both_ways() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        if call.type == frame.CALL_WITH_FDS:
            os.write(call.fds[1], b"into the guest")
            for fd in call.fds:
                os.close(fd)
            daemon.reply(call, VM)
        else:
            daemon.peer.reply(call, b"", [write])

    read, write = os.pipe()
    with talking_to(answer) as (connection, _):
        assert connection.domain_create_with_files(VM, [read, write]) == VM
        assert os.read(read, 100) == b"into the guest"
        (fd,) = connection.domain_open_graphics_fd(VM, 0)
        assert not os.get_inheritable(fd)
        os.write(fd, b"out of it")
        os.close(fd)
        assert os.read(read, 100) == b"out of it"
    os.close(read)
    os.close(write)
