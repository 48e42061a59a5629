"""Pools that are volume groups and disks, on loop devices. This kernel may lack what activates logical volumes."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.live.need import need, need_root
from tests.live.side import Run, compare
from tests.qemu.conftest import Pair
from vsh.backends import api
from vsh.backends.constants import storage as const
from vsh.backends.errors import INVALID_ARG, STORAGE_POOL_BUILT, STORAGE_PROBE_FAILED, VirtError
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.storage.logical import Logical
from vsh.backends.xml.resources.pool import Pool

LVM = """\
pool-define-as l logical --source-dev {loop} --source-name {group}
pool-dumpxml l; pool-start l; pool-build l --no-overwrite; pool-build l; pool-build l --overwrite
pool-start l; pool-info l; pool-dumpxml l; vol-list l --details; pool-destroy l; pool-start l
pool-undefine l; pool-destroy l; find-storage-pool-sources logical; pool-delete l; pool-undefine l
pool-create-as l logical --source-dev /dev/nosuch --source-name {group}; find-storage-pool-sources logical"""


@contextmanager
def loop(image: Path) -> Iterator[str]:
    """A new disk of 64 MiB."""
    need("losetup", "blkid")
    need_root()
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(64 << 20)
    found = subprocess.run(["losetup", "-fP", "--show", image], capture_output=True, text=True, check=True)
    device = found.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def test_volume_groups_like_libvirts(pair: Pair, root: Path) -> None:
    need("vgcreate")
    group = f"vsh{time.time_ns()}"
    seen = []
    for program, uri in ((pair.side.virsh, pair.reference), (pair.side.vsh, pair.uri)):
        with ExitStack() as stack:
            device = stack.enter_context(loop(root / "disk"))
            stack.callback(lambda: subprocess.run(["vgremove", "-fq", group], capture_output=True, check=False))
            line = LVM.format(loop=device, group=group).replace("\n", "; ")
            run = program("-c", uri, line)
            seen.append(Run(run.stdout.replace(device, "LOOP"), run.stderr.replace(device, "LOOP"), run.status))
    assert not compare(*seen, ["uuid"])
    assert "already formatted using 'LVM2_member'" in seen[0].stderr and "Pool l deleted" in seen[0].stdout


def test_logical_volumes_as_lvm_tells_of_them(root: Path) -> None:
    need("vgcreate")
    group = f"vsh{time.time_ns()}"
    with loop(root / "disk") as device:
        argv = [["vgcreate", "-q", group, device]]
        argv += [
            ["lvcreate", "--driverloaded", "n", "-q", "-an", "-Zn", "-L", "8M", "-n", name, group] for name in "ab"
        ]
        try:
            for command in argv:
                subprocess.run(command, check=True, capture_output=True)
            xml = f"<pool type='logical'><name>l</name><source><name>{group}</name></source></pool>"
            storage = Logical(LocalHost(), Pool.parse(xml))
            found = storage.volumes()
            assert [(volume.name, volume.capacity, volume.type) for volume in found] == [
                ("a", 8 << 20, "block"),
                ("b", 8 << 20, "block"),
            ]
            assert found[0].target is not None and found[0].target.path == f"/dev/{group}/a"
            assert re.fullmatch(r"\w{6}(-\w{4}){5}-\w{6}", found[0].key or "")
            assert storage.by_path(f"/dev/{group}/b") == storage.by_key(found[1].key or "") == found[1]
            now = storage.measure()
            assert now.allocation == 16 << 20 and now.capacity == now.allocation + now.available > 16 << 20
        finally:
            subprocess.run(["vgremove", "-fq", "--driverloaded", "n", group], capture_output=True, check=False)


def test_disks_and_their_partitions(conn: api.Connection, root: Path) -> None:
    need("parted")

    def code(call: Callable[[], object]) -> int:
        with pytest.raises(VirtError) as caught:
            call()
        return caught.value.code

    with loop(root / "disk") as device:
        xml = (
            f"<pool type='disk'><name>d</name><source><device path='{device}'/><format type='gpt'/></source>"
            "<target><path>/dev</path></target></pool>"
        )
        pool = conn.storage_pool_define_xml(xml, 0)
        assert code(lambda: conn.storage_pool_create(pool, 0)) == STORAGE_PROBE_FAILED
        conn.storage_pool_build(pool, 0)
        assert code(lambda: conn.storage_pool_build(pool, 0)) == STORAGE_POOL_BUILT
        conn.storage_pool_build(pool, const.STORAGE_POOL_BUILD_OVERWRITE)
        conn.storage_pool_create(pool, 0)
        name = f"{device.rpartition('/')[2]}p"
        volume = "<volume><name>{}</name><capacity unit='MiB'>{}</capacity></volume>"
        assert code(lambda: conn.storage_vol_create_xml(pool, volume.format("other", 8), 0)) == INVALID_ARG
        made = [conn.storage_vol_create_xml(pool, volume.format(f"{name}{n}", 8), 0) for n in (1, 2, 3)]
        with pytest.raises(VirtError, match="no large enough free extent"):
            conn.storage_vol_create_xml(pool, volume.format(f"{name}4", 60), 0)
        assert conn.storage_pool_list_volumes(pool) == [f"{name}{n}" for n in (1, 2, 3)]
        assert conn.storage_pool_get_info(pool).allocation == 24 << 20
        assert conn.storage_vol_get_path(made[1]) == f"{device}p2"
        told = conn.storage_vol_get_xml_desc(made[1], 0)
        assert "<extent start='9437184' end='17825792'/>" in told and "<format type='none'/>" in told
        _, stream = conn.storage_vol_upload(made[1], 512, 5, 0)
        stream.send(b"hello")
        stream.finish()
        _, stream = conn.storage_vol_download(made[1], 512, 5, 0)
        assert stream.recv(100) == b"hello"
        stream.abort()
        assert (root / "disk").read_bytes()[9437184 + 512 :][:5] == b"hello"
        conn.storage_vol_wipe(made[1], 0)
        assert b"hello" not in (root / "disk").read_bytes()
        conn.storage_vol_delete(made[1], 0)
        again = conn.storage_vol_create_xml(pool, volume.format(f"{name}2", 4), 0)
        assert conn.storage_vol_lookup_by_path(f"{device}p2") == again
        conn.storage_pool_destroy(pool)
        conn.storage_pool_delete(pool, 0)
        assert code(lambda: conn.storage_pool_create(pool, 0)) == STORAGE_PROBE_FAILED
