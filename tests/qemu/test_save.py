"""Saved guests: kept, restored, and exchanged with libvirt."""

import contextlib
import lzma
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import BOOT_SECTOR_LINE, Guests
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Side
from tests.live.wait import wait_until
from tests.qemu.running import code
from tests.qemu.twins import Twins
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import (
    INVALID_ARG,
    INVALID_STREAM,
    OPERATION_FAILED,
    OPERATION_INVALID,
    SYSTEM_ERROR,
    VirtError,
)
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.images import Image
from vsh.backends.records import DomainRef


@pytest.fixture
def running(conn: api.Connection, guests: Guests) -> DomainRef:
    ref = conn.domain_define_xml_flags(guests.boot_sector("kept"), 0)
    return conn.domain_create_with_flags(ref, 0)


def test_managed_save(conn: api.Connection, running: DomainRef, root: Path) -> None:
    conn.domain_managed_save(running, 0)
    assert tuple(conn.domain_get_state(running, 0)) == (const.DOMAIN_SHUTOFF, const.DOMAIN_SHUTOFF_SAVED)
    assert conn.domain_has_managed_save_image(running, 0) == 1
    (image,) = (root / "e/lib/qemu/save").iterdir()
    assert image.read_bytes().startswith(b"LibvirtQemudSave")
    assert image.stat().st_mode & 0o777 == 0o600
    assert "<name>kept</name>" in conn.domain_managed_save_get_xml_desc(running, 0)
    assert code(lambda: conn.domain_undefine_flags(running, 0)) == OPERATION_INVALID
    assert code(lambda: conn.domain_rename(running, "other", 0)) == OPERATION_INVALID
    ref = conn.domain_create_with_flags(running, 0)
    assert tuple(conn.domain_get_state(ref, 0)) == (const.DOMAIN_RUNNING, const.DOMAIN_RUNNING_RESTORED)
    assert not image.exists()
    conn.domain_suspend(ref)
    conn.domain_managed_save(ref, 0)
    conn.domain_create_with_flags(ref, 0)
    assert conn.domain_get_state(ref, 0).state == const.DOMAIN_PAUSED
    conn.domain_managed_save(ref, const.DOMAIN_SAVE_RUNNING)
    conn.domain_create_with_flags(ref, const.DOMAIN_START_FORCE_BOOT)
    assert conn.domain_get_state(ref, 0).reason == const.DOMAIN_RUNNING_BOOTED
    assert not image.exists()
    conn.domain_managed_save(ref, 0)
    conn.domain_managed_save_remove(ref, 0)
    assert conn.domain_has_managed_save_image(ref, 0) == 0
    conn.domain_create_with_flags(ref, 0)
    conn.domain_managed_save(ref, 0)
    conn.domain_undefine_flags(ref, const.DOMAIN_UNDEFINE_MANAGED_SAVE)
    assert not image.exists()


def test_images_that_are_none(conn: api.Connection, running: DomainRef, root: Path) -> None:
    path = root / "image"
    for content, wanted in (
        (b"", OPERATION_FAILED),
        (b"x" * 200, OPERATION_FAILED),
        (struct.pack("=16s5I56x", b"LibvirtQemudPart", 2, 10, 1, 0, 0), OPERATION_FAILED),
        (struct.pack("=16s5I56x", b"LibvirtQemudSave", 3, 10, 1, 0, 0), OPERATION_FAILED),
        (struct.pack("=16s5I56x", b"LibvirtQemudSave", 2, 2**31, 1, 0, 0), OPERATION_FAILED),
        (struct.pack("=16s5I56x", b"LibvirtQemudSave", 2, 100, 1, 0, 0) + b"short", OPERATION_FAILED),
    ):
        path.write_bytes(content)
        assert code(lambda: conn.domain_restore_flags(str(path), None, 0)) == wanted
    assert code(lambda: conn.domain_restore_flags("/nowhere/image", None, 0)) == SYSTEM_ERROR
    assert code(lambda: conn.domain_save_flags(running, "/nowhere/image", None, 0)) == SYSTEM_ERROR
    assert conn.domain_get_state(running, 0).state == const.DOMAIN_RUNNING  # it runs on
    conn.domain_save_flags(running, str(path), None, 0)
    conn.domain_create_with_flags(running, 0)
    assert code(lambda: conn.domain_restore_flags(str(path), None, 0)) == OPERATION_INVALID
    # What QEMU cannot read leaves neither a process nor a running domain, and the file.
    conn.domain_destroy_flags(running, 0)
    path.write_bytes(path.read_bytes()[:8000])
    with pytest.raises(VirtError):
        conn.domain_restore_flags(str(path), None, 0)
    assert conn.domain_get_state(running, 0).state == const.DOMAIN_SHUTOFF
    assert path.exists()


def test_images_are_libvirts(
    libvirtd: Libvirtd, side: Side, guests: Guests, uri: str, conn: api.Connection, tmp_path: Path
) -> None:
    """What one has saved the other restores."""
    address = libvirtd.uri("qemu")
    path = libvirtd.directory / "exchange.save"
    ref = conn.domain_create_xml(guests.boot_sector("exchanged"), 0)
    conn.domain_suspend(ref)
    conn.domain_save_flags(ref, str(path), None, 0)
    path.chmod(0o644)
    run = side.virsh("-q", "-c", address, f"restore {path}; domstate exchanged; resume exchanged; domstate exchanged")
    assert (run.stdout.split(), run.stderr) == (["paused", "running"], "")
    path.unlink()
    run = side.virsh("-q", "-c", address, f"save exchanged {path}")
    assert run.status == 0, run.stderr
    conn.domain_restore_flags(str(path), None, 0)
    ref = conn.domain_lookup_by_name("exchanged")
    assert tuple(conn.domain_get_state(ref, 0)) == (const.DOMAIN_RUNNING, const.DOMAIN_RUNNING_RESTORED)
    assert "<name>exchanged</name>" in conn.domain_save_image_get_xml_desc(str(path), 0)


def test_compressed_images_are_libvirts(
    side: Side, guests: Guests, uri: str, root: Path, connect: Callable[..., api.Connection], tmp_path: Path
) -> None:
    """What one has saved and compressed the other restores; dumps are compressed, too."""
    formats = 'save_image_format = "gzip"\nsnapshot_image_format = "bzip2"\ndump_image_format = "xz"\n'
    (root / "e/etc").mkdir(parents=True)
    (root / "e/etc/qemu.conf").write_text(formats)
    conn = connect()
    with Libvirtd(qemu_settings=formats) as daemon:
        path, address = daemon.directory / "exchange.save", daemon.uri("qemu")
        xml = guests.boot_sector("exchanged")
        ref = conn.domain_create_xml(xml, 0)
        conn.domain_save_flags(ref, str(path), None, 0)
        assert Image.read(LocalHost(), str(path)).format == 1
        path.chmod(0o644)
        run = side.virsh("-q", "-c", address, f"restore {path}; domstate exchanged")
        assert (run.stdout.split(), run.stderr) == (["running"], "")
        path.unlink()
        assert side.virsh("-q", "-c", address, f"save exchanged {path}").status == 0
        assert Image.read(LocalHost(), str(path)).format == 1
        conn.domain_restore_flags(str(path), None, 0)
        ref = conn.domain_lookup_by_name("exchanged")
        assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
    dump = tmp_path / "core.xz"
    conn.domain_core_dump(ref, str(dump), 0)
    assert lzma.decompress(dump.read_bytes())[:4] == b"QEVM"
    assert [entry.name for entry in tmp_path.iterdir() if entry != dump] == []
    taken = f"<domainsnapshot><name>s</name><memory snapshot='external' file='{tmp_path}/s.mem'/></domainsnapshot>"
    snapshot = conn.domain_snapshot_create_xml(ref, taken, 0)
    assert Image.read(LocalHost(), f"{tmp_path}/s.mem").format == 2
    for _ in range(2):  # a transient domain keeps its snapshots on the way back
        conn.domain_revert_to_snapshot(snapshot, 0)
        assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
    assert not [path for path in (root / "e").rglob("*") if path.name == "state"]
    conn.domain_destroy_flags(ref, 0)
    assert not list((root / "e/lib/qemu/snapshot").iterdir())


def test_formats_that_cannot_be_had(
    guests: Guests, root: Path, connect: Callable[..., api.Connection], tmp_path: Path
) -> None:
    for name, said in (("rar", "Invalid save image format"), ("lzop", "image format in configuration file isn't")):
        if shutil.which(name) is None:
            (root / f"{name}/etc").mkdir(parents=True)
            (root / f"{name}/etc/qemu.conf").write_text(f'save_image_format = "{name}"\n')
            conn = connect(to=f"qemu:///embed?root={root}/{name}")
            ref = conn.domain_create_xml(guests.boot_sector("plain"), 0)
            with pytest.raises(VirtError, match=said):
                conn.domain_save_flags(ref, f"{tmp_path}/x", None, 0)
            assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
            assert list(tmp_path.iterdir()) == []
            conn.domain_destroy_flags(ref, 0)


def test_dumps_and_screenshots(conn: api.Connection, guests: Guests, tmp_path: Path) -> None:
    xml = guests.boot_sector("dumped").replace("<memballoon model='none'/>", "<video><model type='vga'/></video>")
    ref = conn.domain_create_with_flags(conn.domain_define_xml_flags(xml, 0), 0)
    path = tmp_path / "core"

    def booted() -> bool:
        conn.domain_core_dump_with_format(ref, str(path), 0, const.DUMP_MEMORY_ONLY)
        assert path.read_bytes().startswith(b"\x7fELF")
        return BOOT_SECTOR_LINE.encode() in path.read_bytes()

    wait_until(booted)
    conn.domain_core_dump_with_format(ref, str(path), 1, const.DUMP_MEMORY_ONLY)
    assert path.read_bytes().startswith(b"makedumpfile")
    assert code(lambda: conn.domain_core_dump_with_format(ref, str(path), 1, 0)) == INVALID_ARG
    conn.domain_core_dump(ref, str(path), 0)
    assert path.read_bytes().startswith(b"QEVM")
    assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
    kind, stream = conn.domain_screenshot(ref, 0, 0)
    assert (kind, stream.recv(8)) == ("image/png", b"\x89PNG\r\n\x1a\n")
    stream.finish()
    assert code(lambda: stream.recv(1)) == INVALID_STREAM
    conn.domain_core_dump(ref, str(path), const.DUMP_CRASH)
    assert tuple(conn.domain_get_state(ref, 0)) == (const.DOMAIN_SHUTOFF, const.DOMAIN_SHUTOFF_CRASHED)


#: Saves the guest "cut" to argv[2] and stops for ever at the step that argv[3] names.
CUT = """
import sys
from vsh.backends import api
from vsh.backends.qemu import save
step = sys.argv[3]
real = getattr(save, step)
def wait(*args):
    if step == "_quit":
        print("there", flush=True)
        input()
    real(*args)
    print("there", flush=True)
    input()
setattr(save, step, wait)
conn = api.open(sys.argv[1])
conn.domain_save_flags(conn.domain_lookup_by_name("cut"), sys.argv[2], None, 0)
"""


@pytest.mark.parametrize("step", ["begin_image", "migrate", "_quit"])
def test_a_save_that_is_cut_short(uri: str, conn: api.Connection, guests: Guests, root: Path, step: str) -> None:
    """Until its image is there the guest goes on, and can be saved; from then on it ends."""
    ref = conn.domain_create_xml(guests.boot_sector("cut"), 0)
    path = root / "cut.save"
    argv = [sys.executable, "-c", CUT, uri, str(path), step]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as saver:
        assert saver.stdout is not None and saver.stdout.readline() == b"there\n"
        saver.kill()
    if step == "_quit":
        with pytest.raises(VirtError):
            conn.domain_resume(ref)
        wait_until(lambda: conn.connect_list_all_domains(1) == [])
        assert path.exists()
    else:
        with pytest.raises(VirtError):
            conn.domain_resume(ref)  # it runs already
        assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
        assert not path.exists()
        conn.domain_save_flags(ref, str(path), None, 0)
    assert not list(root.glob(".*.part")) and not list((root / "e/lib/qemu/plan").iterdir())
    conn.domain_restore_flags(str(path), None, 0)
    conn.domain_destroy(conn.domain_lookup_by_name("cut"))


def test_what_is_at_the_target_of_a_save_or_a_dump(conn: api.Connection, guests: Guests, root: Path) -> None:
    """Only a regular file is replaced, also where a link leads; nothing beside it, and no device, is touched."""
    ref = conn.domain_create_xml(guests.boot_sector("careful"), 0)
    beside, pipe, real, link = (root / name for name in ("there.part", "pipe", "real", "there"))
    beside.write_text("mine")
    real.write_text("old")
    os.mkfifo(pipe)
    link.symlink_to(real)
    for wrong in (str(root), str(pipe), str(root / "none" / "x")):
        with pytest.raises(VirtError, match=f"Failed to create file '{wrong}': "):
            conn.domain_save_flags(ref, wrong, None, 0)
    assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
    conn.domain_save_flags(ref, str(link), None, 0)
    assert beside.read_text() == "mine" and link.is_symlink() and pipe.is_fifo()
    conn.domain_restore_flags(str(real), None, 0)
    ref = conn.domain_lookup_by_name("careful")
    null = root / "null"
    null.symlink_to("/dev/null")
    with contextlib.suppress(VirtError):  # QEMU may not be able to seek there
        conn.domain_core_dump_with_format(ref, str(null), 0, const.DUMP_MEMORY_ONLY)
    assert null.is_char_device()
    conn.domain_destroy(ref)


def test_other_definitions_as_with_libvirt(twins: Twins) -> None:
    """An image takes the definition that it is given, if the hardware is the same."""
    twins.same("""
        !sed 's,<memory,<title>t</title><memory,' ../g.xml > t.xml
        !sed 's,<name>g<,<name>h<,' ../g.xml > name.xml
        !sed "s,<memory.*</memory>,<memory unit='KiB'>16384</memory>," ../g.xml > memory.xml
        !sed "s,machine='pc',machine='q35'," ../g.xml > machine.xml
        !grep -v vda ../g.xml | sed "s,<disk type='file' device='disk'>.*vdb.*</disk>,," > disks.xml
        save g %/image --xml %/t.xml
        start g
        domblkerror g
        save g %/image --xml %/name.xml
        save g %/image --xml %/memory.xml
        save g %/image --xml %/machine.xml
        save g %/image --xml %/disks.xml
        save g %/image --xml %/none.xml
        domstate g
        save g %/image --xml %/t.xml
        save-image-dumpxml %/image
        restore %/image --xml %/memory.xml
        restore %/image --xml %/../g.xml --paused
        desc g --title
        domstate g
        save g %/image --running
        save-image-define %/image %/memory.xml
        save-image-define %/image %/name.xml
        save-image-define %/image %/t.xml --paused
        save-image-define %/image %/t.xml --paused --running
        save-image-define %/none %/t.xml
        restore %/image
        domstate g
        desc g --title
        managedsave-define g %/t.xml
        managedsave g
        managedsave-define g %/memory.xml
        managedsave-define g %/../g.xml --running
        managedsave-dumpxml g
        start g
        domstate g --reason
        desc g --title
        destroy g
        domblkerror g
    """)


def test_there_is_room_for_a_longer_definition(conn: api.Connection, running: DomainRef) -> None:
    conn.domain_managed_save(running, 0)
    xml = conn.domain_managed_save_get_xml_desc(running, 0)
    longer = xml.replace("<memory", f"<description>{'x' * 1000}</description><memory", 1)
    conn.domain_managed_save_define_xml(running, longer, const.DOMAIN_SAVE_PAUSED)
    with pytest.raises(VirtError, match="new xml too large to fit in file"):
        conn.domain_managed_save_define_xml(running, longer.replace("x" * 1000, "y" * 9000), 0)
    assert "xxx" in conn.domain_managed_save_get_xml_desc(running, 0)
    conn.domain_create(running)
    assert conn.domain_get_state(running, 0).state == const.DOMAIN_PAUSED
    assert "xxx" in conn.domain_get_xml_desc(running, 0)


#: `vsh ARGUMENTS` that saves slowly.
SLOW = """
import sys
from vsh.backends.qemu import save
from vsh.entry import main
save.FASTEST = 100_000
sys.exit(main())
"""
SAVES = {
    "save": ("save", "slow", "{}/image"),
    "managedsave": ("managedsave", "slow"),
    "dump": ("dump", "slow", "{}/image"),
    "live dump": ("dump", "slow", "{}/image", "--live"),
    "snapshot": ("snapshot-create-as", "slow", "s", "--memspec", "file={}/image", "--diskspec", "fda,snapshot=no"),
}


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("what", SAVES)
def test_one_that_is_given_up(
    uri: str, conn: api.Connection, guests: Guests, root: Path, what: str, signalled: signal.Signals
) -> None:
    """The guest runs on as if nothing had been, and nothing is left; others can look on meanwhile."""
    ref = conn.domain_create_with_flags(conn.domain_define_xml_flags(guests.boot_sector("slow"), 0), 0)
    argv = [sys.executable, "-c", SLOW, "-c", uri, *(word.format(root) for word in SAVES[what])]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as saver:
        wait_until(lambda: conn.domain_get_job_info(ref).type == const.DOMAIN_JOB_UNBOUNDED)
        saver.send_signal(signalled)
        _, said = saver.communicate(timeout=30)
    if signalled == signal.SIGINT:
        assert saver.returncode and "Traceback" not in said
        assert "canceled by client" in said or what == "snapshot"
    else:
        with pytest.raises(VirtError):
            conn.domain_resume(ref)  # it runs already
    assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
    assert not (root / "image").exists() and not list((root / "e/lib/qemu").glob("save/*"))
    assert not list(root.glob("**/.*.part")) and not list((root / "e/lib/qemu/plan").iterdir())
    assert conn.domain_snapshot_num(ref, 0) == 0
    conn.domain_save_flags(ref, str(root / "image"), None, 0)
    assert (root / "image").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a device")
def test_a_device_holds_an_image(conn: api.Connection, guests: Guests, root: Path) -> None:
    need("losetup")
    ref = conn.domain_define_xml_flags(guests.boot_sector("dev"), 0)
    image = root / "device.img"
    image.write_bytes(b"\xff" * (64 << 10))
    argv = ["losetup", "-f", "--show", str(image)]
    device = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
    try:
        conn.domain_create(ref)
        with pytest.raises(VirtError, match="domain save job: "):
            conn.domain_save_flags(ref, device, None, 0)
        assert conn.domain_get_state(ref, 0).state == const.DOMAIN_RUNNING
        with pytest.raises(VirtError, match="save image is incomplete"):
            conn.domain_restore_flags(device, None, 0)
        os.truncate(image, 32 << 20)
        subprocess.run(["losetup", "-c", device], check=True, timeout=30)
        conn.domain_save_flags(ref, device, None, 0)
        assert conn.domain_get_state(ref, 0).reason == const.DOMAIN_SHUTOFF_SAVED
        conn.domain_restore_flags(device, None, 0)
        assert tuple(conn.domain_get_state(ref, 0)) == (const.DOMAIN_RUNNING, const.DOMAIN_RUNNING_RESTORED)
        assert Path(device).is_block_device()
    finally:
        subprocess.run(["losetup", "-d", device], check=True, timeout=30)
