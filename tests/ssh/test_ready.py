"""Sessions that the agent opens ahead: each is as its client would have opened it, and that client's alone."""

import _socket
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.libvirt.fake import FakeDaemon, hostname
from tests.live.libvirtd import Libvirtd
from tests.live.wait import wait_until
from tests.ssh.conftest import Person
from vsh.backends import errors, procedures, registry
from vsh.backends.libvirt.channel import Channel
from vsh.backends.libvirt.transport import SocketTransport
from vsh.backends.rpc.codec import codec
from vsh.backends.ssh import warm
from vsh.backends.uri import Uri

DOMAIN = "<domain type='qemu'><name>{}</name><memory>8192</memory><os><type>hvm</type></os></domain>"


@pytest.fixture
def person(person: Person, libvirtd: Libvirtd, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Who manages QEMU; this process talks to their agent, too."""
    person.uri = person.through(person.sshd.port, libvirtd, "qemu", "/session")
    for name, value in person.env.items():
        monkeypatch.setenv(name, value)
    return person


def ask(stream: _socket.socket, name: str, *args: object) -> object:
    """A call on a session that was opened already, which ends with it. Raises VirtError."""
    procedure = procedures.lookup(name)
    wire = codec(procedure)
    channel = Channel(SocketTransport(stream, local=False))
    try:
        return wire.decode_results(channel.wait(channel.submit(procedure, wire.encode_args(args)), 5.0).payload)
    finally:
        channel.close()


def waiting(person: Person, readonly: bool = False) -> _socket.socket | None:
    """The session that the agent gives to the next client."""
    link = warm.connect(Uri(person.uri), None)
    assert isinstance(link, warm.WarmLink)
    try:
        return link.open_ready(readonly)
    finally:
        link.close()


def soon(person: Person, readonly: bool = False) -> _socket.socket:
    found: list[_socket.socket | None] = []

    def there() -> bool:
        found.append(waiting(person, readonly))
        return found[-1] is not None

    wait_until(there)
    stream = found[-1]
    assert stream is not None
    return stream


def lists(person: Person, *options: str) -> None:
    run = person.vsh(*options, "-c", person.uri, "list --all --name")
    assert run.status == 0, run.stderr


def test_one_waits_from_the_first_use_on_and_each_is_given_once(person: Person) -> None:
    assert waiting(person) is None
    lists(person)
    first, second = soon(person), soon(person)
    assert first.fileno() != second.fileno()
    for stream in (first, second):
        assert ask(stream, "connect_get_type") == "QEMU"
    for _ in range(3):
        soon(person).close()  # whoever uses none does not spoil the next
        lists(person)


def test_a_read_only_one_is_read_only_at_the_daemon(person: Person) -> None:
    lists(person)
    soon(person).close()
    assert waiting(person, readonly=True) is None  # nobody wanted one of those
    lists(person, "-r")
    with pytest.raises(errors.VirtError) as refused:
        ask(soon(person, readonly=True), "domain_define_xml", DOMAIN.format("never"))
    assert refused.value.code == errors.OPERATION_DENIED
    soon(person).close()
    assert person.vsh("-r", "-c", person.uri, "undefine never").status == 1


def test_what_goes_with_a_session_goes_with_its_client(person: Person, tmp_path: Path) -> None:
    lists(person)
    soon(person).close()
    (tmp_path / "domain").write_text(DOMAIN.format("passing"))
    run = person.vsh("-c", person.uri, f"create --autodestroy {tmp_path}/domain; domstate passing")
    assert run.status == 0 and "running" in run.stdout, run
    wait_until(lambda: "passing" not in person.vsh("-c", person.uri, "list --all --name").stdout)


def test_of_a_daemon_that_has_gone_none_waits(person: Person, new_libvirtd: Callable[..., Libvirtd]) -> None:
    daemon = new_libvirtd()
    person.uri = person.through(person.sshd.port, daemon, "qemu", "/session")
    lists(person)
    soon(person).close()
    os.kill(daemon.pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{daemon.pid}").exists() or waiting(person) is None)
    runs = [person.vsh("-c", person.uri, "list", **env) for env in ({}, {}, {"VSH_NO_AGENT": "1"})]
    assert runs[0] == runs[1] == runs[2] and "libvirt-sock" in runs[0].stderr, runs
    daemon.start()
    lists(person)
    assert ask(soon(person), "connect_get_type") == "QEMU"


@pytest.mark.parametrize("name", ["", "&name=test:///default"])
def test_a_test_host_does_not_outlive_its_clients(
    person: Person, libvirtd: Libvirtd, tmp_path: Path, name: str
) -> None:
    person.uri = person.through(person.sshd.port, libvirtd, "qemu" if name else "test", "/default") + name
    (tmp_path / "domain").write_text(DOMAIN.replace("qemu", "test").format("passing"))
    assert person.vsh("-c", person.uri, f"define {tmp_path}/domain").status == 0
    assert person.vsh("-c", person.uri, "list --all --name").stdout.split() == ["test"]
    assert waiting(person) is None


def test_a_shell_waits_where_there_is_no_daemon(person: Person) -> None:
    home = f"HOME={person.sshd.directory}\0".encode()

    def shells() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if b"while IFS= read" in (entry / "cmdline").read_bytes() and home in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    person.uri = f"qemu+ssh://root@127.0.0.1:{person.sshd.port}/embed?root={person.env['HOME']}/e&{person.sshd.query()}"
    person.vsh("-c", person.uri, "list")  # and the agent looks for itself, too
    wait_until(lambda: len(shells()) == 2)
    before = shells()
    lists(person)
    wait_until(lambda: len(shells()) == 2 and shells() != before)
    killed = shells()
    for pid in killed:
        with suppress(ProcessLookupError):  # the one that was used may end just now
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not set(shells()) & set(killed))
    time.sleep(1)  # until their end has been heard of over here
    lists(person)
    assert person.vsh("agent", "stop").status == 0
    wait_until(lambda: not shells())


@pytest.mark.parametrize("auth", [0, 2])
def test_a_session_of_somebody_known_stays_with_its_opener(auth: int) -> None:
    """A daemon that wants to know who it is answers to that alone."""

    def answer(daemon: FakeDaemon, call) -> None:  # type: ignore[no-untyped-def]
        if call.procedure == procedures.lookup("auth_polkit").number:
            daemon.reply(call, 1)
        else:
            hostname(daemon, call)

    with FakeDaemon(answer, auth=auth) as daemon:
        connection = registry.open(daemon.uri)
        assert connection.portable is not bool(auth)
        connection.close()
