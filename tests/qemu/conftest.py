"""Fixtures: an embedded driver's root, connections to it, and the end of all it started."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.live import answers
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Run, Side, compare
from tests.qemu.twins import Twins, disks, make_images
from vsh.backends import api
from vsh.backends.constants import storage as const
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.ending import SIGKILL
from vsh.backends.qemu.store import Running
from vsh.backends.records import DomainRef, StoragePoolRef


@pytest.fixture
def root() -> Iterator[Path]:
    """An empty folder with a short name; guests below it are killed at the end."""
    need("qemu-system-x86_64")
    folder = Path(tempfile.mkdtemp(prefix="vsh-q", dir="/tmp"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    yield folder
    host = LocalHost()
    for path in folder.glob("**/run/qemu/*.state"):
        process = Running.load(path.read_bytes()).process
        if process is not None:
            host.signal(process, SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def uri(root: Path) -> str:
    answers.keep(root / "e/cache/qemu/capabilities", "vsh", os.geteuid())
    return f"qemu:///embed?root={root}/e"


class Beside:
    """The same lines to virsh on a libvirtd and to vsh on an embedded driver of the same machine."""

    def __init__(self, side: Side, theirs: str, ours: str):
        self.side, self.theirs, self.ours = side, theirs, ours

    def same(self, *lines: str, ignore: Sequence[str] = ()) -> Run:
        """Assert that both answer the same; virsh's answer."""
        text = "".join(f"{line}\n" for line in lines)
        wanted = self.side.virsh("-c", self.theirs, stdin=text)
        difference = compare(wanted, self.side.vsh("-c", self.ours, stdin=text), ignore)
        assert not difference, difference
        return wanted


@pytest.fixture
def beside(side: Side, libvirtd: Libvirtd, uri: str) -> Beside:
    return Beside(side, libvirtd.uri("qemu"), uri)


@pytest.fixture
def connect(uri: str) -> Iterator[Callable[..., api.Connection]]:
    """Opens connections to the embedded driver."""
    opened = []

    def connect(readonly: bool = False, to: str = "") -> api.Connection:
        opened.append(api.open(to or uri, readonly))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def conn(connect: Callable[..., api.Connection]) -> api.Connection:
    return connect()


class Pair:
    """virsh on a libvirtd and vsh on the embedded driver: the same lines shall have the same answer."""

    def __init__(self, side: Side, reference: str, uri: str):
        self.side, self.reference, self.uri = side, reference, uri

    def same(
        self, *commands: str, readonly: bool = False, quiet: bool = False, ignore: Sequence[str] = (), stdin: str = ""
    ) -> Run:
        """Assert it; virsh's run. Both must leave the files that they share as they found them."""
        options = [*(["-r"] if readonly else []), *(["-q"] if quiet else []), "-c"]
        line = "; ".join(commands)
        wanted = self.side.virsh(*options, self.reference, line, stdin=stdin)
        difference = compare(wanted, self.side.vsh(*options, self.uri, line, stdin=stdin), ignore)
        assert not difference, f"{line}\n{difference}"
        return wanted


@pytest.fixture
def pair(side: Side, libvirtd_root: Libvirtd, uri: str) -> Pair:
    return Pair(side, libvirtd_root.uri("qemu"), uri)


@pytest.fixture
def folder(root: Path) -> Path:
    """A folder for pools, outside the driver's root."""
    made = root / "pools"
    made.mkdir()
    return made


def start_pool(conn: api.Connection, folder: Path) -> StoragePoolRef:
    return conn.storage_pool_create_xml(
        f"<pool type='dir'><name>p</name><target><path>{folder}/p</path></target></pool>",
        const.STORAGE_POOL_CREATE_WITH_BUILD,
    )


@pytest.fixture
def twins(side: Side, libvirtd: Libvirtd, guests: Guests, uri: str) -> Twins:
    need("qemu-img", "qemu-io")
    return Twins(side, libvirtd, guests, uri, libvirtd.directory / "images")


@pytest.fixture
def images(root: Path) -> Path:
    need("qemu-img", "qemu-io")
    make_images(root / "images")
    return root / "images"


@pytest.fixture
def disked(conn: api.Connection, guests: Guests, images: Path) -> DomainRef:
    """A defined guest with two disks."""
    xml = guests.boot_sector("g").replace("<controller", disks(images) + "<controller", 1)
    return conn.domain_define_xml_flags(xml, 0)
