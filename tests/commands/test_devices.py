"""Devices of domains: attaching, detaching and changing them, beside virsh."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Host

Write = Callable[..., Path]

#: One or several of each kind of device that commands find.
FULL = """\
<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <maxMemory slots='16' unit='KiB'>1048576</maxMemory>
  <memory unit='KiB'>589824</memory>
  <os><type arch='i686'>hvm</type></os>
  <cpu><numa><cell id='0' cpus='0' memory='65536' unit='KiB'/></numa></cpu>
  <devices>
    <disk type='file'><driver name='qemu' type='qcow2'/><source file='/nowhere/日本é.img'/>
      <backingStore type='file'><format type='raw'/><source file='/back'/></backingStore><target dev='vda'/></disk>
    <disk type='block'><source dev='/dev/sdz'/><target dev='vdb'/><serial>"&lt;é&gt;"</serial></disk>
    <disk type='file' device='cdrom'><source file='/iso'/><target dev='hdc'/><readonly/></disk>
    <disk type='file' device='cdrom'><target dev='hdd'/><readonly/></disk>
    <disk type='file' device='floppy'><source file='/flop' startupPolicy='optional'/><target dev='fda'/></disk>
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>
    <interface type='user'><mac address='52:54:00:00:00:02'/><target dev='tap9'/><link state='down'/></interface>
    <interface type='user'><mac address='52:54:00:00:00:02'/></interface>
    <interface type='user'><mac address='52:54:00:00:0a:03'/></interface>
    <memory model='virtio-mem'><target><size unit='KiB'>524288</size><node>0</node><block unit='KiB'>2048</block>
      <requested unit='KiB'>2048</requested></target></memory>{memory}
  </devices>
</domain>
"""
DIMM = "<memory model='dimm'><target><size unit='KiB'>65536</size><node>0</node></target></memory>"
BOTH = ("", "--live", "--config", "--persistent", "--current", "--live --config")
REFUSED = ("--persistent --current", "--current --live", "--current --config", "--config --live --current")


#: Types of interfaces that attach-interface can make.
KINDS = ("network", "bridge", "direct", "vhostuser", "hostdev")


@pytest.fixture
def full(domain_file: Write) -> str:
    """The command that defines the domain `full`."""
    return f"define {domain_file('full', xml=FULL.replace('{memory}', ''))}"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file with the XML of a disk."""
    file = tmp_path / "disk.xml"
    file.write_text("<disk type='file'><source file='/a'/><target dev='vdb'/></disk>")
    return file


@pytest.mark.parametrize("command", ["attach-device", "detach-device", "update-device"])
def test_devices_in_files(host: Host, disk: Path, command: str) -> None:
    show = "dumpxml test; dumpxml test --inactive"
    host.same(*(f"{command} test {disk} {options}" for options in (*BOTH, *REFUSED)), show)
    host.same("destroy test", *(f"{command} test --file {disk} {options}" for options in BOTH), show)
    host.same(
        f"{command} test /nonexistent",
        f"{command} test /nonexistent --persistent",
        f"{command} nosuch /nonexistent",
        f"{command} '' ''",
        f"{command} test ''",
    )
    host.same(f"{command} test {disk}", f"{command} test {disk} --live", readonly=True)
    host.script(command, f"{command} test", f"{command} test a b", f"{command} test a --print-xml")


def test_update_device_by_force(host: Host, disk: Path) -> None:
    host.same(*(f"update-device test {disk} --force {options}" for options in BOTH))
    host.same(f"update-device test {disk} --force", readonly=True)


def test_detach_device_alias(host: Host) -> None:
    begin = "detach-device-alias test ua-x"
    host.same(*(f"{begin} {options}" for options in ("", "--live", "--config", "--current", "--live --config")))
    host.same(*(f"{begin} {options}" for options in ("--current --live", "--current --config")))
    host.same("detach-device-alias test ''", "detach-device-alias nosuch x", "detach-device-alias '' x")
    host.same(begin, readonly=True)
    host.script("detach-device-alias", "detach-device-alias test", f"{begin} --persistent")


def test_attach_disk(host: Host) -> None:
    host.same(*(f"attach-disk test /x vdz {options}" for options in (*BOTH, *REFUSED)), "dumpxml test")
    host.same("destroy test", *(f"attach-disk test /x vdz {options}" for options in BOTH))
    host.same("attach-disk test /x vdz", "attach-disk test /x vdz --live", readonly=True)
    host.same("attach-disk nosuch /x vdz", "attach-disk '' /x vdz", "attach-disk '' '' ''", "attach-disk test x vda ''")
    host.script("attach-disk", "attach-disk test", "attach-disk test /x", "attach-disk test /x vdz --nosuch")


DISKS = [
    "",
    "virtio qemu raw 1 none native cdrom shareable file serial 50014ee203733bb5 ua-a pci:0.0.a.0 --rawio",
    "--targetbus scsi --driver qemu --subdriver qcow2 --iothread 2 --cache writeback --io threads --type lun",
    "--shareable --rawio --serial s --wwn 0x50014EE203733BB5 --alias ua-disk",
    "--mode readonly",
    "--mode writable",
    "--sourcetype file",
    "--sourcetype block",
    "--sourcetype network",
    "--sourcetype volume",
    "--sourcetype network --source-protocol nbd",
    "--sourcetype file --source-protocol nbd",
    "--driver tap",
    "--wwn 123",
    "--wwn 50014ee203733bbg",
    "--source-protocol rbd --source-host-name ceph:6789",
    "--source-protocol rbd --source-host-name ceph",
    "--source-protocol rbd --source-host-name :",
    "--source-protocol rbd --source-host-name a:b:c --source-host-transport tcp",
    "--source-protocol nbd --source-host-transport unix --source-host-socket /sock",
    "--source-protocol nbd --source-host-name a --source-host-transport unix --source-host-socket /sock",
    "--source-host-name a",
    "--source-host-transport tcp",
    "--source-host-socket /sock",
    "--source-protocol nbd --source-host-socket /sock",
    "--mode readonly --shareable",
    "--multifunction",
]


def test_xml_of_disks(host: Host) -> None:
    sources = ("/a", "/nonexistent/é", "''", "/dev/null", '"a\'b<&>\\""')
    host.same(*(f"attach-disk nosuch {source} vda --print-xml {options}" for source in sources for options in DISKS))


ADDRESSES = {
    "vda": "pci:0000.00.0x0a.0 pci:0:1:2:3 pci:0.0.0.0x pci:0.0.0.0.1 pci:+1.2.3.4 pci:g pci:-1.0.0.0 "
    "pci:12345.100.20.8 pci:100000000.0.0.0 ccw:0xfe.0.0000 ccw:fe.1.abc pci :1 foo:1 scsi:1.2.3 pci:0.0.0. "
    "pci:0..0.0 pci:0x.1.2.3",
    "sdb": "scsi:1.2.3 scsi:1.2.x usb:1.2 usb:1.2.3 sata:1.2.3 scsi:1.2.18446744073709551615 ide:0.0.0 pci:0.0.0.0 "
    "scsi:1.2.18446744073709551616 usb:4294967296.1 scsi:0x1.2.3 USB:1.2",
    "hdc": "ide:1.2.3 scsi:1.2.3",
    "xvda": "ide:1.2.3 ccw:1.2.3 pci:1.2.3.4",
}


def test_addresses_of_disks(host: Host) -> None:
    pairs = [(target, word) for target, words in ADDRESSES.items() for word in words.split()]
    host.same(
        *(f"attach-disk x /a {target} --print-xml --multifunction --address {word}" for target, word in pairs),
        *("attach-disk x /a vda --print-xml --address 'pci: 1.2. 3.4'", "attach-disk x /a vda --address ''"),
    )


def test_throttle_groups_of_disks(host: Host) -> None:
    (answer,) = host.json("attach-disk test /a vda --throttle-groups one,two --print-xml")
    assert "<throttlefilters>\n    <throttlefilter group='one'/>\n    <throttlefilter group='two'/>" in answer["xml"]


def test_hostile_words_are_escaped(host: Host) -> None:
    words = ["targetbus", "driver", "subdriver", "iothread", "cache", "io", "type", "serial", "alias"]
    hostile = "'/><evil a=\"&"
    options = [part for word in words for part in (f"--{word}", hostile)]
    side = host.side
    disk = side.vsh("-c", host.uri, "attach-disk", "x", hostile, hostile, *options, "--print-xml")
    assert "evil a=" in disk.stdout and "<evil" not in disk.stdout and "&a" in disk.stdout.replace("&amp;", "&a")
    words = ["target", "mac", "script", "model", "alias"]
    options = [part for word in words for part in (f"--{word}", hostile)]
    for kind in KINDS[:4]:
        run = side.vsh(
            "-c", host.uri, "attach-interface", "x", kind, hostile, *options, "--print-xml", "--source-mode", "client"
        )
        assert run.status == 0 and run.stdout.count("&lt;evil") == 6 and "<evil" not in run.stdout


def test_attach_interface(host: Host) -> None:
    begin = "attach-interface test network default"
    host.same(*(f"{begin} {options}" for options in (*BOTH, *REFUSED)), "dumpxml test")
    host.same("destroy test", *(f"{begin} {options}" for options in BOTH))
    host.same(begin, f"{begin} --live", readonly=True)
    host.same("attach-interface nosuch network default", "attach-interface '' network x", "attach-interface '' '' ''")
    host.script("attach-interface", "attach-interface test", "attach-interface test network", f"{begin} --nosuch")


def test_xml_of_interfaces(host: Host) -> None:
    begin = "attach-interface nosuch --print-xml"
    kinds = [*KINDS, "user", "ethernet", "server", "client", "mcast", "udp", "vdpa", "internal", "null", "vds", "foo"]
    sources = ("0:1:2.3", "a --source-mode server", "a --source-mode bridge --inbound x")
    host.same(*(f"{begin} {kind} {source}" for source in sources for kind in kinds))
    host.same(
        f"{begin} network d t 52:54:00:00:00:01 /script virtio ua-a 1 2 client --managed",
        f"{begin} hostdev 0000:01:02.3 --managed --mac 52:54:00:00:00:01 --alias ua-x",
        f"{begin} hostdev 1",
        f"{begin} hostdev x:0:0.0",
        f"{begin} hostdev ''",
        f"{begin} '' x",
    )
    rates = ["1", "1,2,3,4", "1,,3", ",,,4", "0", "x", "1,x", "1,2,x", "1,2,3,x", "1,2,3,4,5", "-1", "+1", "1,", ","]
    rates += ["99999999999999999999", "1,0,3", "''", "' 7'"]
    host.same(
        *(f"{begin} network d --{direction} {rate}" for direction in ("inbound", "outbound") for rate in rates),
        f"{begin} network d --inbound 1,2,3,4 --outbound 5,6,7",
    )


def test_detach_disk(host: Host, full: str) -> None:
    host.same(*(f"detach-disk test vda {options}" for options in (*BOTH, *REFUSED)), "dumpxml test")
    disks = ("vda", "vdb", "hdc", "/iso", "/dev/sdz", "fda", "/nowhere/日本é.img", "/back", "vdz", "''")
    host.same(
        *(full, *(f"detach-disk full vdb {options}" for options in BOTH)),
        *(full, *(f"detach-disk full {name} --print-xml" for name in disks)),
        *(f"detach-disk full vda --print-xml {options}" for options in (*BOTH, *REFUSED)),
        *("detach-disk nosuch vda", "detach-disk '' ''", "detach-disk test vdz --live"),
    )
    host.same("detach-disk test vda", "detach-disk test vda --print-xml", readonly=True)
    host.script("detach-disk", "detach-disk test", "detach-disk test a b")


def test_detach_interface(host: Host, full: str) -> None:
    host.same(*(f"detach-interface test network {options}" for options in (*BOTH, *REFUSED)), "dumpxml test")
    macs = ("52:54:00:00:00:02", "52:54:00:00:0A:03", "x --config", "x", "''")
    wanted = ["network", "network 52:54:00:00:00:01", "network --mac 52:54:00:00:00:02", "network --mac 52:54:0:0:0:1"]
    wanted += ["user", *(f"user --mac {mac}" for mac in macs), "bridge", "''"]
    host.same(
        *(full, *(f"detach-interface full network {options}" for options in BOTH)),
        *(full, *(f"detach-interface full {words} --print-xml" for words in wanted)),
        *(f"detach-interface full network --print-xml {options}" for options in (*BOTH, *REFUSED)),
        *(full, *(f"detach-interface full {words}" for words in wanted)),
        *("detach-interface nosuch network", "detach-interface '' ''", "detach-interface test bridge --persistent"),
    )
    host.same("detach-interface test network", readonly=True)
    host.script("detach-interface", "detach-interface test", "detach-interface test a b c")


def test_change_media(host: Host, full: str) -> None:
    actions = ("", "--eject", "--insert", "--update", "/new", "--eject /new", "--insert '/é&'")
    forms = [form for action in actions for form in (f"{action} --print-xml", f"{action} --print-xml --block", action)]
    drives = ("hdc", "hdd", "fda", "vda", "/iso", "/flop", "nosuch")
    host.same(*(line for drive in drives for line in (full, *(f"change-media full {drive} {form}" for form in forms))))
    where = ("--live", "--config", "--current", "--live --config", "--current --live", "--current --config", "--force")
    pairs = ("--eject --insert", "--eject --update", "--insert --update", "--eject --block")
    host.same(
        *(full, *(f"change-media full hdc --eject {options}" for options in where)),
        *(full, *(f"change-media full hdc --eject --print-xml {options}" for options in where)),
        *(f"change-media nosuch hdc {pair}" for pair in pairs),
    )
    host.same("change-media test hdc", "change-media nosuch hdc", "change-media test ''", "change-media test hdc ''")
    host.script("change-media", "change-media test", "change-media test a b c")
    host.same(full.replace("define", "dumpxml"), "change-media test hdc --eject", readonly=True)


def test_set_link(host: Host, full: str) -> None:
    names = ("52:54:00:00:00:01", "52:54:00:00:0A:03", "tap9", "TAP9", "testnet0", "nosuch", "52:54:0:0:0:1", "''")
    host.same(full, *(f"domif-setlink full {name} {state} --print-xml" for state in ("up", "down") for name in names))
    changes = ("domif-setlink full tap9 up", "domif-setlink test testnet0 down")
    where = ("", "--config", "--persistent", "--config --print-xml")
    host.same(*(line for options in where for line in (full, *(f"{change} {options}" for change in changes))))
    host.same(
        "domif-setlink test testnet0 sideways",
        "domif-setlink test '' up",
        "domif-setlink test testnet0 ''",
        "domif-setlink nosuch testnet0 up",
        "domif-setlink nosuch testnet0 sideways",
    )
    host.same("domif-setlink test testnet0 up", "domif-setlink test testnet0 up --print-xml", readonly=True)
    host.script("domif-setlink", "domif-setlink test", "domif-setlink test testnet0", "domif-setlink test a b c")


def test_no_interfaces(many: Host) -> None:
    many.same("domif-setlink zulu a up", "detach-interface zulu network", "detach-disk zulu vda", "change-media zulu a")
    many.same("update-memory-device zulu")


def test_memory(host: Host, full: str, domain_file: Write) -> None:
    sizes = ("4MiB", "4096", "4097", "1b", "0", "17179869184TiB", "18446744073709551615")
    where = ("", "--live", "--config", "--current", "--live --config", "--current --live", "--current --config")
    chosen = ("--node 0", "--node 1", "--node x", "--node -1", "--node 4294967296", "--alias a", "--alias ''")
    host.same(
        *(full, *(f"update-memory-device full --requested-size {size} --print-xml" for size in sizes)),
        *(f"update-memory-device full --print-xml {options}" for options in (*where, *chosen)),
        *(full, *(f"update-memory-device full --requested-size 4MiB {options}" for options in where)),
        *(full, *(f"update-memory-device full --requested-size {size}" for size in ("x", "''"))),
    )
    two = FULL.replace("{memory}", DIMM).replace("589824", "655360")
    host.same(
        f"define {domain_file('full', xml=two)}", *(f"update-memory-device full {one}" for one in ("", "--node 0"))
    )
    dimm = FULL.replace("{memory}", DIMM).replace("virtio-mem", "").replace("589824", "131072")
    start, end = dimm.index("<memory model=''"), dimm.index("<memory model='dimm'")
    define = f"define {domain_file('full', xml=dimm[:start] + dimm[end:])}"
    host.same(define, "update-memory-device full --print-xml", "update-memory-device full --requested-size 1MiB")
    host.same(
        "update-memory-device test", "update-memory-device nosuch", "update-memory-device nosuch --node 1 --alias a"
    )


def test_json(host: Host, full: str) -> None:
    xml = "<disk type='file'>\n  <source file='/x'/>\n  <target dev='vdz'/>\n</disk>\n"
    assert host.json("attach-disk test /x vdz --print-xml") == [{"xml": xml}]
    _, drive, link = host.json(
        f"{full}; change-media full hdc --eject --print-xml; domif-setlink full tap9 up --print-xml"
    )
    assert drive["xml"].startswith('<disk type="file" device="cdrom">') and "/iso" not in drive["xml"]
    assert '<link state="up"/>' in link["xml"]
    assert host.json("attach-interface test network d --print-xml")[0]["xml"].startswith("<interface type='network'>")
