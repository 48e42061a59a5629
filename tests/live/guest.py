"""Guests that boot in seconds without hardware virtualisation, and the XML that defines them.

`boot_sector`: 512 bytes that print a line on the serial console and echo what is typed; up in 0.2 s, idle without
load, so that a hundred can run. `linux`: Debian's kernel and a busybox shell on the serial console; up in 3 s.
"""

import fcntl
import gzip
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.live.need import SYSTEM_PATH, unavailable

BOOT_SECTOR_LINE = "BOOT SECTOR READY"
LINUX_LINE = "GUEST READY"
LINUX_PROMPT = "guest # "

INIT = f"""\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo '{LINUX_LINE}'
export PS1='{LINUX_PROMPT}'
# A session of its own makes the console a controlling terminal: Ctrl-C works. Leaving the shell powers off.
setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
poweroff -f
"""

DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
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
    <memballoon model='none'/>
  </devices>
</domain>
"""


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


class Guests:
    """Guest images in `directory`, which must be readable by the daemon's user, and domain XML for them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._sector = directory / "boot-sector.img"
        self._kernel = directory / "vmlinuz"
        self._initrd = directory / "initrd.gz"

    def boot_sector(self, name: str) -> str:
        """XML of a domain that prints BOOT_SECTOR_LINE and echoes what it is sent."""
        if not self._sector.exists():
            self._sector.write_bytes(boot_sector(f"{BOOT_SECTOR_LINE}\r\n"))
        disk = (
            f"<disk type='file' device='floppy'><driver name='qemu' type='raw'/><source file='{self._sector}'/>"
            "<target dev='fda' bus='fdc'/><readonly/></disk>"
        )
        return DOMAIN.format(name=name, memory=8, boot="<boot dev='fd'/>", disk=disk)

    def linux(self, name: str) -> str:
        """XML of a domain that prints LINUX_LINE, then serves a shell with LINUX_PROMPT.

        Without Debian's kernel, downloaded once with apt, the test is skipped (see `need`).
        """
        if not self._initrd.exists():
            try:
                shutil.copy(debian_kernel(), self._kernel)
            except RuntimeError as error:
                unavailable(f"no kernel for the guest: {error}")
            build_initrd(self._initrd)
        boot = (
            f"<kernel>{self._kernel}</kernel><initrd>{self._initrd}</initrd>"
            "<cmdline>console=ttyS0 quiet rdinit=/init</cmdline>"
        )
        return DOMAIN.format(name=name, memory=128, boot=boot, disk="")


def boot_sector(line: str) -> bytes:
    """A bootable sector that prints the ASCII `line` and echoes its input, by the listing above."""
    code = bytes.fromhex("".join(row[:15] for row in LISTING.splitlines()))
    return (code + line.encode("ascii") + b"\0").ljust(510, b"\0") + b"\x55\xaa"


def build_initrd(target: Path) -> None:
    """Write a compressed initramfs of busybox and a start script to `target`."""
    busybox = shutil.which("busybox", path=SYSTEM_PATH)
    if busybox is None:
        raise RuntimeError("busybox-static is not installed")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("bin", "dev", "proc", "sys"):
            (root / folder).mkdir()
        shutil.copy(busybox, root / "bin/busybox")
        for applet in _run([busybox, "--list"], cwd=root).decode().split():
            if applet != "busybox":
                (root / "bin" / applet).symlink_to("busybox")
        (root / "init").write_text(INIT)
        (root / "init").chmod(0o755)
        files = "".join(f"{path.relative_to(root)}\n" for path in sorted(root.rglob("*")))
        archive = _run([busybox, "cpio", "-o", "-H", "newc", "-R", "0:0"], cwd=root, stdin=files.encode())
    target.write_bytes(gzip.compress(archive, 1))


def debian_kernel() -> Path:
    """Debian's newest cloud kernel, downloaded once with apt into the user's cache. Raises RuntimeError."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "vsh-tests"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernels = sorted(cache.glob("vmlinuz-*-cloud-amd64"))
        return kernels[-1] if kernels else _download_kernel(cache)


def _download_kernel(cache: Path) -> Path:
    depends = _run(["apt-cache", "depends", "linux-image-cloud-amd64"], cwd=cache).decode().split()
    packages = [word for word in depends if word.startswith("linux-image-") and word[12].isdigit()]
    if not packages:
        raise RuntimeError("apt knows no linux-image-cloud-amd64")
    with tempfile.TemporaryDirectory(dir=cache) as name:
        folder = Path(name)
        _run(["apt-get", "download", packages[0]], cwd=folder)
        package = next(folder.glob("*.deb"))
        _run(["dpkg", "-x", str(package), "."], cwd=folder)
        kernel = next(folder.glob("boot/vmlinuz-*"))
        return kernel.rename(cache / kernel.name)


def _run(argv: list[str], cwd: Path, stdin: bytes = b"") -> bytes:
    done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv[:2])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
