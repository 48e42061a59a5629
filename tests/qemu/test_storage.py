"""Storage pools without a daemon, beside libvirt's, and guests whose disks are in them."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.need import need
from tests.live.side import Run, compare
from tests.qemu.conftest import Pair, start_pool
from vsh.backends import api
from vsh.backends.constants import storage as const
from vsh.backends.constants.domain import DOMAIN_RUNNING
from vsh.backends.errors import OPERATION_DENIED, XML_ERROR, VirtError
from vsh.backends.hosts.local import LocalHost

UUID = "8ece1e07-c4cc-4fe6-b94d-72f0695e79b7"

VOLUME = (
    "<volume><name>a</name><capacity>1048576</capacity><target><permissions><mode>0666</mode></permissions>"
    "</target></volume>"
)


FS = """\
pool-define-as f fs --source-dev {loop} --target {folder}/f
pool-dumpxml f; pool-start f; pool-build f --no-overwrite; pool-build f --overwrite; pool-build f; pool-start f
pool-info f; pool-dumpxml f; vol-create-as f a 1M; vol-list f; pool-delete f; pool-destroy f; pool-undefine f
pool-define-as f fs --source-dev {loop} --target {folder}/f --source-format ext4
pool-start f; vol-list f; vol-delete a f; pool-destroy f; pool-build f --no-overwrite; pool-build f --overwrite
pool-start f --build --no-overwrite; pool-start f --build --overwrite; pool-info f; vol-list f; pool-destroy f
pool-define-as g fs --source-dev {loop} --target {folder}/g --source-format ext4
pool-define-as g fs --source-dev /dev/nosuch --target {folder}/g --source-format ext4
pool-build g; pool-start g; pool-build g --overwrite; pool-delete g; pool-undefine g; pool-delete f; pool-undefine f
pool-create-as n netfs --source-host localhost --source-path /nosuch --target {folder}/n
pool-create-as n netfs --source-host localhost --source-path /nosuch --target {folder}/n --build
pool-create-as n netfs --source-path /nosuch --target {folder}/n
pool-create-as n netfs --source-host localhost --source-path /nosuch --target {folder}/n --source-format cifs"""


DISK = """\
<domain type='qemu'><name>vd</name><memory>16384</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
<features><acpi/></features><devices><controller type='usb' model='none'/><disk type='volume'>{driver}<source {source}/>
<target dev='vda' bus='virtio'/></disk><memballoon model='none'/></devices></domain>
"""


QCOW2 = "<driver name='qemu' type='qcow2'/>"


def test_pools_like_libvirts(pair: Pair, folder: Path, tmp_path: Path) -> None:
    def xml(text: str) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.xml"
        path.write_text(text)
        return str(path)

    plain = (
        f"<pool type='dir'><name>x</name><uuid>{UUID}</uuid><target><path>{folder}//x/</path>"
        "<permissions><mode>0750</mode><owner>65534</owner><group>65534</group></permissions></target></pool>"
    )
    x = xml(plain)
    others = [
        xml(plain.replace("<name>x", "<name>y")),
        xml(plain.replace("8ece", "9ece")),
        xml("<pool type='foo'/>"),
        xml("<pool"),
        xml(plain.replace("<name>x", "<name>a/b")),
        xml(plain.replace("0750", "9")),
    ]
    run = pair.same(
        "pool-list",
        f"pool-define-as p dir --target {folder}/d",
        *(f"pool-{verb} p" for verb in ("dumpxml", "info", "start", "build", "start", "build", "delete")),
        "pool-undefine p",
        f"pool-define-as p dir --target {folder}/z",
        f"pool-define-as q dir --target {folder}/d",
        f"pool-define-as q dir --target {folder}/e",
        *(f"pool-{verb} q" for verb in ("refresh", "destroy", "build --overwrite", "build --no-overwrite")),
        "pool-build q --overwrite --no-overwrite",
        "pool-start q --build",
        "pool-start q",
        "pool-autostart q",
        "pool-list --all --details",
        *(f"pool-list --{ask}" for ask in ("type fs", "type dir --autostart", "inactive", "transient", "name --all")),
        *(f"pool-{verb} q" for verb in ("destroy", "delete", "delete", "start --build", "destroy", "info", "delete")),
        "pool-autostart q --disable; pool-info q; pool-undefine q; pool-undefine q",
        f"pool-create-as t dir --target {folder}/t",
        f"pool-create-as t dir --target {folder}/t --build",
        *(f"pool-{verb} t" for verb in ("autostart", "info --bytes", "undefine", "destroy", "info")),
        f"pool-define {x}; pool-build x; pool-start x; pool-dumpxml x; pool-dumpxml --inactive x; pool-define {x}",
        *(f"pool-define {other}" for other in others),
        f"pool-create {x}; pool-uuid x; pool-name {UUID}; pool-refresh x; pool-destroy x",
        f"pool-create {x}; pool-info x",
        *(f"pool-{verb} {name}" for name in "xp" for verb in ("destroy", "delete", "undefine")),
        "pool-list --all",
        "pool-create-as f dir --target /etc/passwd",
        "pool-create-as f dir --target /dev/null/x --build",
        f"pool-create-as f dir --target {folder}/z --build --overwrite --no-overwrite",
        f"pool-create-as f dir --target {folder}/z --build --overwrite",
        f"pool-create-as t dir --target {folder}/t; pool-destroy t",
        f"pool-define-as t dir --target {folder}/t; pool-delete t; pool-undefine t",
        *(f"find-storage-pool-sources-as {kind}" for kind in ("dir", "fs", "disk", "nosuch")),
        ignore=["uuid", "counters", "free-space"],
    )  # fmt: skip
    assert "Pool x created from" in run.stdout
    pair.same(f"pool-define {x}", "pool-list --all", "pool-info x", readonly=True)


def test_file_systems_like_libvirts(pair: Pair, folder: Path) -> None:
    need("losetup", "mkfs.ext4", "blkid")
    image = folder / "image"
    seen = []
    for program, uri in ((pair.side.virsh, pair.reference), (pair.side.vsh, pair.uri)):
        image.unlink(missing_ok=True)
        with image.open("wb") as file:
            file.truncate(20 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        found = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True, check=True)
        loop = found.stdout.strip()
        try:
            line = FS.format(loop=loop, folder=folder).replace("\n", "; ")
            run = program("-c", uri, line)
            seen.append(Run(run.stdout.replace(loop, "LOOP"), run.stderr.replace(loop, "LOOP"), run.status))
        finally:
            subprocess.run(["umount", "-q", folder / "f"], check=False)
            subprocess.run(["losetup", "-d", loop], check=True)
        shutil.rmtree(folder / "n")
    assert not compare(*seen, ["uuid"])
    assert "already formatted using 'ext4'" in seen[0].stderr


def test_disks_that_are_volumes(pair: Pair, folder: Path) -> None:
    """Their options are libvirt's; they are found when the guest starts."""
    xml = folder / "domain.xml"
    told: list[list[object]] = []
    for program, uri in ((pair.side.virsh, pair.reference), (pair.side.vsh, pair.uri)):
        make = f"pool-create-as p dir --target {folder}/p --build; vol-create-as p a 3M; vol-create-as p q 3M --format"
        assert "Vol q created" in program("-c", uri, f"{make} qcow2").stdout
        answers: list[object] = []
        for driver, volume in (("", "a"), ("", "q"), (QCOW2, "q")):
            xml.write_text(DISK.format(driver=driver, source=f"pool='p' volume='{volume}'"))
            words = program("-c", uri, f"domxml-to-native qemu-argv {xml}").stdout.split()
            answers.append([word for word in words if "libvirt-1" in word])
        for source in ("pool='p' volume='nosuch'", "pool='nosuch' volume='a'", "pool='p' volume='a' mode='host'"):
            xml.write_text(DISK.format(driver="", source=source))
            answers.append(program("-c", uri, f"define {xml}; domblklist vd; start vd; undefine vd"))
        xml.write_text(DISK.format(driver="", source="pool='p' volume='a'"))
        lines = f"define {xml}; dumpxml vd --xpath //disk; pool-destroy p; start vd; undefine vd"
        answers.append(program("-c", uri, lines))
        told.append(answers)
        shutil.rmtree(folder / "p")
    assert told[0] == told[1]
    assert len(told[0][0]) == 3  # type: ignore[arg-type]


def test_a_guest_on_a_volume(conn: api.Connection, folder: Path) -> None:
    """It runs on the volume's file, which is known while it does, and a second volume can be plugged in."""
    start_pool(conn, folder)
    pool = conn.storage_pool_lookup_by_name("p")
    for name in "ab":
        conn.storage_vol_create_xml(pool, VOLUME.replace(">a<", f">{name}<"), 0)
    ref = conn.domain_create_xml(DISK.format(driver="", source="pool='p' volume='a'"), 0)
    disk = "<disk type='volume'><source pool='p' volume='b'/><target dev='vdb' bus='virtio'/></disk>"
    conn.domain_attach_device(ref, disk)
    conn.storage_pool_destroy(pool)
    assert conn.domain_get_block_info(ref, "vdb", 0).capacity == 1 << 20
    assert "volume='b'" in conn.domain_get_xml_desc(ref, 0)
    conn.domain_detach_device(ref, disk)
    conn.domain_destroy(ref)


def test_pools_start_with_the_machine(
    connect: Callable[..., api.Connection], folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the guests; one that cannot is told of in a log."""
    conn = connect()
    for name in ("p", "gone"):
        xml = f"<pool type='dir'><name>{name}</name><target><path>{folder}/{name}</path></target></pool>"
        pool = conn.storage_pool_define_xml(xml, 0)
        conn.storage_pool_create(pool, const.STORAGE_POOL_CREATE_WITH_BUILD)
        conn.storage_pool_set_autostart(pool, 1)
    (folder / "gone").rmdir()
    conn.storage_vol_create_xml(conn.storage_pool_lookup_by_name("p"), VOLUME, 0)
    domain = conn.domain_define_xml(DISK.format(driver="", source="pool='p' volume='a'"))
    conn.domain_set_autostart(domain, 1)
    monkeypatch.setattr(conn.driver.host, "_boot_id", "another")
    assert not conn.connect_list_storage_pools()
    conn.close()
    monkeypatch.setattr(LocalHost, "boot_id", lambda self: "another")
    looking = connect(readonly=True)
    assert not looking.connect_list_storage_pools()
    looking.close()
    conn = connect()
    assert conn.connect_list_storage_pools() == ["p"]
    assert conn.domain_get_state(domain, 0).state == DOMAIN_RUNNING
    log = (root / "e/log/qemu/autostart.log").read_text()
    assert "Failed to autostart storage pool 'gone': cannot open directory" in log
    conn.domain_destroy(domain)


def test_read_only(connect: Callable[..., api.Connection], folder: Path) -> None:
    conn, looking = connect(), connect(readonly=True)
    pool = start_pool(conn, folder)
    assert looking.connect_list_all_storage_pools(0) == [pool]
    for refused in (
        lambda: looking.storage_pool_destroy(pool),
        lambda: looking.storage_vol_create_xml(pool, "<volume/>", 0),
    ):
        with pytest.raises(VirtError) as caught:
            refused()
        assert caught.value.code == OPERATION_DENIED


@pytest.mark.parametrize("name", [".hidden", "a\nb", "x" * 252])
def test_names_that_are_no_files(conn: api.Connection, folder: Path, name: str) -> None:
    xml = f"<pool type='dir'><name>{name}</name><target><path>{folder}/p</path></target></pool>"
    for refused in (lambda: conn.storage_pool_define_xml(xml, 0), lambda: conn.storage_pool_create_xml(xml, 1)):
        with pytest.raises(VirtError) as caught:
            refused()
        assert caught.value.code == XML_ERROR
    assert conn.connect_list_all_storage_pools(0) == [] and not (folder / "p").exists()


def test_an_unreachable_pool(conn: api.Connection, folder: Path) -> None:
    pool = start_pool(conn, folder)
    (folder / "p").rmdir()
    assert conn.storage_pool_get_info(pool).state == const.STORAGE_POOL_INACCESSIBLE
    with pytest.raises(VirtError, match="No such file or directory"):
        conn.storage_pool_refresh(pool, 0)
    assert conn.connect_list_all_storage_pools(0) == []
