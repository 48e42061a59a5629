"""Streams: data, holes, ends and errors, readers and senders that are slow."""

import threading
import time

import pytest

from tests.libvirt.fake import VM, Answer, FakeDaemon, talking_to
from vsh.backends import errors, procedures
from vsh.backends.libvirt import stream as streams
from vsh.backends.records import StorageVolRef
from vsh.backends.rpc import frame
from vsh.backends.rpc.frame import Message

VOLUME = StorageVolRef("pool", "vol", "/key")
DOWNLOAD = procedures.lookup("storage_vol_download")


def source(*pieces: bytes | int, end: bool = True) -> Answer:
    """A daemon that answers a download with these data and holes, and agrees to its end; other calls with a text."""

    def answer(daemon: FakeDaemon, message: Message) -> None:
        if message.type == frame.STREAM:
            daemon.peer.stream(DOWNLOAD, message.serial, b"", frame.OK)
        elif message.procedure != DOWNLOAD.number:
            daemon.reply(message, "there")
        else:
            daemon.peer.reply(message, b"")
            for piece in pieces:
                if isinstance(piece, int):
                    daemon.peer.hole(DOWNLOAD, message.serial, piece)
                else:
                    daemon.peer.stream(DOWNLOAD, message.serial, piece)
            if end:
                daemon.peer.stream(DOWNLOAD, message.serial, b"")
            # On a thread of its own: a daemon takes messages while its client does not read.
            threading.Thread(target=daemon.flush, daemon=True).start()

    return answer


def test_data_holes_and_the_end_come_in_order() -> None:
    with talking_to(source(b"abcdef", 4096, b"gh")) as (connection, _):
        value, stream = connection.storage_vol_download(VOLUME, 0, 0, 1)
        assert value is None
        assert stream.recv(4) == b"abcd" and stream.recv_hole() == 0 and stream.recv(100) == b"ef"
        assert stream.recv(100) is None and stream.recv_hole() == 4096
        assert stream.recv(100) == b"gh" and stream.recv(100) == b"" and stream.recv(100) == b""
        stream.finish()
        with pytest.raises(errors.VirtError, match="stream is closed"):
            stream.recv(1)
        stream.abort()


def test_a_wait_for_data_may_time_out() -> None:
    with talking_to(source(b"a", end=False)) as (connection, _):
        _, stream = connection.storage_vol_download(VOLUME, 0, 0)
        assert stream.recv(10, timeout=5) == b"a"
        with pytest.raises(errors.VirtError) as caught:
            stream.recv(10, timeout=0.05)
        assert caught.value.code == errors.OPERATION_TIMEOUT
        stream.abort()
        assert connection.connect_get_hostname() == "there"


def test_a_refused_call_opens_no_stream() -> None:
    def answer(daemon: FakeDaemon, call: Message) -> None:
        daemon.peer.fail(call, errors.virt_error(errors.NO_STORAGE_VOL))

    with talking_to(answer) as (connection, _), pytest.raises(errors.VirtError, match="volume not found"):
        connection.storage_vol_download(VOLUME, 0, 0)


def test_the_daemons_error_is_raised_by_whoever_uses_the_stream() -> None:
    def answer(daemon: FakeDaemon, message: Message) -> None:
        if message.type == frame.STREAM:
            daemon.peer.fail(message, errors.virt_error(errors.SYSTEM_ERROR, "cannot write: No space left on device"))
        else:
            daemon.peer.reply(message, b"")

    with talking_to(answer) as (connection, _):
        _, stream = connection.storage_vol_upload(VOLUME, 0, 0)
        stream.send(b"data")
        with pytest.raises(errors.VirtError, match="No space left"):
            stream.recv(1)
        with pytest.raises(errors.VirtError, match="No space left"):
            stream.finish()
        stream.abort()
        assert connection.alive


def test_what_is_sent_arrives_in_pieces_libvirt_takes() -> None:
    got: list[tuple[int, int, bytes]] = []

    def answer(daemon: FakeDaemon, message: Message) -> None:
        if message.type in (frame.STREAM, frame.STREAM_HOLE):
            got.append((message.type, message.status, message.payload))
            if message.status == frame.OK:
                daemon.peer.stream(procedures.lookup("storage_vol_upload"), message.serial, b"", frame.OK)
        else:
            daemon.peer.reply(message, b"")

    data = bytes(range(256)) * 20000
    with talking_to(answer) as (connection, _):
        _, stream = connection.storage_vol_upload(VOLUME, 0, 0)
        stream.send(data)
        stream.send_hole(512)
        stream.finish(timeout=10)
    assert b"".join(payload for kind, _, payload in got if kind == frame.STREAM) == data
    assert max(len(payload) for _, _, payload in got) <= 262120
    assert got[-2][2] == (512).to_bytes(8, "big") + bytes(4) and got[-1][1] == frame.OK


def test_a_sender_waits_for_a_slow_daemon() -> None:
    go = threading.Event()

    def answer(daemon: FakeDaemon, message: Message) -> None:
        if message.type == frame.STREAM:
            go.wait(10)
        else:
            daemon.peer.reply(message, b"")

    with talking_to(answer) as (connection, _):
        _, stream = connection.storage_vol_upload(VOLUME, 0, 0)
        with pytest.raises(errors.VirtError) as caught:
            stream.send(bytes(32 << 20), timeout=0.3)
        assert caught.value.code == errors.OPERATION_TIMEOUT
        assert connection._channel.unsent <= 2 * streams.UNSENT
        go.set()


PIECE = bytes(streams.PIECE)


def test_a_slow_reader_stops_the_daemon_but_not_the_calls() -> None:
    count = 3 * streams.FULL // len(PIECE)
    with talking_to(source(*[PIECE] * count)) as (connection, _):
        _, stream = connection.storage_vol_download(VOLUME, 0, 0)
        time.sleep(0.5)
        assert streams.FULL <= stream._size < streams.FULL + (2 << 20)
        assert connection.connect_get_hostname() == "there"  # Has to read all that lies before its reply.
        total = 0
        while data := stream.recv(1 << 20):
            total += len(data)
        assert total == count * len(PIECE)
        stream.finish()


def test_a_reader_that_never_reads_loses_its_stream_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIMIT", 12 << 20)
    with talking_to(source(*[PIECE] * 60)) as (connection, _):
        _, stream = connection.storage_vol_download(VOLUME, 0, 0)
        assert connection.connect_get_hostname() == "there"
        with pytest.raises(errors.VirtError, match="stream aborted: 12 MiB came and were not read"):
            stream.recv(1)
        assert connection.connect_get_hostname() == "there"


def test_streams_end_with_their_connection() -> None:
    with talking_to(source(end=False)) as (connection, daemon):
        _, stream = connection.storage_vol_download(VOLUME, 0, 0)
        threading.Timer(0.1, daemon.hang_up).start()
        with pytest.raises(errors.VirtError, match="End of file while reading data"):
            stream.recv(10)
        stream.abort()


def test_data_for_a_stream_that_is_gone_are_ignored() -> None:
    def answer(daemon: FakeDaemon, message: Message) -> None:
        daemon.peer.stream(DOWNLOAD, 12345, b"late")
        daemon.reply(message, "there")

    with talking_to(answer) as (connection, _):
        assert connection.connect_get_hostname() == "there"


def test_one_thread_receives_while_another_sends() -> None:
    def echo(daemon: FakeDaemon, message: Message) -> None:
        if message.type == frame.STREAM:
            daemon.peer.stream(console, message.serial, message.payload, message.status)
        else:
            daemon.peer.reply(message, b"")

    console = procedures.lookup("domain_open_console")
    with talking_to(echo) as (connection, _):
        _, stream = connection.domain_open_console(VM, None)
        text = b"typed " * 5000
        sender = threading.Thread(target=lambda: [stream.send(text[at : at + 60]) for at in range(0, len(text), 60)])
        sender.start()
        got = b""
        while len(got) < len(text):
            got += stream.recv(4096, timeout=5) or b""
        sender.join()
        stream.abort()
        assert got == text
