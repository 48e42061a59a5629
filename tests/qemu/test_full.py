"""File systems that are full, or that nobody may write to: a clear error, and what was there is there."""

import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.need import need_root
from vsh.backends import api
from vsh.backends.constants.storage import STORAGE_VOL_CREATE_PREALLOC_METADATA
from vsh.backends.errors import SYSTEM_ERROR, VirtError
from vsh.backends.records import DomainRef

POOL = "<pool type='dir'><name>p</name><target><path>{}</path></target></pool>"
SECRET = "<secret><uuid>55555555-1111-2222-3333-444444444444</uuid><usage type='ceph'><name>{}</name></usage></secret>"


@pytest.fixture
def small(root: Path) -> Iterator[Path]:
    """The driver's root on a file system of 4 MiB."""
    need_root()
    folder = root / "e"
    folder.mkdir(mode=0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M,mode=711", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no room; the file that takes it."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return path


def kept(folder: Path) -> dict[str, bytes]:
    """What is defined."""
    return {str(path): path.read_bytes() for path in (folder / "etc").rglob("*") if path.is_file()}


def changes(conn: api.Connection, guests: Guests, ref: DomainRef, root: Path) -> list[Callable[[], object]]:
    """Calls that would write."""
    xml = conn.domain_get_xml_desc(ref, 0)
    secret = conn.secret_lookup_by_uuid(bytes.fromhex("55555555111122223333444444444444"))
    pool = conn.storage_pool_lookup_by_name("p")
    return [
        lambda: conn.domain_define_xml(guests.boot_sector("new")),
        lambda: conn.domain_define_xml(re.sub("<vcpu[^<]*<", "<vcpu>2<", xml)),
        lambda: conn.domain_create(ref),
        lambda: conn.domain_create_xml(guests.boot_sector("new"), 0),
        lambda: conn.domain_rename(ref, "renamed", 0),
        lambda: conn.secret_set_value(secret, b"other", 0),
        lambda: conn.storage_pool_define_xml(POOL.format(root / "new").replace(">p<", ">q<"), 0),
        lambda: conn.storage_pool_create(pool, 1),
    ]


def make(conn: api.Connection, guests: Guests, root: Path) -> DomainRef:
    """A domain, a secret and a pool."""
    ref = conn.domain_define_xml(guests.boot_sector("kept"))
    conn.secret_set_value(conn.secret_define_xml(SECRET.format("one"), 0), b"value", 0)
    conn.storage_pool_define_xml(POOL.format(root / "pool"), 0)
    return ref


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_old_state_is_kept(
    small: Path, connect: Callable[..., api.Connection], guests: Guests, root: Path, how: str
) -> None:
    conn = connect()
    ref = make(conn, guests, root)
    before = kept(small)
    words = "No space left on device" if how == "full" else "Read-only file system"
    if how == "full":
        fill(small)
    else:
        conn.close()  # which holds a file open for writing
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        conn = connect()
    for number, change in enumerate(changes(conn, guests, ref, root)):
        with pytest.raises(VirtError) as caught:
            change()
        assert words in str(caught.value), (number, str(caught.value))
        assert caught.value.code == SYSTEM_ERROR, number
        assert kept(small) == before
    assert [found.name for found in connect(readonly=True).connect_list_all_domains(0)] == ["kept"]
    fresh = connect()
    assert fresh.domain_get_state(ref, 0).state == 5
    assert "<name>kept</name>" in fresh.domain_get_xml_desc(ref, 0)
    assert fresh.secret_get_value(fresh.connect_list_all_secrets(0)[0], 0) == b"value"
    if how == "full":
        (small / "filler").unlink()
    else:
        conn.close()
        fresh.close()
        subprocess.run(["mount", "-o", "remount,rw", small], check=True)
        fresh = connect()
    assert not [path for path in small.rglob(".tmp-*") if path.is_file()]
    fresh.domain_create(ref)
    assert fresh.domain_get_state(ref, 0).state == 1
    fresh.domain_destroy(ref)


def test_a_full_pool(conn: api.Connection, root: Path) -> None:
    """A volume that finds no room leaves nothing."""
    need_root()
    folder = root / "pool"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", folder], check=True)
    try:
        pool = conn.storage_pool_create_xml(POOL.format(folder), 0)
        for format, flags in (("raw", 0), ("qcow2", STORAGE_VOL_CREATE_PREALLOC_METADATA)):
            xml = f"<volume><name>v</name><capacity unit='M'>4</capacity><target><format type='{format}'/></target>"
            with pytest.raises(VirtError) as caught:
                conn.storage_vol_create_xml(pool, f"{xml}</volume>", flags)
            assert "No space left" in str(caught.value)
            assert os.listdir(folder) == []
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
