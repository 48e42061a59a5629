"""Checkpoints and backups: as libvirtd makes them, and what is in them."""

import json
import socket
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as pem

from tests.live.certificates import Authority
from tests.live.libvirtd import free_port
from tests.live.side import Side
from tests.live.wait import wait_until
from tests.qemu.twins import Twins, fill, read, sources
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.records import DomainCheckpointRef, DomainRef

CHECKPOINT = "<domaincheckpoint><name>{}</name></domaincheckpoint>"
PUSH = (
    "<domainbackup>{}<disks><disk name='vda' type='file'><target file='{}'/><driver type='qcow2'/></disk></disks>"
    "</domainbackup>"
)
PULL = (
    "<domainbackup mode='pull'><incremental>{}</incremental><server transport='unix' socket='{}'/><disks>"
    "<disk name='vda' type='file'{}</disks></domainbackup>"
)
SINCE = "<incremental>{}</incremental>"


def test_as_libvirt_makes_them(twins: Twins) -> None:
    folder = twins.folder
    push = PUSH.format(SINCE.format("c1"), folder / "inc")
    pull = PULL.format("c2", folder / "nbd", f"><scratch file='{folder}/s'/></disk>")
    documents = {"push": push, "pull": pull, "ck": CHECKPOINT.format("c3"), "nope": push.replace("c1", "no")}
    for name, xml in documents.items():
        (folder.parent / f"{name}.xml").write_text(xml)
    twins.same("""
        checkpoint-create-as g c0
        backup-begin g
        backup-dumpxml g
        start g
        checkpoint-create-as g c1
        checkpoint-create-as g c1
        checkpoint-create-as g c2 --diskspec vda
        checkpoint-create-as g cf --diskspec fda
        checkpoint-dumpxml g c2
        checkpoint-dumpxml g c1 --no-domain --size
        checkpoint-list g --tree
        checkpoint-info g c2
        domjobabort g
        backup-begin g %/../pull.xml %/../ck.xml
        backup-dumpxml g
        checkpoint-list g --tree
        !qemu-img info "nbd+unix:///vda?socket=$PWD/nbd" | grep virtual
        domjobabort g
        !until [ ! -e nbd ]; do sleep 0.1; done
        domjobinfo g
        backup-begin g %/../push.xml
        !sleep 0.5
        backup-dumpxml g
        !qemu-img info inc | grep backing
        backup-begin g %/../nope.xml
        snapshot-create-as g sn --disk-only
        checkpoint-dumpxml g c3 --no-domain --size
        checkpoint-delete g c1
        checkpoint-list g --tree
        destroy g
        !qemu-img info a.sn | grep 'name: c' | sort
        !qemu-img info a.qcow2 | grep 'name: c' | sort
        checkpoint-delete g c2
        undefine g --snapshots-metadata
        checkpoint-delete g c2 --metadata
        checkpoint-delete g c3 --metadata
        checkpoint-list g
        undefine g --snapshots-metadata
    """)


def checkpoint(conn: api.Connection, ref: DomainRef, name: str) -> DomainCheckpointRef:
    return conn.domain_checkpoint_create_xml(ref, CHECKPOINT.format(name), 0)


def backed_up(conn: api.Connection, ref: DomainRef, target: Path, since: str = "") -> Path:
    """The image of a push backup, once it is done."""
    conn.domain_backup_begin(ref, PUSH.format(SINCE.format(since) if since else "", target), None, 0)
    wait_until(lambda: conn.domain_get_job_stats(ref, const.DOMAIN_JOB_STATS_KEEP_COMPLETED).type == 0)
    assert conn.domain_get_job_stats(ref, const.DOMAIN_JOB_STATS_COMPLETED).type == const.DOMAIN_JOB_COMPLETED
    return target


def changed(image: Path, pattern: int) -> bool:
    """Whether an incremental backup has what was written: it alone, without what it stands on."""
    argv = ["qemu-img", "rebase", "-u", "-f", "qcow2", "-b", "", str(image)]
    subprocess.run(argv, check=True)
    return read(image) == pattern


def test_increments(conn: api.Connection, disked: DomainRef, images: Path) -> None:
    """What was written since a checkpoint is in the increment, whatever became of the disk's images meanwhile."""
    ref = conn.domain_create_with_flags(disked, 0)
    fill(conn, ref, 1)
    assert read(backed_up(conn, ref, images / "full")) == 1
    first = checkpoint(conn, ref, "first")
    assert not changed(backed_up(conn, ref, images / "none", "first"), 1)
    fill(conn, ref, 2)
    assert changed(backed_up(conn, ref, images / "one", "first"), 2)
    conn.domain_snapshot_create_xml(
        ref, "<domainsnapshot><name>s</name></domainsnapshot>", const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    )
    checkpoint(conn, ref, "second")
    assert changed(backed_up(conn, ref, images / "two", "first"), 2)
    assert not changed(backed_up(conn, ref, images / "three", "second"), 2)
    fill(conn, ref, 3)
    assert changed(backed_up(conn, ref, images / "four", "second"), 3)
    conn.domain_snapshot_delete(conn.domain_snapshot_lookup_by_name(ref, "s", 0), 0)
    assert [path.name for path in sources(conn, ref)] == ["a.qcow2", "b.qcow2"]
    for number, name in enumerate(("first", "second")):
        assert changed(backed_up(conn, ref, images / f"after{number}", name), 3)
    # Bitmaps outlive the guest.
    conn.domain_destroy_flags(ref, 0)
    ref = conn.domain_create_with_flags(ref, 0)
    assert changed(backed_up(conn, ref, images / "again", "first"), 3)
    conn.domain_checkpoint_delete(first, const.DOMAIN_CHECKPOINT_DELETE_CHILDREN)
    info = subprocess.run(["qemu-img", "info", "-U", images / "a.qcow2"], check=True, capture_output=True, text=True)
    assert "first" not in info.stdout and "second" not in info.stdout


def test_pulling(conn: api.Connection, disked: DomainRef, images: Path) -> None:
    """A reader sees the disk as it was, and what had changed since the checkpoint."""
    ref = conn.domain_create_with_flags(disked, 0)
    checkpoint(conn, ref, "first")
    fill(conn, ref, 5)
    before = sorted(path.name for path in images.iterdir())
    conn.domain_backup_begin(ref, PULL.format("first", images / "nbd", "/>"), CHECKPOINT.format("then"), 0)
    fill(conn, ref, 6)
    export = f"driver=nbd,export=vda,server.type=unix,server.path={images}/nbd"
    argv = ["qemu-img", "map", "--output=json", "--image-opts", f"{export},x-dirty-bitmap=qemu:dirty-bitmap:backup-vda"]
    dirty = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    assert (dirty[0]["start"], dirty[0]["length"], dirty[0]["data"]) == (0, 65536, False)
    copy = images / "copy.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", "--image-opts", export, copy], check=True)
    assert read(copy) == 5
    copy.unlink()
    assert conn.domain_get_job_stats(ref, 0).type == const.DOMAIN_JOB_UNBOUNDED
    conn.domain_abort_job(ref)
    assert sorted(path.name for path in images.iterdir()) == before
    assert conn.domain_get_job_stats(ref, 0).type == const.DOMAIN_JOB_NONE
    assert changed(backed_up(conn, ref, images / "rest", "then"), 6)


def test_pulling_over_tls(
    conn: api.Connection, disked: DomainRef, images: Path, root: Path, side: Side, uri: str
) -> None:
    """Who asks in the clear, or has a certificate of somebody else's, gets nothing; afterwards nobody listens. The
    server's key is opened by a secret."""
    for name in ("ours", "strange"):
        Authority().write(root / name, host="localhost").chmod(0o755)
    key = root / "ours/serverkey.pem"
    loaded, how = pem.load_pem_private_key(key.read_bytes(), None), pem.BestAvailableEncryption(b"open")
    key.write_bytes(loaded.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, how))
    uuid = "1f1b3b68-7a3a-4f2c-9d5c-0d52f5a3f001"
    usage = "<usage type='tls'><name>backups</name></usage>"
    secret = conn.secret_define_xml(f"<secret ephemeral='yes'><uuid>{uuid}</uuid>{usage}</secret>", 0)
    conn.secret_set_value(secret, b"open", 0)
    ref = conn.domain_create_with_flags(disked, 0)
    fill(conn, ref, 5)
    port, xml = free_port(), root / "backup.xml"
    server = f"<server transport='tcp' tls='yes' name='localhost' port='{port}'/>"
    xml.write_text(f"<domainbackup mode='pull'>{server}<disks><disk name='vda'/></disks></domainbackup>")
    before = sorted(path.name for path in images.iterdir())
    for lines, error in (
        ('default_tls_x509_cert_dir = "/no/where"', "/no/where"),
        (f'backup_tls_x509_cert_dir = "{root}/ours"', "Decryption has failed"),
        (f'backup_tls_x509_cert_dir = "{root}/ours"\nbackup_tls_x509_secret_uuid = "{uuid}"', ""),
    ):
        (root / "e/etc/qemu.conf").write_text(f"{lines}\n")
        run = side.vsh("-c", uri, "backup-begin", "g", str(xml))
        assert run.status == bool(error) and error in run.stderr, run.stderr
        assert not error or sorted(path.name for path in images.iterdir()) == before
    fill(conn, ref, 6)
    export = f"driver=nbd,server.type=inet,server.host=localhost,server.port={port},export=vda"
    copy = images / "copy.qcow2"

    def fetched(more: str, folder: str) -> bool:
        certificates = ["--object", f"tls-creds-x509,id=t,dir={root}/{folder},endpoint=client"]
        argv = ["qemu-img", "convert", *certificates, "-O", "qcow2", "--image-opts", export + more, str(copy)]
        return subprocess.run(argv, check=False, capture_output=True, timeout=30).returncode == 0

    assert not fetched("", "ours") and not fetched(",tls-creds=t", "strange")
    assert fetched(",tls-creds=t", "ours") and read(copy) == 5
    copy.unlink()
    conn.domain_abort_job(ref)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", port))
    told = conn.qemu_domain_monitor_command(ref, "info qom-tree /objects", 1)
    assert "libvirt_backup" not in told
    assert sorted(path.name for path in images.iterdir()) == before
