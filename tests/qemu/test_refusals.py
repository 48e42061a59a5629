"""What makes no sense to QEMU is refused as libvirtd refuses it, or accepted where it is."""

from tests.live.libvirtd import Libvirtd
from tests.xml.oracle import newer
from vsh.backends import api
from vsh.backends.errors import VirtError

UUID = "11111111-2222-3333-4444-555555555555"
HEAD = f"<domain type='qemu'><name>odd</name><uuid>{UUID}</uuid><memory>65536</memory>"
DISK = "<disk type='file'><driver name='qemu' type='raw' {}/><source file='/x'/><target dev='{}' bus='{}'/>{}</disk>"
BRIDGE = "<controller type='pci' index='1' model='pci-bridge'>{}</controller>"
RNG = "<rng model='virtio'><address type='pci' {}/><backend model='random'>/dev/random</backend></rng>"
DEVICES = [
    "<controller type='pci' index='0' model='pci-root'><model name='pci-bridge'/></controller>",
    "<controller type='pci' index='0' model='pci-root'><target index='0'/></controller>",
    "<controller type='pci' index='1' model='pci-root'/>",
    *(
        BRIDGE.format(option)
        for option in (
            "",
            "<model name='pcie-root-port'/>",
            "<target chassis='3' port='1'/>",
            "<target chassisNr='3' busNr='9'/>",
            "<target hotplug='off'/>",
        )
    ),
    "<controller type='scsi' index='0' model='virtio-scsi'><driver iothread='2'/></controller>",
    *(
        f"<controller type='scsi' index='0' model='{model}'/>"
        + DISK.format("", "sda", "scsi", f"<address type='drive' controller='0' {place}/>")
        for model, place in (
            ("lsilogic", "bus='0' target='2' unit='1'"),
            ("virtio-scsi", "bus='0' target='2' unit='1'"),
            ("virtio-scsi", "bus='1' target='0' unit='1'"),
        )
    ),
    "<audio id='1' type='spice'/>",
    "<video><model type='vga'><acceleration accel3d='yes'/></model></video>",
    "<interface type='user'><ip address='1.2.3.4'/><ip address='1.2.3.5'/></interface>",
    DISK.format("io='native'", "vda", "virtio", ""),
    DISK.format("io='native' cache='none'", "vda", "virtio", ""),
    DISK.format("iothread='1'", "vda", "virtio", ""),
    DISK.format("", "vda", "virtio", "<wwn>5000c500155fd2ee</wwn>"),
    DISK.format("", "hda", "ide", "<wwn>5000c500155fd2ee</wwn>"),
    DISK.format("", "hda", "ide", "<vendor>AA</vendor>"),
    *(DISK.format("", "hda", "ide", f"<serial>a{char}b</serial>") for char in "| ,:/.=+"),
    RNG.format("slot='1'"),
    RNG.format("slot='1' function='1'"),
    RNG.format("slot='7'"),
]
BESIDE = [
    "<clock><timer name='platform'/></clock>",
    "<clock><timer name='armvtimer'/></clock>",
    *(f"<clock><timer name='rtc' track='{track}'/></clock>" for track in ("boot", "guest", "wall", "realtime")),
    *(
        f"<clock><timer name='{name}' tickpolicy='{policy}'/></clock>"
        for name in ("rtc", "pit", "hpet")
        for policy in ("delay", "catchup", "merge", "discard")
    ),
    "<maxMemory slots='16'>1524288</maxMemory>",
    "<cpu><numa><cell cpus='0' memory='65536'/></numa></cpu><devices><memory model='dimm'><target>"
    "<size unit='MiB'>64</size><node>0</node></target></memory></devices>",
    "<features><gic version='2'/></features>",
    "<features><hpt resizing='enabled'/></features>",
    "<features><htm state='on'/></features>",
    "<features><nested-hv state='on'/></features>",
    "<features><ccf-assist state='on'/></features>",
    "<features><cfpc value='broken'/></features>",
    "<features><sbbc value='broken'/></features>",
    "<features><ibs value='workaround'/></features>",
    "<on_reboot>preserve</on_reboot>",
    "<on_poweroff>preserve</on_poweroff>",
    "<bootloader>/usr/bin/pygrub</bootloader>",
]
SYSTEMS = ["xen", "linux", "uml", "xenpvh"]


def outcome(conn: api.Connection, text: str) -> str:
    try:
        dom = conn.domain_define_xml_flags(text, 0)
    except VirtError as error:
        return str(error)
    conn.domain_undefine_flags(dom, 0)
    return "defined"


def test_refusals(conn: api.Connection, libvirtd: Libvirtd) -> None:
    system = "<os><type arch='x86_64' machine='pc'>hvm</type></os>"
    texts = [f"{HEAD}{system}<devices>{devices}</devices></domain>" for devices in DEVICES]
    texts += [f"{HEAD}{system}{beside}</domain>" for beside in BESIDE]
    texts += [f"{HEAD}<os><type arch='x86_64'>{kind}</type></os></domain>" for kind in SYSTEMS]
    theirs = api.open(libvirtd.uri("qemu"))
    try:
        wanted = {text: outcome(theirs, text) for text in texts}
    finally:
        theirs.close()
    assert {text: outcome(conn, text) for text in texts} == wanted


def test_what_libvirt_learned_later(conn: api.Connection) -> None:
    """Kept by drivers that only keep, refused here with its place rather than ignored."""
    taken = []
    for snippet, text in newer().items():
        said = outcome(conn, text.replace("<domain type='test'>", "<domain type='qemu'>"))
        if said == "defined" and "passt" not in snippet:
            taken.append(snippet)
    assert taken == []
    blob = "<devices><video><model type='virtio' blob='on'/></video></devices>"
    said = outcome(conn, f"{HEAD}<os><type>hvm</type></os>\n{blob}</domain>")
    assert said == "unsupported configuration: model/@blob is not supported without libvirt yet (line 2)"
