"""Migration between two drivers on one machine: with shared images, with copies, given up, killed."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.live.certificates import Authority
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd, free_port
from tests.live.side import Run, Side
from tests.live.wait import wait_until

KILLS = 25 if os.environ.get("VSH_LONG") else 3


class Hosts:
    """Two drivers, `a` and `b`, and a guest `roam` with a disk, which begins on `a`."""

    def __init__(self, side: Side, guests: Guests, root: Path):
        self.side, self.root = side, root
        self.a, self.b = (f"qemu:///embed?root={root}/{name}" for name in "ab")
        self.disk = root / "roam.qcow2"
        create = ["qemu-img", "create", "-q", "-f", "qcow2", str(self.disk), "64M"]
        write = ["qemu-io", "-c", "write -P 7 0 8M", str(self.disk)]
        for argv in (create, write):
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        self.disk.chmod(0o666)
        disk = (
            f"<disk type='file'><driver name='qemu' type='qcow2'/><source file='{self.disk}'/>"
            "<target dev='vda' bus='virtio'/></disk></devices>"
        )
        xml = guests.boot_sector("roam").replace("</devices>", disk)
        self.xml = xml.replace("<memory", "<uuid>6695eb01-f6a4-8304-79aa-97f2502e777a</uuid><memory", 1)
        file = root / "roam.xml"
        file.write_text(self.xml)
        self(self.a, f"define {file}")

    def __call__(self, uri: str, *command: str, status: int = 0) -> Run:
        run = self.side.vsh("-q", "-c", uri, *command, timeout=90)
        assert run.status == status, run
        return run

    def state(self, uri: str) -> str:
        return self.side.vsh("-q", "-c", uri, "domstate", "roam", "--reason").stdout.strip()

    def running(self) -> list[str]:
        return [uri for uri in (self.a, self.b) if self.state(uri).startswith(("running", "paused"))]


@pytest.fixture
def hosts(side: Side, guests: Guests, root: Path) -> Hosts:
    return Hosts(side, guests, root)


def test_there_and_back(hosts: Hosts) -> None:
    a, b = hosts.a, hosts.b
    hosts(a, "start roam")
    shown = hosts(a, "migrate", "roam", b, "--live", "--persistent", "--undefinesource", "--verbose")
    assert "Migration: [100 %]" in shown.stderr + shown.stdout
    assert hosts(a, "list --all").stdout == "" and hosts.state(b) == "running (migrated)"
    port = free_port()
    hosts(b, "migrate", "roam", a, "--suspend", "--dname", "other", "--migrateuri", f"tcp://127.0.0.1:{port}")
    assert hosts.state(b) == "shut off (migrated)"
    assert hosts(a, "domstate other").stdout == "paused\n"
    hosts(a, "resume other")
    hosts(a, "migrate", "other", b, "--live", "--dname", "roam", "--auto-converge", "--parallel")
    assert hosts.running() == [b]
    hosts(b, "destroy roam")
    hosts(b, "migrate", "roam", a, "--offline", "--persistent", "--undefinesource")
    assert (hosts.state(a), hosts.state(b)) == ("shut off (unknown)", "")


def test_disks_move_too(hosts: Hosts, root: Path) -> None:
    a, b = hosts.a, hosts.b
    hosts(a, "start roam")
    copy = root / "copy.qcow2"
    there = root / "there.xml"
    root.chmod(0o777)
    there.write_text(hosts(a, "dumpxml roam --migratable").stdout.replace(str(hosts.disk), str(copy)))
    slow = subprocess.Popen(
        [*hosts.side.program, "-c", a, "migrate", "roam", b, "--live", "--copy-storage-all", "--xml", str(there),
         "--bandwidth", "1"], env=hosts.side.env, stderr=subprocess.PIPE, text=True)  # fmt: skip
    wait_until(lambda: "Unbounded" in hosts(a, "domjobinfo roam").stdout, 30)
    # While it is under way nobody else changes the domain, and whoever looks does not wait.
    assert hosts.state(a) == "running (booted)"
    hosts(a, "domjobabort roam")
    assert slow.communicate(timeout=60)[1] == "error: operation aborted: migration out job: canceled by client\n"
    assert hosts.running() == [a]
    assert "vsh-migration" not in hosts(a, "qemu-monitor-command roam --hmp info block -n").stdout
    hosts(a, "migrate", "roam", b, "--live", "--copy-storage-all", "--xml", str(there))
    assert hosts.running() == [b] and str(copy) in hosts(b, "domblklist roam").stdout
    hosts(b, "destroy roam")
    subprocess.run(["qemu-img", "compare", "-q", str(hosts.disk), str(copy)], check=True)


def test_over_tls(hosts: Hosts, root: Path) -> None:
    """Memory and disks go to whom the certificates say, and nowhere else: the guest runs on where it was."""
    a, b = hosts.a, hosts.b
    authority = Authority()
    authority.write(root / "right", host="there").chmod(0o755)
    Authority().write(root / "wrong", host="there").chmod(0o755)
    (root / "a/etc/qemu.conf").write_text(f'migrate_tls_x509_cert_dir = "{root}/right"\n')
    hosts(a, "start roam")
    copy = root / "copy.qcow2"
    argv = ["migrate", "roam", b, "--live", "--tls", "--copy-storage-all", "--xml", str(root / "there.xml")]
    (root / "there.xml").write_text(hosts.xml.replace(str(hosts.disk), str(copy)))
    for folder, name, error in (
        ("nowhere", "there", f"{root}/nowhere"),
        ("right", "elsewhere", "Certificate does not match the hostname elsewhere"),
        ("wrong", "there", "ertificate"),
    ):
        (root / "b/etc").mkdir(parents=True, exist_ok=True)
        (root / "b/etc/qemu.conf").write_text(f'migrate_tls_x509_cert_dir = "{root}/{folder}"\n')
        assert error in hosts(a, *argv, "--tls-destination", name, status=1).stderr
        assert hosts.running() == [a] and hosts.state(a).startswith("running")
    (root / "b/etc/qemu.conf").write_text(f'migrate_tls_x509_cert_dir = "{root}/right"\n')
    hosts(a, *argv, "--tls-destination", "there")
    assert hosts.running() == [b]
    compared = subprocess.run(["qemu-img", "compare", "-U", hosts.disk, copy], capture_output=True, timeout=60)
    assert compared.returncode == 0, compared
    hosts(b, "migrate", "roam", a, "--live", "--unsafe", "--xml", str(root / "roam.xml"))
    assert hosts.running() == [a]


def test_refusals(hosts: Hosts, libvirtd: Libvirtd, root: Path) -> None:
    a, b = hosts.a, hosts.b
    missing = root / "missing.xml"
    missing.write_text(hosts.xml.replace(str(hosts.disk), f"{root}/missing"))

    def refused(*options: str, to: str = b) -> str:
        return hosts(a, "migrate", "roam", to, *options, status=1).stderr

    assert "domain is not running" in refused("--live")
    assert "must be specified with the persistent flag" in refused("--offline")
    assert "cannot handle non-shared storage" in refused("--offline", "--persistent", "--copy-storage-all")
    hosts(a, "start roam")
    for options, text in (
        (("--p2p",), "p2p migration is not supported by the source host"),
        (("--live", "--comp-methods", "zstd", "--compressed"), "does not know 'compression zstd'"),
        (("--live", "--xml", str(missing)), "No such file or directory"),
        (("--live", "--migrateuri", "rdma://x:1"), "cannot receive a migration at 'rdma://x:1'"),
        (("--copy-storage-all", "--migrate-disks", "vdx"), "disk target vdx not found"),
    ):
        assert text in refused(*options), options
        assert hosts.running() == [a]
    assert "Attempt to migrate guest to the same host" in refused("--live", to=a)
    assert "between a libvirt daemon and QEMU without one" in refused("--live", to=libvirtd.uri("qemu"))
    assert "read only" in hosts.side.vsh("-r", "-c", a, "migrate", "roam", b, "--live").stderr
    assert hosts.running() == [a]


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_vsh_leaves_one_guest(hosts: Hosts, seed: int) -> None:
    """Whenever it is killed: one guest runs, here or there, and the next commands know where."""
    chance = random.Random(seed)
    hosts(hosts.a, "start roam")
    command = [*hosts.side.program, "-c", hosts.a, "migrate", "roam", hosts.b, "--live", "--persistent"]
    process = subprocess.Popen(command, env=hosts.side.env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(chance.uniform(0.2, 1.2))
    process.send_signal(signal.SIGKILL)
    process.wait()
    for uri in chance.sample([hosts.a, hosts.b], 2):
        hosts.state(uri)
    [where] = hosts.running()
    assert hosts.state(where).startswith("running")
    processes = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout.split("\n")
    assert len([line for line in processes if "guest=roam" in line and str(hosts.root) in line]) == 1
    hosts(where, "migrate", "roam", hosts.b if where == hosts.a else hosts.a, "--live")
    assert len(hosts.running()) == 1
