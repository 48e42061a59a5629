"""More domains, a family of devices each: (what stands beside the devices, devices)."""

from tests.qemu import storage_families
from tests.qemu.documents import domain

_OS = "<type arch='x86_64' machine='MACHINE'>hvm</type>"
_ACPI = "<features><acpi/></features>"
_SMM = "<features><acpi/><smm state='on'/></features>"
_CODE = "/usr/share/OVMF/OVMF_CODE_4M"


def _features(**asked: str) -> str:
    each = "".join(f"<feature enabled='{value}' name='{name.replace('_', '-')}'/>" for name, value in asked.items())
    return f"<os firmware='efi'>{_OS}<firmware>{each}</firmware></os>"


FIRMWARE = [
    (f"<os firmware='efi'>{_OS}</os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}</os>", ""),
    (f"<os firmware='bios'>{_OS}</os>", ""),
    (f"<os firmware='efi'>{_OS}<loader secure='yes'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<loader secure='no'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<loader stateless='yes'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<nvram>/tmp/a_VARS.fd</nvram></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<nvram template='/t.fd'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}</os>{_ACPI}<pm><suspend-to-disk enabled='yes'/></pm>", ""),
    (_features(secure_boot="yes", enrolled_keys="yes") + _ACPI, ""),
    (_features(secure_boot="yes", enrolled_keys="no") + _SMM, ""),
    (_features(secure_boot="no") + _SMM, ""),
    (_features(enrolled_keys="no") + "<features><acpi/><smm state='off'/></features>", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>{_CODE}.fd</loader></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>{_CODE}.secboot.fd</loader></os>{_SMM}", ""),
    (f"<os>{_OS}<loader readonly='yes' secure='yes' type='pflash'>{_CODE}.secboot.fd</loader>"
     f"<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/tmp/x_VARS.fd</nvram></os>{_SMM}", ""),
    (f"<os>{_OS}<loader readonly='yes' secure='yes' type='pflash'>/c.fd</loader></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>/nope/CODE.fd</loader><nvram template='/x'/></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader type='pflash'>{_CODE}.fd</loader></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>/c.fd</loader>"
     f"<nvram type='block'><source dev='/dev/zero'/></nvram></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' stateless='yes' type='pflash'>/c.fd</loader></os>{_ACPI}", ""),
]  # fmt: skip

CPUS = [
    ("<cpu mode='host-model'/>", ""),
    ("<cpu mode='host-model' check='partial'><feature policy='disable' name='svm'/><model fallback='allow'/>"
     "</cpu>", ""),
    ("<cpu mode='maximum'><feature policy='disable' name='svm'/></cpu>", ""),
    ("<cpu mode='maximum' migratable='off'/>", ""),
    ("<cpu mode='host-passthrough'/>", ""),
    ("<cpu match='minimum'><model>Nehalem</model></cpu>", ""),
    ("<cpu match='strict'><model>Nehalem</model><feature policy='optional' name='vmx'/><feature policy='forbid'"
     " name='svm'/><feature policy='force' name='aes'/><feature policy='require' name='sse4a'/></cpu>", ""),
    ("<cpu mode='custom'><model>EPYC-Rome</model><cache level='3' mode='emulate'/></cpu>", ""),
    ("<cpu mode='custom'><model>Nope</model></cpu>", ""),
    ("<cpu mode='custom'><model>Nehalem</model><cache mode='passthrough'/></cpu>", ""),
    ("<cpu mode='host-model'><cache level='2' mode='emulate'/></cpu>", ""),
    ("<cpu mode='custom'><model>Nehalem</model><maxphysaddr mode='emulate' bits='42'/></cpu>", ""),
    ("<cpu mode='maximum'><maxphysaddr mode='passthrough'/></cpu>", ""),
    ("<cpu mode='custom'><model>Nehalem</model><feature policy='require' name='nosuchfeature'/></cpu>", ""),
    ("<cpu mode='custom'><model>core2duo</model><vendor>Intel</vendor></cpu>", ""),
    ("<cpu mode='custom' check='full'><model>Skylake-Server</model></cpu>", ""),
]  # fmt: skip
_SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def _override(type: str, value: str, name: str = "y") -> str:
    told = f"<qemu:property name='{name}' type='{type}'" + (f" value='{value}'/>" if value else "/>")
    device = f"<qemu:device alias='balloon0'><qemu:frontend>{told}</qemu:frontend></qemu:device>"
    return f"<qemu:override>{device}</qemu:override>"


MISC = [
    ("", "<tpm model='tpm-crb'><backend type='emulator' version='2.0' persistent_state='yes'><active_pcr_banks>"
     "<sha256/><sha1/></active_pcr_banks></backend></tpm><vsock model='virtio'><cid auto='no' address='5'/></vsock>"
     "<smartcard mode='host'/><channel type='spiceport'><source channel='org.spice-space.webdav.0'/>"
     "<target type='virtio' name='org.spice-space.webdav.0'/></channel><graphics type='spice'/>"
     "<redirdev bus='usb' type='tcp'><source mode='connect' host='localhost' service='4000'/><boot order='1'/>"
     "</redirdev><redirfilter><usbdev class='0x08' vendor='0x1234' product='0xBEEF' version='2.56' allow='yes'/>"
     "<usbdev allow='no'/></redirfilter>"),
    ("", "<tpm><backend type='emulator'/></tpm><vsock model='virtio-transitional'><cid auto='yes'/></vsock>"
     "<smartcard mode='host-certificates'><certificate>cert1</certificate><certificate>cert,2</certificate>"
     "<certificate>cert3</certificate></smartcard><graphics type='egl-headless'><gl rendernode='/dev/dri/r,D128'/>"
     "</graphics><video><model type='virtio' heads='1' primary='yes'><acceleration accel3d='yes'/></model></video>"
     "<video><model type='virtio'/></video><input type='keyboard' bus='virtio'><driver iommu='on'/></input>"),
    ("", "<tpm model='tpm-tis'><backend type='external'><source type='unix' mode='connect' path='/tmp/s,w.sock'/>"
     "</backend></tpm><watchdog model='i6300esb' action='inject-nmi'/><video><model type='ramfb'/></video>"
     "<graphics type='dbus' p2p='yes'/><smartcard mode='passthrough' type='tcp'><source mode='bind' host='127.0.0.1'"
     " service='2001'/><protocol type='raw'/></smartcard><panic model='isa'><address type='isa' iobase='0x505'/>"
     "</panic>"),
    (_SHARED, "<filesystem type='mount'><driver type='virtiofs' queue='512' iommu='on'/>"
     "<source socket='/tmp/v,fs.sock'/><target dir='tag'/><boot order='1'/></filesystem>"
     "<filesystem type='mount' accessmode='mapped' multidevs='remap'"
     " fmode='644' dmode='755'><driver type='path' wrpolicy='immediate'/><source dir='/tmp/a,b'/><target dir='two'/>"
     "<readonly/></filesystem><filesystem type='mount' accessmode='squash' model='virtio-transitional'>"
     "<source dir='/tmp'/><target dir='tag2'/></filesystem>"),
    ("", "<shmem name='one' role='peer'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem><shmem name='two'>"
     "<model type='ivshmem-plain'/></shmem><shmem name='three'><model type='ivshmem-doorbell'/><server/></shmem>"
     "<shmem name='four' role='master'><model type='ivshmem-doorbell'/><server path='/tmp/s,h'/>"
     "<msi vectors='3' ioeventfd='off'/></shmem>"),
    ("", "<audio id='1' type='pulseaudio' serverName='a,b' timerPeriod='100'><input mixingEngine='yes'"
     " fixedSettings='yes' voices='1' name='x' bufferLength='100' streamName='s' latency='100'>"
     "<settings frequency='44100' channels='2' format='s16'/></input><output mixingEngine='no'/></audio>"
     "<audio id='2' type='alsa'><input dev='hw:0' bufferLength='1'/></audio><audio id='3' type='oss' tryMMap='yes'"
     " exclusive='no' dspPolicy='0'><input dev='/dev/dsp0' bufferCount='30' tryPoll='no'/></audio>"
     "<audio id='4' type='jack'><input serverName='a' clientName='b' connectPorts='c' exactName='yes'/></audio>"
     "<audio id='5' type='file' path='/tmp/a,udio.wav'/><audio id='6' type='sdl' driver='pulseaudio'>"
     "<input bufferCount='3'/></audio><audio id='7' type='dbus'/><audio id='8' type='coreaudio'>"
     "<input bufferCount='2'/></audio><sound model='ac97'><audio id='2'/></sound><sound model='sb16'/>"
     "<graphics type='dbus' p2p='yes'><audio id='7'/></graphics>"),
    ("", "<channel type='pipe'><source path='/tmp/guestfwd'/><target type='guestfwd' address='10.0.2.1' port='4600'/>"
     "</channel><channel type='qemu-vdagent'><source><clipboard copypaste='yes'/><mouse mode='client'/></source>"
     "<target type='virtio' name='com.redhat.spice.0'/></channel><channel type='dbus'><source channel='org.q,x'/>"
     "<target type='virtio' name='x'/></channel><channel type='tcp'><source mode='bind' host='127.0.0.1' service='9'"
     " tls='yes'/><target type='virtio' name='y'/></channel><channel type='file'><source path='/tmp/c' append='off'/>"
     "<target type='virtio' name='z'/><address type='virtio-serial' controller='1' bus='0' port='3'/></channel>"
     "<serial type='udp'><source mode='bind' host='127.0.0.1' service='1'/></serial><serial type='udp'>"
     "<source mode='connect' host='127.0.0.1' service='1'/></serial><serial type='udp'><source mode='bind'"
     " service='3'/><source mode='connect' service='1'/></serial><serial type='tcp'><source mode='connect' host='h'"
     " service='1' tls='yes'/><protocol type='telnet'/></serial>"
     "<parallel type='dev'><source path='/dev/parport0'/></parallel>"),
    ("", "<graphics type='vnc' passwd='secret' port='5905' powerControl='yes'/><graphics type='spice'>"
     "<listen type='socket'/><gl enable='yes' rendernode='/dev/dri/renderD128'/><streaming mode='off'/></graphics>"
     "<video><driver vgaconf='off'/><model type='vga'/></video>"),
    ("", "<graphics type='sdl' display=':0.0' fullscreen='yes'/>"),
    ("<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid><sysinfo type='fwcfg'><entry name='opt/com.example/name'>x=y"
     "</entry><entry name='opt/com.coreos/config' file='/tmp/provision.ign'/></sysinfo><features><acpi/>"
     "<smm state='on'><tseg unit='MiB'>48</tseg></smm><vmcoreinfo state='on'/><tcg><tb-cache unit='MiB'>128</tb-cache>"
     "</tcg><pvspinlock state='on'/><hap state='on'/><kvm><dirty-ring state='on' size='4096'/></kvm></features>"
     "<iothreads>2</iothreads><iothreadids><iothread id='4' thread_pool_min='1' thread_pool_max='4'/>"
     "<iothread id='7'/></iothreadids><defaultiothread thread_pool_min='8' thread_pool_max='16'/>"
     "<resource><partition>/machine</partition></resource><on_lockfailure>poweroff</on_lockfailure>"
     "<seclabel type='dynamic' model='dac' relabel='yes'/>", "<iommu model='virtio'/>"),
    ("<seclabel type='none'/>", ""),
    ("<seclabel type='dynamic'/>", ""),
    (_override("bool", "true") + "<qemu:deprecation behavior='reject'/>", ""),
    (_override("string", "a,b=c") + "<qemu:deprecation behavior='omit'/>", ""),
    (_override("signed", "-3"), ""),
    (_override("remove", "", "addr"), ""),
    (_override("remove", "1", "addr"), ""),
    (_override("unsigned", "-1"), ""),
    (_override("bool", "yes"), ""),
]  # fmt: skip
_KERNEL = "<os><type arch='x86_64' machine='MACHINE'>hvm</type><kernel>/tmp/k</kernel></os>"
_MMIO = "<address type='virtio-mmio'/>"
_NO_USB = "<controller type='usb' model='none'/>"
MICROVM = [
    (_KERNEL, "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     f"<target dev='vda' bus='virtio'/>{_MMIO}</disk><serial type='pty'/>"
     f"<rng model='virtio'><backend model='random'>/dev/urandom</backend>{_MMIO}</rng>"
     f"<memballoon model='virtio'>{_MMIO}</memballoon><controller type='virtio-serial' index='0'>{_MMIO}</controller>"
     f"<controller type='scsi' model='virtio-scsi'>{_MMIO}</controller><input type='keyboard' bus='virtio'>{_MMIO}"
     f"</input><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>{_NO_USB}"),
    (_KERNEL, f"<memballoon model='none'/>{_NO_USB}"),
    (_KERNEL, "<memballoon model='none'/>"),
    (_KERNEL, f"<memballoon model='virtio'/>{_NO_USB}"),
]  # fmt: skip
HOSTDEVS = [
    ("", "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x5678'/></source></hostdev>"),
    ("", "<hostdev mode='subsystem' type='usb' managed='yes'><source startupPolicy='optional' guestReset='off'>"
     "<address bus='14' device='22'/></source><boot order='1'/></hostdev>"
     "<hostdev mode='subsystem' type='usb'><source guestReset='uninitialized'><address bus='1' device='2'/></source>"
     "</hostdev><hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
     "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev><graphics type='vnc'/>"
     "<hostdev mode='subsystem' type='mdev' model='vfio-pci' display='on' ramfb='on'><source>"
     "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8805'/></source></hostdev>"),
    ("", "<hostdev mode='subsystem' type='mdev' model='vfio-pci' display='on'><source>"
     "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"),
    ("", "<hostdev mode='capabilities' type='misc'><source><char>/dev/input/event3</char></source></hostdev>"),
    ("", "<hostdev mode='subsystem' type='pci'><source writeFiltering='no'><address domain='0x0001' bus='0x06'"
     " slot='0x02' function='0x3'/></source></hostdev>"),
]  # fmt: skip
#: What libvirt refuses.
WRONG = [
    ("", "<tpm model='tpm-spapr'><backend type='emulator' version='2.0'/></tpm>"),
    ("", "<tpm model='tpm-crb'><backend type='emulator' version='1.2'/></tpm>"),
    ("", "<tpm model='tpm-tis'><backend type='emulator'/></tpm><tpm model='tpm-crb'><backend type='emulator'/></tpm>"),
    ("", "<filesystem type='mount'><driver type='virtiofs'/><source socket='/tmp/v'/><target dir='tag'/></filesystem>"),
    (_SHARED, "<filesystem type='mount' multidevs='remap'><driver type='virtiofs'/><source socket='/tmp/v'/>"
     "<target dir='tag'/></filesystem>"),
    ("", "<filesystem type='template'><source name='x'/><target dir='tag'/></filesystem>"),
    ("", "<shmem name='s'><model type='ivshmem'/><size unit='M'>4</size></shmem>"),
    ("", "<shmem name='s'><model type='ivshmem-doorbell'/><size unit='M'>2</size><server/></shmem>"),
    ("", "<shmem name='s'><model type='ivshmem-doorbell'/></shmem>"),
    ("", "<shmem name='s'><model type='ivshmem-plain'/><server/></shmem>"),
    ("", "<watchdog model='diag288' action='reset'/>"),
    ("", "<panic model='pseries'/>"),
    ("", "<video><model type='gop'/></video>"),
    ("", "<video><model type='vga'/></video><video><model type='bochs'/></video>"),
    ("", "<graphics type='rdp' autoport='yes'/>"),
    ("", "<graphics type='spice' port='5900' tlsPort='5901'/>"),
    ("", "<input type='tablet' bus='virtio' model='virtio-non-transitional'/>"),
    ("", "<iommu model='virtio'/>"),
    ("", "<nvram><address type='spapr-vio' reg='0x3000'/></nvram>"),
    ("", "<interface type='vhostuser'><source type='unix' path='/tmp/v' mode='server'/><model type='e1000'/>"
     "</interface>"),
    ("", "<interface type='user'><mtu size='1400'/></interface>"),
]  # fmt: skip
#: family -> the machines it is tried on, texts
X86 = {
    "firmware": (("pc", "q35"), FIRMWARE),
    "misc": (("q35",), MISC),
    "cpus": (("q35",), CPUS),
    "hostdevs": (("q35",), HOSTDEVS),
    "microvm": (("microvm",), MICROVM),
    "disks": (("pc",), storage_families.DISKS),
    "secrets": (("pc",), storage_families.SECRET_DISKS),
    "memory": (("q35",), storage_families.MEMORY),
    "wrong": (("q35",), WRONG + storage_families.WRONG),
}


def families() -> "dict[str, str]":
    """name -> XML."""
    found: dict[str, str] = {}
    for family, (machines, texts) in X86.items():
        for machine in machines:
            for number, (beside, devices) in enumerate(texts):
                name = f"{machine}-{family}-{number}"
                found[name] = domain(name, 0x1000 + len(found), machine, devices, beside)
    return found
