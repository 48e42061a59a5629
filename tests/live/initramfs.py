"""A small Linux for guests: Debian's kernel, and an initramfs of busybox and perhaps QEMU's guest agent."""

import fcntl
import gzip
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.live.need import SYSTEM_PATH

LINUX_LINE = "GUEST READY"
LINUX_PROMPT = "guest # "

INIT = f"""\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
test -x /agent && /agent
echo '{LINUX_LINE}'
export PS1='{LINUX_PROMPT}'
# A session of its own makes the console a controlling terminal: Ctrl-C works. Leaving the shell powers off.
setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
poweroff -f
"""

# The agent calls shutdown(8), chpasswd(8) and hwclock(8); busybox has only the last.
AGENT = """\
#!/bin/sh
while read module; do insmod $module; done </modules/list
hostname tiny
mke2fs -L data /dev/vda >/dev/null
mount /dev/vda /data
qemu-ga -d -m virtio-serial -p /dev/vport0p1 -t /run -f /run/agent.pid
"""
SHUTDOWN = """\
#!/bin/sh
case "$*" in *-r*) reboot -f;; *) poweroff -f;; esac
"""
CHPASSWD = """\
#!/bin/sh
while read line; do echo "$*$line"; done >>/etc/passwords
"""
#: What is not part of Debian's cloud kernel, in the order of loading.
MODULES = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_console",
    "virtio_blk",
]


def kernel() -> Path:
    """The kernel's image. Raises RuntimeError when it cannot be had."""
    return next(_kernel_package().glob("boot/vmlinuz-*"))


def build(target: Path, *, agent: bool = False) -> None:
    """Write a compressed initramfs of busybox and a start script to `target`. Raises RuntimeError."""
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
        _script(root / "init", INIT)
        if agent:
            _add_agent(root)
        files = "".join(f"{path.relative_to(root)}\n" for path in sorted(root.rglob("*")))
        archive = _run([busybox, "cpio", "-o", "-H", "newc", "-R", "0:0"], cwd=root, stdin=files.encode())
    target.write_bytes(gzip.compress(archive, 1))


def _add_agent(root: Path) -> None:
    for folder in ("data", "etc", "lib", "lib64", "modules", "root", "run", "sbin", "var/run"):
        (root / folder).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "sbin/hwclock").symlink_to("../bin/busybox")
    for path, text in (("agent", AGENT), ("sbin/shutdown", SHUTDOWN), ("bin/chpasswd", CHPASSWD)):
        _script(root / path, text)
    for module in MODULES:
        shutil.copy(next(_kernel_package().rglob(f"{module}.ko")), root / "modules")
    (root / "modules/list").write_text("".join(f"/modules/{module}.ko\n" for module in MODULES))
    program = _unpacked("qemu-guest-agent") / "usr/sbin/qemu-ga"
    shutil.copy(program, root / "bin")
    for word in _run(["ldd", str(program)], cwd=root).decode().split():
        if word.startswith("/"):
            shutil.copy(word, root / word[1:].split("/")[0] / os.path.basename(word))


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _kernel_package() -> Path:
    depends = _run(["apt-cache", "depends", "linux-image-cloud-amd64"], cwd=Path("/")).decode().split()
    packages = [word for word in depends if word.startswith("linux-image-") and word[12].isdigit()]
    if not packages:
        raise RuntimeError("apt knows no linux-image-cloud-amd64")
    return _unpacked(packages[0])


def _unpacked(package: str) -> Path:
    """The files of a Debian package, downloaded once with apt into the user's cache. Raises RuntimeError."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "vsh-tests"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / package).exists():
            with tempfile.TemporaryDirectory(dir=cache) as name:
                folder = Path(name)
                _run(["apt-get", "download", package], cwd=folder)
                _run(["dpkg", "-x", str(next(folder.glob("*.deb"))), "unpacked"], cwd=folder)
                (folder / "unpacked").rename(cache / package)
    return cache / package


def _run(argv: list[str], cwd: Path, stdin: bytes = b"") -> bytes:
    done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv[:2])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
