"""Guests that run: started, stopped, ended, by one process or another."""

import hashlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.wait import wait_until
from tests.qemu.running import code, left_behind, process_of, run_files
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import INTERNAL_ERROR, NO_DOMAIN, OPERATION_FAILED, OPERATION_INVALID, VirtError
from vsh.backends.records import DomainRef

RUNNING, PAUSED, SHUTOFF = const.DOMAIN_RUNNING, const.DOMAIN_PAUSED, const.DOMAIN_SHUTOFF


@pytest.fixture
def sector(conn: api.Connection, guests: Guests) -> DomainRef:
    return conn.domain_define_xml_flags(guests.boot_sector("sector"), 0)


def test_a_life(conn: api.Connection, sector: DomainRef, root: Path) -> None:
    ref = conn.domain_create_with_flags(sector, 0)
    assert ref.id == 1
    assert tuple(conn.domain_get_state(ref, 0)) == (RUNNING, const.DOMAIN_RUNNING_BOOTED)
    assert code(lambda: conn.domain_create_with_flags(ref, 0)) == OPERATION_INVALID
    conn.domain_suspend(ref)
    conn.domain_suspend(ref)
    assert tuple(conn.domain_get_state(ref, 0)) == (PAUSED, const.DOMAIN_PAUSED_USER)
    conn.domain_resume(ref)
    assert tuple(conn.domain_get_state(ref, 0)) == (RUNNING, const.DOMAIN_RUNNING_UNPAUSED)
    assert code(lambda: conn.domain_resume(ref)) == OPERATION_INVALID
    conn.domain_reset(ref, 0)
    assert conn.domain_get_info(ref).cpu_time > 0
    assert [r.id for r in conn.connect_list_all_domains(1)] == [1]
    conn.domain_destroy_flags(ref, 0)
    assert tuple(conn.domain_get_state(ref, 0)) == (SHUTOFF, const.DOMAIN_SHUTOFF_DESTROYED)
    assert code(lambda: conn.domain_destroy_flags(ref, 0)) == OPERATION_INVALID
    assert not left_behind(root)
    assert conn.domain_create_with_flags(sector, const.DOMAIN_START_PAUSED).id == 2
    assert conn.domain_get_state(ref, 0).state == PAUSED
    conn.domain_destroy_flags(ref, const.DOMAIN_DESTROY_GRACEFUL)
    conn.domain_undefine_flags(ref, 0)
    assert run_files(root, ref) == []


def test_journals_are_kept_for_a_while(conn: api.Connection, sector: DomainRef, root: Path) -> None:
    for _ in range(2):
        conn.domain_create_with_flags(sector, 0)
        conn.domain_destroy_flags(sector, 0)
    journals = sorted((root / "e/run/qemu").glob("*.journal.out"))
    assert len(journals) == 2
    os.utime(journals[0], (1, 1))
    conn.domain_create_with_flags(sector, 0)
    os.utime(root / "e/run/qemu" / f"{sector.uuid.hex()}.3.journal.out", (1, 1))
    conn.domain_destroy_flags(sector, 0)
    assert not journals[0].exists()
    assert journals[1].exists()


def test_transient_guests(conn: api.Connection, guests: Guests, root: Path) -> None:
    ref = conn.domain_create_xml(guests.boot_sector("passing"), 0)
    assert (conn.domain_is_persistent(ref), conn.domain_is_active(ref)) == (0, 1)
    assert code(lambda: conn.domain_create_xml(guests.boot_sector("passing"), 0)) == OPERATION_FAILED
    same = conn.domain_get_xml_desc(ref, 0)
    assert code(lambda: conn.domain_create_xml(same, 0)) == OPERATION_INVALID
    assert code(lambda: conn.domain_undefine_flags(ref, 0)) == OPERATION_INVALID
    # Defined while it runs, it stays; undefined again, it goes when it stops.
    conn.domain_define_xml_flags(same.replace("<vcpu placement='static'>1<", "<vcpu>2<"), 0)
    assert conn.domain_is_persistent(ref) == 1
    assert [conn.domain_get_vcpus_flags(ref, flag) for flag in (1, 2)] == [1, 2]
    assert ">1</vcpu>" in conn.domain_get_xml_desc(ref, 0)
    assert ">2</vcpu>" in conn.domain_get_xml_desc(ref, const.DOMAIN_XML_INACTIVE)
    conn.domain_undefine_flags(ref, 0)
    conn.domain_destroy_flags(ref, 0)
    assert code(lambda: conn.domain_get_state(ref, 0)) == NO_DOMAIN
    assert conn.connect_list_all_domains(0) == []
    assert run_files(root, ref) == []


def test_no_secret_and_no_root(conn: api.Connection, guests: Guests, root: Path) -> None:
    xml = guests.boot_sector("private").replace(
        "<memballoon model='none'/>", "<graphics type='vnc' port='-1' passwd='pa55word'/>"
    )
    ref = conn.domain_create_xml(xml, 0)
    process = process_of(root, ref).process
    assert process is not None
    argv = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
    assert "pa55word" not in " ".join(argv)
    assert "-sandbox" in argv
    assert Path(f"/proc/{process.pid}").stat().st_uid != 0
    assert b"VSH" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert Path(f"/proc/{process.pid}/status").read_text().partition("Seccomp:\t")[2][0] == "2"
    for path in (root / "e").rglob("*"):
        mode = path.lstat().st_mode & 0o777
        assert path.is_symlink() or mode & (0o066 if path.is_dir() else 0o077) == 0 or path.is_socket(), path
    (folder,) = (root / "e/lib/qemu").glob("domain-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in (root / "e").rglob("*"):
        if path.is_file() and not path.name.endswith(".xml"):
            assert b"pa55word" not in path.read_bytes(), path


def test_qemu_that_does_not_start_says_why(conn: api.Connection, guests: Guests, root: Path) -> None:
    missing = re.sub("file='[^']*'", "file='/nowhere/disk.img'", guests.boot_sector("bad"))
    ref = conn.domain_define_xml_flags(missing, 0)
    with pytest.raises(VirtError) as caught:
        conn.domain_create_with_flags(ref, 0)
    assert caught.value.code == INTERNAL_ERROR
    assert "process exited while connecting to monitor: " in str(caught.value)
    assert "/nowhere/disk.img" in str(caught.value) and "No such file or directory" in str(caught.value)
    assert tuple(conn.domain_get_state(ref, 0)) == (SHUTOFF, const.DOMAIN_SHUTOFF_FAILED)
    assert not left_behind(root)
    assert code(lambda: conn.domain_create_xml(missing.replace(">bad<", ">worse<"), 0)) == INTERNAL_ERROR
    assert [r.name for r in conn.connect_list_all_domains(0)] == ["bad"]


def test_actions_that_need_a_watcher(conn: api.Connection, guests: Guests) -> None:
    xml = guests.boot_sector("picky").replace("<devices>", "<on_crash>restart</on_crash><devices>")
    ref = conn.domain_define_xml_flags(xml, 0)
    with pytest.raises(VirtError) as caught:
        conn.domain_create_with_flags(ref, 0)
    assert "<on_crash>restart</on_crash> takes a process that watches" in str(caught.value)
    assert "use destroy or preserve" in caught.value.hint
    assert conn.domain_get_state(ref, 0).reason == 0


def test_the_end_is_noticed_and_its_reason_known(
    conn: api.Connection, connect: Callable[..., api.Connection], sector: DomainRef, root: Path
) -> None:
    ref = conn.domain_create_with_flags(sector, 0)
    process = process_of(root, ref).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    reader = connect(readonly=True)
    wait_until(lambda: reader.domain_get_state(ref, 0).state == SHUTOFF)
    assert reader.domain_get_state(ref, 0).reason == const.DOMAIN_SHUTOFF_CRASHED
    assert left_behind(root)  # who only reads does not clean up
    assert [r.id for r in conn.connect_list_all_domains(0)] == [-1]
    assert not left_behind(root)
    assert reader.domain_get_state(ref, 0).reason == const.DOMAIN_SHUTOFF_CRASHED


def test_two_embedded_drivers_do_not_clash(
    connect: Callable[..., api.Connection], guests: Guests, root: Path
) -> None:
    """The same name and id, one folder for memory outside of both roots; neither is disturbed by the other's end."""
    shared = root / "memory"
    shared.mkdir()
    shared.chmod(0o777)
    xml = guests.boot_sector("twin").replace(
        "<devices>", "<memoryBacking><source type='file'/></memoryBacking><devices>"
    )
    refs, connections = [], []
    for name in ("a", "ab"):
        (root / name / "etc").mkdir(parents=True)
        (root / name).chmod(0o711)
        (root / name / "etc/qemu.conf").write_text(f'memory_backing_dir = "{shared}"\n')
        connections.append(connect(to=f"qemu:///embed?root={root}/{name}"))
        refs.append(connections[-1].domain_create_xml(xml, 0))
    assert [ref.id for ref in refs] == [1, 1]
    files = sorted(path.relative_to(shared).as_posix() for path in shared.rglob("pc.ram"))
    assert len(files) == 2
    digests = [hashlib.sha256(f"{root}/{name}".encode()).hexdigest()[:8] for name in ("a", "ab")]
    assert files == sorted(f"libvirt/qemu/qemu-embed-{digest}-1-twin/pc.ram" for digest in digests)
    # Where they lie was written down at the start; what qemu.conf says now does not matter.
    (root / "a/etc/qemu.conf").unlink()
    connections[0].close()
    connections[0] = connect(to=f"qemu:///embed?root={root}/a")
    connections[0].domain_destroy_flags(refs[0], 0)
    assert len(list(shared.rglob("pc.ram"))) == 1
    assert connections[1].domain_get_state(refs[1], 0).state == RUNNING
    connections[1].domain_reset(refs[1], 0)
    connections[1].domain_destroy_flags(refs[1], 0)
    assert not list(shared.rglob("*twin*"))


def test_guests_start_with_the_machine_once(
    conn: api.Connection, connect: Callable[..., api.Connection], guests: Guests, root: Path
) -> None:
    good = conn.domain_define_xml_flags(guests.boot_sector("early"), 0)
    bad = conn.domain_define_xml_flags(re.sub("file='[^']*'", "file='/nowhere'", guests.boot_sector("broken")), 0)
    for ref in (good, bad):
        conn.domain_set_autostart(ref, 1)
    connect()
    assert conn.domain_is_active(good) == 0  # this machine has started before
    marker = root / "e/run/qemu/autostarted"
    marker.write_text("another boot")
    connect(readonly=True)
    assert conn.domain_is_active(good) == 0  # who only looks starts nothing
    connect()
    assert [conn.domain_is_active(ref) for ref in (good, bad)] == [1, 0]
    assert "Failed to autostart domain 'broken'" in (root / "e/log/qemu/autostart.log").read_text()
    conn.domain_destroy_flags(good, 0)
    connect()
    assert conn.domain_is_active(good) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, whose guests run as others")
def test_a_file_that_the_guests_user_may_not_read(conn: api.Connection, guests: Guests, root: Path) -> None:
    image = root / "private.img"
    image.write_bytes(bytes(512))
    image.chmod(0o600)
    (root / "e/etc/qemu.conf").write_text("dynamic_ownership = 0\n")
    with pytest.raises(VirtError) as caught:
        conn.domain_create_xml(re.sub("file='[^']*'", f"file='{image}'", guests.boot_sector("denied")), 0)
    assert "Permission denied" in str(caught.value)
    assert "set another user in qemu.conf" in caught.value.hint
    conn.close()
    (root / "e/etc/qemu.conf").write_text('user = "+0"\ngroup = "+0"\n')
    rooted = api.open(f"qemu:///embed?root={root}/e")
    try:
        ref = rooted.domain_create_xml(re.sub("file='[^']*'", f"file='{image}'", guests.boot_sector("denied")), 0)
        process = process_of(root, ref).process
        assert process is not None
        assert Path(f"/proc/{process.pid}").stat().st_uid == 0
        rooted.domain_destroy_flags(ref, 0)
    finally:
        rooted.close()
