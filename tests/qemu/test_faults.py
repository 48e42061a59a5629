"""Faults: vsh killed at any point, and many of it at the same domains at once."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.sweeps import rounds
from tests.live.wait import wait_until
from vsh.backends import api
from vsh.backends.constants.domain import (
    DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY,
    DOMAIN_SHUTOFF,
    DOMAIN_SNAPSHOT_DELETE_CHILDREN,
    DOMAIN_SNAPSHOT_LIST_ROOTS,
    DOMAIN_SNAPSHOT_REVERT_FORCE,
    DOMAIN_UNDEFINE_MANAGED_SAVE,
)
from vsh.backends.errors import OPERATION_UNSUPPORTED, VirtError
from vsh.backends.qemu.store import Running

ROOT = Path(__file__).parents[2]
#: What qemu-img says of an image with space that nobody uses: that of a QEMU which was killed as it took it.
LEAKS = 3


def work(family: str, uri: str, folder: Path, seed: object, count: int) -> "subprocess.Popen[str]":
    """A process of `worker.py` that has begun."""
    argv = [sys.executable, "-m", "tests.qemu.worker", family, uri, str(folder), str(seed), str(count)]
    worker = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    return worker


def prepare(root: Path, guests: Guests) -> None:
    """What the workers need."""
    (root / "template.xml").write_text(guests.boot_sector("NAME"))
    for number in range(3):
        with (root / f"disk{number}.img").open("wb") as file:
            file.truncate(1 << 20)
        (root / f"disk{number}.img").chmod(0o666)


    (root / "images").mkdir()
    (root / "images").chmod(0o777)
    for number in range(3):
        path = root / f"images/k{number}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"], check=True)
        path.chmod(0o666)


def guests_below(root: Path, program: bytes = b"qemu-system") -> "set[int]":
    """The QEMU processes whose files are below `root`; those of another `program`."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"{root}/".encode() in path.read_bytes() and program in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:  # it has ended meanwhile
            pass
    return found


def settled(conn: api.Connection, root: Path) -> bool:
    """Whether what runs is what the driver says runs, after nothing but looking."""
    active = [ref for ref in conn.connect_list_all_domains(0) if ref.id != -1]
    records = [Running.load(path.read_bytes()) for path in (root / "e/run/qemu").glob("*.state")]
    running = {record.process.pid for record in records if record.process is not None}
    starting = [record for record in records if record.phase == "starting"]
    return not starting and len(active) == len(running) and guests_below(root) == running


def check(uri: str, root: Path) -> None:
    """Every definition is whole, every QEMU known, and all can be stopped and removed."""
    for path in (root / "e/etc/qemu").glob("*.xml"):
        text = path.read_text()
        assert re.search(r"</domain>\n\Z", text), path
    conn = api.open(uri)
    try:
        # A process that is just becoming QEMU holds what its dead parent held for a moment.
        wait_until(lambda: settled(conn, root), 10)
        for ref in conn.connect_list_all_domains(0):
            conn.domain_get_xml_desc(ref, 0)
            if ref.id != -1:
                conn.domain_destroy_flags(ref, 0)
                if ref in conn.connect_list_all_domains(0):
                    assert conn.domain_get_state(ref, 0).state == DOMAIN_SHUTOFF
            if ref in conn.connect_list_all_domains(0):
                conn.domain_undefine_flags(ref, DOMAIN_UNDEFINE_MANAGED_SAVE)
        assert conn.connect_list_all_domains(0) == []
        assert not guests_below(root)
    finally:
        conn.close()


def check_storage(uri: str, root: Path) -> None:
    """Every pool, secret and volume is whole, nothing is locked or half made, and all can be removed."""
    conn = api.open(uri)

    def swept() -> bool:
        """Whether no program goes on whose parent was killed, be it that it is just about to become one."""
        for pool in conn.connect_list_all_storage_pools(0):
            if conn.storage_pool_is_active(pool):
                conn.storage_pool_list_all_volumes(pool, 0)
        return not guests_below(root, b"qemu-img") and not list(root.rglob("*.making"))

    try:
        wait_until(swept, 10)
        for pool in conn.connect_list_all_storage_pools(0):
            conn.storage_pool_get_xml_desc(pool, 0)
            if conn.storage_pool_is_active(pool):
                for volume in conn.storage_pool_list_all_volumes(pool, 0):
                    path = conn.storage_vol_get_path(volume)
                    xml = conn.storage_vol_get_xml_desc(volume, 0)
                    if "type='qcow2'" in xml:
                        subprocess.run(["qemu-img", "check", "-q", path], check=True)
                    assert "<capacity unit='bytes'>0<" not in xml, xml
                    conn.storage_vol_delete(volume, 0)
                conn.storage_pool_destroy(pool)
            if pool in conn.connect_list_all_storage_pools(0):
                conn.storage_pool_undefine(pool)
        for secret in conn.connect_list_all_secrets(0):
            try:
                conn.secret_get_value(secret, 0)
            except VirtError as error:
                assert "does not have a value" in str(error)
            conn.secret_undefine(secret)
        # Whoever changes something next removes what a killed writer left.
        conn.secret_undefine(conn.secret_define_xml("<secret/>", 0))
        assert conn.connect_list_all_storage_pools(0) == conn.connect_list_all_secrets(0) == []
        left = [*(root / "e/etc/secrets").glob("*"), *(root / "e/etc/storage").glob("**/*.xml")]
        left += [path for path in (root / "e/run").glob("s*/**/*.*") if not path.name.startswith(".tmp-")]
        assert not left
    finally:
        conn.close()


def check_snapshots(uri: str, root: Path) -> None:
    """Every snapshot can be gone back to, nothing is half taken, and all leave nothing behind."""
    conn = api.open(uri)
    images = root / "images"
    try:
        # What a killed process had begun goes on to its end, a qemu-img or one that is just becoming QEMU.
        wait_until(lambda: not guests_below(root, b"qemu-img") and settled(conn, root), 10)
        for ref in conn.connect_list_all_domains(0):
            for snapshot in conn.domain_list_all_snapshots(ref, 0):
                try:
                    conn.domain_revert_to_snapshot(snapshot, DOMAIN_SNAPSHOT_REVERT_FORCE)
                except VirtError as error:
                    assert error.code == OPERATION_UNSUPPORTED, error  # another one needs the image as it is
            if conn.domain_get_state(ref, 0).state != DOMAIN_SHUTOFF:
                conn.domain_destroy_flags(ref, 0)
            for source in re.findall(r"<source file='(.*/images/.*)'/>", conn.domain_get_xml_desc(ref, 0)):
                done = subprocess.run(["qemu-img", "check", "-q", source], check=False, capture_output=True)
                assert done.returncode in (0, LEAKS), done
            conn.domain_create_with_flags(ref, 0)
            conn.domain_destroy_flags(ref, 0)
            for snapshot in conn.domain_list_all_snapshots(ref, DOMAIN_SNAPSHOT_LIST_ROOTS):
                conn.domain_snapshot_delete(snapshot, DOMAIN_SNAPSHOT_DELETE_CHILDREN)
            for mark in conn.domain_list_all_checkpoints(ref, 0):
                conn.domain_checkpoint_delete(mark, DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
            conn.domain_undefine_flags(ref, 0)
        assert not [*(root / "e/lib/qemu/plan").glob("[!.]*")]
        assert not guests_below(root)
        # What a deleted snapshot left to another one's branch stays behind: nothing that was asked for is missing.
        assert {path.name for path in images.iterdir()} >= {"k0.qcow2", "k1.qcow2", "k2.qcow2"}
    finally:
        conn.close()


def kill_at_random_points(family: str, uri: str, root: Path, guests: Guests, times: int) -> None:
    prepare(root, guests)
    chance = random.Random(4711)
    looks = {"storage": check_storage, "snapshots": check_snapshots}.get(family, check)
    for attempt in range(times):
        worker = work(family, uri, root, chance.random(), 3)
        time.sleep(chance.random() * 0.5)
        os.kill(worker.pid, signal.SIGKILL)
        _, said = worker.communicate(timeout=30)
        assert not said, said
        if attempt % 5 == 4 or chance.random() < 0.2:
            looks(uri, root)
    looks(uri, root)


@pytest.mark.sweep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("family", ["definitions", "life", "storage", "snapshots"])
def test_killed_at_any_point(family: str, uri: str, root: Path, guests: Guests) -> None:
    kill_at_random_points(family, uri, root, guests, rounds(150))


def hammer(uri: str, root: Path, guests: Guests, seconds: float) -> None:
    """Eight processes at the same domains: nothing is lost, corrupt, or started twice."""
    prepare(root, guests)
    workers = [work("definitions", uri, root, number, 20) for number in range(8)]
    deadline = time.monotonic() + seconds
    doubles = []
    while time.monotonic() < deadline:
        time.sleep(0.2)
        names = []
        for pid in guests_below(root):
            try:
                names.append(re.search(rb"guest=([^,]*)", Path(f"/proc/{pid}/cmdline").read_bytes()))
            except OSError:
                pass
        told = [name[1] for name in names if name]
        doubles += [name for name in set(told) if told.count(name) > 1]
    for worker in workers:
        assert worker.poll() is None, worker.communicate()[1]
        worker.terminate()
    complaints = [worker.communicate(timeout=60)[1] for worker in workers]
    assert not any(complaints), complaints
    assert not doubles
    check(uri, root)


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_eight_processes_for_two_minutes(uri: str, root: Path, guests: Guests) -> None:
    hammer(uri, root, guests, rounds(120))
