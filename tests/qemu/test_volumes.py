"""Volumes of pools of folders without a daemon, beside libvirt's."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.need import need
from tests.live.side import compare
from tests.qemu.conftest import Pair, start_pool
from vsh.backends import api
from vsh.backends.errors import OPERATION_INVALID, VirtError
from vsh.backends.qemu.storage.images import HEAD, read_header
from vsh.backends.records import StorageVolRef

UUID = "8ece1e07-c4cc-4fe6-b94d-72f0695e79b7"

BIG = (
    "<volume><name>{name}</name><capacity unit='MiB'>6</capacity><allocation>0</allocation><target>"
    "<format type='{format}'/><permissions><mode>0640</mode><owner>65534</owner><group>0</group></permissions>"
    "<compat>{compat}</compat><clusterSize unit='KiB'>{cluster}</clusterSize>"
    "<features><lazy_refcounts/>{more}</features></target></volume>"
)


@pytest.fixture
def pool(pair: Pair, folder: Path) -> Iterator[Pair]:
    """Both hosts with a pool "p" in the same folder, of which each finds its own content."""
    line = f"pool-define-as p dir --target {folder}/p"
    assert pair.side.virsh("-c", pair.reference, line).status == 0
    assert pair.side.vsh("-c", pair.uri, line).status == 0
    yield pair
    pair.side.virsh("-c", pair.reference, "pool-destroy p; pool-undefine p")


def same(pool: Pair, folder: Path, *lines: str, **rest: object) -> tuple[list[str], list[str]]:
    """Assert that both do the same in a new pool and leave the same files; what virsh said, and the files' names."""

    def left() -> dict[str, object]:
        found = {}
        for path in sorted((folder / "p").iterdir()):
            stat = path.stat()
            argv = ["qemu-img", "info", "-U", "--output=json", str(path)]
            told = subprocess.run(argv, capture_output=True, text=True, check=False).stdout if path.is_file() else ""
            image = json.loads(told or "{}")
            image.pop("actual-size", None)
            if image.get("format") == "vmdk":
                del image["format-specific"]  # its numbers are drawn
            found[path.name] = (image, stat.st_size, stat.st_blocks, oct(stat.st_mode), stat.st_uid, stat.st_gid)
        shutil.rmtree(folder / "p")
        return found

    seen = []
    for program, uri in ((pool.side.virsh, pool.reference), (pool.side.vsh, pool.uri)):
        made = program("-c", uri, "pool-destroy p; pool-start p --build")
        assert "Pool p started" in made.stdout, made.stderr
        seen.append((program("-c", uri, "; ".join(lines)), left()))
    difference = compare(seen[0][0], seen[1][0], rest.get("ignore", ()))  # type: ignore[arg-type]
    assert not difference, difference
    assert seen[0][1] == seen[1][1]
    return seen[0][0].stdout.splitlines(), sorted(seen[0][1])


def test_volumes_like_libvirts(pool: Pair, folder: Path, tmp_path: Path) -> None:
    bigs = {
        name: BIG.format(name=name, format=format, compat=compat, cluster=cluster, more=more)
        for name, format, compat, cluster, more in (
            ("b1", "qcow2", "1.1", 4, "<extended_l2/>"),
            ("b2", "raw", "0.10", 4, ""),
            ("b3", "qcow2", "1.1", 4, ""),
            ("b4", "qcow2", "0.10", 4, ""),
            ("b5", "qcow2", "1.7", 64, ""),
            ("b6", "qcow2", "1.1", 64, "<extended_l2/>"),
        )
    } | {"b7": "<volume><name>nocap</name><target><format type='qcow2'/></target></volume>"}
    for name, text in bigs.items():
        (tmp_path / name).write_text(text)
    formats = ["none", "dir", "bochs", "cloop", "iso", "vpc", "vdi", "vhd", "cow", "qcow", "qcow2", "qed", "vmdk", "x"]
    make = "vol-create-as p"
    _, names = same(
        pool,
        folder,
        f"{make} a 3M; {make} a 3M",
        *(f"{make} {name} 3M --allocation {size}" for name, size in (("s", "0"), ("p", "1M"), ("m", "5M"))),
        *(f"{make} {size}" for size in ("z 0", "n4 18446744073709551615", "n5 100000G", "n6 9000000000G", "o 3001")),
        *(f"{make} f.{format} 3M --format {format}" for format in formats),
        f"{make} x/y 3M; {make} pre 3M --prealloc-metadata; {make} q 3001 --format qcow2",
        f"{make} qp 3M --prealloc-metadata --format qcow2",
        f"{make} q0 3M --allocation 0 --prealloc-metadata --format qcow2",
        *(f"{make} o{i} 3M --format {rest}" for i, rest in enumerate((
            "qcow2 --backing-vol a", "qcow2 --backing-vol q --backing-vol-format qcow2",
            "qcow2 --backing-vol q --backing-vol-format nope", "qcow2 --backing-vol nosuch", "raw --backing-vol a",
            "vmdk --backing-vol a --backing-vol-format raw", "vmdk --backing-vol f.vmdk --backing-vol-format vmdk",
        ))),
        f"{make} 'sp ace' 3M; {make} -f 3M; {make} f.dir 3M --format dir; vol-create-as nopool a 3M",
        *(f"vol-create p {tmp_path / name}" for name in bigs),
        f"vol-delete b2 p; vol-create-from p {tmp_path / 'b2'} a --inputpool p",
        *(f"vol-clone {rest}" for rest in (
            "a ca p", "s cs p", "q cq p", "b3 cb p", "q cm p --prealloc-metadata", "a c1 p --prealloc-metadata",
            "a c2 p --reflink", "nosuch c3 p", "a ca p",
        )),
        *(f"vol-resize {rest}" for rest in (
            "a 4M p", "a 2M p", "a 2M p --shrink", "a 1M p --delta", "a 1M p --shrink --delta", "s 4M p --allocate",
            "q 4M p", "q 2M p --shrink", "q 5M p --allocate", "f.dir 5M p", "nosuch 5M p", "a 100000G p", "cs 1M p",
        )),
        *(f"vol-wipe {rest}" for rest in ("a p", "s p", "cq p", "p p --algorithm trim", "p p --algorithm x")),
        "pool-refresh p; vol-list p --details",
        *(f"vol-info {n} p --bytes; vol-dumpxml {n} p" for n in ("a", "s", "b3", "b6", "o1", "o6", "f.dir", "f.vdi")),
        "vol-info s p --physical; vol-wipe f.dir p",
        *(f"vol-{verb} {folder}/p{x}" for verb in ("name", "pool", "info") for x in ("/a", "//a", "/../p/a", "/no")),
        "vol-path a p; vol-key a p; vol-delete nosuch p; vol-delete a p --delete-snapshots; vol-delete f.dir p",
        "vol-delete 'sp ace' p; vol-list p",
        ignore=["file-times"],
    )  # fmt: skip
    assert {"a", "b3", "cb", "o1", "cm"} <= set(names) and "f.dir" not in names


def test_content_like_libvirts(pool: Pair, folder: Path, tmp_path: Path) -> None:
    source, new = tmp_path / "source", tmp_path / "new"
    with source.open("wb") as file:
        file.write(os.urandom(1 << 20))
        file.seek(2 << 20)
        file.write(os.urandom(1 << 19))
        file.truncate(3 << 20)
    up, down = f"{source} p", f"{new} p"
    same(
        pool,
        folder,
        "vol-create-as p v 1M",
        *(f"vol-upload v {rest}" for rest in (
            up, f"{tmp_path} p", f"{up} --offset 2M", "/nonexistent p", f"{up} --length 10",
            f"{up} --offset 1048570 --length 10", "/dev/null p",
        )),
        *(f"vol-download v {rest}" for rest in (
            f"{down} --offset 2097152", f"{down} --length 2097152", f"{down} --offset 18446744073709551615",
            f"{tmp_path} p", f"{new}/x p", "/dev/full p", "/dev/null p --length 5", down, f"{down} --sparse",
        )),
        f"vol-upload nosuch {up}; vol-download nosuch {down}",
    )  # fmt: skip
    data = source.read_bytes()
    for sparse in ("", "--sparse"):
        line = (
            f"pool-destroy p; pool-start p --build; vol-create-as p h 3M --allocation 0; vol-upload h {up} {sparse}; "
            f"vol-download h {down} {sparse}; "
            f"vol-download h {tmp_path}/part p --offset 1000000 --length 2000000 {sparse}"
        )
        assert "error" not in pool.side.vsh("-c", pool.uri, line).stderr.replace("error: Failed to destroy", "")
        assert new.read_bytes() == (folder / "p/h").read_bytes() == data
        assert (tmp_path / "part").read_bytes() == data[1000000:3000000]
        assert ((folder / "p/h").stat().st_blocks < 3 << 11) == (new.stat().st_blocks < 3 << 11) == bool(sparse)
        shutil.rmtree(folder / "p")


def patiently(call: Callable[[], StorageVolRef]) -> StorageVolRef:
    """Its result; qemu-img gives up where the machine is too busy to time the derivation of a key."""
    for _ in range(5):
        try:
            return call()
        except VirtError as error:
            assert "Unable to get accurate CPU usage" in str(error)
    raise AssertionError("too busy")


@pytest.mark.long
def test_encrypted_volumes(conn: api.Connection, folder: Path) -> None:
    """The secret is in no file but its own, and opens the image."""
    secret = conn.secret_define_xml(f"<secret private='yes'><uuid>{UUID}</uuid></secret>", 0)
    conn.secret_set_value(secret, b"open,sesame", 0)
    pool = start_pool(conn, folder)
    for format in ("raw", "qcow2"):
        xml = (
            f"<volume><name>{format}</name><capacity>4194304</capacity><target><format type='{format}'/>"
            f"<encryption format='luks'><secret type='passphrase' uuid='{UUID}'/></encryption></target></volume>"
        )
        made = patiently(lambda xml=xml: conn.storage_vol_create_xml(pool, xml, 0))
        told = conn.storage_vol_get_xml_desc(made, 0)
        assert "<encryption format='luks'>" in told and "<capacity unit='bytes'>4194304<" in told
        kind = "luks" if format == "raw" else "qcow2,encrypt.format=luks"
        key = "key-secret" if format == "raw" else "encrypt.key-secret"
        where = f"driver={kind},{key}=s,file.filename={folder}/p/{format}"
        argv = ["qemu-io", "--object", "secret,id=s,data=open,,sesame", "--image-opts", where, "-c", "read 0 512"]
        assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
        for refused in (  # without the secret, which a look does not tell
            lambda made=made: conn.storage_vol_resize(made, 8 << 20, 0),
            lambda xml=xml, made=made: conn.storage_vol_create_xml_from(
                pool, xml.replace("name>", "name>x", 1), made, 0
            ),
        ):
            with pytest.raises(VirtError, match="encrypted"):
                refused()
    with pytest.raises(VirtError, match="no secret with matching uuid"):
        conn.storage_vol_create_xml(pool, xml.replace(">qcow2<", ">other<", 1).replace(UUID[-4:], "0000"), 0)
    assert not (folder / "p/other").exists()


def test_nothing_half_made_is_left(conn: api.Connection, folder: Path, root: Path) -> None:
    """What a killed process was making goes when the next one looks; what another is making stays."""
    pool = start_pool(conn, folder)
    code = (
        "import os, sys\n"
        "from vsh.backends import api\n"
        "from vsh.backends.qemu.storage import create\n"
        "conn = api.open(sys.argv[1])\n"
        "create._permit = lambda *args: (print('made', flush=True), input())\n"
        "xml = '<volume><name>v</name><capacity>1048576</capacity></volume>'\n"
        "conn.storage_vol_create_xml(conn.storage_pool_lookup_by_name('p'), xml, 0)\n"
    )
    argv = [sys.executable, "-c", code, f"qemu:///embed?root={root}/e"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"made\n"
        conn.storage_pool_list_all_volumes(pool, 0)
        assert (folder / "p/v").exists()
        other.kill()
    # What somebody else put there meanwhile is his.
    mine = (folder / "p/v").rename(folder / "aside")
    (folder / "p/v").write_text("another's")
    (mark,) = (root / "e/run/storage").rglob("*.making")
    said = mark.read_bytes()
    assert [volume.name for volume in conn.storage_pool_list_all_volumes(pool, 0)] == ["v"] and not mark.exists()
    mine.rename(folder / "p/v")
    mark.write_bytes(said)
    assert conn.storage_pool_list_all_volumes(pool, 0) == []
    assert not (folder / "p/v").exists() and not mark.exists()


def test_a_file_that_is_there_stays(conn: api.Connection, folder: Path) -> None:
    """Also one that is no volume, or that came between the look and the making."""
    pool = start_pool(conn, folder)
    (folder / "p/v\x01").write_text("mine")
    os.mkfifo(folder / "p/fifo")
    for name in ("fifo", "..", "."):
        with pytest.raises(VirtError) as caught:
            conn.storage_vol_create_xml(pool, f"<volume><name>{name}</name><capacity>1</capacity></volume>", 0)
        assert caught.value.code == OPERATION_INVALID
    assert (folder / "p/fifo").is_fifo() and conn.storage_pool_list_volumes(pool) == []


def test_headers_cut_short_are_no_error(tmp_path: Path) -> None:
    need("qemu-img")
    for format in ("qcow", "qcow2", "qed", "vmdk", "vdi", "vpc", "parallels"):
        path = tmp_path / format
        subprocess.run(["qemu-img", "create", "-q", "-f", format, str(path), "3M"], check=True)
        head = path.read_bytes()[:HEAD]
        whole = read_header(head, path.stat().st_size)
        assert whole.capacity is not None and abs(whole.capacity - (3 << 20)) < 1 << 16, format
        for length in range(0, 600, 7):
            read_header(head[:length], length)


def test_a_list_looks_once(conn: api.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many volumes there are: each look is a round trip where the host is far."""
    pool = start_pool(conn, folder)
    for number in range(20):
        (folder / f"p/v{number}").touch()
    looks = []
    for name in ("examine", "read_all", "listdir", "run"):
        real = getattr(conn.driver.host, name)
        monkeypatch.setattr(conn.driver.host, name, lambda *args, real=real: looks.append(1) or real(*args))
    volumes = conn.storage_pool_list_all_volumes(pool, 0)
    assert len(volumes) == 20
    answers = conn.batch([(f"storage_vol_get_{what}", (volume,)) for volume in volumes for what in ("info", "path")])
    assert len(answers) == 40 and not any(isinstance(answer, VirtError) for answer in answers)
    assert len(looks) < 20, looks
    gone = next(volume for volume in volumes if volume.name == "v7")
    (folder / "p/v7").unlink()
    with pytest.raises(VirtError):
        conn.storage_vol_get_info(gone)  # nothing is remembered
