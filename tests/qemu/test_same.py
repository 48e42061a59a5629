"""Saved guests with other definitions: what may differ, and in which words the rest is refused, as libvirtd has it."""

import re
import subprocess

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.backends import api
from vsh.backends.errors import VirtError
from vsh.backends.qemu import definitions

MARK = "@@next@@"
GUEST = """\
<domain type='qemu'><name>hard</name><genid>6695eb01-f6a4-8304-79aa-97f2502e1111</genid>
  <maxMemory slots='4' unit='KiB'>1048576</maxMemory><memory>393216</memory><vcpu current='2'>4</vcpu>
  <sysinfo type='smbios'><bios><entry name='vendor'>A</entry></bios></sysinfo>
  <os><type arch='x86_64' machine='pc'>hvm</type><smbios mode='sysinfo'/></os>
  <features><acpi/><apic/><hyperv><relaxed state='on'/><spinlocks state='on' retries='8191'/></hyperv>
    <kvm><hidden state='off'/></kvm><pmu state='off'/></features>
  <cpu mode='custom'><model>Nehalem</model><topology sockets='4' cores='1' threads='1'/>
    <feature policy='disable' name='aes'/><numa><cell id='0' cpus='0-1' memory='131072'/>
    <cell id='1' cpus='2-3' memory='131072'/></numa></cpu>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <devices>
    <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><serial>ser</serial></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><wwn>5000c50015ea71aa</wwn></disk>
    <controller type='scsi' index='0' model='virtio-scsi'/><controller type='virtio-serial' index='0' ports='16'/>
    <controller type='usb' index='0' model='qemu-xhci' ports='8'/>
    <filesystem type='mount' accessmode='mapped'><source dir='/tmp'/><target dir='tag'/></filesystem>
    <interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>
    <parallel type='null'/><console type='null'><target type='virtio'/></console>
    <channel type='null'><target type='virtio' name='org.x'/></channel>
    <channel type='null'><target type='guestfwd' address='10.0.2.1' port='99'/></channel>
    <input type='tablet' bus='usb'/><sound model='ich6'/><graphics type='vnc'/>
    <video><model type='qxl' ram='65536' vram='65536' vgamem='16384'/></video>
    <watchdog model='i6300esb' action='reset'/><memballoon model='virtio'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng><panic model='isa'/>
    <memory model='dimm'><target><size>131072</size><node>0</node></target></memory>
  </devices>
</domain>
"""
#: What is changed in the definition that was saved: pattern, replacement.
CHANGES = (
    ("<name>hard", "<name>soft"), ("</name>", "</name><title>may change</title>"), (r"<genid>6695\w", "<genid>66951"),
    ("slots='4'", "slots='5'"), (">1048576<", ">2097152<"), ("current='2'", "current='3'"),
    (">A</entry>", ">B</entry>"),
    ("<smbios mode='sysinfo'/>", ""), ("i440fx-7.2", "i440fx-6.2"), ("<acpi/>", ""), ("<apic/>", ""),
    ("<relaxed state='on'", "<relaxed state='off'"), ("retries='8191'", "retries='8190'"), ("<pmu state='off'/>", ""),
    ("<hidden state='off'", "<hidden state='on'"), ("Nehalem", "Westmere"), ("policy='disable'", "policy='require'"),
    ("cpus='0-1' memory='131072'", "cpus='0-1' memory='131000'"), ("present='no'", "present='yes'"),
    (">ser<", ">other<"), ("71aa", "71ab"), ("virtio-scsi", "lsilogic"), ("ports='16'", "ports='17'"),
    ("ports='8'", "ports='9'"), ("qemu-xhci", "nec-xhci"), ("dir='tag'", "dir='tog'"), ("22:33", "22:34"),
    ("<model type='virtio'", "<model type='e1000'"), ("org.x", "org.y"), ("port='99'", "port='98'"),
    ("type='tablet'", "type='mouse'"), ("'ich6'", "'ich9'"), ("vgamem='16384'", "vgamem='8192'"),
    ("action='reset'", "action='pause'"), ("balloon model='virtio'", "balloon model='virtio-transitional'"),
    ("rng model='virtio'", "rng model='virtio-non-transitional'"), ("<node>0<", "<node>1<"),
    ("offset='utc'", "offset='localtime'"),
    (r"slot='0x05'", "slot='0x15'"), ("base='0x100000000'", "base='0x200000000'"), ("/dev/urandom", "/dev/random"),
    (r"(?s)<sound.*</sound>", ""), (r"(?s)<watchdog.*</watchdog>", ""), ("<panic model='isa'/>", ""),
    (r"(?s)<rng.*</rng>", ""), (r"(?s)<parallel.*</parallel>", ""), (r"(?s)<interface.*</interface>", ""),
    (r"(?s)<graphics.*</graphics>", ""), (r"(?s)<filesystem.*</filesystem>", ""), (r"(?s)<channel.*</channel>", ""),
    (r"(?s)<input type='mouse' bus='ps2'/>", ""), (r"(?s)<controller type='scsi'.*?</controller>", ""),
    (r"(?s)<controller type='ide'.*?</controller>", ""), ("</devices>", "<hub type='usb'/></devices>"),
)  # fmt: skip


def test_what_a_guest_sees_must_stay(libvirtd: Libvirtd, side: Side, conn: api.Connection) -> None:
    def virsh(*lines: str) -> list[str]:
        argv = ["virsh", "-q", "-c", libvirtd.uri("qemu"), f"; echo {MARK}; ".join(lines)]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(argv, env=side.env, **both, text=True, timeout=100).stdout.split(MARK)  # type: ignore

    folder = libvirtd.directory
    (folder / "hard.xml").write_text(GUEST)
    (folder / "hard.xml").chmod(0o644)
    image = folder / "hard.save"
    shown = virsh(f"create {folder}/hard.xml", f"save hard {image}", f"save-image-dumpxml {image} --security-info")[-1]
    base = definitions.read_text(shown.strip())
    commands, ours = [], []
    for number, (old, new) in enumerate(CHANGES):
        changed, count = re.subn(old, new, shown, count=1)
        assert count, old
        path = folder / f"hard-{number}.xml"
        path.write_text(changed)
        path.chmod(0o644)
        commands.append(f"save-image-define {image} {path}; save-image-define {image} {folder}/hard-base.xml")
        try:
            definitions.other(conn.session.driver, base, changed)  # type: ignore[arg-type]
            ours.append("")
        except VirtError as error:
            ours.append(str(error))
    (folder / "hard-base.xml").write_text(shown)
    (folder / "hard-base.xml").chmod(0o644)
    answers = [re.findall(r"error: (?!Failed to)(.*)", answer) for answer in virsh(*commands)]
    theirs = [answer[0] if answer else "" for answer in answers]
    assert dict(zip(CHANGES, ours, strict=True)) == dict(zip(CHANGES, theirs, strict=True))
    assert sum(map(bool, theirs)) > 40
