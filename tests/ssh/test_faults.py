"""What goes wrong on the way: nothing hangs, nothing is answered wrongly, nothing is done twice."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_EOF

from tests.live.libvirtd import Libvirtd
from tests.live.proxy import DelayProxy
from tests.live.sshd import Sshd
from tests.live.wait import wait_until
from tests.ssh.conftest import Person, logins
from vsh.backends import api, errors, ssh
from vsh.backends.hosts.ssh import SshHost
from vsh.backends.ssh import link as links
from vsh.backends.ssh.link import Full, Link
from vsh.backends.ssh.transport import Channel, Transport
from vsh.backends.uri import Uri

DOMAIN = "<domain type='qemu'><name>{}</name><memory>8192</memory><os><type>hvm</type></os></domain>"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed sooner than usual: the times that are stated, divided by thirty."""
    monkeypatch.setattr(links, "ALIVE", links.ALIVE / 30)
    monkeypatch.setattr(links, "TIMEOUT", 1.0)


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder with a short name."""
    with tempfile.TemporaryDirectory(prefix="vsh-q", dir="/tmp") as folder:
        yield Path(folder)


def direct(port: int, sshd: Sshd, root: Path) -> str:
    return f"qemu+ssh://root@127.0.0.1:{port}/embed?root={root}&keyfile={sshd.key}&no_verify=1"


@pytest.mark.parametrize("fault", ["lost", "stuck"])
def test_a_line_that_falls_silent(quick: None, sshd: Sshd, tmp_path: Path, fault: str) -> None:
    """Whatever is under way ends with an error: a call, a stream, a shell that has a lock, an upload."""
    with DelayProxy(("127.0.0.1", sshd.port), 0) as proxy, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "sock"))
        listener.listen()
        link = ssh.connect_cold(Uri(direct(proxy.address[1], sshd, tmp_path)))
        assert isinstance(link, Link)
        host = SshHost(link)
        stream, lock = link.open_unix(str(tmp_path / "sock")), host.lock(str(tmp_path / "lock"), 1)
        upload = link.start(["cat"])
        getattr(proxy, fault).set()
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            ends = [
                pool.submit(lambda: host.run(["echo"])),
                pool.submit(lambda: host.read("/etc/passwd")),
                pool.submit(lambda: upload.socket.sendall(bytes(64 << 20))),
                pool.submit(lambda: stream.recv(1) or 1 / 0),
            ]
            for end in ends:
                with pytest.raises((OSError, ZeroDivisionError)):
                    end.result(20)
        lock.release()
        assert not link.alive and time.monotonic() - began < 10
        host.close()


def test_the_server_dies_in_the_middle_of_a_call(new_sshd: Callable[..., Sshd], libvirtd: Libvirtd) -> None:
    sshd = new_sshd()
    uri = f"test+ssh://root@127.0.0.1:{sshd.port}/default?{sshd.query(socket=str(libvirtd.socket))}"
    connection = api.open(uri)
    closed: list[str] = []
    connection.session.on_close(closed.append)
    [ref] = connection.connect_list_all_domains(0)
    os.kill(libvirtd.pid, signal.SIGSTOP)  # so that the call is under way for as long as we like
    try:
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(connection.domain_destroy, ref)
            wait_until(lambda: "Connection from" in sshd.log())
            sshd.close()
            with pytest.raises(errors.VirtError, match=r"End of file|Cannot recv data"):
                call.result(10)
    finally:
        os.kill(libvirtd.pid, signal.SIGCONT)
    assert closed and not connection.alive
    with pytest.raises(errors.VirtError):
        connection.domain_destroy(ref)
    connection.close()


def test_the_agent_is_killed_at_any_time(person: Person, new_libvirtd: type[Libvirtd], tmp_path: Path) -> None:
    """Each definition is there or not, as its command said; one that was done twice would have failed."""
    uri = person.through(person.sshd.port, new_libvirtd(), "qemu", "/session")
    chance = random.Random(7)
    done, names = [], [f"d{n}" for n in range(8)]
    for name in names:
        (tmp_path / name).write_text(DOMAIN.format(name))
        command = [sys.executable, "-m", "vsh", "-c", uri, "define", str(tmp_path / name)]
        running = subprocess.Popen(command, env=person.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + chance.uniform(0.05, 0.6)
        while time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.01)
        for pid in person.pids():
            os.kill(pid, signal.SIGKILL)
        out, err = running.communicate(timeout=30)
        assert (running.returncode == 0) == (f"Domain '{name}' defined" in out), (out, err)
        assert "Traceback" not in err and len(err.splitlines()) <= 3 and "already exists" not in err, err
        done += [name] if running.returncode == 0 else []
    there = person.vsh("--no-agent", "-c", uri, "list --all --name").stdout.split()
    assert set(done) <= set(there) <= set(names) and done


def test_fifty_at_once_through_one_agent(person: Person) -> None:
    script = (
        "import sys, threading\nfrom vsh.backends import api\nseen = []\n"
        "def work():\n    connection = api.open(sys.argv[1])\n"
        "    seen.append([r.name for r in connection.connect_list_all_domains(0)])\n    connection.close()\n"
        "threads = [threading.Thread(target=work) for _ in range(50)]\n"
        "[t.start() for t in threads]\n[t.join() for t in threads]\nprint(seen == [['test']] * 50)\n"
    )
    before = logins(person.sshd)
    done = subprocess.run(
        [sys.executable, "-c", script, person.uri], env=person.env, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "True\n", done.stderr
    assert logins(person.sshd) == before + 1


class Line:
    """A transport that takes long to send an end-of-file; `sent` are the kinds of messages in order."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.goes_on = threading.Event()

    def _send_user_message(self, message: paramiko.Message) -> None:
        kind = message.asbytes()[0]
        if kind == MSG_CHANNEL_EOF:
            self.goes_on.wait(10)
        self.sent.append(kind)

    def _unlink_channel(self, number: int) -> None:
        pass


def test_nothing_is_sent_on_a_channel_after_its_close() -> None:
    """OpenSSH would end the whole connection, and everybody's streams with it."""
    line, channel = Line(), Channel(0)
    channel.transport, channel.active, channel.remote_chanid = line, True, 0  # type: ignore[assignment]
    ending = threading.Thread(target=channel.shutdown_write)
    ending.start()
    wait_until(lambda: channel.eof_sent)
    Transport._channel_handler_table[MSG_CHANNEL_CLOSE](channel, None)  # as when the other side's close arrives
    assert line.sent == []
    line.goes_on.set()
    ending.join(10)
    wait_until(lambda: line.sent == [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE])


def test_few_programs_on_one_connection(new_sshd: Callable[..., Sshd], person: Person, root: Path) -> None:
    """The agent makes another connection where the server lets no more run on one; without it that is said."""
    sshd = new_sshd(settings={"MaxSessions": "2"})
    uri = direct(sshd.port, sshd, root)
    with ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(lambda _: person.vsh("-c", uri, "list --all; list --all"), range(6)))
    assert [run.stderr for run in runs] == [""] * 6
    link = ssh.connect_cold(Uri(uri))
    programs = [link.start(["cat"]) for _ in range(2)]
    with pytest.raises(Full, match="MaxSessions"):
        link.start(["cat"])
    programs[0].abandon()
    wait_until(lambda: _starts(link))
    link.close()
    sshd = new_sshd(settings={"MaxSessions": "1"})
    run = person.vsh("--no-agent", "-c", direct(sshd.port, sshd, root), "list")
    assert run.status == 1 and "(MaxSessions of its sshd_config)" in run.stderr and len(run.stderr.splitlines()) == 2


def _starts(link: object) -> bool:
    try:
        link.start(["true"]).finish(10)  # type: ignore[attr-defined]
        return True
    except Full:
        return False


def test_a_server_that_takes_no_more_logins(new_sshd: Callable[..., Sshd], person: Person, root: Path) -> None:
    """One that hangs at the door keeps everybody out: whoever comes is told so, and gets in afterwards."""
    sshd = new_sshd(settings={"MaxStartups": "1", "LoginGraceTime": "20"})
    uri = direct(sshd.port, sshd, root)
    with socket.create_connection(("127.0.0.1", sshd.port)) as idle:
        assert idle.recv(4) == b"SSH-"
        began = time.monotonic()
        run = person.vsh("-c", uri, "list")
        assert run.status == 1 and "cannot connect to 127.0.0.1 port" in run.stderr and "Traceback" not in run.stderr
        assert time.monotonic() - began < 10
    wait_until(lambda: person.vsh("-c", uri, "list").status == 0)


def test_everything_forbidden(new_sshd: Callable[..., Sshd], libvirtd: Libvirtd, person: Person) -> None:
    """No sockets, and one program that is always run instead of ours."""
    forbid = {"AllowStreamLocalForwarding": "no", "AllowTcpForwarding": "no", "ForceCommand": "echo not for you >&2"}
    sshd = new_sshd(settings=forbid)
    for path in ("test+ssh://root@127.0.0.1:{}/default?socket=/x&{}", "qemu+ssh://root@127.0.0.1:{}/embed?root=/x&{}"):
        for env in ({}, {"VSH_NO_AGENT": "1"}):
            run = person.vsh("-c", path.format(sshd.port, sshd.query()), "list", **env)
            assert run.status == 1 and "Traceback" not in run.stderr, run
            assert len(run.stderr.splitlines()) == 2, run
