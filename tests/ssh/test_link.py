"""One SSH connection, by paramiko and by the system's ssh: programs, sockets, host keys, keys."""

import os
import shlex
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.sshd import Sshd
from vsh.backends import errors, ssh
from vsh.backends.ssh import hostkeys
from vsh.backends.ssh.settings import resolve
from vsh.backends.uri import Uri

WAYS = {"paramiko": {}, "openssh": {"command": "ssh"}}


def uri(sshd: Sshd, **parameters: str) -> Uri:
    return Uri(f"qemu+ssh://root@127.0.0.1:{sshd.port}/system?{sshd.query(**parameters)}")


def refused(where: Uri, ask: Callable[[str, bool], str | None] | None = None) -> errors.VirtError:
    with pytest.raises(errors.VirtError) as caught:
        ssh.connect(where, ask)
    return caught.value


@pytest.fixture(params=WAYS)
def link(request: pytest.FixtureRequest, sshd: Sshd):  # type: ignore[no-untyped-def]
    opened = ssh.connect(uri(sshd, **WAYS[request.param]))
    yield opened
    opened.close()


def test_programs_get_their_arguments_as_they_are(link) -> None:  # type: ignore[no-untyped-def]
    words = ["a b", "'", '"', "$(id)", "`id`", "\\", "*", "", "ü\n2", "; false", "-n"]
    program = link.start(["printf", "%s\\0", *words])
    with program.socket as stream:
        stream.shutdown(socket.SHUT_WR)
        text = b"".join(iter(lambda: stream.recv(4096), b""))
    assert text.decode().split("\0")[:-1] == words
    assert program.finish(10) == (0, b"")


def test_exit_status_and_errors(link) -> None:  # type: ignore[no-untyped-def]
    program = link.start(["sh", "-c", "cat >/dev/null; echo no >&2; exit 7"])
    program.socket.close()
    assert program.finish(10) == (7, b"no\n")
    with pytest.raises(TimeoutError):
        link.start(["sleep", "20"]).finish(0.2)


def test_much_data_both_ways(link) -> None:  # type: ignore[no-untyped-def]
    data = os.urandom(1 << 16) * 160
    program = link.start(["cat"])

    def send() -> None:
        program.socket.sendall(data)
        program.socket.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    received = bytearray()
    while piece := program.socket.recv(1 << 20):
        received += piece
    sender.join()
    assert received == data


def echo_server(listener: socket.socket) -> None:
    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.sendall(b"echo " + client.recv(100))

    threading.Thread(target=serve, daemon=True).start()


def test_unix_sockets(sshd: Sshd, tmp_path: Path) -> None:
    link = ssh.connect(uri(sshd))
    with socket.socket(socket.AF_UNIX) as listener:
        path = str(sshd.directory / "echo socket")
        listener.bind(path)
        listener.listen()
        echo_server(listener)
        for _ in range(12):  # more than MaxSessions, which does not count these
            with link.open_unix(path) as stream:
                stream.sendall(b"hello")
                assert stream.recv(100) == b"echo hello"
        with pytest.raises(ConnectionRefusedError):
            link.open_unix(f"{path} nosuch")
    link.close()
    with pytest.raises(ConnectionResetError):
        link.open_unix(path)


def test_tcp(link) -> None:  # type: ignore[no-untyped-def]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        echo_server(listener)
        with link.open_tcp("127.0.0.1", listener.getsockname()[1]) as stream:
            stream.sendall(b"hello")
            assert stream.recv(100) == b"echo hello"


def test_forwarding_is_forbidden(new_sshd: Callable[..., Sshd]) -> None:
    link = ssh.connect(uri(new_sshd(settings={"AllowStreamLocalForwarding": "no"})))
    with pytest.raises(ConnectionRefusedError):
        link.open_unix("/run/any")
    link.close()


def test_an_unknown_host_is_refused_unless_somebody_vouches_for_it(sshd: Sshd, tmp_path: Path) -> None:
    empty = tmp_path / "known"
    questions = []

    def answer(text: str | None) -> Callable[[str, bool], str | None]:
        return lambda question, hidden: (questions.append((question, hidden)), text)[1]

    failure = refused(uri(sshd, known_hosts=str(empty)))
    assert failure.code == errors.AUTH_FAILED and "is not known: ssh-ed25519 SHA256:" in str(failure)
    assert "is not known" in str(refused(uri(sshd, known_hosts=str(empty)), answer("no")))
    assert not empty.exists()
    ssh.connect(uri(sshd, known_hosts=str(empty)), answer("yes")).close()
    assert len(questions) == 2 and not questions[0][1]
    ssh.connect(uri(sshd, known_hosts=str(empty))).close()
    assert empty.stat().st_mode & 0o777 == 0o600 and len(empty.read_text().splitlines()) == 1


@pytest.mark.parametrize("parameters", [{"no_verify": "1"}, {"known_hosts_verify": "auto"}])
def test_new_keys_may_be_accepted(sshd: Sshd, tmp_path: Path, parameters: dict[str, str]) -> None:
    known = tmp_path / "known"
    known.write_text("other ssh-ed25519 AAAA")  # and no end of line
    ssh.connect(uri(sshd, known_hosts=str(known), **parameters)).close()
    assert known.read_text().startswith("other ssh-ed25519 AAAA\n") and len(known.read_text().splitlines()) == 2


@pytest.mark.parametrize("parameters", [{}, {"no_verify": "1"}, {"known_hosts_verify": "auto"}])
def test_a_changed_key_is_refused(sshd: Sshd, tmp_path: Path, parameters: dict[str, str]) -> None:
    known = tmp_path / "known"
    other = (sshd.directory / "key.pub").read_text()
    known.write_text(f"# comment\n[127.0.0.1]:{sshd.port} {other}")
    failure = refused(uri(sshd, known_hosts=str(known), **parameters))
    assert failure.code == errors.AUTH_FAILED and "has changed" in str(failure) and f"{known} line 2" in str(failure)
    ssh.connect(uri(sshd, known_hosts=str(known), known_hosts_verify="ignore")).close()


def test_a_revoked_key_is_judged_by_openssh(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"@revoked [127.0.0.1]:{sshd.port} {(sshd.directory / 'host_key.pub').read_text()}")
    told: list[str] = []
    link = ssh.connect(uri(sshd, known_hosts=str(known)), tell=told.append)
    assert told == [f"127.0.0.1 is reached by the system's ssh, because of @revoked in {known} line 1"]
    program = link.start(["true"])
    program.socket.close()
    status, said = program.finish(10)
    assert status == 255 and said.startswith(b"WARNING: REVOKED HOST KEY DETECTED!\n") and b"@" not in said


def test_nobody_there() -> None:
    failure = refused(Uri("qemu+ssh://root@127.0.0.1:1/system?no_verify=1"))
    assert str(failure) == "cannot connect to 127.0.0.1 port 1 by SSH: Connection refused"
    assert failure.hint


def test_a_key_the_host_does_not_know(sshd: Sshd, new_sshd: Callable[..., Sshd]) -> None:
    other = new_sshd()
    failure = refused(uri(sshd, keyfile=str(other.key)))
    assert failure.code == errors.AUTH_FAILED and str(other.key) in str(failure) and "publickey" in str(failure)


def test_an_encrypted_key(new_sshd: Callable[..., Sshd]) -> None:
    sshd = new_sshd()
    key = sshd.new_key("locked", "-N", "open sesame")
    with (sshd.directory / "authorized_keys").open("a") as file:
        file.write((sshd.directory / "locked.pub").read_text())
    asked = []

    def ask(question: str, hidden: bool) -> str:
        asked.append((question, hidden))
        return "wrong" if len(asked) == 1 else "open sesame"

    ssh.connect(uri(sshd, keyfile=str(key)), ask).close()
    assert asked == [(f"Passphrase for {key}", True)] * 2
    assert refused(uri(sshd, keyfile=str(key))).code == errors.AUTH_FAILED


def test_an_agent(new_sshd: Callable[..., Sshd], monkeypatch: pytest.MonkeyPatch) -> None:
    sshd = new_sshd()
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, timeout=30, check=True).stdout
    values = dict(word.split("=", 1) for word in shlex.split(started.replace(";", " ")) if "=" in word)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", values["SSH_AUTH_SOCK"])
        subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True, timeout=30)
        sshd.key.unlink()
        ssh.connect(uri(sshd, keyfile=str(sshd.key))).close()
        ssh.connect(uri(sshd, keyfile="")).close()
        assert refused(uri(sshd, keyfile="", sshauth="password")).code == errors.AUTH_FAILED
    finally:
        os.kill(int(values["SSH_AGENT_PID"]), 15)


def test_ways_to_log_in(sshd: Sshd) -> None:
    """`sshauth=` decides, whoever makes the connection."""
    for way in WAYS.values():
        assert "Invalid authentication method: 'magic'" in str(refused(uri(sshd, sshauth="privkey,magic", **way)))
        ssh.connect(uri(sshd, sshauth="password,privkey", **way)).close()
    assert "sshauth= allows password alone" in str(refused(uri(sshd, sshauth="password")))
    program = ssh.connect(uri(sshd, sshauth="password", command="ssh")).start(["true"])
    program.socket.close()
    status, said = program.finish(10)
    assert status == 255 and b"Permission denied (publickey)" in said


def test_a_certificate(new_sshd: Callable[..., Sshd]) -> None:
    sshd = new_sshd()
    authority, key = sshd.new_key("ca"), sshd.new_key("certified")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "tests", "-n", "root", f"{key}.pub"]
    subprocess.run(sign, check=True, timeout=30)
    (sshd.directory / "authorized_keys").write_text(f"cert-authority {(sshd.directory / 'ca.pub').read_text()}")
    ssh.connect(uri(sshd, keyfile=str(key))).close()
    os.unlink(f"{key}-cert.pub")
    assert refused(uri(sshd, keyfile=str(key))).code == errors.AUTH_FAILED


@pytest.mark.parametrize(
    ("patterns", "name", "found"),
    [
        ("host", "host", True),
        ("HOST", "host", True),
        ("a,host,b", "host", True),
        ("*.example.com", "www.example.com", True),
        ("*.example.com,!www.example.com", "www.example.com", False),
        ("[host]:22", "host", False),
        ("[host]:2222", "[host]:2222", True),
        ("h?st", "host", True),
        ("|1|AAAA|BBBB", "host", False),
        ("|1|%%%", "host", False),
    ],
)
def test_whom_a_line_of_known_hosts_speaks_of(patterns: str, name: str, found: bool) -> None:
    assert hostkeys.matches(patterns, name) is found


def test_hashed_names_are_found_again(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(sshd.known_hosts.read_text())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True, timeout=30)
    assert known.read_text().startswith("|1|")
    ssh.connect(uri(sshd, known_hosts=str(known))).close()


@pytest.mark.parametrize("name", ["-oProxyCommand=touch /tmp/owned", "", "a\nb", "a;b", "$(touch x)", "a b", "`x`"])
def test_names_that_are_no_hosts(name: str) -> None:
    with pytest.raises(errors.VirtError) as caught:
        resolve(name)
    assert caught.value.code == errors.INVALID_ARG


@pytest.mark.parametrize("name", ["-l", "a;b", "`x`", "a\nb"])
def test_names_that_are_no_users(name: str) -> None:
    with pytest.raises(errors.VirtError, match="is not a user name") as caught:
        resolve("host", name)
    assert caught.value.code == errors.INVALID_ARG
