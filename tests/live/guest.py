"""Guests that boot in seconds without hardware virtualisation, and the XML that defines them.

`boot_sector`: 512 bytes that print a line on the serial console and echo what is typed; up in 0.2 s, idle without
load, so that a hundred can run. `linux`: Debian's kernel and a busybox shell on the serial console; up in 3 s. `agent`:
the same with QEMU's guest agent and a disk.
"""

import shutil
from pathlib import Path

from tests.live import initramfs
from tests.live.need import unavailable
from tests.live.terminal import Terminal

BOOT_SECTOR_LINE = "BOOT SECTOR READY"

DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    {boot}
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    {disk}
    <controller type='usb' model='none'/>
    <serial type='pty'/>
    <console type='pty'/>
    <memballoon model='none'/>{more}
  </devices>
</domain>
"""

#: A disk of 16 MiB that the guest makes a file system on, and the agent's line.
AGENT_DEVICES = """
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' discard='unmap'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"""


# 8086 machine code, loaded by the BIOS at 0x7c00. COM1 is a 16550 UART at 0x3f8, IRQ 4, interrupt vector 0x0c.
LISTING = """\
fa             cli
fc             cld
31 c0          xor ax, ax
8e d8          mov ds, ax
8e d0          mov ss, ax
bc 00 7c       mov sp, 0x7c00
c7 06 30 00    mov word [0x30], echo
3a 7c
a3 32 00       mov [0x32], ax
be 52 7c       mov si, line
ba f8 03       mov dx, 0x3f8
ac             next: lodsb
84 c0          test al, al
74 03          jz done
ee             out dx, al
eb f8          jmp next
ba f9 03       done: mov dx, 0x3f9      ; interrupt when a byte was received
b0 01          mov al, 1
ee             out dx, al
ba fa 03       mov dx, 0x3fa            ; queues of 16 bytes
ee             out dx, al
ba fc 03       mov dx, 0x3fc            ; DTR, RTS, interrupts out
b0 0b          mov al, 0x0b
ee             out dx, al
b0 ef          mov al, 0xef             ; no interrupt but IRQ 4: no load while idle
e6 21          out 0x21, al
fb             sti
f4             idle: hlt
eb fd          jmp idle
50             echo: push ax            ; at 0x7c3a
52             push dx
ba fd 03       more: mov dx, 0x3fd      ; is there a byte?
ec             in al, dx
a8 01          test al, 1
74 07          jz done
ba f8 03       mov dx, 0x3f8
ec             in al, dx
ee             out dx, al
eb f1          jmp more
b0 20          done: mov al, 0x20       ; end of interrupt
e6 20          out 0x20, al
5a             pop dx
58             pop ax
cf             iret                     ; the line follows, at 0x7c52
"""


def await_boot_sector(terminal: Terminal) -> None:
    """Wait until a guest that was started with its console has begun, which it may have done before the console was
    joined: then its line is never shown."""
    try:
        terminal.expect(f"{BOOT_SECTOR_LINE}\r\n", 5)
    except AssertionError:
        pass


class Guests:
    """Guest images in `directory`, which must be readable by the daemon's user, and domain XML for them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._sector = directory / "boot-sector.img"
        self._kernel = directory / "vmlinuz"

    def boot_sector(self, name: str) -> str:
        """XML of a domain that prints BOOT_SECTOR_LINE and echoes what it is sent."""
        if not self._sector.exists():
            self._sector.write_bytes(boot_sector(f"{BOOT_SECTOR_LINE}\r\n"))
        disk = (
            f"<disk type='file' device='floppy'><driver name='qemu' type='raw'/><source file='{self._sector}'/>"
            "<target dev='fda' bus='fdc'/><readonly/></disk>"
        )
        return DOMAIN.format(name=name, memory=8, vcpus=1, boot="<boot dev='fd'/>", disk=disk, more="")

    def linux(self, name: str) -> str:
        """XML of a domain that prints LINUX_LINE, then serves a shell with LINUX_PROMPT.

        Without Debian's kernel, downloaded once with apt, the test is skipped (see `need`).
        """
        boot = self._boot("initrd.gz", agent=False)
        return DOMAIN.format(name=name, memory=128, vcpus=1, boot=boot, disk="", more="")

    def agent(self, name: str) -> str:
        """The same with two vCPUs and a guest agent, which answers when LINUX_LINE is printed. Mounted on /data is an
        ext2 file system on the disk vda. The agent can shut down, suspend, and set passwords, which are written to
        /etc/passwords.
        """
        boot = self._boot("initrd-agent.gz", agent=True)
        disk = self.directory / f"{name}.img"
        with disk.open("wb") as file:
            file.truncate(16 << 20)
        disk.chmod(0o666)
        more = AGENT_DEVICES.format(disk=disk)
        return DOMAIN.format(name=name, memory=192, vcpus=2, boot=boot, disk="", more=more)

    def _boot(self, name: str, agent: bool) -> str:
        initrd = self.directory / name
        if not initrd.exists():
            try:
                shutil.copy(initramfs.kernel(), self._kernel)
                initramfs.build(initrd, agent=agent)
            except RuntimeError as error:
                unavailable(f"no Linux for the guest: {error}")
        return (
            f"<kernel>{self._kernel}</kernel><initrd>{initrd}</initrd>"
            "<cmdline>console=ttyS0 quiet rdinit=/init</cmdline>"
        )


def boot_sector(line: str) -> bytes:
    """A bootable sector that prints the ASCII `line` and echoes its input, by the listing above."""
    code = bytes.fromhex("".join(row[:15] for row in LISTING.splitlines()))
    return (code + line.encode("ascii") + b"\0").ljust(510, b"\0") + b"\x55\xaa"
