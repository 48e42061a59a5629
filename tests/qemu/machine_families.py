"""Domains of machines other than x86's: (what stands beside the devices, devices), for each machine."""

from tests.qemu.documents import QEMU, UUID

_USER = "<interface type='user'><mac address='52:54:00:11:22:{:02x}'/>{}</interface>"
_DISK = "<disk type='file'><source file='/tmp/d{0}'/><target dev='{1}' bus='{2}'/></disk>"


def _nets(*models: str) -> str:
    return "".join(_USER.format(i, model and f"<model type='{model}'/>") for i, model in enumerate(models))


def _disks(*targets: str) -> str:
    """By target and bus, as in "vda virtio"."""
    return "".join(_DISK.format(i, *target.split()) for i, target in enumerate(targets))


#: What any of them may have.
COMMON = [
    ("", ""),
    ("<features><acpi/></features>", "<serial type='pty'/><console type='pty'/>"),
    ("", "<console type='pty'/>"),
    ("", _disks("vda virtio", "vdb virtio") + _nets("virtio", "e1000", "")),
    ("", "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
     "<rng model='virtio'><backend model='random'/></rng><memballoon model='virtio'><stats period='5'/></memballoon>"
     "<input type='keyboard' bus='virtio'/><controller type='scsi' model='virtio-scsi'/>" + _disks("sda scsi")),
    ("", "<graphics type='vnc' port='5901'/>"),
    ("", "<graphics type='spice' port='5901'/><video><model type='virtio'/></video><sound model='ich6'/>"),
    ("", "<video><model type='vga'/></video><graphics type='vnc' port='5901'/><input type='tablet' bus='usb'/>"),
    ("", "<controller type='usb' model='none'/><memballoon model='none'/>"),
    ("", "<controller type='usb' model='nec-xhci' ports='8'/><input type='mouse' bus='usb'/>"
     "<hub type='usb'/><redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='1'/></redirdev>"),
    ("", "<disk type='file' device='cdrom'><source file='/tmp/c.iso'/><target dev='sda'/></disk>"),
    ("", "<disk type='file' device='cdrom'><source file='/tmp/c.iso'/><target dev='hda'/></disk>"),
    ("", "<controller type='scsi'/>" + _disks("sda scsi", "sdc scsi", "sdb usb")),
    ("", _disks("sda sata", "sdb sata")),
    ("", "<panic/>"),
    ("", "<watchdog model='i6300esb' action='reset'/><vsock model='virtio'><cid auto='no' address='5'/></vsock>"),
    ("", "<watchdog model='diag288' action='reset'/>"),
    ("", "<filesystem type='mount'><source dir='/tmp'/><target dir='tag'/></filesystem>"),
    ("<os><type arch='ARCH' machine='MACHINE'>hvm</type><kernel>/tmp/k</kernel><initrd>/tmp/i</initrd>"
     "<cmdline>a,b</cmdline><dtb>/tmp/dtb</dtb></os>", ""),
    ("<os><type arch='ARCH' machine='MACHINE'>hvm</type><boot dev='cdrom'/><boot dev='hd'/><boot dev='network'/></os>",
     _disks("vda virtio") + _nets("virtio")),
    ("", _disks("vda virtio").replace("</disk>", "<boot order='1' loadparm='2'/></disk>")),
    ("<os firmware='efi'><type arch='ARCH' machine='MACHINE'>hvm</type></os><features><acpi/></features>", ""),
    ("<os firmware='efi'><type arch='ARCH' machine='MACHINE'>hvm</type></os>", ""),
    ("<os><type arch='ARCH' machine='MACHINE'>hvm</type><loader readonly='yes' type='pflash'>/c.fd</loader>"
     "<nvram>/tmp/vars.fd</nvram></os><features><acpi/></features>", ""),
    ("<os><type arch='ARCH' machine='MACHINE'>hvm</type><loader type='rom'>/c.fd</loader></os>", ""),
    ("<vcpu current='2'>4</vcpu>", ""),
    ("<cpu mode='host-model'/>", ""),
    ("<cpu mode='host-passthrough'/>", ""),
    ("<cpu mode='custom'><model>Nope</model></cpu>", ""),
    ("<features><apic/></features>", ""),
    ("<features><pae/><gic/></features>", ""),
    ("<features><gic version='3'/></features>", ""),
    ("<features><hpt resizing='required'/><htm state='off'/><nested-hv state='off'/><cfpc value='broken'/></features>",
     ""),
    ("<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/></clock>", ""),
    ("<clock offset='utc'><timer name='kvmclock' present='yes'/><timer name='hpet' present='no'/></clock>", ""),
    ("<pm><suspend-to-mem enabled='no'/></pm>", ""),
    ("", "<tpm model='tpm-spapr'><backend type='emulator' version='2.0'/></tpm>"),
    ("", "<nvram><address type='spapr-vio' reg='0x3000'/></nvram>"),
    ("", "<iommu model='smmuv3'/>"),
    ("", "<parallel type='file'><source path='/tmp/p'/></parallel>"),
    ("", "<serial type='pty'><target type='isa-serial'/></serial>"),
    ("", "<serial type='pty'><target type='pci-serial'/></serial><serial type='pty'><target type='usb-serial'/>"
     "</serial><serial type='pty'/>"),
    ("", "<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"),
    ("", "<input type='keyboard' bus='ps2'/>"),
    ("", "<input type='keyboard'/>"),
    ("", "<controller type='ide'/>"),
    ("", "<controller type='sata'/>"),
    ("", "<controller type='pci' model='pcie-root'/>"),
    ("", "<controller type='pci' model='pci-root'/>"),
    ("", "<interface type='bridge'><mac address='52:54:00:11:22:09'/><source bridge='br0'/></interface>"
     + "<rng model='virtio'><backend model='builtin'/></rng><sound model='usb'/>"),
    ("", "<console type='pty'><target type='virtio'/></console><console type='pty'><target type='virtio'/></console>"),
    ("", "<console type='pty'><target type='sclp'/></console>"),
    ("", "<console type='pty'><target type='sclplm'/></console><console type='pty'/>"),
    ("<memoryBacking><source type='memfd'/></memoryBacking><iothreads>1</iothreads>",
     "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x5678'/></source></hostdev>"),
]  # fmt: skip

_VIRT = [
    ("", "<controller type='usb'/><controller type='usb' model='qemu-xhci'/>"),
    ("<cpu mode='maximum'/>", ""),
    ("<vcpu current='2'>4</vcpu><cpu><topology sockets='2' cores='2' threads='1'/></cpu>", ""),
    ("", "<tpm><backend type='emulator'/></tpm>"),
    ("", "<tpm model='tpm-tis'><backend type='emulator'/></tpm>"),
    ("", "<controller type='pci' index='1' model='pci-bridge'/>"),
    ("", _disks("vda virtio").replace("</disk>", "<address type='virtio-mmio'/></disk>") + _nets("virtio")),
    ("", "<serial type='pty'><target type='system-serial'><model name='pl011'/></target></serial><serial type='pty'/>"),
    ("", "<video><model type='bochs'/></video>"),
    ("", "<controller type='pci' index='1' model='pcie-expander-bus'/>"),
    ("<features><acpi/></features><os firmware='efi'><type arch='ARCH' machine='MACHINE'>hvm</type></os>",
     "<iommu model='virtio'/>"),
    ("<maxMemory slots='4' unit='MiB'>2048</maxMemory>"
     "<cpu><numa><cell id='0' cpus='0-1' memory='512' unit='MiB'/></numa></cpu>",
     "<memory model='dimm'><target><size unit='MiB'>256</size><node>0</node></target></memory>"),
]  # fmt: skip
ARM = [
    *_VIRT,
    ("<cpu mode='custom'><model>cortex-a57</model></cpu>", ""),
    ("<clock offset='utc'><timer name='armvtimer' tickpolicy='discard'/></clock>", ""),
]
_MDEV = (
    "<hostdev mode='subsystem' type='mdev' model='vfio-{}'><source>"
    "<address uuid='9063cba3-ecef-47b6-abcf-3fef4fdcad85'/></source></hostdev>"
)
S390 = [
    ("", _disks("vda virtio").replace("</disk>", "<address type='pci'><zpci uid='0x5' fid='0x8'/></address></disk>")),
    ("", _disks("vda virtio").replace("</disk>", "<address type='ccw' cssid='0xfe' ssid='0' devno='0x10'/></disk>")
     + _disks("vdb virtio")),
    ("", _MDEV.format("ccw") + _MDEV.format("ap").replace("9063", "9064")),
    ("", "<serial type='pty'><target type='sclp-serial'><model name='sclplmconsole'/></target></serial>"),
    ("<cpu mode='custom'><model>z14-base</model><feature policy='require' name='vx'/></cpu>", ""),
]  # fmt: skip
POWER = [
    ("", "<controller type='scsi' model='ibmvscsi'/>" + _disks("sda scsi", "sdb scsi")),
    ("", _nets("spapr-vlan", "virtio")),
    ("", "<serial type='pty'/><serial type='pty'><address type='spapr-vio' reg='0x30000000'/></serial>"),
    ("", "<panic><address type='isa' iobase='0x505'/></panic>"),
    ("<features><hpt resizing='disabled'><maxpagesize unit='KiB'>64</maxpagesize></hpt></features>", ""),
    ("", "<controller type='usb' model='pci-ohci'/><video><model type='qxl'/></video>"),
    ("", "<tpm model='spapr-tpm-proxy'><backend type='passthrough'><device path='/dev/tpmrm0'/></backend></tpm>"),
    ("", "<tpm><backend type='emulator'/></tpm>"),
    ("<cpu mode='custom'><model>POWER8</model></cpu>", ""),
]

#: architecture -> machine, what it alone has
MACHINES: "dict[str, tuple[str, list[tuple[str, str]]]]" = {
    "aarch64": ("virt", ARM),
    "s390x": ("s390-ccw-virtio", S390),
    "ppc64": ("pseries", POWER),
    "riscv64": ("virt", _VIRT),
}


def domain(name: str, number: int, arch: str, machine: str, beside: str, devices: str) -> str:
    lines = [f"<domain type='qemu'{QEMU}><name>{name}</name><uuid>{UUID.format(number)}</uuid>"]
    if "<memory unit" not in beside:
        lines.append("<memory unit='MiB'>512</memory>")
    if "<vcpu" not in beside:
        lines.append("<vcpu>2</vcpu>")
    if "<os>" not in beside and "<os " not in beside:
        lines.append(f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>")
    lines += [beside, "<devices>", devices, "</devices></domain>"]
    return "\n".join(lines).replace("MACHINE", machine).replace("ARCH", arch)


def families() -> "dict[str, str]":
    """name -> XML."""
    found: dict[str, str] = {}
    for arch, (machine, own) in MACHINES.items():
        for number, (beside, devices) in enumerate([*COMMON, *own]):
            name = f"{arch}-{number}"
            found[name] = domain(name, 0x2000 + len(found), arch, machine, beside, devices)
    # The same machine under another name.
    found["ppc64le-0"] = domain("ppc64le-0", 0x2000 + len(found), "ppc64le", "pseries", *COMMON[0])
    return found
