"""define, undefine, dumpxml."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side

Write = Callable[..., Path]
OWNER = """\
<domain type='qemu'>
  <name>vsh-owner</name>
  <memory unit='KiB'>65536</memory>
  <os><type>hvm</type></os>
  <devices>
    <disk type='volume'><source pool='vsh-undefine' volume='a.img'/><target dev='vda'/></disk>
    <disk type='file'><source file='{pool}/b.img'/><target dev='vdb'/></disk>
    <disk type='file'><source file='{pool}/c.img'/><target dev='vdc'/></disk>
    <disk type='volume'><source pool='vsh-undefine' volume='no.img'/><target dev='vdd'/></disk>
    <disk type='file' device='cdrom'><target dev='hdc'/></disk>
  </devices>
</domain>
"""


def test_define(host: Host, domain_file: Write) -> None:
    file = domain_file("fresh")
    host.same(f"define {file}", "list --all", f"define {file}", "start fresh", f"define {file}", "dominfo fresh")
    host.same(f"define {file}", "undefine fresh", "list --all", quiet=True)
    host.same(f"define --validate {file}", "list --all")


def test_define_reads_what_open_can_open(host: Host, domain_file: Write) -> None:
    xml = domain_file("fresh").read_text()
    host.side.assert_same("-c", host.uri, "define", "/dev/stdin", stdin=xml)
    host.same("define -", "define /", "define /nonexistent/file", "define /dev/null", "define ''")


def test_define_refuses_what_is_no_domain(host: Host, domain_file: Write, tmp_path: Path) -> None:
    domain_file("test", "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d001")
    domain_file("other", "6695eb01-f6a4-8304-79aa-97f2502e193f")
    (tmp_path / "text").write_text("hello")
    (tmp_path / "network").write_text("<network><name>n</name></network>")
    (tmp_path / "open").write_text("<domain type='test'>\n<name>x</name>")
    (tmp_path / "noname").write_text("<domain type='test'><memory>1</memory></domain>")
    (tmp_path / "kvm").write_text(
        "<domain type='kvm'><name>x</name><memory>1</memory><os><type>hvm</type></os></domain>"
    )
    (tmp_path / "large").write_bytes(b"<domain>" + b" " * (10 << 20))
    names = ["test.xml", "other.xml", "text", "network", "open", "noname", "kvm", "large"]
    host.same(*(f"define {tmp_path / name}" for name in names))


def test_dumpxml(host: Host, domain_file: Write) -> None:
    flags = ["", "--inactive", "--security-info", "--update-cpu", "--migratable", "--inactive --security-info"]
    host.same(*(f"dumpxml test {flag}" for flag in flags))
    host.same(
        f"define {domain_file('fresh')}", "dumpxml fresh", "start fresh", "dumpxml fresh", "dumpxml fresh --inactive"
    )


def test_dumpxml_xpath(host: Host) -> None:
    paths = [
        "//name",
        "/domain/devices/disk",
        "//@dev",
        "//text()",
        "//nosuch",
        "string(//name)",
        "count(//disk)",
        "",
    ]
    host.same(*(f"dumpxml test --xpath '{path}'" for path in paths))
    host.same(
        *(f"dumpxml test --wrap --xpath '{path}'" for path in ("//disk", "//target", "//nosuch", "//name|//uuid"))
    )
    host.same("dumpxml test --wrap --xpath //name", "dumpxml test --wrap", "dumpxml nosuch --xpath ''")
    host.same("dumpxml test --xpath //[")


def test_undefine(host: Host, domain_file: Write) -> None:
    host.same("undefine test", "list --all", "dominfo test", "destroy test", "list --all")
    host.same("destroy test", "undefine 1", "undefine test", "list --all", "undefine test")
    flags = ["managed-save", "snapshots-metadata", "checkpoints-metadata", "nvram", "keep-nvram", "tpm", "keep-tpm"]
    define = f"define {domain_file('fresh')}"
    host.same(*(f"{define}; undefine fresh --{flag}; list --all" for flag in flags))
    host.same(*(f"undefine test --{flag}" for flag in flags), "list --all")


def test_undefine_of_what_has_a_saved_state_or_snapshots(many: Host) -> None:
    many.same("undefine 'Alpha beta'", "undefine 'Alpha beta' --managed-save", "list --all")
    many.same("undefine 日本", "undefine 日本 --managed-save", "undefine 日本 --snapshots-metadata", "list --all")
    many.same("undefine bravo", "undefine 2", "undefine yankee", "undefine yankee --snapshots-metadata", "list --all")


def test_undefine_with_storage(host: Host, domain_file: Write) -> None:
    define = f"define {domain_file('fresh')}"
    host.same("undefine test --storage vda", "undefine test --remove-all-storage", "list --all")
    host.same("destroy test", "undefine test --storage vda,vdb", "undefine test --storage vda --remove-all-storage")
    host.same(define, "undefine fresh --storage nosuch", "undefine fresh --storage vdb,vda,,b,", "list --all")
    host.same(define, "undefine fresh --storage '/nowhere/disk.img,vol' --wipe-storage", "list --all")
    host.same(define, "undefine fresh --remove-all-storage --delete-snapshots", "list --all")
    host.same(define, "undefine fresh --storage ''", "list --all")
    host.same(define, "undefine fresh vda", "list --all")


def test_undefine_removes_volumes(side: Side, libvirtd: Libvirtd, tmp_path: Path) -> None:
    uri = libvirtd.uri("qemu")
    pool = libvirtd.directory / "vsh-undefine"
    file = tmp_path / "owner.xml"
    file.write_text(OWNER.format(pool=pool))
    setup = f"pool-create-as vsh-undefine dir --target {pool}; define {file}"
    setup += "".join(f"; vol-create-as vsh-undefine {name}.img 64K" for name in "abc")
    script = "undefine vsh-owner --storage vda,vdb,a; undefine vsh-owner {options}"
    for options in ("--storage vdb", "--remove-all-storage --delete-snapshots", "--remove-all-storage --wipe-storage"):
        seen = []
        for program in (side.virsh, side.vsh):
            shutil.rmtree(pool, ignore_errors=True)
            pool.mkdir()
            pool.chmod(0o777)
            assert side.virsh("-c", uri, setup).status == 0
            (pool / "b.img").unlink()
            (pool / "b.img").mkdir()  # one that cannot be removed
            run = program("-c", uri, script.format(options=options))
            seen.append((run, sorted(path.name for path in pool.iterdir())))
            side.virsh("-c", uri, "pool-destroy vsh-undefine")
        assert seen[0] == seen[1]
    run, left = seen[0]
    assert left == ["b.img"]
    assert "Volume 'vda'(a.img) removed." in run.stdout
    assert "Failed! Volume not removed." in run.stderr


def test_undefine_refusals(host: Host) -> None:
    host.script(
        "undefine",
        "undefine ''",
        "undefine nosuch",
        "undefine test --nvram --keep-nvram",
        "undefine test --tpm --keep-tpm",
        "undefine test --wipe-storage",
        "undefine '' --wipe-storage",
        "undefine test --storage '' --wipe-storage",
        "undefine test --delete-snapshots",
        "undefine test --delete-storage-volume-snapshots --storage vda",
        "undefine test --delete-snapshots=1",
        "undefine test --storage",
        "undefine test a b",
        "define",
        "define a b",
        "dumpxml",
        "dumpxml test a",
        "dumpxml nosuch",
        "dumpxml test --xpath",
    )


def test_read_only(host: Host, domain_file: Write) -> None:
    file = domain_file("fresh")
    host.same("dumpxml test", "dumpxml test --inactive", "dumpxml test --security-info", readonly=True)
    host.same(f"define {file}", f"define {file} --validate", "define /nonexistent", "undefine test", readonly=True)
    host.same("undefine test --nvram", "undefine nosuch", "undefine test --managed-save", readonly=True)


def test_json(host: Host, domain_file: Write) -> None:
    file = domain_file("fresh")
    identity = {"name": "fresh", "uuid": "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d000"}
    answers = host.json(f"define {file}; dumpxml fresh; undefine fresh")
    assert answers[0] == {"domain": identity, "file": str(file)}
    assert answers[1]["xml"].startswith("<domain type='test'>\n  <name>fresh</name>")
    assert answers[2] == {"domain": identity}
