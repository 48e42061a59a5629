"""Domains of all kinds that this driver completes: name -> XML."""

UUID = "6695eb01-f6a4-8304-79aa-97f2502e{:04x}"
QEMU = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"


def _mac(number: int) -> str:
    return f"<mac address='52:54:00:11:22:{number:02x}'/>"


def _nets(*models: str) -> str:
    each = "<interface type='user'>{}<model type='{}'/></interface>"
    return "".join(each.format(_mac(i), model) for i, model in enumerate(models))


def _disks(count: int) -> str:
    each = "<disk type='file'><source file='/tmp/d{}'/><target dev='vd{}' bus='virtio'/></disk>"
    return "".join(each.format(i, chr(97 + i)) for i in range(count))


def _usb2() -> str:
    models = ("ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3")
    return "".join(f"<controller type='usb' model='{model}'/>" for model in models)


def _pci(slot: int, bus: int = 0) -> str:
    return f"<address type='pci' domain='0' bus='{bus}' slot='{slot}' function='0'/>"


#: (devices, what stands beside them): for each machine; {cdrom} is a drive's target.
SNIPPETS: "list[tuple[str, str]]" = [
    ("", ""),
    ("<sound model='ac97'/><graphics type='spice'/><video><model type='qxl'/></video>"
     "<video><model type='virtio'/></video><controller type='usb'/>",
     "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>"),
    ("<graphics type='sdl'/>" + _nets("e1000e", "vmxnet3") + _usb2() + "<input type='tablet'/><hub type='usb'/>",
     "<cpu mode='custom'><model>Nehalem</model></cpu>"),
    ("<graphics type='spice'><listen type='none'/></graphics><input type='tablet'/><sound model='ich9'/>"
     "<video><model type='bochs'/></video><shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
     "<input type='tablet' bus='virtio'/><serial type='pty'><target type='pci-serial'/></serial><panic/>"
     "<redirdev bus='usb' type='spicevmc'/>"
     "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
     "<cpu mode='maximum'/>"),
    (_disks(26), ""),
    (_disks(26) + _nets(*["virtio"] * 10), ""),
    ("<disk type='file' device='cdrom'><source file='/tmp/c.iso'/><target {cdrom}/></disk>"
     "<disk type='block'><driver name='qemu' type='raw' cache='none' io='native' discard='unmap'"
     " detect_zeroes='unmap'/><source dev='/dev/zero'/><target dev='sda' bus='scsi'/><serial>S1</serial></disk>"
     "<controller type='scsi' model='virtio-scsi'/>"
     "<disk type='file'><driver name='qemu' type='qcow2' error_policy='stop'/><source file='/tmp/q'/>"
     "<target dev='sdb' bus='usb'/></disk>"
     "<disk type='file' device='floppy'><source file='/tmp/f'/><target dev='fda'/></disk>",
     "<os><type arch='x86_64' machine='MACHINE'>hvm</type><boot dev='cdrom'/><boot dev='hd'/>"
     "<bootmenu enable='yes' timeout='3000'/></os>"),
    ("<disk type='file'><source file='/tmp/d'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>"
     "<interface type='user'>" + _mac(3) + "<model type='virtio'/><boot order='2'/></interface>"
     "<graphics type='vnc' port='5901' listen='127.0.0.1'/><graphics type='spice' autoport='yes'/>"
     "<sound model='es1370'/><watchdog model='ib700' action='poweroff'/><video><model type='none'/></video>", ""),
    ("<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
     "<console type='pty'><target type='virtio'/></console>"
     "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='4555'/><protocol type='telnet'/></serial>"
     "<serial type='file'><source path='/tmp/ser'/><target type='usb-serial'/></serial>"
     "<parallel type='file'><source path='/tmp/par'/></parallel>"
     "<rng model='virtio'><backend model='builtin'/><rate bytes='1024' period='1000'/></rng>"
     "<memballoon model='virtio' autodeflate='on'><stats period='10'/></memballoon>", ""),
    ("<controller type='pci' model='pcie-root-port'/>", ""),
    ("<console type='pty'/><graphics type='vnc'/>", ""),
    ("<controller type='usb' model='none'/><memballoon model='none'/><serial type='pty'/><console type='pty'/>",
     "<features><acpi/><apic/><pae/><hyperv><relaxed state='on'/><vapic state='on'/>"
     "<spinlocks state='on' retries='8191'/></hyperv><vmport state='off'/></features><clock offset='localtime'>"
     "<timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/>"
     "</clock><on_reboot>destroy</on_reboot><os><type arch='x86_64' machine='MACHINE'>hvm</type>"
     "<kernel>/tmp/vmlinuz</kernel><initrd>/tmp/initrd</initrd><cmdline>console=ttyS0 a,b=c</cmdline></os>"),
    ("",
     "<cpu mode='custom' match='exact'><model>Skylake-Client</model><topology sockets='1' dies='1' cores='4'"
     " threads='1'/><feature policy='disable' name='hle'/><feature policy='require' name='vmx'/><numa>"
     "<cell id='0' cpus='0-1' memory='32' unit='MiB'/><cell id='1' cpus='2-3' memory='32' unit='MiB'/></numa></cpu>"
     "<vcpu current='2'>4</vcpu><memoryBacking><source type='file'/><access mode='shared'/></memoryBacking>"),
    ("<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>",
     "<cpu mode='custom'><model>Nehalem</model><numa><cell id='0' cpus='0-1' memory='256' unit='MiB'/></numa></cpu>"
     "<maxMemory slots='4' unit='MiB'>2048</maxMemory><memory unit='MiB'>384</memory>"),
    ("", "<qemu:commandline><qemu:arg value='-name'/><qemu:arg value='x,y'/><qemu:env name='A' value='b'/>"
     "</qemu:commandline>"),
    ("<filesystem type='mount'><source dir='/tmp'/><target dir='tag'/></filesystem>"
     "<video><model type='virtio'/></video><graphics type='vnc' port='-1'/>"
     "<input type='keyboard' bus='usb'/><input type='mouse' bus='usb'/>"
     "<input type='tablet' bus='usb'/><sound model='ich6'><codec type='micro'/></sound><sound model='usb'/>",
     "<iothreads>2</iothreads><pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>"),
    ("<interface type='user'>" + _mac(7) + "<model type='virtio'/>" + _pci(16) + "</interface>"
     "<disk type='file'><source file='/tmp/d'/><target dev='vda' bus='virtio'/>" + _pci(2) + "</disk>", ""),
    ("<interface type='user'>" + _mac(7) + "<model type='virtio'/>" + _pci(3) + "</interface>"
     "<interface type='user'>" + _mac(8) + "<model type='virtio'/>" + _pci(3) + "</interface>", ""),
    ("<disk type='file'><source file='/tmp/d'/><target dev='hda' bus='ide'/></disk>", ""),
    ("<video><model type='vga' vram='32768'/></video><smartcard mode='passthrough' type='spicevmc'/>"
     "<graphics type='spice'/>", ""),
    ("<hub type='usb'/><hub type='usb'/>" + "<input type='tablet' bus='usb'/>" * 12, ""),
    ("<iommu model='intel'/>", "<features><ioapic driver='qemu'/></features>"),
    ("<interface type='bridge'>" + _mac(9) + "<source bridge='br0'/></interface>"
     "<interface type='network'>" + _mac(10) + "<source network='default'/><model type='virtio'/></interface>"
     "<vsock model='virtio'><cid auto='no' address='5'/></vsock>", ""),
    ("", "<os><type arch='x86_64' machine='MACHINE'>hvm</type><bios useserial='yes' rebootTimeout='5'/></os>"),
    ("<serial type='pty'/>",
     "<os><type arch='x86_64' machine='MACHINE'>hvm</type><bios useserial='yes' rebootTimeout='5'/>"
     "<smbios mode='sysinfo'/></os><sysinfo type='smbios'><system><entry name='manufacturer'>A,B</entry></system>"
     "</sysinfo><title>Title</title><description>d</description><metadata><a:b xmlns:a='urn:x'>t</a:b></metadata>"),
    ("", "<os><type arch='x86_64' machine='MACHINE'>hvm</type><loader readonly='yes' type='pflash'>/c.fd</loader>"
     "<nvram>/tmp/vars.fd</nvram></os>"),
    ("<disk type='file' device='floppy'><source file='/tmp/f'/><target dev='fda'/></disk>",
     "<os><type arch='x86_64' machine='MACHINE'>hvm</type><boot dev='fd'/></os>"),
    ("<graphics type='vnc' port='-1'/><graphics type='spice'/><sound model='ich6'/>", ""),
    ("<controller type='pci' model='pci-root'/><controller type='pci' index='3' model='pci-bridge'/>" + _disks(2), ""),
    ("<controller type='pci' model='pcie-root'/><controller type='pci' index='5' model='pcie-root-port'/>"
     + _nets("virtio", "e1000"), ""),
    ("<controller type='usb' model='nec-xhci' ports='8'/>" + "<input type='tablet' bus='usb'/>" * 10
     + "<controller type='virtio-serial' index='0' ports='4'/>"
     + "".join(f"<channel type='unix'><target type='virtio' name='c{i}'/></channel>" for i in range(5)), ""),
    ("<rng model='virtio-transitional'><backend model='random'/></rng>" + _nets("virtio-non-transitional")
     + "<disk type='file'><source file='/tmp/d'/><target dev='vda' bus='virtio'/></disk>"
     "<controller type='scsi' model='virtio-transitional'/><memballoon model='virtio-non-transitional'/>", ""),
]  # fmt: skip


def domain(name: str, number: int, machine: str, devices: str, beside: str) -> str:
    """A domain of a machine: `devices`, and what stands `beside` them."""
    lines = [f"<domain type='qemu'{QEMU}>", f"<name>{name}</name><uuid>{UUID.format(number)}</uuid>"]
    if "<memory unit" not in beside:
        lines.append("<memory unit='MiB'>64</memory>")
    if "<vcpu" not in beside:
        lines.append("<vcpu>2</vcpu>")
    if "<os>" not in beside and "<os " not in beside:
        lines.append("<os><type arch='x86_64' machine='MACHINE'>hvm</type></os>")
    lines += [beside, "<devices>", devices, "</devices></domain>"]
    return "\n".join(lines).replace("MACHINE", machine)


def documents() -> "dict[str, str]":
    """Each snippet as a domain of each machine."""
    found = {}
    for machine, cdrom in (("pc", "dev='hdc' bus='ide'"), ("q35", "dev='sdc' bus='sata'")):
        for number, (devices, beside) in enumerate(SNIPPETS):
            name = f"{machine}-{number}"
            found[name] = domain(name, len(found) + 1, machine, devices.replace("{cdrom}", cdrom), beside)
    return found
