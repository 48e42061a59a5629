"""Disks that are not simply files: encrypted, on servers, with limits; and where a guest's threads run."""

import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.certificates import Authority
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd, free_port
from tests.live.need import need
from tests.live.side import Side
from tests.live.wait import wait_until
from tests.qemu.documents import domain
from tests.qemu.running import code
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import CPU_INCOMPATIBLE, INTERNAL_ERROR, NO_SECRET, SYSTEM_ERROR
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.store import Running

PAUSED, LIVE = 1, const.DOMAIN_AFFECT_LIVE
UUID = "11111111-0000-4000-8000-00000000000a"
LUKS = (
    "<disk type='file'><driver name='qemu' type='{}'/><source file='{}'><encryption format='luks'>"
    "<secret type='passphrase' uuid='" + UUID + "'/></encryption></source><target dev='{}' bus='{}'/></disk>"
)
USB = "<controller type='usb' model='qemu-xhci'/>"


def block(conn: api.Connection, ref: object) -> str:
    return conn.qemu_domain_monitor_command(ref, "info block", 1)  # type: ignore[arg-type]


def test_encrypted_disks(conn: api.Connection, root: Path) -> None:
    need("qemu-img")
    (root / "key").write_text("not a good one")
    for name, format, prefix in (("a.luks", "luks", ""), ("b.qcow2", "qcow2", "encrypt.")):
        options = f"{prefix}key-secret=s,{prefix}iter-time=10" + (",encrypt.format=luks" if prefix else "")
        argv = ["qemu-img", "create", "-q", "--object", f"secret,id=s,file={root}/key", "-f", format, "-o", options]
        # It measures the processor, and may find no time on a busy machine.
        wait_until(lambda argv=argv, name=name: not subprocess.run([*argv, str(root / name), "1M"]).returncode)  # type: ignore[misc]
        (root / name).chmod(0o666)
    first = LUKS.format("raw", root / "a.luks", "vda", "virtio")
    second = LUKS.format("qcow2", root / "b.qcow2", "sdb", "usb")
    ref = conn.domain_define_xml_flags(domain("d", 1, "pc", USB + first, ""), 0)
    assert code(lambda: conn.domain_create_with_flags(ref, PAUSED)) == NO_SECRET
    secret = conn.secret_define_xml(f"<secret><uuid>{UUID}</uuid></secret>", 0)
    conn.secret_set_value(secret, b"wrong", 0)
    assert code(lambda: conn.domain_create_with_flags(ref, PAUSED)) == INTERNAL_ERROR
    conn.secret_set_value(secret, b"not a good one", 0)
    conn.domain_create_with_flags(ref, PAUSED)
    assert "a.luks" in block(conn, ref)
    conn.domain_attach_device_flags(ref, second, LIVE)
    assert "b.qcow2" in block(conn, ref)
    conn.domain_detach_device_flags(ref, second, LIVE)
    assert "b.qcow2" not in block(conn, ref)
    conn.domain_attach_device_flags(ref, second, LIVE)  # all was taken away: it can come back
    files = [path for path in (root / "e").rglob("*") if path.is_file() and path.suffix != ".base64"]
    assert not [path for path in files if b"not a good one" in path.read_bytes()]
    assert b"not a good one" not in Path(f"/proc/{pid(root)}/cmdline").read_bytes()


@pytest.fixture
def nbd(root: Path) -> Iterator[Path]:
    """The socket of a server of a disk."""
    need("qemu-nbd")
    (root / "n.img").write_bytes(bytes(1 << 20))
    path = root / "n.sock"
    server = subprocess.Popen(["qemu-nbd", "-t", "-e4", "-f", "raw", "-x", "a,b", "-k", str(path), str(root / "n.img")])
    wait_until(path.exists)
    path.chmod(0o777)
    yield path
    server.terminate()
    server.wait()


def test_a_disk_on_a_server(conn: api.Connection, nbd: Path) -> None:
    source = f"<source protocol='nbd' name='a,b'><host transport='unix' socket='{nbd}'/></source>"
    text = "<disk type='network'{}><driver name='qemu' type='raw'{}/>{}<target dev='{}' bus='{}'/></disk>"
    disk = text.format("", " copy_on_read='on'", source, "vda", "virtio")
    cdrom = text.format(" device='cdrom'", "", source, "sdc", "sata")
    empty = "<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>"
    ref = conn.domain_create_xml(domain("d", 1, "q35", USB + disk + empty, ""), PAUSED)
    assert block(conn, ref).count("n.sock") == 1 and "libvirt-CoR-vda" in block(conn, ref)
    conn.domain_update_device_flags(ref, cdrom, LIVE)
    assert block(conn, ref).count("n.sock") == 2
    conn.domain_update_device_flags(ref, empty, LIVE)
    assert block(conn, ref).count("n.sock") == 1
    stick = text.format("", " copy_on_read='on'", source, "sdd", "usb")
    for _ in range(2):
        conn.domain_attach_device_flags(ref, stick, LIVE)
        assert "libvirt-CoR-sdd" in block(conn, ref)
        conn.domain_detach_device_flags(ref, stick, LIVE)
        assert "CoR-sdd" not in block(conn, ref)


def test_limits_are_libvirts(libvirtd: Libvirtd, side: Side, root: Path) -> None:
    image, xml = root / "l.img", root / "l.xml"
    image.write_bytes(bytes(1 << 20))
    image.chmod(0o666)
    tune = "<iotune><total_bytes_sec>1000</total_bytes_sec><group_name>g</group_name></iotune>"
    disk = f"<driver name='qemu' type='raw'/><source file='{image}'/><target dev='vda' bus='virtio'/>{tune}"
    xml.write_text(domain("l", 1, "pc", f"<disk type='file'>{disk}</disk>", ""))
    xml.chmod(0o644)
    shutil.copy(xml, libvirtd.directory / "l.xml")
    tries = [
        "blkdeviotune l vda", "--read-bytes-sec 5", "--total-bytes-sec 0 --read-bytes-sec 5",
        "--read-bytes-sec-max 50 --read-bytes-sec-max-length 3", "--total-iops-sec-max-length 3",
        "--group-name x --write-iops-sec 7", "blkdeviotune l nope", "--total-bytes-sec 10000000000000000",
        "--total-bytes-sec 1 --write-bytes-sec 1", "--total-bytes-sec 100 --total-bytes-sec-max 50",
        "--read-bytes-sec-max 0 --read-bytes-sec 0 --write-iops-sec 0", "blkdeviotune l vda", "--size-iops-sec 4096",
        "blkdeviotune l vda", "blkdeviotune l vda --config", "dumpxml l --xpath //iotune", "destroy l",
    ]  # fmt: skip
    lines = [f"blkdeviotune l vda {line}" if line.startswith("--") else line for line in tries]
    said = []
    for program, uri in ((side.virsh, libvirtd.uri("qemu")), (side.vsh, f"qemu:///embed?root={root}/e")):
        path = libvirtd.directory / "l.xml" if program == side.virsh else xml
        run = program("-q", "-c", uri, "; ".join([f"create {path} --paused", *lines]), timeout=60)
        said.append(re.sub(r"/\S+/l\.xml", "l.xml", run.stdout + run.stderr))
    assert said[0] == said[1] and "total_bytes_sec: 1000" in said[1]


def pid(root: Path) -> int:
    record = Running.load(next((root / "e/run/qemu").glob("*.state")).read_bytes())
    assert record.process is not None and LocalHost().alive([record.process])
    return record.process.pid


def test_threads_run_where_they_are_to(conn: api.Connection, root: Path) -> None:
    pins = "<vcpupin vcpu='1' cpuset='1'/><emulatorpin cpuset='0'/><iothreadpin iothread='1' cpuset='1'/>"
    beside = f"<vcpu cpuset='{{}}'>2</vcpu><iothreads>1</iothreads><cputune>{pins}</cputune>"
    conn.domain_create_xml(domain("p", 1, "pc", "", beside.format("0")), PAUSED)
    allowed: dict[str, set[str]] = {}
    for task in Path(f"/proc/{pid(root)}/task").iterdir():
        told = re.search(r"Cpus_allowed_list:\s+(\S+)", (task / "status").read_text())
        assert told is not None
        allowed.setdefault((task / "comm").read_text().strip(), set()).add(told.group(1))
    assert allowed["IO mon_iothread"] == allowed["qemu-system-x86"] == {"0"} and allowed["IO iothread1"] == {"1"}
    assert set.union(*(cpus for name, cpus in allowed.items() if "CPU 1/" in name or "ALL CPUs" in name)) <= {"0", "1"}
    assert code(lambda: conn.domain_create_xml(domain("q", 2, "pc", "", beside.format("4000")), PAUSED)) == SYSTEM_ERROR
    nodes = "<numatune><memory mode='strict' nodeset='0-900'/></numatune>"
    assert code(lambda: conn.domain_create_xml(domain("q", 2, "pc", "", nodes), PAUSED)) == 67


def test_a_guest_gets_the_hosts_cpu(conn: api.Connection) -> None:
    ref = conn.domain_create_xml(domain("c", 1, "q35", "", "<cpu mode='host-model'/>"), PAUSED)
    shown = conn.domain_get_xml_desc(ref, 0)
    pattern = r"<cpu mode='custom' match='exact' check='partial'>\s+<model fallback='forbid'>([\w-]+)</model>"
    model = re.search(pattern, shown)
    assert model is not None
    caps = conn.connect_get_domain_capabilities(None, None, "q35", "qemu", 0)
    assert f"<model fallback='forbid'>{model.group(1)}</model>" in caps and shown.count("<feature policy=") > 5
    wanting = "<cpu mode='custom' check='partial'><model>Skylake-Server</model></cpu>"
    assert code(lambda: conn.domain_create_xml(domain("d", 2, "q35", "", wanting), PAUSED)) == CPU_INCOMPATIBLE


def test_what_need_not_be_there(conn: api.Connection, root: Path) -> None:
    each = "<disk type='file' device='{}'><source file='{}/none' startupPolicy='{}'/><target dev='{}' bus='{}'/></disk>"
    cdrom, disk = each.format("cdrom", root, "{}", "sdc", "sata"), each.format("disk", root, "{}", "vda", "virtio")
    optional = cdrom.format("optional") + disk.format("optional")
    ref = conn.domain_define_xml_flags(domain("d", 1, "q35", optional, ""), 0)
    conn.domain_create_with_flags(ref, PAUSED)
    shown = conn.domain_get_xml_desc(ref, 0)
    assert f"{root}/none" not in shown and "<target dev='sdc'" in shown and "dev='vda'" not in shown
    assert conn.domain_get_xml_desc(ref, 2).count("startupPolicy='optional'") == 2
    wanted = domain("e", 2, "q35", cdrom.format("mandatory"), "")
    assert code(lambda: conn.domain_create_xml(wanted, PAUSED)) == INTERNAL_ERROR


def test_network_disks_over_tls(
    conn: api.Connection, guests: Guests, images: Path, root: Path, side: Side, uri: str
) -> None:
    """As qemu.conf says it for all of them, with the certificates that it names."""
    need("qemu-nbd")
    Authority().write(root / "pki", host="localhost").chmod(0o755)
    port = free_port()
    argv = ["qemu-nbd", "-t", "-f", "qcow2", "-x", "e", "-b", "localhost", "-p", str(port), "--tls-creds", "t",
            "--object", f"tls-creds-x509,id=t,dir={root}/pki,endpoint=server,verify-peer=yes"]  # fmt: skip
    disk = (
        f"<disk type='network'><source protocol='nbd' name='e'><host name='localhost' port='{port}'/></source>"
        "<target dev='vda' bus='virtio'/></disk>"
    )

    def answers() -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("localhost", port)).close()
            return True
        return False

    conn.domain_define_xml_flags(guests.boot_sector("far").replace("<controller", f"{disk}<controller", 1), 0)
    with subprocess.Popen([*argv, str(images / "a.qcow2")]) as server:
        try:
            wait_until(answers)
            secured = f'nbd_tls = 1\nnbd_tls_x509_cert_dir = "{root}/pki"'
            for lines, status in (("", 1), ("nbd_tls = 1", 1), (secured, 0)):
                (root / "e/etc/qemu.conf").write_text(f"{lines}\n")
                run = side.vsh("-c", uri, "start", "far")
                assert run.status == status, run
        finally:
            server.kill()
