"""Block jobs: as libvirtd does them, and what becomes of those that nobody watches."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.need import need
from tests.live.wait import wait_until
from tests.qemu.twins import DISK, Twins, backing, fill, read, sources
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import VirtError
from vsh.backends.hosts.local import LocalHost
from vsh.backends.params import TypedParams
from vsh.backends.qemu.ending import SIGKILL
from vsh.backends.qemu.store import Running
from vsh.backends.records import DomainRef

ACTIVE, INACTIVE = 0, const.DOMAIN_XML_INACTIVE
OVERLAY = "<domainsnapshot><name>{}</name></domainsnapshot>"


@pytest.fixture
def layered(conn: api.Connection, disked: DomainRef) -> DomainRef:
    """A running guest whose disk `vda` stands on three images with different contents."""
    ref = conn.domain_create_with_flags(disked, 0)
    flags = const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | const.DOMAIN_SNAPSHOT_CREATE_NO_METADATA
    for pattern, name in ((1, "one"), (2, "two")):
        fill(conn, ref, pattern)
        conn.domain_snapshot_create_xml(ref, OVERLAY.format(name), flags)
    fill(conn, ref, 3)
    return ref


def names(conn: api.Connection, ref: DomainRef, flags: int = 0) -> list[str]:
    return [path.name for path in sources(conn, ref, flags)]


def ended(conn: api.Connection, ref: DomainRef) -> bool:
    return not conn.domain_get_block_job_info(ref, "vda", 0).found


def kill_guest(root: Path) -> None:
    for path in root.glob("**/run/qemu/*.state"):
        process = Running.load(path.read_bytes()).process
        assert process is not None and LocalHost().signal(process, SIGKILL)
        wait_until(lambda process=process: not LocalHost().alive([process])[0])  # type: ignore[misc]


def test_as_libvirt_does_them(twins: Twins) -> None:
    twins.same("""
        blockpull g vda
        blockcommit g vda
        blockjob g vda
        blockresize g vda 20M
        start g
        domblkinfo g vda
        snapshot-create-as g s1 --disk-only --no-metadata
        snapshot-create-as g s2 --disk-only --no-metadata
        snapshot-create-as g s3 --disk-only --no-metadata
        blockjob g vda
        blockjob g vdz
        blockcommit g vdz
        blockcommit g vda
        blockcommit g vda --top vda[1] --base vda[2] --wait
        blockcommit g vda --top %/a.s1 --active
        blockcommit g vda --top %/a.s1 --base %/a.s2
        blockcommit g vda --top %/a.s1 --wait
        dumpxml g --inactive
        blockcommit g vda --active --wait --pivot
        blockcommit g vdb --active --wait
        dumpxml g
        blockjob g vdb --raw
        blockjob g vdb 100
        blockjob g vdb
        blockpull g vdb
        snapshot-create-as g q --disk-only
        snapshot-revert g q
        blockjob g vdb --abort
        blockjob g vdb --pivot
        dumpxml g --inactive
        blockcopy g vda %/copy.qcow2 --wait
        blockcopy g vda %/copy.qcow2 --wait --transient-job
        dumpxml g
        blockjob g vda --pivot
        dumpxml g --inactive
        blockcopy g vda %/copy.qcow2 --transient-job
        blockcopy g vda %/copy2.raw --format raw --wait --transient-job --pivot
        blockcopy g vdb %/bs.qcow2 --shallow --wait --transient-job --pivot
        dumpxml g
        blockcopy g vdb %/nope --reuse-external --transient-job
        !echo "<disk type='file'><driver type='qcow2'/><source file='$PWD/x.qcow2'/></disk>" > x.xml
        blockcopy g vdb --xml %/x.xml --transient-job --wait
        blockjob g vdb --abort --pivot
        blockjob g vdb --abort
        blockpull g vdb --base %/nope
        blockpull g vdb 100 --wait
        blockresize g vda 10M
        blockresize g vda 20M
        blockresize g vdz 20M
        snapshot-create-as g p1 --disk-only --no-metadata
        snapshot-create-as g p2 --disk-only --no-metadata
        blockpull g vdb --wait --base %/x.qcow2
        dumpxml g
        blockpull g vdb --wait
        dumpxml g --inactive
    """)


def elsewhere(twins: Twins, **images: tuple[str, str]) -> str:
    """The guest's definition with other sources: name of its image -> type of the disk, and <source> as it goes on."""
    xml = twins.xml.read_text()
    for name, (type, source) in images.items():
        own = DISK.format(twins.folder, name, "").partition("<target")[0]
        there = own.replace("type='file'", f"type='{type}'").replace(f"file='{twins.folder}/{name}.qcow2'/>", source)
        assert own in xml
        xml = xml.replace(own, there)
    return xml


def test_volumes_as_libvirt_has_them(twins: Twins) -> None:
    """Snapshots of, and jobs on, a disk that is a volume, which stays one while anything stands on it."""
    volumes = {name: ("volume", f"pool='p' volume='{name}.qcow2'/>") for name in "ab"}
    (twins.folder.parent / "volumes.xml").write_text(elsewhere(twins, **volumes))
    twins.same("""
        pool-create-as p dir --target %
        define %/../volumes.xml
        snapshot-create-as g auto --disk-only
        snapshot-create-as g off --disk-only --diskspec vda,file=%/off --diskspec vdb,snapshot=no
        dumpxml g
        snapshot-dumpxml g off
        undefine g --snapshots-metadata
        define %/../volumes.xml
        start g
        snapshot-create-as g on --disk-only --diskspec vda,file=%/a.qcow2 --diskspec vdb,snapshot=no
        snapshot-create-as g on --disk-only --diskspec vda,file=%/on --diskspec vdb,file=%/onb
        dumpxml g
        dumpxml g --inactive
        snapshot-dumpxml g on
        blockcommit g vda --active --wait
        dumpxml g
        blockjob g vda --pivot
        dumpxml g
        dumpxml g --inactive
        snapshot-create-as g m --memspec file=%/m --diskspec vda,file=%/m1 --diskspec vdb,snapshot=no
        blockpull g vda --wait
        blockcopy g vda %/copy --transient-job --wait --pivot
        blockcopy g vdb %/copyb --shallow --transient-job --wait --pivot
        dumpxml g
        dumpxml g --inactive
        domblkinfo g vdb
        domblklist g
        destroy g
        pool-destroy p
        start g
    """)


def test_network_disks_as_libvirt_has_them(twins: Twins) -> None:
    """Snapshots of, and jobs on, a disk that another program serves."""
    need("qemu-nbd")
    nbd = "network", f"protocol='nbd' name='e'><host transport='unix' socket='{twins.folder}/sock'/></source>"
    (twins.folder.parent / "net.xml").write_text(elsewhere(twins, a=nbd))
    to = nbd[1].replace("'e'", "'d'").replace("/sock'", "/to'")
    (twins.folder.parent / "to.xml").write_text(f"<disk type='network'><driver type='qcow2'/><source {to}</disk>")
    twins.same("""
        !qemu-nbd --fork -k $PWD/sock -f raw -x e -e 8 -t a.qcow2 --pid-file $PWD/pid && chmod 777 sock
        define %/../net.xml
        snapshot-create-as g off --disk-only --diskspec vda,file=%/off --diskspec vdb,snapshot=no
        snapshot-create-as g int
        start g
        snapshot-create-as g auto --disk-only
        snapshot-create-as g on --disk-only --diskspec vda,file=%/on --diskspec vdb,snapshot=no
        dumpxml g
        dumpxml g --inactive
        !qemu-img info -U on | grep ^backing
        domblklist g
        blockcommit g vda --active --wait
        dumpxml g
        blockjob g vda --pivot
        dumpxml g
        dumpxml g --inactive
        snapshot-create-as g on2 --disk-only --diskspec vda,file=%/on2 --diskspec vdb,snapshot=no
        blockpull g vda --wait
        dumpxml g
        dumpxml g --inactive
        !truncate -s 20M dst; chmod 666 dst; qemu-nbd --fork -k $PWD/to -f raw -x d -e 8 -t dst --pid-file $PWD/pid2
        !chmod 777 to; kill $(cat pid)
        blockcopy g vda --xml %/../to.xml --transient-job --wait
        dumpxml g
        blockjob g vda --pivot
        dumpxml g
        dumpxml g --inactive
        blockcopy g vdb %/dst --format raw --reuse-external --transient-job --wait
        blockcopy g vda %/back --transient-job --wait --pivot
        !kill $(cat pid2)
    """)


@pytest.mark.long  # QEMU takes seconds for each key
def test_what_is_made_can_be_encrypted(conn: api.Connection, disked: DomainRef, images: Path, root: Path) -> None:
    """Copies, snapshots and backups: their files hold nothing in the clear, and the guest goes on with them."""
    uuid, key = "1f1b3b68-7a3a-4f2c-9d5c-0d52f5a3f002", b"open sesame"
    secret = conn.secret_define_xml(f"<secret><uuid>{uuid}</uuid></secret>", 0)
    conn.secret_set_value(secret, key, 0)
    (root / "key").write_bytes(key)
    encryption = f"<encryption format='luks'><secret type='passphrase' uuid='{uuid}'/></encryption>"

    def source(name: str, tag: str = "source") -> str:
        return f"<{tag} file='{images}/{name}'>{encryption}</{tag}>"

    def told(name: str, format: str) -> int:
        """The byte that an image begins with, which it keeps to itself."""
        assert bytes([7]) * 512 not in (images / name).read_bytes()
        opened = f"driver={format},file.filename={images}/{name},{'encrypt.' * (format != 'luks')}key-secret=s"
        opened += ",encrypt.format=luks" if format != "luks" else ""
        argv = ["qemu-img", "convert", "-U", "--object", f"secret,id=s,file={root}/key", "--image-opts", opened]
        subprocess.run([*argv, "-O", "raw", str(root / "out")], check=True, capture_output=True)
        return (root / "out").read_bytes()[0]

    def patiently(call: Callable[[], object]) -> None:
        """QEMU measures the processor for a key, and may find no time on a busy machine."""

        def done() -> bool:
            try:
                call()
            except VirtError as error:
                if "accurate CPU usage" not in str(error):
                    raise
                return False
            return True

        wait_until(done, 120)

    ref = conn.domain_create_with_flags(disked, 0)
    fill(conn, ref, 7)
    for name, format in (("push", "qcow2"), ("pushed", "raw")):
        disk = f"<disk name='vda' type='file'>{source(name, 'target')}<driver type='{format}'/></disk>"
        backup = f"<domainbackup><disks>{disk}</disks></domainbackup>"
        patiently(lambda backup=backup: conn.domain_backup_begin(ref, backup, None, 0))  # type: ignore[misc]
        wait_until(lambda: conn.domain_get_job_info(ref).type == const.DOMAIN_JOB_NONE)
    assert told("push", "qcow2") == told("pushed", "luks") == 7
    copy = f"<disk type='file'><driver type='qcow2'/>{source('copy')}</disk>"
    transient = const.DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    patiently(lambda: conn.domain_block_copy(ref, "vda", copy, TypedParams(), transient))
    wait_until(lambda: "ready='yes'" in conn.domain_get_xml_desc(ref, 0))
    conn.domain_block_job_abort(ref, "vda", const.DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    disk = f"<disk name='vda' snapshot='external'>{source('above')}</disk><disk name='vdb' snapshot='no'/>"
    disk_only = const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    snapshot = f"<domainsnapshot><disks>{disk}</disks></domainsnapshot>"
    patiently(lambda: conn.domain_snapshot_create_xml(ref, snapshot, disk_only))
    fill(conn, ref, 7)
    assert told("copy", "qcow2") == 7
    conn.domain_destroy(ref)
    assert bytes([7]) * 512 not in (images / "above").read_bytes()
    ref = conn.domain_create_with_flags(disked, 0)  # which opens both
    plain = f"<disk type='file'><driver type='raw'/><source file='{images}/plain'/></disk>"
    conn.domain_block_copy(ref, "vda", plain, TypedParams(), transient)
    wait_until(lambda: "ready='yes'" in conn.domain_get_xml_desc(ref, 0))
    conn.domain_block_job_abort(ref, "vda", const.DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    assert (images / "plain").read_bytes()[0] == 7 and "encryption" not in conn.domain_get_xml_desc(ref, 2)
    held = conn.qemu_domain_monitor_command(ref, "info qom-tree /objects", 1)
    assert "encryption-secret" not in held


@pytest.mark.parametrize("dies", [False, True])
def test_nobody_watches(
    connect: Callable[..., api.Connection], layered: DomainRef, images: Path, root: Path, dies: bool
) -> None:
    """A job that comes to its end in between is in the documents when somebody looks, even after the guest's end."""
    conn = connect()
    conn.domain_block_commit(layered, "vda", None, None, 0, const.DOMAIN_BLOCK_COMMIT_ACTIVE)
    wait_until(lambda: "ready='yes'" in conn.domain_get_xml_desc(layered, 0))
    flags = const.DOMAIN_BLOCK_JOB_ABORT_PIVOT | const.DOMAIN_BLOCK_JOB_ABORT_ASYNC
    conn.domain_block_job_abort(layered, "vda", flags)
    wait_until(lambda: "BLOCK_JOB_COMPLETED" in next(root.glob("e/run/qemu/*.journal.out")).read_text())
    if dies:
        kill_guest(root)
    else:
        assert names(conn, layered) == ["a.qcow2", "b.two"]
    assert names(conn, layered, INACTIVE) == ["a.qcow2", "b.two"]
    assert read(images / "a.qcow2") == 3


def test_a_guest_dies_before_the_end(conn: api.Connection, layered: DomainRef, images: Path, root: Path) -> None:
    conn.domain_block_commit(layered, "vda", None, None, 0, const.DOMAIN_BLOCK_COMMIT_ACTIVE)
    kill_guest(root)
    assert names(conn, layered, INACTIVE) == ["a.two", "b.two"]
    ref = conn.domain_create_with_flags(layered, 0)
    assert ended(conn, ref) and read(images / "a.two") == 3


def test_events_and_deleting(conn: api.Connection, layered: DomainRef, images: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    subscription = conn.subscribe(
        "domain_event_block_job_2", layered, lambda event: seen.append((event.dst, event.type, event.status))
    )
    conn.domain_block_commit(layered, "vda", None, str(images / "a.one"), 0, const.DOMAIN_BLOCK_COMMIT_DELETE)
    wait_until(lambda: len(seen) == 1)
    assert backing(images / "a.two") == ["a.two", "a.qcow2"] and not (images / "a.one").exists()
    conn.domain_block_commit(layered, "vda", None, None, 0, const.DOMAIN_BLOCK_COMMIT_ACTIVE)
    wait_until(lambda: len(seen) == 2)
    conn.domain_block_job_abort(layered, "vda", const.DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    wait_until(lambda: len(seen) == 3)
    subscription.close()
    commit, active = const.DOMAIN_BLOCK_JOB_TYPE_COMMIT, const.DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT
    assert seen == [("vda", commit, 0), ("vda", active, 3), ("vda", active, 0)]
    assert read(images / "a.qcow2") == 3 and names(conn, layered) == ["a.qcow2", "b.two"]


def test_thresholds(conn: api.Connection, layered: DomainRef, images: Path) -> None:
    seen: list[tuple[object, ...]] = []
    subscription = conn.subscribe("domain_event_block_threshold", layered, lambda event: seen.append(tuple(event)[1:]))
    with pytest.raises(VirtError, match="failed to find disk 'vda\\[99\\]'"):
        conn.domain_set_block_threshold(layered, "vda[99]", 4096, 0)
    conn.domain_set_block_threshold(layered, "vda", 4096, 0)
    fill(conn, layered, 7)
    wait_until(lambda: len(seen) == 2)
    subscription.close()
    assert seen[0][:3] == ("vda", str(images / "a.two"), 4096)
