"""Volumes of a real daemon, up and down at speed: what arrives is what was sent, holes stay holes, memory is
bounded."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side, vsh_command
from vsh.backends import driver, registry
from vsh.backends.constants import storage as constants
from vsh.backends.libvirt import stream as streams
from vsh.backends.records import StorageVolRef

MIB = 1 << 20
#: What a program may have in memory at most, in MiB: itself and what a stream holds back for a slow reader.
MEMORY = 60 + (streams.FULL >> 20)
#: Tells how much memory a program took. A parent of its own, because Linux counts the parent's before the program's.
MEASURE = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""
#: Of each STEP of the file, the first part is data.
STEP, DATA = 16 * MIB, 9 * MIB
SIZES = [pytest.param(100 * MIB, id="100 MiB"), pytest.param(1024 * MIB, id="1 GiB", marks=pytest.mark.long)]


class Volume(NamedTuple):
    """A volume of a pool on `uri`, as large as the file `source`, which has holes; `env` is for the programs run."""

    uri: str
    ref: StorageVolRef
    source: Path
    checksum: str
    env: dict[str, str]
    connection: driver.Connection

    def command(self, *words: str) -> list[str]:
        return [*vsh_command(), "-c", self.uri, words[0], self.ref.key, *words[1:]]


@pytest.fixture
def volume(request: pytest.FixtureRequest, libvirtd_root: Libvirtd, side: Side, tmp_path: Path) -> Iterator[Volume]:
    size = request.param
    source = tmp_path / "source"
    with source.open("wb") as file:
        for number, at in enumerate(range(0, size, STEP)):
            file.seek(at)
            file.write(hashlib.sha256(bytes([number])).digest() * (min(DATA, size - at) // 32))
        file.truncate(size)
    uri = libvirtd_root.uri("qemu")
    connection = registry.open(uri)
    pool = connection.storage_pool_create_xml(
        f"<pool type='dir'><name>bulk</name><target><path>{tmp_path}/pool</path></target></pool>",
        constants.STORAGE_POOL_CREATE_WITH_BUILD,
    )
    xml = f"<volume><name>v</name><capacity>{size}</capacity><allocation>0</allocation></volume>"
    ref = connection.storage_vol_create_xml(pool, xml)
    yield Volume(uri, ref, source, checksum(source), side.env, connection)
    connection.storage_vol_delete(ref, 0)
    connection.storage_pool_destroy(pool)
    connection.close()


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def start(argv: list[str], env: dict[str, str]) -> "subprocess.Popen[str]":
    """Start a program under the eyes of `MEASURE`."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", MEASURE, *argv],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(process: "subprocess.Popen[str]") -> float:
    """Wait for a program that succeeds; what it had in memory at most, in MiB."""
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return int(told) / 1024


def run(argv: list[str], env: dict[str, str]) -> float:
    return finished(start(argv, env))


@pytest.mark.parametrize("volume", SIZES, indirect=True)
def test_there_and_back_with_holes(volume: Volume, tmp_path: Path) -> None:
    target, stored, size = tmp_path / "target", Path(volume.ref.key), volume.source.stat().st_size
    data = sum(min(DATA, size - at) for at in range(0, size, STEP))
    for sparse in (["--sparse"], []):
        assert run(volume.command("vol-upload", str(volume.source), *sparse), volume.env) < MEMORY
        assert run(volume.command("vol-download", str(target), *sparse), volume.env) < MEMORY
        for path in (stored, target):
            assert checksum(path) == volume.checksum
            occupied = path.stat().st_blocks * 512
            assert occupied < data + MIB if sparse else occupied >= size


@pytest.mark.parametrize("volume", SIZES[:1], indirect=True)
def test_a_slow_reader_costs_no_memory(volume: Volume, tmp_path: Path) -> None:
    run(volume.command("vol-upload", str(volume.source)), volume.env)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start(volume.command("vol-download", str(pipe)), volume.env)
    seen = hashlib.sha256()
    with pipe.open("rb", buffering=0) as reader:
        for number in range(1 << 20):
            if number % 400 == 0 and number < 2000:
                time.sleep(0.3)
            if not (data := reader.read(1 << 16)):
                break
            seen.update(data)
    assert finished(process) < MEMORY and seen.hexdigest() == volume.checksum


@pytest.mark.parametrize("volume", SIZES[:1], indirect=True)
def test_a_reader_that_goes_away_ends_the_download(volume: Volume, tmp_path: Path) -> None:
    run(volume.command("vol-upload", str(volume.source)), volume.env)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    argv = volume.command("vol-download", str(pipe))
    process = subprocess.Popen(argv, env=volume.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with pipe.open("rb", buffering=0) as reader:
        assert len(reader.read(1 << 16)) > 0
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1 and b"Broken pipe" in told and b"Traceback" not in told
    assert volume.connection.storage_vol_get_info(volume.ref).capacity == volume.source.stat().st_size


@pytest.mark.parametrize("volume", SIZES[:1], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_upload_that_is_interrupted_leaves_the_volume_usable(volume: Volume, tmp_path: Path, number: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(volume.command("vol-upload", str(pipe)), env=volume.env, stderr=subprocess.PIPE)
    with pipe.open("wb", buffering=0) as writer:
        writer.write(bytes(4 * MIB))
        process.send_signal(number)
        _, told = process.communicate(timeout=30)
    assert process.returncode != 0 and b"Traceback" not in told
    run(volume.command("vol-upload", str(volume.source)), volume.env)
    assert checksum(Path(volume.ref.key)) == volume.checksum


@pytest.mark.parametrize("volume", SIZES[:1], indirect=True)
def test_an_abort_in_the_middle_leaves_the_connection_usable(volume: Volume) -> None:
    connection = volume.connection
    for _ in range(3):
        _, stream = connection.storage_vol_download(volume.ref, 0, 0)
        assert stream.recv(MIB, timeout=10)
        stream.abort()
        _, stream = connection.storage_vol_upload(volume.ref, 0, 0)
        stream.send(bytes(3 * MIB), timeout=10)
        stream.abort()
        assert connection.storage_vol_get_info(volume.ref).type == 0
    assert connection._channel.streams == {} and threading.active_count() < 50
