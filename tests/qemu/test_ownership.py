"""Whose files are while guests of root's, which run as somebody else, have them, and afterwards."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.wait import wait_until
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.hosts.local import LocalHost
from vsh.backends.params import TypedParams
from vsh.backends.qemu.settings import Settings
from vsh.backends.qemu.store import Running
from vsh.backends.records import DomainRef

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")

DOMAIN = """\
<domain type='qemu'><name>{name}</name><memory unit='MiB'>8</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
<features><acpi/></features>
<devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='{image}'/><target dev='vda' bus='virtio'/>
</disk><disk type='file' device='cdrom'><driver name='qemu' type='raw'/><target dev='hda' bus='ide'/></disk></devices>
</domain>"""
ROOT = (0, 0)


@pytest.fixture
def images(root: Path) -> Iterator[Path]:
    """A folder with base.qcow2, and one.qcow2 and two.qcow2 on top of it; all of root alone."""
    folder = root / "images"
    folder.mkdir()
    folder.chmod(0o711)
    _create(folder / "base.qcow2", "1M")
    for name in ("one", "two"):
        _create(folder / f"{name}.qcow2", "-b", str(folder / "base.qcow2"), "-F", "qcow2")
    for name in ("disc.iso", "public.iso"):
        (folder / name).write_bytes(bytes(4096))
    for path in folder.iterdir():
        path.chmod(0o600 if path.name != "public.iso" else 0o644)
    yield folder


def _create(path: Path, *args: str) -> None:
    size = [args[-1]] if len(args) == 1 else []
    options = [] if size else [*args]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), *size], check=True, timeout=30)


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()}


@pytest.fixture
def guest_user() -> tuple[int, int]:
    """The user and group that guests run as."""
    found = Settings(LocalHost(), {}).owner()
    assert found is not None
    return found


def define(conn: api.Connection, images: Path, name: str) -> DomainRef:
    return conn.domain_define_xml(DOMAIN.format(name=name, image=images / f"{name}.qcow2"))


def test_images_are_lent(conn: api.Connection, images: Path, guest_user: tuple[int, int]) -> None:
    one, two = (define(conn, images, name) for name in ("one", "two"))
    conn.domain_create(one)
    lent = owners(images)
    assert [lent[f"{name}.qcow2"] for name in ("one", "base", "two")] == [guest_user, guest_user, ROOT]
    conn.domain_create(two)
    conn.domain_destroy(one)
    lent = owners(images)
    assert [lent[f"{name}.qcow2"] for name in ("one", "base", "two")] == [ROOT, guest_user, guest_user]
    conn.domain_destroy(two)
    assert set(owners(images).values()) == {ROOT}


def test_a_guest_that_was_killed(conn: api.Connection, images: Path, root: Path) -> None:
    one = define(conn, images, "one")
    conn.domain_create(one)
    (state,) = root.glob("**/run/qemu/*.state")
    process = Running.load(state.read_bytes()).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not LocalHost().alive([process])[0])
    conn.connect_list_all_domains(0)
    assert set(owners(images).values()) == {ROOT}


def test_a_start_that_fails(conn: api.Connection, images: Path) -> None:
    (images / "one.qcow2").write_bytes(b"nothing")
    one = define(conn, images, "one")
    with pytest.raises(api.errors.VirtError):
        conn.domain_create(one)
    assert set(owners(images).values()) == {ROOT}


def test_what_comes_and_goes(conn: api.Connection, images: Path, guest_user: tuple[int, int]) -> None:
    one = define(conn, images, "one")
    conn.domain_create(one)
    disk = (
        f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{images}/two.qcow2'/>"
        "<target dev='vdb' bus='virtio'/></disk>"
    )
    conn.domain_attach_device_flags(one, disk, 1)
    assert owners(images)["two.qcow2"] == guest_user
    medium = (
        "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>{}"
        "<target dev='hda' bus='ide'/><readonly/></disk>"
    )
    conn.domain_update_device_flags(one, medium.format(f"<source file='{images}/disc.iso'/>"), 1)
    assert owners(images)["disc.iso"] == guest_user
    conn.domain_update_device_flags(one, medium.format(f"<source file='{images}/public.iso'/>"), 1)
    assert [owners(images)[name] for name in ("disc.iso", "public.iso")] == [ROOT, ROOT]
    conn.domain_destroy(one)
    assert set(owners(images).values()) == {ROOT}


def test_it_can_be_switched_off(conn: api.Connection, images: Path, root: Path) -> None:
    (root / "e/etc/qemu.conf").write_text("dynamic_ownership = 0\n")
    one = define(conn, images, "one")
    with pytest.raises(api.errors.VirtError) as caught:
        conn.domain_create(one)
    assert "Permission denied" in str(caught.value)


def test_snapshots_of_a_volume(conn: api.Connection, images: Path) -> None:
    """Its file is found for them, wherever the domain stands."""
    conn.storage_pool_create_xml(f"<pool type='dir'><name>p</name><target><path>{images}</path></target></pool>", 0)
    text = DOMAIN.format(name="one", image="").replace("type='file'>", "type='volume'>", 1)
    one = conn.domain_define_xml(text.replace("<source file=''/>", "<source pool='p' volume='one.qcow2'/>"))
    off = conn.domain_snapshot_create_xml(one, "<domainsnapshot><name>off</name></domainsnapshot>", 0)
    conn.domain_create(one)
    on = conn.domain_snapshot_create_xml(one, "<domainsnapshot><name>on</name></domainsnapshot>", 0)
    conn.domain_revert_to_snapshot(off, 0)
    assert not conn.domain_is_active(one)
    conn.domain_revert_to_snapshot(on, 0)
    assert conn.domain_is_active(one)
    conn.domain_snapshot_delete(off, 0)
    conn.domain_destroy(one)
    conn.domain_snapshot_delete(on, 0)
    assert b"off" not in (left := _snapshots(images / "one.qcow2")) and b"on" not in left


def _snapshots(path: Path) -> bytes:
    return subprocess.run(["qemu-img", "snapshot", "-l", str(path)], check=True, capture_output=True).stdout


def test_what_is_made_for_a_guest_comes_back_too(
    conn: api.Connection, images: Path, root: Path, guest_user: tuple[int, int]
) -> None:
    """Copies, snapshots and backups; and nothing of the snapshots stays when the domain is no more."""
    one = define(conn, images, "one")
    snapshot = (
        "<domainsnapshot><name>{0}</name><disks><disk name='vda'><source file='{1}/{0}'/></disk></disks>"
        "</domainsnapshot>"
    )
    disk_only = const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    conn.domain_snapshot_create_xml(one, snapshot.format("before", images), disk_only)
    assert owners(images)["before"] == ROOT
    conn.domain_create(one)
    conn.domain_snapshot_create_xml(one, snapshot.format("while", images), disk_only)
    assert owners(images)["while"] == owners(images)["before"] == guest_user
    copy = f"<disk type='file'><driver type='qcow2'/><source file='{images}/copy'/></disk>"
    conn.domain_block_copy(one, "vda", copy, TypedParams(), const.DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
    assert owners(images)["copy"] == guest_user
    conn.domain_block_job_abort(one, "vda", 0)
    assert owners(images)["copy"] == ROOT
    target = f"<disk name='vda' type='file'><target file='{images}/backup'/></disk>"
    backup = f"<domainbackup><disks>{target}</disks></domainbackup>"
    conn.domain_backup_begin(one, backup, None, 0)
    wait_until(lambda: conn.domain_get_job_info(one).type == const.DOMAIN_JOB_NONE)
    assert owners(images)["backup"] == ROOT
    conn.domain_destroy(one)
    assert set(owners(images).values()) == {ROOT}
    conn.domain_undefine_flags(one, const.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
    assert not [path.name for path in root.glob("**/lib/qemu/snapshot/*")]
