"""migrate with disks that both hosts have their own of, with TLS, and after the switch to post-copy."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.certificates import Authority
from tests.live.guest import Guests
from tests.live.initramfs import LINUX_PROMPT
from tests.live.libvirtd import Libvirtd, free_port
from tests.live.need import need, need_root
from tests.live.nursery import Nursery
from tests.live.side import Side
from tests.live.wait import wait_until

DISK = "<disk type='file'><driver name='qemu' type='{}'/><source file='{}'/><target dev='vda' bus='virtio'/></disk>"


def port() -> str:
    return f"--migrateuri tcp://127.0.0.1:{free_port()}"


def ports() -> str:
    return f"{port()} --disks-port {free_port()}"


def running(side: Side, uri: str) -> str:
    return side.virsh("-q", "-c", uri, "list --name").stdout.strip()


@pytest.fixture
def pair(libvirtd: Libvirtd, new_libvirtd: Callable[..., Libvirtd]) -> tuple[str, str]:
    return libvirtd.uri("qemu"), new_libvirtd().uri("qemu")


@pytest.mark.parametrize("increment", [False, True])
def test_disks_travel_too(
    pair: tuple[str, str], side: Side, guests: Guests, define: Callable[..., None], tmp_path: Path, increment: bool
) -> None:
    """Each host has a file of its own; with --copy-storage-inc both are layers over one base."""
    content = os.urandom(1 << 20)
    files = [guests.directory / f"{name}{increment}.img" for name in ("here", "there")]
    base = guests.directory / "base.img"
    for file in (*files, base):
        file.write_bytes(content if file == files[0] else bytes(1 << 20))
        file.chmod(0o666)
    layer = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw"]
    for file in files if increment else ():
        subprocess.run([*layer, str(file)], check=True, timeout=30)
    if increment:
        subprocess.run(["qemu-io", "-c", "write -q -P 7 0 64k", str(files[0])], check=True, timeout=30)
    disk = DISK.format("qcow2" if increment else "raw", files[0])
    xml = guests.boot_sector("mover").replace("</devices>", f"{disk}</devices>")
    define(pair[0], xml, start=True)
    there = tmp_path / "there.xml"
    there.write_text(side.virsh("-c", pair[0], "dumpxml mover --migratable").stdout.replace(*map(str, files)))
    way = "--copy-storage-inc" if increment else "--copy-storage-all --copy-storage-synchronous-writes"
    run = side.vsh("-c", pair[0], f"migrate mover {pair[1]} --live {way} --xml {there} {ports()} --verbose")
    assert run.status == 0 and "Migration: [100 %]" in run.stderr, run.stderr
    assert running(side, pair[0]) == "" and running(side, pair[1]) == "mover"
    assert str(files[1]) in side.virsh("-c", pair[1], "domblklist mover").stdout
    side.virsh("-c", pair[1], "destroy mover")
    same = ["qemu-img", "compare", "-q", *map(str, files)]
    assert subprocess.run(same, timeout=30, check=False).returncode == 0


def test_disks_that_are_not_there(
    pair: tuple[str, str], side: Side, guests: Guests, define: Callable[..., None], tmp_path: Path
) -> None:
    file = guests.directory / "only-here.img"
    file.write_bytes(bytes(1 << 20))
    file.chmod(0o666)
    xml = guests.boot_sector("mover").replace("</devices>", f"{DISK.format('raw', file)}</devices>")
    define(pair[0], xml, start=True)
    there = tmp_path / "there.xml"
    there.write_text(side.virsh("-c", pair[0], "dumpxml mover --migratable").stdout.replace(str(file), "/nosuch/disk"))
    for way in ("--copy-storage-all", "--copy-storage-all --migrate-disks vdz", "--copy-storage-inc"):
        line = f"migrate mover {pair[1]} --live {way} --xml {there} {ports()}"
        side.assert_same("-c", pair[0], line, timeout=5, tries=3)
        assert running(side, pair[0]) == "mover" and running(side, pair[1]) == ""


@pytest.fixture(scope="module")
def system(side: Side) -> Iterator[tuple[str, str]]:
    """Two privileged hosts whose QEMUs have certificates: post-copy needs privileges, TLS the certificates."""
    need("libvirtd")
    need_root()
    with Nursery(shared=True) as nursery:
        pki = Authority().write(nursery.directory / "pki")
        settings = f'migrate_tls_x509_cert_dir = "{pki}"\nmigrate_tls_x509_verify = 1\n'
        with (
            Libvirtd(privileged=True, qemu_settings=settings) as one,
            Libvirtd(privileged=True, qemu_settings=settings) as other,
        ):
            yield one.uri("qemu"), other.uri("qemu")


def test_over_tls(system: tuple[str, str], side: Side, guests: Guests, define: Callable[..., None]) -> None:
    here, there = system
    define(here, guests.boot_sector("mover"), start=True)
    run = side.vsh("-c", here, f"migrate mover {there} --live --tls {port()}")
    assert (run.stdout, run.stderr, run.status) == ("\n", "", 0) and running(side, there) == "mover"
    # The certificates are made out to 127.0.0.1.
    run = side.vsh("-c", there, f"migrate mover {here} --live --tls --tls-destination elsewhere {port()}")
    assert run.status == 1 and running(side, there) == "mover" and running(side, here) == ""
    run = side.vsh("-c", there, f"migrate mover {here} --live --tls --tls-destination 127.0.0.1 --persistent {port()}")
    assert (run.stdout, run.stderr, run.status) == ("\n", "", 0) and running(side, here) == "mover"


@pytest.mark.long
def test_post_copy(system: tuple[str, str], side: Side, guests: Guests, define: Callable[..., None]) -> None:
    here, there = system
    define(here, guests.linux("slow"))
    with side.terminal("vsh", "-c", here, "start slow --console") as console:
        console.expect(LINUX_PROMPT, 60)
        console.send("\x1d")
        console.finish()
    slowly = "--live --postcopy --bandwidth 1 --postcopy-bandwidth 1000 --persistent --verbose"
    with side.terminal("vsh", "-c", here, f"migrate slow {there} {slowly} {port()}") as terminal:
        terminal.expect("Migration: [  1 %]", 60)
        side.assert_same("-c", here, "migrate-getspeed slow; migrate-getspeed slow --postcopy")
        assert side.vsh("-c", here, "migrate-setspeed slow 900 --postcopy; migrate-postcopy slow").stderr == ""
        shown, status = terminal.finish()
    assert status == 0 and running(side, there) == "slow" and running(side, here) == "", shown
    for start, end, options in (
        (there, here, "--postcopy --postcopy-after-precopy"),
        (here, there, "--postcopy --bandwidth 1 --timeout 5 --timeout-postcopy"),
    ):
        run = side.vsh("-c", start, f"migrate slow {end} --live {options} --persistent {port()}")
        assert (run.stderr, run.status) == ("", 0), options
        wait_until(lambda end=end: running(side, end) == "slow")  # type: ignore[misc]
        assert running(side, start) == ""
