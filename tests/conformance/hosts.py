"""The hosts the suite runs against. A new driver is one more function here, decorated with @host."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from vsh.backends import api

TEST_DOMAIN = "<domain type='test'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os></domain>"


class Open(Protocol):
    """Opens one more connection to the same host."""

    def __call__(self, readonly: bool = False) -> api.Connection: ...


@dataclass
class Host:
    """A host and what the suite may expect there.

    domain_xml: the XML of a domain that can be defined, `{name}` in it.  fresh: the host starts anew when its last
    connection is closed, with one running domain, so that tests may change whatever they like.
    """

    open: Open
    domain_xml: str
    fresh: bool = False


#: name -> a context in which the host lives
HOSTS: dict[str, Callable[[], AbstractContextManager[Host]]] = {}


def host(name: str) -> Callable[[Callable[[], Iterator[Host]]], Callable[[], Iterator[Host]]]:
    """Enter a host into the suite."""

    def enter(make: Callable[[], Iterator[Host]]) -> Callable[[], Iterator[Host]]:
        HOSTS[name] = contextmanager(make)
        return make

    return enter


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


@host("qemu-without-libvirt")
def without_a_daemon() -> Iterator[Host]:
    need("qemu-system-x86_64")
    with tempfile.TemporaryDirectory(prefix="vsh-q", dir="/tmp") as folder:
        uri = f"qemu:///embed?root={folder}/e"
        Path(folder).chmod(0o711)  # guests of root run as somebody else

        def open(readonly: bool = False) -> api.Connection:
            return api.open(uri, readonly)

        yield Host(open, QEMU_DOMAIN)
        connection = open()
        for ref in connection.connect_list_all_domains(1):
            connection.domain_destroy(ref)
        connection.close()
