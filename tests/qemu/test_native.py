"""Command lines: libvirtd's own for the same XML and QEMU is the measure, and no value can become an option."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.live.sweeps import rounds
from tests.qemu.documents import documents
from tests.qemu.families import families
from tests.qemu.storage_families import SECRETS
from tests.qemu.test_define import MARK
from vsh.backends import api
from vsh.backends.errors import CONFIG_UNSUPPORTED, INVALID_ARG, VirtError
from vsh.backends.qemu.argv import build
from vsh.backends.qemu.argv.launch import Launch
from vsh.backends.qemu.definitions import StoredRules
from vsh.backends.qemu.host.capabilities import Capabilities
from vsh.backends.xml.domain import Domain

#: More of the same kind, without what libvirt's conversion itself replaces (interfaces) or cannot open.
MORE = [
    "<controller type='usb' model='ich9-ehci1'/><controller type='usb' model='ich9-uhci1'/>"
    "<controller type='usb' model='ich9-uhci2'/><controller type='usb' model='ich9-uhci3'/>",
    "<disk type='file'><driver name='qemu' type='qcow2' cache='writethrough' error_policy='enospace'/>"
    "<source file='/tmp/a,b'/><target dev='sda' bus='sata'/><shareable/></disk>"
    "<disk type='file'><driver name='qemu' type='raw' cache='unsafe' detect_zeroes='unmap' io='threads'/>"
    "<source file='/tmp/c'/><target dev='vda' bus='virtio'/><blockio logical_block_size='512'/>"
    "<geometry cyls='10' heads='4' secs='8' trans='lba'/><serial>x y,z</serial></disk>"
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/tmp/top'/>"
    "<backingStore type='file'><format type='raw'/><source file='/tmp/base'/><backingStore/></backingStore>"
    "<target dev='vdb' bus='virtio'/></disk>",
    "<disk type='file'><driver name='qemu' type='raw' discard='unmap' iothread='1' queues='4' event_idx='off'/>"
    "<source file='/tmp/d'/><target dev='vda' bus='virtio'/><boot order='3'/></disk>"
    "<controller type='scsi' model='virtio-scsi'><driver queues='2' iothread='1'/></controller>"
    "<disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/zero'/>"
    "<target dev='sda' bus='scsi'/></disk>",
    "<serial type='unix'><source mode='bind' path='/tmp/a,b.sock'/></serial>"
    "<serial type='udp'><source mode='bind' host='127.0.0.1' service='1'/>"
    "<source mode='connect' host='127.0.0.2' service='2'/></serial>"
    "<serial type='null'/>",
    "<serial type='udp'><source mode='connect' host='1.1.1.1' service='2446'/></serial>"
    "<serial type='unix'><source mode='connect' path='/tmp/foo'><reconnect enabled='no'/></source></serial>"
    "<video><model type='vga'/><acpi index='2'/></video>"
    "<serial type='file'><source path='/tmp/f' append='on'/><log file='/tmp/l' append='off'/></serial>",
    "<graphics type='vnc' port='5910' websocket='5700' sharePolicy='ignore' keymap='de'><listen type='address'"
    " address='::1'/></graphics><video><model type='vmvga'/></video>",
    "<graphics type='vnc'><listen type='socket' socket='/tmp/v.sock'/></graphics>"
    "<video><model type='virtio' heads='2'><resolution x='800' y='600'/></model></video>",
    "<graphics type='spice' port='5999'><listen type='address' address='127.0.0.1'/><image compression='quic'/>"
    "<streaming mode='filter'/><mouse mode='client'/><clipboard copypaste='no'/><filetransfer enable='no'/></graphics>",
    "<watchdog model='i6300esb' action='none'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    "<input type='keyboard' bus='virtio'/><input type='mouse' bus='virtio'/>",
    "<graphics type='vnc'/><graphics type='vnc' port='5999'/>",
    "<graphics type='spice' autoport='yes' defaultMode='insecure'><channel name='inputs' mode='insecure'/></graphics>",
    "<video><model type='vga'><acceleration accel2d='yes'/></model></video>",
    "<panic model='isa'/><panic model='hyperv'/>",
    "<filesystem type='mount' accessmode='squash' fmode='644'><source dir='/e'/><target dir='t'/></filesystem>",
    "<channel type='nmdm'><source master='/dev/nmdm0A' slave='/dev/nmdm0B'/><target type='virtio' name='x'/></channel>",
]
BESIDE = [
    "<memoryBacking><hugepages/></memoryBacking>",
    "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
    "<memoryBacking><source type='file'/><allocation mode='immediate'/><nosharepages/></memoryBacking>",
    "<memoryBacking><allocation mode='immediate' threads='8'/></memoryBacking>",
    "<vcpu>2</vcpu><cpu><numa><cell cpus='0' memory='1' unit='MiB'/><cell cpus='1' memory='3'/></numa></cpu>",
    "<cpu mode='custom'><model>Nehalem</model><vendor>Intel</vendor><feature policy='force' name='aes'/></cpu>"
    "<features><acpi/><kvm><hidden state='on'/></kvm><pmu state='off'/></features>",
    "<features><hyperv><relaxed state='on'/></hyperv><kvm><hidden state='on'/></kvm></features>"
    "<clock offset='utc'><timer name='rtc' track='wall' tickpolicy='catchup'/></clock>",
    "<on_crash>rename-restart</on_crash>",
    "<clock offset='absolute' start='86400'/><pm><suspend-to-disk enabled='yes'/></pm>",
    "<os><type arch='x86_64' machine='MACHINE'>hvm</type><loader type='rom'>/tmp/bios.bin</loader>"
    "<bios rebootTimeout='-1'/><bootmenu enable='no'/></os>",
    "<features><acpi/></features><os><type arch='x86_64' machine='MACHINE'>hvm</type>"
    "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader><nvram>/tmp/vars.fd</nvram></os>",
]


def texts() -> dict[str, str]:
    found = {name: text for name, text in (documents() | families()).items() if "<interface" not in text}
    for machine in ("pc", "q35"):
        base = documents()[f"{machine}-0"]
        for number, devices in enumerate(MORE):
            threads = "<iothreads>1</iothreads>" if "iothread=" in devices else ""
            found[f"{machine}-more-{number}"] = base.replace("<devices>", f"{threads}<devices>{devices}")
        for number, beside in enumerate(BESIDE):
            text = re.sub("<os>.*</os>", "", base) if "<os>" in beside else base
            beside = beside.replace("MACHINE", machine)
            found[f"{machine}-beside-{number}"] = text.replace("<devices>", f"{beside}<devices>")
    return found


def options(command: str, folder: str) -> list[str]:
    """Each option with its values, paths below the driver's folder alike; what only libvirtd needs left out."""
    words = shlex.split(command)
    found: list[str] = []
    for word in words[words.index("-name") :]:
        if re.match("-[a-z]", word):
            found.append(word)
        else:
            found[-1] += f" {word}"
    found = [re.sub(f"{folder}(/lib)?(?=/)", "@", option) for option in found if '"qom-type":"secret"' not in option]
    # libvirtd starts a TPM's program when the guest starts; where it is to listen nobody knows before.
    return [re.sub("^-chardev socket,id=chrtpm,path=@.*", "-chardev null,id=chrtpm", option) for option in found]


@pytest.fixture
def secrets(libvirtd: Libvirtd, side: Side) -> Iterator[None]:
    """libvirtd has the secrets that disks ask for."""
    uri, path = libvirtd.uri("qemu"), libvirtd.directory / "secret.xml"
    for usage, (uuid, kind, tag) in SECRETS.items():
        path.write_text(f"<secret><uuid>{uuid}</uuid><usage type='{kind}'><{tag}>{usage}</{tag}></usage></secret>")
        path.chmod(0o644)
        for argv in (["secret-define", str(path)], ["secret-set-value", uuid, "--base64", "c2VjcmV0"]):
            run = side.virsh("-c", uri, *argv)
            assert not run.status, run.stderr
    yield
    for uuid, _, _ in SECRETS.values():
        side.virsh("-c", uri, "secret-undefine", uuid)


def differences(
    libvirtd: Libvirtd, side: Side, conn: api.Connection, root: object, documents_: dict[str, str]
) -> tuple[dict[str, object], int]:
    """name -> where our command line, or error, and libvirtd's part; and how many command lines were compared."""
    commands = []
    for name, text in documents_.items():
        path = libvirtd.directory / f"{name}.native.xml"
        path.write_text(text)
        path.chmod(0o644)
        commands.append(f"domxml-to-native qemu-argv {path}")
    argv = ["virsh", "-q", "-c", libvirtd.uri("qemu"), f"; echo {MARK}; ".join(commands)]
    run = subprocess.run(argv, env=side.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=110)
    wrong: dict[str, object] = {}
    compared = 0
    for name, answer in zip(documents_, run.stdout.split(MARK), strict=True):
        if "/dev/net/tun" in answer:  # which a machine need not have
            continue
        if answer.strip().startswith("error:"):
            try:
                said = conn.connect_domain_xml_to_native("qemu-argv", documents_[name], 0)
            except VirtError as error:
                said = str(error)
            if f"error: {said}" not in answer:
                wrong[name] = (answer, said)
            continue
        expected = options(answer, f"{libvirtd.directory}/config/libvirt/qemu")
        try:
            ours = options(conn.connect_domain_xml_to_native("qemu-argv", documents_[name], 0), f"{root}/e/lib/qemu")
        except VirtError as error:
            ours = [str(error)]
        compared += 1
        if ours != expected:
            wrong[name] = next(pair for pair in zip([*expected, ""], [*ours, ""], strict=False) if pair[0] != pair[1])
    return wrong, compared


@pytest.mark.usefixtures("secrets")
def test_command_lines_are_libvirts(libvirtd: Libvirtd, side: Side, conn: api.Connection, root: object) -> None:
    wrong, compared = differences(libvirtd, side, conn, root, texts())
    assert not wrong, "\n".join(f"{k}: {v}" for k, v in wrong.items())
    assert compared > 60


def test_what_cannot_be_done_is_refused_with_its_line(conn: api.Connection) -> None:
    base = documents()["pc-0"].replace("\n", "")
    for snippet, what in (
        ("<lease><key>k</key><target path='/tmp/l'/></lease>", "<lease>"),
        ("<disk type='file'><source file='/x'/><target dev='vda'/><transient/></disk>", "<transient>"),
        ("<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>", "interface type 'vdpa'"),
    ):  # fmt: skip
        text = base.replace("<devices>", f"\n\n<devices>\n{snippet}")
        with pytest.raises(VirtError) as caught:
            conn.domain_define_xml_flags(text, 0)
        assert caught.value.code == CONFIG_UNSUPPORTED
        assert str(caught.value) == f"unsupported configuration: {what} is not supported without libvirt yet (line 4)"
    with pytest.raises(VirtError) as caught:
        conn.connect_domain_xml_to_native("nope", base, 0)
    assert caught.value.code == INVALID_ARG


HOSTILE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
HOSTILE |= st.sampled_from([",readonly=on", "a,b=c", "-snapshot", "--", '"}', "x,,y", "},-device", "id=z", "$(x)"])
LAUNCH = Launch("/f", "/f/monitor.sock", "/f/journal", "/f/ram", "/f/channel")
CAPS = Capabilities(
    {
        "version": [7, 2, 0],
        "arch": "x86_64",
        "machines": {"pc-i440fx-7.2": {"alias": "pc", "default_cpu": None, "default": True, "max_cpus": 255,
                                       "default_ram": "pc.ram"}},
        "types": ["tpm-tis"],
    }
)  # fmt: skip
TEMPLATE = """\
<domain type='qemu'><name>{name}</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e1930</uuid><memory>65536</memory>
<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type><kernel>/{path}</kernel><cmdline>{other}</cmdline>
<smbios mode='sysinfo'/></os>
<sysinfo type='smbios'><system><entry name='serial'>{other}</entry></system></sysinfo>
<sysinfo type='fwcfg'><entry name='opt/{name}'>{other}</entry><entry name='opt/f' file='/{path}'/></sysinfo>
<memoryBacking><source type='file'/><access mode='shared'/></memoryBacking>
<devices><emulator>/qemu</emulator>
<disk type='network'><driver name='qemu' type='raw'/><source protocol='nbd' name='{serial}' tls='yes'
 tlsHostname='{other}'><host name='{other}'/></source><target dev='vdb' bus='virtio'/></disk>
<disk type='network'><driver name='qemu' type='qcow2'/><source protocol='https' name='{serial}' query='{other}'>
<host name='h'/><auth username='{name}'><secret type='iscsi' usage='{other}'/></auth></source>
<encryption format='luks'><secret type='passphrase' usage='{other}'/></encryption>
<target dev='vdc' bus='virtio'/></disk>
<disk type='vhostuser'><driver name='qemu' type='raw'/><source type='unix' path='/{path}'/>
<target dev='vdd' bus='virtio'/></disk>
<filesystem type='mount'><driver type='virtiofs'/><source socket='/{path}'/><target dir='{other}'/></filesystem>
<interface type='vhostuser'><mac address='52:54:00:00:00:02'/><source type='unix' path='/{path}' mode='server'/>
<model type='virtio'/></interface>
<tpm model='tpm-tis'><backend type='external'><source type='unix' mode='connect' path='/{path}'/></backend></tpm>
<shmem name='{name}'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>
<shmem name='x'><model type='ivshmem-doorbell'/><server path='/{path}'/></shmem>
<audio id='1' type='pulseaudio' serverName='{other}'><input name='{serial}'/></audio>
<audio id='2' type='file' path='/{path}'/>
<graphics type='dbus' address='unix:path=/{path}'/><graphics type='egl-headless'><gl rendernode='/{path}'/></graphics>
<channel type='spiceport'><source channel='{serial}'/><target type='virtio' name='{other}'/></channel>
<channel type='dbus'><source channel='{serial}'/><target type='virtio' name='{other}'/></channel>
<serial type='udp'><source mode='bind' host='{other}' service='{serial}'/>
<source mode='connect' host='{serial}' service='{other}'/><target type='isa-serial' port='2'/></serial>
<memory model='nvdimm'><source><path>/{path}</path></source><target><size unit='M'>4</size></target></memory>
<disk type='file'><driver name='qemu' type='raw'/><source file='/{path}'/><target dev='vda' bus='virtio'/>
<serial>{serial}</serial></disk>
<controller type='pci' index='0' model='pci-root'/><controller type='virtio-serial' index='0'/>
<filesystem type='mount' accessmode='mapped'><source dir='/{path}'/><target dir='{other}'/></filesystem>
<serial type='file'><source path='/{path}'/><target type='isa-serial' port='0'/><log file='/{other}'/></serial>
<serial type='tcp'><source mode='bind' host='{other}' service='{serial}'/><target type='isa-serial' port='1'/></serial>
<channel type='unix'><source mode='bind' path='/{path}'/><target type='virtio' name='{name}'/></channel>
<channel type='unix'><target type='virtio' name='{serial}'/></channel>
<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='{other}'/><model type='virtio'/></interface>
<graphics type='vnc'><listen type='socket' socket='/{path}'/></graphics><video><model type='cirrus'/></video>
<memballoon model='none'/></devices></domain>"""


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


def command(**values: str) -> list[str]:
    text = TEMPLATE.format(**{name: escaped(value) for name, value in values.items()})
    return build(Domain.parse(text, StoredRules()), CAPS, LAUNCH)


def parts(option: str, value: str) -> "tuple[object, ...]":
    """What QEMU takes from an option's value, plain values aside."""
    if option in ("-kernel", "-append"):
        return ()
    if value.startswith("{"):
        told = json.loads(value)
        return (*told, told.get("driver"), told.get("qom-type"))
    if option in ("-chardev", "-fsdev", "-smbios", "-name", "-vnc", "-fw_cfg", "-tpmdev", "-display"):
        # Commas between parts are alone; doubled ones belong to values.
        pieces = value.replace(",,", "").split(",")
        return tuple(piece.partition("=")[0] for piece in pieces[option == "-vnc" :])
    return (value,)


@pytest.mark.sweep
@settings(max_examples=rounds(500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=HOSTILE, path=HOSTILE, serial=HOSTILE, other=HOSTILE)
def test_no_value_becomes_an_option(name: str, path: str, serial: str, other: str) -> None:
    name = name.replace("/", "_")
    try:
        hostile = command(name=name, path=path, serial=serial, other=other)
    except VirtError as error:
        assert "\n" not in str(error)  # refused by the model: blanks alone, say
        return
    plain = command(name="n", path="p", serial="s", other="o")
    assert len(hostile) == len(plain)
    for before, one, two in zip(["", *plain], hostile, plain, strict=False):
        assert parts(before, one) == parts(before, two)


def test_devices_of_the_host_by_vfio() -> None:
    """This machine has none, and libvirtd shows nothing without."""
    pci = (
        "<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source><address domain='0x1' bus='6'"
        " slot='2' function='3'/></source><teaming type='transient' persistent='ua-n'/><boot order='2'/>"
        "<rom bar='off' file='/r,m'/><address type='pci' domain='0' bus='0' slot='5' function='0'/></hostdev>"
    )
    text = TEMPLATE.format(name="n", path="p", serial="s", other="o").replace("<memballoon", f"{pci}<memballoon")
    argv = build(Domain.parse(text, StoredRules()), CAPS, LAUNCH)
    told = next(json.loads(value) for value in argv if "vfio-pci" in value)
    assert told == {
        "driver": "vfio-pci", "host": "0001:06:02.3", "id": "hostdev0", "bootindex": 2, "failover_pair_id": "ua-n",
        "bus": "pci.0", "addr": "0x5", "rombar": 0, "romfile": "/r,m",
    }  # fmt: skip


def test_huge_pages() -> None:
    text = TEMPLATE.format(name="n", path="p", serial="s", other="o").replace("<source type='file'/>", "<hugepages/>")
    launch = Launch("/f", "/f/monitor.sock", hugepages={2048: "/huge/libvirt/qemu/1-n"})
    argv = build(Domain.parse(text, StoredRules()), CAPS, launch)
    told = next(json.loads(value) for value in argv if "memory-backend" in value and value.startswith("{"))
    assert told["qom-type"] == "memory-backend-file"
    assert (told["mem-path"], told["prealloc"]) == ("/huge/libvirt/qemu/1-n", True)


def test_commas_are_doubled() -> None:
    argv = command(name="n", path="a,id=evil", serial="s", other="o")
    serial = next(value for value in argv if value.startswith("file,id=charserial"))
    assert serial == "file,id=charserial1,path=/a,,id=evil,logfile=/o,logappend=on"
    assert next(value for value in argv if value.startswith("vnc=")) == "vnc=unix:/a,,id=evil,audiodev=audio1"
