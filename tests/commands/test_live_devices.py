"""Devices, snapshots, checkpoints and backups of a QEMU guest that runs, by virsh and by vsh: the same words, and the
same guest afterwards."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.guest import BOOT_SECTOR_LINE, Guests
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.nursery import unprivileged
from tests.live.side import Run, Side, compare
from tests.live.wait import wait_until

DEVICES = """\
<disk type='file'><driver name='qemu' type='qcow2'/><source file='{directory}/main.qcow2'/>
  <target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>
<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>
<controller type='usb' model='qemu-xhci'/>
"""
NIC = "<interface type='user'><mac address='52:54:00:00:00:09'/><model type='{}'/></interface>"
PUSH = """\
<domainbackup mode='push'>
  <disks>
    <disk name='vda' type='file'><target file='{directory}/backup.qcow2'/><driver type='qcow2'/></disk>
    <disk name='fda' backup='no'/>
  </disks>
</domainbackup>
"""
PULL = """\
<domainbackup mode='pull'>
  <incremental>first</incremental>
  <server transport='unix' socket='{directory}/nbd.sock'/>
  <disks>
    <disk name='vda' type='file'><scratch file='{directory}/scratch.qcow2'/></disk>
    <disk name='fda' backup='no'/>
  </disks>
</domainbackup>
"""
CHECKPOINT = "<domaincheckpoint><name>second</name></domaincheckpoint>"
#: What replaces parts of the guest's XML to give it memory that grows.
GROWING = {
    "<memory unit='MiB'>8</memory>": "<maxMemory slots='4' unit='MiB'>512</maxMemory><memory unit='MiB'>80</memory>",
    "<features>": "<cpu><model>qemu64</model><numa><cell id='0' cpus='0' memory='16' unit='MiB'/></numa></cpu>"
    "<features>",
    "<memballoon": "<memory model='virtio-mem'><target><size unit='MiB'>64</size><node>0</node>"
    "<block unit='MiB'>2</block><requested unit='MiB'>2</requested></target></memory><memballoon",
}
NAME = "vsh-live"


class Guest:
    """A guest with a qcow2 disk, an empty CD-ROM drive, a floppy and a NIC, started anew for each program."""

    def __init__(self, side: Side, libvirtd: Libvirtd, directory: Path):
        self.side = side
        self.uri = libvirtd.uri("qemu")
        self.directory = directory
        self.log = directory / "serial.log"
        guests = Guests(directory)
        xml = guests.boot_sector(NAME)
        devices = DEVICES.format(directory=directory)
        xml = xml.replace("<controller type='usb' model='none'/>", devices).replace("<console type='pty'/>", "")
        self.xml = xml.replace("<serial type='pty'/>", f"<serial type='file'><source path='{self.log}'/></serial>")
        growing = self.xml
        for old, new in GROWING.items():
            growing = growing.replace(old, new)
        files = {"guest": self.xml, "growing": growing, "checkpoint": CHECKPOINT, "push": PUSH, "pull": PULL}
        files |= {"usb": NIC.format("usb-net"), "pci": NIC.format("e1000")}
        for name, text in files.items():
            (directory / f"{name}.xml").write_text(text.format(directory=directory))

    def start(self, definition: str) -> None:
        """Bring guest and files back to the beginning."""
        self.stop()
        kept = {"boot-sector.img", *(path.name for path in self.directory.glob("*.xml"))}
        for path in self.directory.iterdir():
            if path.name not in kept:
                path.unlink()
        for name in ("main", "extra"):
            self.images("create", "-q", "-f", "qcow2", f"{self.directory}/{name}.qcow2", "1M")
        run = self.side.virsh("-c", self.uri, f"define {self.directory}/{definition}.xml; start {NAME}")
        assert run.status == 0, run.stderr
        wait_until(lambda: BOOT_SECTOR_LINE in self.log.read_text())  # until then the BIOS is busy with the drives

    def stop(self) -> None:
        undefine = f"undefine {NAME} --snapshots-metadata --checkpoints-metadata"
        self.side.virsh("-c", self.uri, f"destroy {NAME}; {undefine}")

    def images(self, *argv: str) -> str:
        """What qemu-img prints, run as who owns the images."""
        argv = (*unprivileged(), "qemu-img", *argv)
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout

    def both(self, *commands: str, after: Callable[[], object] = lambda: None, definition: str = "guest") -> Run:
        """Assert that both programs answer these commands alike, and that `after` finds the same then; virsh's run."""
        script = "; ".join(commands).replace("DIR", str(self.directory)).replace("NAME", NAME)
        runs, states = [], []
        for program in (self.side.virsh, self.side.vsh):
            self.start(definition)
            runs.append(program("-c", self.uri, script))
            states.append(after())
        difference = compare(runs[0], runs[1], ["times"])
        assert not difference, difference
        assert states[0] == states[1]
        return runs[0]


@pytest.fixture(scope="module")
def guest(side: Side, libvirtd: Libvirtd) -> Iterator[Guest]:
    need("qemu-system-x86_64", "qemu-img")
    directory = libvirtd.directory / "devices"
    directory.mkdir()
    directory.chmod(0o777)
    guest = Guest(side, libvirtd, directory)
    yield guest
    guest.stop()


def test_disks(guest: Guest) -> None:
    show = "domblklist NAME; domblklist NAME --inactive"
    attach = "attach-disk NAME DIR/extra.qcow2 sdb --targetbus usb --subdriver qcow2"
    run = guest.both(
        f"{attach} --live", show, "detach-disk NAME sdb --live", show,
        f"{attach} --persistent", show, "detach-disk NAME DIR/extra.qcow2 --config", show, "detach-disk NAME sdb",
        f"{attach} --config --serial 1a-2B", show, "detach-disk NAME sdb --persistent", "detach-disk NAME sdb --config",
        f"{attach} --current --alias ua-mine", f"{attach}", "attach-disk NAME DIR/nosuch.qcow2 sdc --targetbus usb",
        "detach-device-alias NAME ua-mine", "detach-device-alias NAME ua-yours",
        after=lambda: wait_until(lambda: "sdb" not in guest.side.virsh("-c", guest.uri, f"domblklist {NAME}").stdout),
    )  # fmt: skip
    assert run.stdout.count("Disk attached successfully") == 4 and run.stdout.count("Disk detached") == 4
    assert "Device detach request sent" in run.stdout


def test_interfaces(guest: Guest) -> None:
    show = "domiflist NAME; domiflist NAME --inactive"
    run = guest.both(
        "attach-device NAME DIR/usb.xml --live", show,
        "domif-setlink NAME 52:54:00:00:00:01 down", "domif-getlink NAME 52:54:00:00:00:01",
        "domif-getlink NAME 52:54:00:00:00:01 --config", "domif-setlink NAME 52:54:00:00:00:01 down --config",
        "domif-getlink NAME 52:54:00:00:00:01 --config", "domif-setlink NAME 52:54:00:00:00:01 up",
        "detach-interface NAME user", "detach-interface NAME user --mac 52:54:00:00:00:09", show,
        "attach-device NAME DIR/pci.xml --config", show, "detach-device NAME DIR/pci.xml --config", show,
        "attach-device NAME DIR/usb.xml --persistent", "detach-device NAME DIR/usb.xml --persistent",
        "attach-interface NAME network nosuch --live", "update-device NAME DIR/usb.xml",
    )  # fmt: skip
    assert run.stdout.count("Device attached successfully") == 2 and "52:54:00:00:00:01 down" in run.stdout
    assert "Interface detached successfully" in run.stdout and "Device detached successfully" in run.stdout


def test_media(guest: Guest) -> None:
    show = "domblklist NAME; domblklist NAME --inactive"
    run = guest.both(
        "change-media NAME hdc DIR/boot-sector.img --insert", show,
        "change-media NAME hdc DIR/extra.qcow2 --insert", "change-media NAME hdc DIR/extra.qcow2", show,
        "change-media NAME hdc --eject --force", "change-media NAME hdc --eject", show,
        "change-media NAME hdc DIR/extra.qcow2 --update --live --config", show,
        "change-media NAME hdc --update --config", show,
        "change-media NAME hdc DIR/nosuch --live", "change-media NAME vda",
    )  # fmt: skip
    assert [run.stdout.count(f"Successfully {done} media.") for done in ("inserted", "updated", "ejected")] == [1, 2, 3]


def test_internal_snapshots(guest: Guest) -> None:
    def inside() -> list[str]:
        listed = guest.images("snapshot", "-l", "-U", f"{guest.directory}/main.qcow2").splitlines()
        return [line.split()[1] for line in listed if line[:1].isdigit()]

    show = "snapshot-list NAME --tree; snapshot-list NAME --parent; domstate NAME --reason"
    guest.both(
        "snapshot-create-as NAME one 'the first'", "snapshot-create-as NAME two --diskspec fda,snapshot=no", show,
        "snapshot-info NAME two", "snapshot-dumpxml NAME one --xpath /domainsnapshot/disks",
        "snapshot-revert NAME one --paused", show, "snapshot-create-as NAME three", show,
        "snapshot-delete NAME two", "snapshot-delete NAME three --metadata", "snapshot-current NAME --name", show,
        "snapshot-revert NAME --current", "snapshot-create-as NAME four --halt", show,
        "snapshot-revert NAME one --force",
        "snapshot-list NAME --inactive", "snapshot-list NAME --active --internal --name", show,
        after=inside,
    )  # fmt: skip
    assert inside() == ["one", "three", "four"]


def test_external_snapshots(guest: Guest) -> None:
    def files() -> list[str]:
        return sorted(path.name for path in guest.directory.iterdir())

    other = "--diskspec fda,snapshot=no"
    memory = "--memspec file=DIR/memory.save,snapshot=external"
    show = "snapshot-list NAME --parent; domblklist NAME; snapshot-info NAME --current"
    guest.both(
        "snapshot-create-as NAME whole",
        f"snapshot-create-as NAME disks --disk-only --atomic --diskspec vda,file=DIR/over,,lay.qcow2 {other}",
        show, "snapshot-list NAME --disk-only --name", "snapshot-list NAME --external --internal --name",
        "snapshot-revert NAME disks", "snapshot-delete NAME disks",
        f"snapshot-create-as NAME memory {memory} --live --diskspec vda,file=DIR/third.qcow2 {other}",
        show, f"snapshot-create-as NAME again --disk-only --diskspec vda,file=DIR/third.qcow2 {other}",
        "snapshot-create NAME --quiesce --disk-only", "snapshot-current NAME --snapshotname disks", show,
        "snapshot-delete NAME disks --metadata", "snapshot-delete NAME memory --metadata", "snapshot-revert NAME whole",
        "snapshot-list NAME --tree", "domblklist NAME",
        after=files,
    )  # fmt: skip
    assert {"over,lay.qcow2", "memory.save", "third.qcow2"} <= set(files())


def test_checkpoints_and_backups(guest: Guest) -> None:
    def idle() -> bool:
        return "None" in guest.side.virsh("-c", guest.uri, f"domjobinfo {NAME}").stdout

    def written() -> tuple[str, bool]:
        wait_until(idle)
        info = guest.images("info", f"{guest.directory}/backup.qcow2")
        return info.splitlines()[2], (guest.directory / "nbd.sock").exists()

    run = guest.both(
        "checkpoint-create-as NAME first --diskspec vda,bitmap=first --diskspec fda,checkpoint=no",
        "checkpoint-dumpxml NAME first --no-domain --size", "checkpoint-list NAME",
        "backup-begin NAME DIR/pull.xml DIR/checkpoint.xml", "backup-dumpxml NAME",
        "backup-dumpxml NAME --xpath //scratch/@file",
    )  # fmt: skip
    assert "Backup started" in run.stdout and "mode='pull'" in run.stdout
    guest.both("backup-begin NAME DIR/push.xml DIR/checkpoint.xml", "checkpoint-list NAME --tree", after=written)
    guest.both(
        "checkpoint-create-as NAME first --diskspec vda --diskspec fda,checkpoint=no",
        "checkpoint-create-as NAME second --diskspec vda --diskspec fda,checkpoint=no",
        "checkpoint-list NAME --tree", "checkpoint-info NAME second", "snapshot-create-as NAME no",
        "checkpoint-delete NAME first", "checkpoint-list NAME --parent", "backup-begin NAME DIR/pull.xml",
        "checkpoint-delete NAME second --metadata", "checkpoint-list NAME", "backup-dumpxml NAME",
        "backup-begin NAME DIR/push.xml --reuse-external",
    )  # fmt: skip


def test_memory(guest: Guest) -> None:
    show = "dumpxml NAME --xpath //memory/target; dumpxml NAME --inactive --xpath //memory/target"
    run = guest.both(
        "update-memory-device NAME --requested-size 8MiB", show,
        "update-memory-device NAME --requested-size 4096 --config --node 0", show,
        "update-memory-device NAME --alias virtiomem0 --requested-size 6MiB --live", show,
        "update-memory-device NAME --requested-size 1", "update-memory-device NAME --alias nosuch",
        definition="growing",
    )  # fmt: skip
    assert [run.stdout.count(f'<requested unit="KiB">{size}<') for size in (8192, 4096, 6144)] == [2, 2, 1]
