"""Snapshots: as libvirtd takes them, and what 9.0 does not do: going back to external ones, deleting anywhere."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from tests.live.guest import Guests
from tests.qemu.twins import DISK, Twins, backing, disks, fill, read, sources, write
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import NO_DOMAIN_SNAPSHOT, OPERATION_FAILED, OPERATION_INVALID, VirtError
from vsh.backends.records import DomainRef, DomainSnapshotRef

DISK_ONLY = const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
NAMED = "<domainsnapshot><name>{}</name></domainsnapshot>"


def code(call: Callable[[], object]) -> int:
    with pytest.raises(VirtError) as caught:
        call()
    return caught.value.code


def take(conn: api.Connection, ref: DomainRef, name: str, flags: int = 0) -> DomainSnapshotRef:
    return conn.domain_snapshot_create_xml(ref, NAMED.format(name), flags)


def test_taking(twins: Twins) -> None:
    twins.same("""
        snapshot-create-as g x --quiesce
        snapshot-create-as g x --live
        snapshot-create-as g x --diskspec vda,snapshot=no
        snapshot-create-as g x --diskspec vdq
        snapshot-create-as g x --disk-only --reuse-external
        snapshot-create-as g a/b
        snapshot-create-as g .b
        snapshot-create-as g x --memspec file=/tmp/q
        snapshot-create-as g int0
        snapshot-dumpxml g int0
        snapshot-create-as g int0
        !qemu-img snapshot -l a.qcow2 | cut -c1-20
        snapshot-create-as g off --disk-only
        snapshot-create-as g off --disk-only
        dumpxml g
        start g
        dumpxml g
        snapshot-create-as g on1 --description hello
        snapshot-dumpxml g on1
        snapshot-create-as g x --disk-only --diskspec vda,snapshot=internal
        snapshot-create-as g x --diskspec vda,snapshot=external
        snapshot-create-as g x --memspec snapshot=no
        snapshot-create-as g y --disk-only --no-metadata
        snapshot-create-as g x --disk-only --atomic
        snapshot-create-as g m --memspec file=%/m --diskspec vda,snapshot=external --diskspec vdb,snapshot=no
        snapshot-dumpxml g m
        domstate g --reason
        dumpxml g
        dumpxml g --inactive
        snapshot-create-as g last --disk-only --halt
        domstate g --reason
        snapshot-list g --parent
        snapshot-list g --tree
        snapshot-list g --external --name
        snapshot-list g --leaves --name
        snapshot-current g --name
        snapshot-parent g last
        snapshot-info g last
        !qemu-img info --backing-chain a.last | grep backing
    """)


def test_going_back(twins: Twins) -> None:
    twins.same("""
        snapshot-create-as g i0
        !qemu-io -c 'write -P 1 0 64k' a.qcow2 | head -1
        snapshot-create-as g i1
        snapshot-revert g i0
        !qemu-io -r -c 'read -P 0 0 64k' a.qcow2 | head -1
        snapshot-revert g i1
        !qemu-io -r -c 'read -P 1 0 64k' a.qcow2 | head -1
        domrename g h
        snapshot-list h --tree
        domrename h g
        undefine g
        start g
        snapshot-create-as g live
        suspend g
        snapshot-create-as g livep
        resume g
        snapshot-revert g livep
        domstate g --reason
        snapshot-revert g live --paused
        domstate g --reason
        snapshot-revert g i1 --running
        domstate g --reason
        snapshot-revert g i1
        domstate g --reason
        snapshot-revert g live --running
        domstate g --reason
        snapshot-list g --tree
        snapshot-delete g i1 --metadata
        snapshot-delete g nope
        snapshot-list g --tree
        snapshot-current g --name
        snapshot-delete g live
        snapshot-list g --tree
        snapshot-current g --name
        !qemu-img snapshot -U -l a.qcow2 | cut -c1-20
        destroy g
        snapshot-delete g i0 --children-only
        snapshot-list g --name
        !qemu-img snapshot -l a.qcow2 | cut -c1-20
        managedsave g
        undefine g
    """)


def test_external_branches(conn: api.Connection, disked: DomainRef, images: Path) -> None:
    """Each snapshot is there as it was, whatever is done after it; nothing is left behind in the end."""
    ref = disked
    write(sources(conn, ref)[0], 1)
    one = take(conn, ref, "one", DISK_ONLY)
    write(sources(conn, ref)[0], 2)
    two = take(conn, ref, "two", DISK_ONLY)
    write(sources(conn, ref)[0], 3)
    conn.domain_revert_to_snapshot(one, 0)
    assert read(sources(conn, ref)[0]) == 1
    assert backing(sources(conn, ref)[0])[1:] == ["a.qcow2"]
    assert not (images / "a.two").exists()  # what had been written since is gone
    write(sources(conn, ref)[0], 4)
    three = take(conn, ref, "three", DISK_ONLY)
    write(sources(conn, ref)[0], 5)
    conn.domain_revert_to_snapshot(two, 0)
    assert read(sources(conn, ref)[0]) == 2
    conn.domain_revert_to_snapshot(three, 0)
    assert read(sources(conn, ref)[0]) == 4
    # The other branch needs the image that the first snapshot keeps: it stays, the snapshot goes.
    conn.domain_snapshot_delete(one, 0)
    assert (images / "a.qcow2").exists() and read(sources(conn, ref)[0]) == 4
    assert sorted(conn.domain_snapshot_list_names(ref, const.DOMAIN_SNAPSHOT_LIST_ROOTS)) == ["three", "two"]
    conn.domain_revert_to_snapshot(two, 0)
    assert read(sources(conn, ref)[0]) == 2
    assert code(lambda: conn.domain_snapshot_get_parent(two, 0)) == NO_DOMAIN_SNAPSHOT
    conn.domain_snapshot_delete(two, 0)
    conn.domain_snapshot_delete(three, 0)
    assert read(sources(conn, ref)[0]) == 2
    assert conn.domain_snapshot_num(ref, 0) == 0


def test_deleting_merges(conn: api.Connection, disked: DomainRef, images: Path) -> None:
    ref = disked
    for pattern, name in ((1, "one"), (2, "two"), (3, "three")):
        write(sources(conn, ref)[0], pattern)
        take(conn, ref, name, DISK_ONLY)
    write(sources(conn, ref)[0], 4)
    before = {path.name for path in images.iterdir()}
    conn.domain_snapshot_delete(conn.domain_snapshot_lookup_by_name(ref, "two", 0), 0)
    assert before - {path.name for path in images.iterdir()} == {"a.two", "b.two"}
    assert backing(sources(conn, ref)[0]) == ["a.three", "a.one", "a.qcow2"]
    assert read(images / "a.qcow2") == 1 and read(images / "a.one") == 3 and read(sources(conn, ref)[0]) == 4
    three = conn.domain_snapshot_lookup_by_name(ref, "three", 0)
    assert "a.one" in conn.domain_snapshot_get_xml_desc(three, 0)
    conn.domain_revert_to_snapshot(three, 0)
    assert read(sources(conn, ref)[0]) == 3
    one = conn.domain_snapshot_lookup_by_name(ref, "one", 0)
    conn.domain_snapshot_delete(one, const.DOMAIN_SNAPSHOT_DELETE_CHILDREN)
    assert sources(conn, ref) == [images / "a.qcow2", images / "b.qcow2"]
    assert read(images / "a.qcow2") == 3
    assert sorted(path.name for path in images.iterdir()) == ["a.qcow2", "b.qcow2"]


def test_deleting_merges_while_it_runs(conn: api.Connection, disked: DomainRef, images: Path) -> None:
    ref = conn.domain_create_with_flags(disked, 0)
    for pattern, name in ((1, "one"), (2, "two"), (3, "three")):
        fill(conn, ref, pattern)
        take(conn, ref, name, DISK_ONLY)
    conn.domain_snapshot_delete(conn.domain_snapshot_lookup_by_name(ref, "two", 0), 0)
    assert [path.name for path in sources(conn, ref)] == ["a.three", "b.three"]
    assert backing(sources(conn, ref)[0]) == ["a.three", "a.one", "a.qcow2"]
    conn.domain_snapshot_delete(conn.domain_snapshot_lookup_by_name(ref, "three", 0), 0)
    for flags in (0, const.DOMAIN_XML_INACTIVE):
        assert [path.name for path in sources(conn, ref, flags)] == ["a.one", "b.one"]
    assert read(sources(conn, ref)[0]) == 3 and read(images / "a.qcow2") == 1
    conn.domain_revert_to_snapshot(conn.domain_snapshot_lookup_by_name(ref, "one", 0), 0)
    assert conn.domain_get_state(ref, 0).state == const.DOMAIN_SHUTOFF and read(sources(conn, ref)[0]) == 1
    conn.domain_snapshot_delete(conn.domain_snapshot_lookup_by_name(ref, "one", 0), 0)
    assert sorted(path.name for path in images.iterdir()) == ["a.qcow2", "b.qcow2"]


def test_what_others_need_stays(conn: api.Connection, disked: DomainRef, images: Path, guests: Guests) -> None:
    """A clone on top of a snapshot's image keeps it; an internal snapshot keeps the image that has it."""
    ref = disked
    write(images / "a.qcow2", 1)
    one = take(conn, ref, "one", DISK_ONLY)
    write(sources(conn, ref)[0], 2)
    clone = images / "clone.qcow2"
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(images / "a.qcow2"), str(clone)]
    subprocess.run(argv, check=True)
    xml = guests.boot_sector("clone").replace("<controller", disks(images) + "<controller", 1)
    conn.domain_define_xml_flags(xml.replace("a.qcow2", "clone.qcow2").replace("b.qcow2", "none.qcow2"), 0)
    conn.domain_snapshot_delete(one, 0)
    assert read(clone) == 1 and read(sources(conn, ref)[0]) == 2
    assert sources(conn, ref)[1] == images / "b.qcow2"  # nobody else has that one
    two = take(conn, ref, "two", DISK_ONLY)
    take(conn, ref, "inside")
    conn.domain_snapshot_delete(two, 0)
    inside = conn.domain_snapshot_lookup_by_name(ref, "inside", 0)
    write(sources(conn, ref)[0], 7)
    conn.domain_revert_to_snapshot(inside, 0)
    assert read(sources(conn, ref)[0]) == 2


def test_volumes(conn: api.Connection, images: Path, guests: Guests) -> None:
    """A disk that is a volume is one again when what was above it is merged into it; its image is needed."""
    conn.storage_pool_create_xml(f"<pool type='dir'><name>p</name><target><path>{images}</path></target></pool>", 0)

    def define(name: str, volume: str) -> DomainRef:
        disk = DISK.format("", "", "vda").replace("type='file'", "type='volume'")
        disk = disk.replace("file='/.qcow2'", f"pool='p' volume='{volume}'")
        return conn.domain_define_xml(guests.boot_sector(name).replace("<controller", f"{disk}<controller", 1))

    def image(ref: DomainRef) -> str:
        (found,) = etree.fromstring(conn.domain_get_xml_desc(ref, 0)).xpath("//disk[target/@dev='vda']/source")
        return str(found.get("volume") or found.get("file"))

    ref = define("v", "a.qcow2")
    text = (
        "<domainsnapshot><name>{0}</name><disks><disk name='fda' snapshot='no'/>"
        "<disk name='vda' snapshot='external'><source file='{1}/{0}'/></disk></disks></domainsnapshot>"
    )
    write(images / "a.qcow2", 1)
    one = conn.domain_snapshot_create_xml(ref, text.format("one", images), DISK_ONLY)
    write(images / "one", 2)
    conn.domain_create(ref)
    conn.domain_snapshot_create_xml(ref, text.format("two", images), DISK_ONLY)
    fill(conn, ref, 3)
    conn.domain_revert_to_snapshot(one, 0)
    assert read(Path(image(ref))) == 1
    assert not (images / "two").exists()
    write(Path(image(ref)), 4)
    conn.domain_create(ref)
    define("other", "one")  # which keeps what it has
    conn.domain_snapshot_delete(conn.domain_snapshot_lookup_by_name(ref, "two", 0), 0)
    assert read(images / "one") == 2
    conn.domain_snapshot_delete(one, 0)
    assert image(ref) != "a.qcow2" and read(images / "one") == 2
    again = define("w", "b.qcow2")
    three = conn.domain_snapshot_create_xml(again, text.format("three", images), DISK_ONLY)
    write(images / "three", 5)
    conn.domain_snapshot_delete(three, 0)
    assert image(again) == "b.qcow2" and read(images / "b.qcow2") == 5 and not (images / "three").exists()


def test_memory_outside(conn: api.Connection, disked: DomainRef, images: Path) -> None:
    ref = conn.domain_create_with_flags(disked, 0)
    memory = f"<memory snapshot='external' file='{images}/memory'/>"
    xml = NAMED.format("whole").replace("</name>", f"</name>{memory}")
    for flags in (0, const.DOMAIN_SNAPSHOT_CREATE_LIVE):
        whole = conn.domain_snapshot_create_xml(ref, xml, flags)
        assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
        conn.domain_revert_to_snapshot(whole, 0)
        state = conn.domain_get_state(ref, 0)
        assert (state.state, state.reason) == (const.DOMAIN_RUNNING, const.DOMAIN_RUNNING_FROM_SNAPSHOT)
        assert all(path.suffix not in (".qcow2", ".whole") for path in sources(conn, ref))
        conn.domain_destroy_flags(ref, 0)
        conn.domain_snapshot_delete(whole, 0)
        assert sorted(path.name for path in images.iterdir()) == ["a.qcow2", "b.qcow2"]
        conn.domain_create_with_flags(ref, 0)


def test_redefining(conn: api.Connection, disked: DomainRef) -> None:
    ref = disked
    take(conn, ref, "one")
    two = take(conn, ref, "two")
    flags = const.DOMAIN_SNAPSHOT_XML_SECURE
    texts = [conn.domain_snapshot_get_xml_desc(DomainSnapshotRef(name, ref), flags) for name in ("one", "two")]
    assert code(lambda: conn.domain_undefine_flags(ref, 0)) == OPERATION_INVALID
    for name in ("one", "two"):
        conn.domain_snapshot_delete(DomainSnapshotRef(name, ref), const.DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)
    assert conn.domain_snapshot_list_names(ref, 0) == []
    redefine = const.DOMAIN_SNAPSHOT_CREATE_REDEFINE
    conn.domain_snapshot_create_xml(ref, texts[0], redefine)
    conn.domain_snapshot_create_xml(ref, texts[1], redefine | const.DOMAIN_SNAPSHOT_CREATE_CURRENT)
    assert [conn.domain_snapshot_get_xml_desc(DomainSnapshotRef(name, ref), 0) for name in ("one", "two")] == texts
    assert conn.domain_snapshot_current(ref, 0) == two
    assert code(lambda: take(conn, ref, "two")) == OPERATION_FAILED
    conn.domain_revert_to_snapshot(two, 0)
    conn.domain_undefine_flags(ref, const.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
    assert code(lambda: conn.domain_snapshot_num(ref, 0))
