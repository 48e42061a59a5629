"""Storage pools: pool-*, find-storage-pool-sources*."""

from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.side import Side

UUID = "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d200"
XML = f"""\
<pool type='dir'>
  <name>fresh</name>
  <uuid>{UUID}</uuid>
  <target>
    <path>/fresh</path>
  </target>
</pool>
"""
#: Options with which pools of every type can be described; `-as` commands show what becomes of them.
AS = [
    "dir --target /x",
    "fs --source-dev /dev/sdb1 --source-format ext4 --target /x",
    "netfs --source-host h --source-path /export --source-format nfs --source-protocol-ver 4.1 --target /x",
    "netfs --source-host h --source-path /export --source-format cifs --target '/x y'",
    "netfs --source-host h --source-path vol --source-format glusterfs --source-name v --target /x",
    "logical --source-name vg --source-dev /dev/sdb --source-format lvm2 --target /dev/vg",
    "disk --source-dev /dev/sdb --source-format gpt --target /dev",
    "iscsi --source-host h --source-dev iqn.1 --target /dev/disk/by-path --source-initiator iqn.2",
    "iscsi --source-host h --source-dev iqn.1 --auth-type chap --auth-username u --secret-usage s --target /x",
    "iscsi-direct --source-host h --source-dev iqn.1 --source-initiator iqn.2 --auth-type chap --auth-username u "
    "--secret-uuid 09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f",
    "scsi --adapter-name scsi_host0 --target /dev/disk/by-path",
    "scsi --adapter-wwnn w --adapter-wwpn p --adapter-parent scsi_host1 --adapter-name n --target /x",
    "scsi --adapter-wwnn w --adapter-wwpn p --adapter-parent-wwnn pw --adapter-parent-wwpn pp --target /x",
    "scsi --adapter-wwnn w --adapter-wwpn p --adapter-parent-wwnn pw --adapter-parent-fabric-wwn pp --target /x",
    "scsi --adapter-wwnn w --adapter-name n --target /x",
    "mpath --target /dev/mapper",
    "rbd --source-host m --source-name p --auth-type ceph --auth-username u --secret-usage s",
    "rbd --source-host m --source-name p --auth-type ceph --auth-username u",
    "sheepdog --source-host h --source-name p",
    "gluster --source-host h --source-name v --source-path /sub",
    "zfs --source-name tank/x --source-dev /dev/sdb",
    "vstorage --source-name v --target /x",
    "dir a-host /a/path /dev/a a-name /a/target a-format",
    "a-host a-path",
    "fs --auth-type a --auth-username b --secret-usage c --target /x",
    "fs --source-protocol-ver 3 --target /x",
    "<'\"> --source-host '&<' --target '>&'",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fresh.xml"
    path.write_text(XML)
    (tmp_path / "Other.xml").write_text(
        f"<pool type='mpath'><name>Other pool</name><uuid>{UUID[:-1]}1</uuid><target><path>/o</path></target></pool>"
    )
    (tmp_path / "source.xml").write_text("<source><host name='server'/></source>")
    return path


def test_lifecycle(host: Host, file: Path) -> None:
    look = "pool-info fresh; pool-list --all --details; pool-dumpxml fresh"
    for quiet in (False, True):
        host.same(
            f"pool-define {file}", look, "pool-build fresh", "pool-refresh fresh", "pool-destroy fresh",
            "pool-start fresh", "pool-start fresh", look, "pool-refresh fresh", f"pool-define {file}",
            f"pool-create {file}", "pool-undefine fresh", "pool-delete fresh", "pool-build fresh",
            "pool-autostart fresh", look, "pool-autostart fresh --disable", "pool-info fresh --bytes",
            "pool-destroy fresh", "pool-delete fresh", f"pool-undefine {UUID}", look, "pool-refresh fresh",
            quiet=quiet,
        )  # fmt: skip
    host.same(f"pool-create {file}", look, "pool-autostart fresh", "pool-undefine fresh", f"pool-destroy {UUID}", look)


def test_building_is_refused(host: Host, file: Path) -> None:
    """The test driver builds nothing while it starts a pool."""
    define = f"pool-define {file}"
    flags = ["--build", "--overwrite", "--no-overwrite", "--build --overwrite", "--overwrite --no-overwrite"]
    for command in (f"pool-create {file}", "pool-start fresh", "pool-build fresh",
                    "pool-create-as other dir --target /o"):  # fmt: skip
        wanted = [flag for flag in flags if "--build" not in flag or "pool-build" not in command]
        host.same(define, *(f"{command} {flag}" for flag in wanted), "pool-list --all")


def test_list(host: Host, file: Path) -> None:
    make = f"pool-define {file}; pool-create {file.parent / 'Other.xml'}"
    flags = ["", "--inactive", "--all", "--persistent", "--transient", "--autostart", "--no-autostart", "--name",
             "--uuid", "--name --uuid", "--details", "--details --all", "--type dir", "--type mpath,dir", "--type fs",
             "--all --type mpath --transient"]  # fmt: skip
    for quiet in (False, True):
        host.same(make, "pool-autostart fresh", *(f"pool-list {flag}" for flag in flags),
                  "pool-list --all --name", "pool-list --all --uuid", quiet=quiet)  # fmt: skip
    host.same("pool-list --details --uuid", "pool-list --details --name", "pool-list --type nosuch", "pool-list x y",
              "pool-list --type dir,,fs", "pool-list --type dir,", "pool-list --type ''", "pool-list dir")  # fmt: skip


def test_lookups(host: Host) -> None:
    default = "dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566"
    words = ["default-pool", default, default.upper(), default[:-1], default[:-1] + "g", default[:-1] + "0", "nosuch"]
    commands = ("pool-name", "pool-uuid", "pool-info", "pool-dumpxml")
    host.same(*(f"{command} {word}" for command in commands for word in words))
    commands = ("info", "start", "destroy", "undefine", "delete", "build", "refresh", "autostart", "uuid", "name")
    host.same(*(f"pool-{command} ''" for command in commands), *(f"pool-{command} nosuch" for command in commands))


def test_dumpxml(host: Host) -> None:
    paths = ["//path", "//@type", "//nosuch", "count(//path)"]
    host.same("pool-dumpxml default-pool", "pool-dumpxml default-pool --inactive")
    host.same(*(f"pool-dumpxml default-pool --xpath '{path}' {wrap}" for path in paths for wrap in ("", "--wrap")))
    host.same("pool-dumpxml default-pool --xpath ''", "pool-dumpxml default-pool --wrap")


def test_define_refusals(host: Host, file: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "domain").write_text("<domain/>")
    (tmp_path / "taken").write_text(XML.replace("fresh", "default-pool"))
    (tmp_path / "conflict").write_text(XML.replace("/fresh", "/default-pool"))
    (tmp_path / "renamed").write_text(XML.replace("fresh", "renamed"))
    names = ["text", "domain", "taken", "conflict", "absent"]
    for command in ("pool-define", "pool-create"):
        host.same(*(f"{command} {tmp_path / name}" for name in names), f"{command} /dev/null", f"{command} ''")
        host.same(f"{command} {file}", f"{command} {tmp_path / 'renamed'}", "pool-list --all")
    host.same(f"pool-define {file} --validate", "pool-list --all")


def test_as(host: Host) -> None:
    for command in ("pool-define-as", "pool-create-as"):
        host.same(*(f"{command} p {options} --print-xml" for options in AS))
        host.same(*(f"{command} p{number} {options}" for number, options in enumerate(AS)), "pool-list --all",
                  *(f"pool-dumpxml p{number}" for number in range(len(AS))), ignore=["uuid"])  # fmt: skip


def test_as_refusals(host: Host) -> None:
    host.script(
        "pool-define-as",
        "pool-define-as a",
        "pool-define-as '' dir",
        "pool-define-as a ''",
        "pool-define-as a nosuch",
        "pool-define-as a dir",
        "pool-define-as a dir --target ''",
        "pool-define-as a dir --source-host ''",
        "pool-define-as a dir --secret-usage a --secret-uuid b",
        "pool-define-as a dir --build",
        "pool-create-as a dir --overwrite --no-overwrite",
        "pool-create-as a fs --target /x",
        "pool-create-as a/b dir --target /x",
        "pool-create-as default-pool dir --target /x",
        "pool-create-as a dir b c d e f g h i j k l m n o p q r s t",
        "pool-define-as a dir --target '/x\"y<'",
    )


def test_sources(host: Host, file: Path) -> None:
    source = file.parent / "source.xml"
    kinds = ("logical", "netfs", "disk", "dir", "nosuch")
    host.same(*(f"find-storage-pool-sources {kind} {words}" for kind in kinds for words in ("", source)))
    host.same(*(f"find-storage-pool-sources-as {kind} {words}" for kind in kinds for words in ("", "h", "h 2049 iqn")))
    host.same(*(f"find-storage-pool-sources block {path}" for path in (file, "/etc/hostname", "/dev/null")))
    host.same("find-storage-pool-sources ''", "find-storage-pool-sources netfs ''",
              "find-storage-pool-sources netfs /x",
              "find-storage-pool-sources-as netfs ''", "find-storage-pool-sources-as netfs h ''",
              "find-storage-pool-sources-as netfs --port 3", "find-storage-pool-sources-as netfs 'a<b'",
              "find-storage-pool-sources-as netfs --initiator ''",
              f"find-storage-pool-sources netfs {file}")  # fmt: skip


def test_capabilities(host: Host, side: Side, libvirtd) -> None:  # type: ignore[no-untyped-def]
    host.same("pool-capabilities", "pool-capabilities x")
    assert side.assert_same("-c", libvirtd.uri("qemu"), "pool-capabilities").stdout.startswith("<storagepoolCapabil")


def test_read_only(host: Host, file: Path) -> None:
    pool = "default-pool"
    changes = [f"pool-define {file}", f"pool-create {file}", "pool-define-as a dir --target /x",
               "pool-create-as a dir --target /x", "find-storage-pool-sources logical",
               *(f"pool-{command} {pool}" for command in ("start", "destroy", "undefine", "delete", "build", "refresh",
                                                          "autostart"))]  # fmt: skip
    host.same(*changes, "pool-list --all --details", f"pool-info {pool}", f"pool-dumpxml {pool}", readonly=True)


def test_json(host: Host, file: Path) -> None:
    fresh = {"name": "fresh", "uuid": UUID}
    made, listed, details, info, started, info2 = host.json(
        f"pool-define {file}; pool-list --inactive; pool-list --details --inactive; pool-info fresh; "
        "pool-start fresh; pool-info fresh"
    )
    assert made == {"pool": fresh, "file": str(file)}
    assert listed == [fresh | {"active": False, "autostart": False}]
    state = {"state": "inactive", "persistent": True, "autostart": False}
    none = {"capacity_bytes": None, "allocation_bytes": None, "available_bytes": None}
    assert details == [fresh | state | none]
    assert info == fresh | state | none
    assert started == {"pool": fresh}
    assert info2["state"] == "running"
    assert (info2["capacity_bytes"], info2["available_bytes"]) == (100 << 30, 100 << 30)
