"""Messages: two peers that talk, bytes that arrive in any pieces, and peers that break the protocol."""

import os
import random
import struct

import pytest

from vsh.backends import errors, procedures
from vsh.backends.rpc import frame
from vsh.backends.rpc.codec import codec, decode_error
from vsh.backends.rpc.frame import Framer, Message
from vsh.backends.rpc.keepalive import Keepalive
from vsh.backends.rpc.peer import Peer

STATE = procedures.lookup("domain_get_state")
#: A reply to AUTH_LIST (66) with serial 5 that says: none.
REPLY = bytes.fromhex("00000024 20008086 00000001 00000042 00000001 00000005 00000000 00000001 00000000")


def sent(peer: Peer) -> bytes:
    data = b"".join(piece for piece in peer.out if isinstance(piece, bytes))
    peer.out.clear()
    return data


def test_a_call_is_a_length_a_header_and_the_payload() -> None:
    peer = Peer()
    peer.call(procedures.lookup("auth_list"), 5, b"")
    peer.call(procedures.lookup("qemu_domain_attach"), 6, b"\0\0\0\1")
    first = "0000001c 20008086 00000001 00000042 00000000 00000005 00000000"
    second = "00000020 20008087 00000001 00000002 00000000 00000006 00000000 00000001"
    assert sent(peer) == bytes.fromhex(first + second)


def test_a_reply_is_read() -> None:
    (message,) = Peer().receive(REPLY)
    assert (message.type, message.serial, message.procedure, message.status) == (frame.REPLY, 5, 66, frame.OK)
    assert codec(procedures.lookup("auth_list")).decode_results(message.payload) == [0]


@pytest.mark.parametrize("seed", range(5))
def test_bytes_may_arrive_in_any_pieces(seed: int) -> None:
    dice = random.Random(seed)
    data = b"".join(Message(1, 1, 1, frame.REPLY, n, 0, bytes(dice.randrange(50) * 4)).encode() for n in range(40))
    framer, found = Framer(), []
    while data:
        size = dice.choice((1, 2, 27, 200))
        found += framer.feed(data[:size])
        data = data[size:]
    assert [message.serial for message in found] == list(range(40))


def test_client_and_server_are_one_class() -> None:
    client, server = Peer(), Peer()
    client.call(STATE, client.next_serial(), b"args")
    client.call(STATE, client.next_serial(), b"more")
    one, two = server.receive(sent(client))
    server.fail(two, errors.virt_error(errors.NO_DOMAIN, "vm"))
    server.reply(one, b"done")
    server.event(procedures.lookup("domain_event_lifecycle"), b"news")
    failed, done, news = client.receive(sent(server))
    assert decode_error(failed.payload).message == "Domain not found: vm" and failed.serial == 1
    assert (done.serial, done.payload) == (0, b"done")
    assert (news.type, news.payload) == (frame.EVENT, b"news")


def test_streams_carry_data_holes_their_end_and_errors() -> None:
    client, server = Peer(), Peer()
    console = procedures.lookup("domain_open_console")
    server.stream(console, 3, b"data")
    server.hole(console, 3, 4096)
    server.stream(console, 3, b"")
    server.stream(console, 3, b"", frame.OK)
    data, hole, end, agreed = client.receive(sent(server))
    assert (data.type, data.status, data.payload) == (frame.STREAM, frame.CONTINUE, b"data")
    assert (hole.type, hole.payload) == (frame.STREAM_HOLE, (4096).to_bytes(8, "big") + bytes(4))
    assert (end.status, agreed.status) == (frame.CONTINUE, frame.OK)
    client.fail(data, errors.virt_error(errors.OPERATION_FAILED))
    assert server.receive(sent(client))[0].type == frame.STREAM


def test_keepalive_requests_are_answered() -> None:
    client, server = Peer(), Peer()
    server.ping()
    assert client.receive(sent(server)) == []
    answer = sent(client)
    assert answer == bytes.fromhex("0000001c 6b656570 00000001 00000002 00000002 00000000 00000000")
    assert server.receive(answer) == [] and not server.out


def test_silence_is_death_after_so_many_requests() -> None:
    keepalive = Keepalive(5, 2, now=100)
    assert keepalive.tick(104.9) is None
    assert keepalive.tick(105) is True and keepalive.tick(105) is None
    assert keepalive.tick(110) is True and keepalive.tick(115) is False
    keepalive.heard(115)
    assert keepalive.due == 120 and keepalive.tick(120) is True


def test_file_descriptors_belong_to_their_message() -> None:
    read, write = os.pipe()
    peer = Peer()
    peer.call(procedures.lookup("domain_create_with_files"), 1, b"args", [write, write])
    head, *duplicates = peer.out
    assert isinstance(head, bytes) and len(duplicates) == 2 and write not in duplicates
    framer = Framer()
    assert framer.feed(head) == []
    assert framer.feed(b"\0", [7]) == []
    (message,) = framer.feed(b"\0" + REPLY[:8], [8])
    assert (message.fds, message.payload) == ([7, 8], b"args")
    assert [m.serial for m in framer.feed(REPLY[8:])] == [5]
    peer.close()
    os.close(write)
    assert os.read(read, 1) == b""  # The duplicates are closed too.
    os.close(read)


def header(size: int, kind: int = frame.REPLY) -> bytes:
    return struct.pack(">IIIiIII", size, 0x20008086, 1, 66, kind, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(header(27), id="shorter than a header"),
        pytest.param(header(0), id="no length"),
        pytest.param(header(33554432 + 5), id="too long"),
        pytest.param(header(2**32 - 1), id="4 GiB"),
        pytest.param(header(28, frame.REPLY_WITH_FDS), id="no number of file descriptors"),
        pytest.param(header(32, frame.REPLY_WITH_FDS) + b"\0\0\0\x21", id="33 file descriptors"),
    ],
)
def test_broken_messages_are_refused_at_once(data: bytes) -> None:
    with pytest.raises(errors.VirtError) as caught:
        Peer().receive(data)
    assert caught.value.code == errors.RPC


def test_file_descriptors_without_messages_are_refused() -> None:
    with pytest.raises(errors.VirtError):
        Peer().receive(REPLY, list(range(1000, 1065)))


def test_the_longest_message_passes_and_a_longer_one_is_not_sent() -> None:
    longest = Message(1, 1, 1, frame.REPLY, 0, 0, bytes(33554432 - 24))
    assert len(Framer().feed(longest.encode())[0].payload) == 33554408
    longest.payload += b"\0"
    with pytest.raises(errors.VirtError, match="do not fit"):
        longest.encode()


def test_noise_never_raises_anything_else() -> None:
    dice = random.Random(3)
    for _ in range(300):
        framer = Framer()
        try:
            for _ in range(5):
                framer.feed(dice.randbytes(3) + header(dice.randrange(20, 60), dice.randrange(9)) + dice.randbytes(40))
        except errors.VirtError as error:
            assert error.code == errors.RPC
