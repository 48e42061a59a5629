"""Storage pools and volumes of a real libvirtd: directories and files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.backends.xml.resources.volume import Volume

POOL = "vsh-pool"
LOOK = f"vol-list {POOL} --details"


@pytest.fixture
def disk(side: Side, libvirtd_root: Libvirtd) -> Iterator[Host]:
    """A host with an active directory pool."""
    host = Host(side, libvirtd_root.uri("qemu"))
    folder = libvirtd_root.directory / POOL
    made = side.virsh("-c", host.uri, f"pool-define-as {POOL} dir --target {folder}; pool-build {POOL}; "
                                      f"pool-start {POOL}")  # fmt: skip
    assert made.status == 0, made.stderr
    yield host
    side.virsh("-c", host.uri, f"pool-destroy {POOL}; pool-undefine {POOL}")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.fixture
def folder(libvirtd_root: Libvirtd) -> Path:
    """Where the pool of `disk` has its volumes."""
    return libvirtd_root.directory / POOL


def test_pool_lifecycle(side: Side, libvirtd_root: Libvirtd) -> None:
    host, folder = Host(side, libvirtd_root.uri("qemu")), libvirtd_root.directory / "vsh-built"
    look = "pool-info built; pool-list --all --details --type dir; pool-dumpxml built"
    host.same(
        f"pool-define-as built dir --target {folder}", look, "pool-start built", "pool-build built", "pool-build built",
        "pool-build built --overwrite", "pool-start built", "pool-autostart built", look, "pool-refresh built",
        "pool-autostart built --disable", "pool-destroy built", "pool-delete built", "pool-delete built",
        "pool-start built --build", "pool-info built --bytes", "pool-destroy built", "pool-delete built",
        "pool-undefine built", look, ignore=["uuid", "free-space", "counters"],
    )  # fmt: skip
    assert not folder.exists()
    host.same(f"pool-create-as built dir --target {folder}", "pool-list --all")
    folder.mkdir()
    host.same(f"pool-create-as built dir --target {folder} --build", look, "pool-create-as other dir --target /nosuch",
              f"pool-create-as other dir --target {folder}", "pool-destroy built", look,
              f"pool-create-as built fs --source-dev /dev/nosuch --target {folder} --build --overwrite",
              f"pool-create-as built dir --target {folder} --build --no-overwrite", "pool-destroy built",
              ignore=["uuid", "free-space", "counters"])  # fmt: skip
    folder.rmdir()
    host.same("find-storage-pool-sources netfs", "find-storage-pool-sources dir", "find-storage-pool-sources nosuch",
              "pool-capabilities")  # fmt: skip


def test_volumes(disk: Host, folder: Path, tmp_path: Path) -> None:
    xml = tmp_path / "volume.xml"
    xml.write_text(
        "<volume><name>file</name><capacity unit='MiB'>2</capacity><allocation>0</allocation>"
        "<target><format type='qcow2'/>"
        "<permissions><mode>0640</mode><owner>0</owner><group>0</group></permissions><compat>1.1</compat>"
        "<clusterSize unit='KiB'>32</clusterSize><features><lazy_refcounts/></features></target></volume>"
    )
    names = ["raw", "thick", "cow", "meta", "over", "file", "copy", "clone", "big"]
    shows = [f"vol-info {name} {POOL}; vol-dumpxml {name} {POOL} --xpath /volume/target/format" for name in names]
    disk.same(
        f"vol-create-as {POOL} raw 1M --allocation 0", f"vol-create-as {POOL} thick 64K",
        f"vol-create-as {POOL} cow 1M --format qcow2", f"vol-create-as {POOL} bad 1M --format nosuch",
        f"vol-create-as {POOL} meta 1M --format qcow2 --prealloc-metadata", f"vol-create-as {POOL} raw 1M",
        f"vol-create-as {POOL} over 2M --format qcow2 --backing-vol cow --backing-vol-format qcow2",
        f"vol-create-as {POOL} raw2 1M --prealloc-metadata", f"vol-create {POOL} {xml}", f"vol-create {POOL} {xml}",
        f"vol-clone cow clone {POOL}", f"vol-clone raw big {POOL} --reflink", f"vol-clone {folder}/raw big",
        f"vol-create-from {POOL} {xml} raw --inputpool {POOL}", f"vol-delete file {POOL}",
        f"vol-create-from {POOL} {xml} raw --inputpool {POOL}", f"vol-list {POOL}", *shows,
        f"vol-info raw {POOL} --physical --bytes", f"vol-dumpxml over {POOL} --xpath //backingStore/path",
        f"vol-resize raw 2M {POOL}", f"vol-resize raw 1M {POOL}", f"vol-resize raw 1M {POOL} --shrink",
        f"vol-resize raw 1M {POOL} --delta", f"vol-resize raw -512K {POOL} --shrink", f"vol-info raw {POOL} --bytes",
        f"vol-resize raw 4M {POOL} --allocate", f"vol-resize cow 4M {POOL}", f"vol-resize cow 1M {POOL} --shrink",
        f"vol-info raw {POOL}", f"vol-info cow {POOL}", f"vol-wipe raw {POOL}",
        f"vol-wipe raw {POOL} --algorithm random", f"vol-wipe raw {POOL} --algorithm trim",
        f"pool-refresh {POOL}", LOOK,
        *(f"vol-delete {name} {POOL}" for name in names), f"vol-delete raw {POOL} --delete-snapshots", LOOK,
    )  # fmt: skip
    assert list(folder.iterdir()) == []


def _filled(path: Path) -> Path:
    """A file of 3 MiB with a hole in its middle and one at its end."""
    with path.open("wb") as file:
        file.write(os.urandom(1 << 20))
        file.seek(2 << 20)
        file.write(os.urandom(1 << 19))
        file.truncate(3 << 20)
    return path


@pytest.mark.parametrize("sparse", ["", "--sparse"])
def test_content(disk: Host, folder: Path, tmp_path: Path, sparse: str) -> None:
    """What one program uploads the other downloads, whole and in parts."""
    source, data = _filled(tmp_path / "source"), (tmp_path / "source").read_bytes()
    small = tmp_path / "small"
    small.write_bytes(b"x" * 1000)
    for one, other in ((disk.side.virsh, disk.side.vsh), (disk.side.vsh, disk.side.virsh)):
        target = tmp_path / "target"
        line = (
            f"vol-create-as {POOL} v 3M --allocation 0; vol-upload v {source} {POOL} {sparse}; "
            f"vol-upload v {small} {POOL} --offset 4096 --length 1000 {sparse}"
        )
        done = one("-c", disk.uri, line)
        assert (done.stderr, done.status) == ("", 0)
        wanted = data[:4096] + b"x" * 1000 + data[5096:]
        assert (folder / "v").read_bytes() == wanted
        done = other("-c", disk.uri, f"vol-download v {target} {POOL} {sparse}")
        assert (done.stdout, done.stderr, done.status) == ("\n", "", 0)
        assert target.read_bytes() == wanted
        assert (target.stat().st_blocks < 3 << 11) == bool(sparse)
        done = other("-c", disk.uri, f"vol-download v {target} {POOL} --offset 4000 --length 2000 {sparse}")
        assert (done.stderr, target.read_bytes()) == ("", wanted[4000:6000])
        assert one("-c", disk.uri, f"vol-delete v {POOL}").status == 0
    (up,) = disk.json(f"vol-create-as {POOL} v 3M --allocation 0; vol-upload v {source} {POOL} {sparse}")[1:]
    assert up["sent_bytes"] == 3 << 20
    (down,) = disk.json(f"vol-download v {tmp_path / 'target'} {POOL} {sparse}")
    assert down["received_bytes"] == 3 << 20


def test_content_that_cannot_be_carried(disk: Host, folder: Path, tmp_path: Path) -> None:
    source = _filled(tmp_path / "source")
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("old")
    assert disk.side.virsh("-c", disk.uri, f"vol-create-as {POOL} v 1M").status == 0
    disk.same(
        f"vol-upload v {source} {POOL}", f"vol-upload v {source} {POOL} --sparse", f"vol-upload v {tmp_path} {POOL}",
        f"vol-upload v {tmp_path} {POOL} --sparse", f"vol-upload v {source} {POOL} --offset 2M",
        f"vol-upload v {source} {POOL} --offset 2097152", f"vol-upload v /nonexistent {POOL}",
        f"vol-upload nosuch {source} {POOL}", f"vol-upload v {source} {POOL} --length 10",
        f"vol-upload v {source} {POOL} --offset 1048570 --length 10", f"vol-upload v /dev/null {POOL}",
        ignore=["moment"],
    )  # fmt: skip
    disk.same(
        f"vol-download v {new} {POOL} --offset 2097152", f"vol-download v {new} {POOL} --length 2097152",
        f"vol-download v {new} {POOL} --offset 18446744073709551615", f"vol-download v {new} {POOL} --length -1",
        f"vol-download v {tmp_path} {POOL}", f"vol-download v {new}/x {POOL}", f"vol-download nosuch {new} {POOL}",
        f"vol-download v {old} {POOL} --offset 2097152", f"vol-download v /dev/full {POOL}",
        f"vol-download v /dev/null {POOL} --length 5",
    )  # fmt: skip
    (folder / "v").unlink()
    new.unlink()
    disk.same(f"vol-upload v {source} {POOL}", f"vol-download v {new} {POOL}", f"vol-download v {old} {POOL}",
              f"vol-wipe v {POOL}", f"vol-resize v 1 {POOL} --shrink",
              f"vol-info v {POOL}")  # fmt: skip
    assert not new.exists()


def test_xml_of_real_volumes(disk: Host, tmp_path: Path) -> None:
    """The model reads what libvirt writes of volumes that exist, and writes the same."""
    secret = tmp_path / "secret.xml"
    secret.write_text(
        "<secret ephemeral='yes' private='yes'><uuid>a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d400</uuid>"
        "<usage type='volume'><volume>vsh-luks</volume></usage></secret>"
    )
    luks = tmp_path / "luks.xml"
    luks.write_text(
        "<volume><name>luks</name><capacity unit='MiB'>1</capacity><target><format type='raw'/>"
        "<encryption format='luks'>"
        "<secret type='passphrase' uuid='a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d400'/></encryption></target></volume>"
    )
    prepared = f"secret-define {secret}; secret-set-value a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d400 c2VjcmV0"
    # qemu-img gives up where the machine is too busy to time the derivation of a key.
    assert any(
        disk.side.virsh("-c", disk.uri, f"{prepared}; vol-create {POOL} {luks}").status == 0 for _ in range(5)
    )
    made = disk.side.virsh(
        "-c", disk.uri,
        f"vol-create-as {POOL} raw 1M --allocation 0; "
        f"vol-create-as {POOL} cow 1M --format qcow2; "
        f"vol-create-as {POOL} over 1M --format qcow2 --backing-vol cow --backing-vol-format qcow2; "
        f"pool-refresh {POOL}; secret-undefine a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d400",
    )  # fmt: skip
    assert made.status == 0, made.stderr
    for name in ("luks", "raw", "cow", "over"):
        xml = disk.side.virsh("-c", disk.uri, f"vol-dumpxml {name} {POOL}").stdout.removesuffix("\n")
        assert Volume.parse(xml, "dir", live=True).format() == xml
