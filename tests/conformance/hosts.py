"""The hosts the suite runs against. A new driver is one more function here, decorated with @host."""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.live import answers
from tests.live.libvirtd import QEMU_CONF, Libvirtd
from tests.live.need import need, need_root
from tests.live.nursery import NOBODY, Nursery
from tests.live.sshd import Sshd, bare, covered
from tests.live.sweeps import thorough
from vsh.backends import api
from vsh.backends.ssh import warm

TEST_DOMAIN = "<domain type='test'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os></domain>"


class Open(Protocol):
    """Opens one more connection to the same host."""

    def __call__(self, readonly: bool = False) -> api.Connection: ...


@dataclass
class Host:
    """A host and what the suite may expect there.

    domain_xml: the XML of a domain that can be defined, `{name}` in it.  fresh: the host starts anew when its last
    connection is closed, with one running domain, so that tests may change whatever they like.  rounds: how often
    what is repeated is repeated: less where each call takes long.
    """

    open: Open
    domain_xml: str
    fresh: bool = False
    rounds: int = 25


#: name -> a context in which the host lives
HOSTS: dict[str, Callable[[], AbstractContextManager[Host]]] = {}


def host(name: str, *, tried: bool = True) -> Callable[[Callable[[], Iterator[Host]]], Callable[[], Iterator[Host]]]:
    """Enter a host into the suite, if it is `tried`."""

    def enter(make: Callable[[], Iterator[Host]]) -> Callable[[], Iterator[Host]]:
        if tried:
            HOSTS[name] = contextmanager(make)
        return make

    return enter


@contextmanager
def through_an_agent(uri: str) -> Iterator[Open]:
    """Connections to `uri` that share the login of an agent of the suite's own."""
    with Nursery() as nursery, ThreadPoolExecutor(1) as one_at_a_time:
        environ = {"VSH_NO_AGENT": "", "XDG_RUNTIME_DIR": str(nursery.directory)}

        def work(readonly: bool) -> api.Connection:
            before = {name: os.environ.get(name) for name in environ}
            os.environ.update(environ)
            try:
                return api.open(uri, readonly)
            finally:
                for name, value in before.items():
                    os.environ.pop(name, None)
                    if value is not None:
                        os.environ[name] = value

        yield lambda readonly=False: one_at_a_time.submit(work, readonly).result()
        wire = warm.Wire(warm.connect_to(f"{nursery.directory}/vsh/agent-{warm.PROTOCOL}"))
        wire.call({"op": "stop"}, 10)
        wire.close()


@host("test")
def in_process() -> Iterator[Host]:
    def open(readonly: bool = False) -> api.Connection:
        return api.open("test:///default", readonly)

    yield Host(open, TEST_DOMAIN, fresh=True)


@host("test-over-rpc")
def behind_a_daemon() -> Iterator[Host]:
    """libvirt's own test driver, behind a daemon of ours."""
    need("libvirtd", "setpriv")
    daemon = Libvirtd()
    try:
        uri = daemon.uri("test")

        def open(readonly: bool = False) -> api.Connection:
            return api.open(uri, readonly)

        yield Host(open, TEST_DOMAIN, fresh=True)
    finally:
        daemon.stop()


QEMU_DOMAIN = """\
<domain type='qemu'><name>{name}</name><memory>16384</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><controller type='usb' model='none'/><serial type='pty'/><memballoon model='none'/></devices></domain>
"""


@host("test-over-ssh")
def behind_a_daemon_and_ssh() -> Iterator[Host]:
    """The same for root, through an SSH server on the daemon's machine."""
    need("libvirtd", "sshd", "nsenter")
    need_root()
    with Libvirtd(privileged=True) as daemon, Sshd(prefix=["nsenter", "-t", str(daemon.pid), "--mount"]) as sshd:
        uri = f"test+ssh://root@127.0.0.1:{sshd.port}/default?{sshd.query()}"
        with through_an_agent(uri) as open:
            yield Host(open, TEST_DOMAIN, fresh=True)


@host("qemu-without-libvirt")
def without_a_daemon() -> Iterator[Host]:
    need("qemu-system-x86_64")
    with tempfile.TemporaryDirectory(prefix="vsh-q", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # guests of root run as somebody else
        uri = f"qemu:///embed?root={folder}/e"

        def open(readonly: bool = False) -> api.Connection:
            return api.open(uri, readonly)

        yield from _qemu(open, 25)


@host("qemu-over-ssh", tried=thorough())  # tests/qemu/test_over_ssh.py tries it, too
def without_a_daemon_over_ssh() -> Iterator[Host]:
    """Root's guests on a machine that has neither libvirt nor nc nor python3."""
    need("qemu-system-x86_64", "sshd")
    need_root()
    with tempfile.TemporaryDirectory(prefix="vsh-q", dir="/tmp") as folder, Sshd(prefix=bare()) as sshd:
        Path(folder).chmod(0o711)
        uri = f"qemu+ssh://root@127.0.0.1:{sshd.port}/embed?root={folder}/e&{sshd.query()}"
        with through_an_agent(uri) as open:
            yield from _qemu(open, 3)


@contextmanager
def home_of_nobody() -> Iterator[tuple[dict[str, Path], dict[str, str]]]:
    """A home of nobody's: what stands in for what, and settings of sshd."""
    with tempfile.TemporaryDirectory(prefix="vsh-q", dir="/tmp", ignore_cleanup_errors=True) as folder:
        passwd, conf = Path(folder) / "passwd", Path(folder) / ".config/libvirt/qemu.conf"
        lines = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("nobody:")]
        passwd.write_text("\n".join([*lines, f"nobody:x:{NOBODY}:{NOBODY}::{folder}:/bin/sh\n"]))
        conf.parent.mkdir(parents=True)
        conf.write_text(QEMU_CONF)
        answers.keep(Path(folder) / ".cache/libvirt/qemu/capabilities", f"libvirtd-{NOBODY}", NOBODY)
        for path in (folder, *Path(folder).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        yield {"/etc/passwd": passwd}, {"SetEnv": f"HOME={folder} XDG_RUNTIME_DIR={folder}/run"}


@host("qemu-session-over-ssh")
def of_a_user_over_ssh() -> Iterator[Host]:
    """Those of an unprivileged user there, who did not say that there is no libvirt."""
    need("qemu-system-x86_64", "sshd")
    need_root()
    with home_of_nobody() as (home, settings), Sshd(prefix=bare(others=home), settings=settings) as sshd:
        uri = f"qemu+ssh://nobody@127.0.0.1:{sshd.port}/session?{sshd.query()}"
        with through_an_agent(uri) as open:
            yield from _qemu(open, 3)


@host("libvirt-session-over-ssh")
def of_a_user_of_libvirt_over_ssh() -> Iterator[Host]:
    """Those of an unprivileged user there, whose daemon the first connection starts and the others find."""
    need("libvirtd", "virt-ssh-helper", "sshd")
    need_root()
    with home_of_nobody() as (home, settings), Sshd(prefix=covered(home), settings=settings) as sshd:
        uri = f"qemu+ssh://nobody@127.0.0.1:{sshd.port}/session?{sshd.query()}"
        with through_an_agent(uri) as open:
            yield from _qemu(open, 3)


def _qemu(open: Open, rounds: int) -> Iterator[Host]:
    yield Host(open, QEMU_DOMAIN, rounds=rounds)
    connection = open()
    for ref in connection.connect_list_all_domains(1):
        connection.domain_destroy(ref)
    connection.close()
