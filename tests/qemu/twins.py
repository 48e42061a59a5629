"""The same command lines on libvirtd and on this driver, with the same guest and images."""

import difflib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from lxml import etree

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.backends import api
from vsh.backends.records import DomainRef

DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}/{}.qcow2'/>"
    "<target dev='{}' bus='virtio'/></disk>"
)
UUID = "6695eb01-f6a4-8304-79aa-97f2502e7777"
#: What differs between two runs, or is not of this driver's making: (pattern, replacement).
_MOMENTARY = (
    (r"(?<=Time>)\d+", "T"),
    (r" index='\d+'(?=>\n +<driver type='qcow2'/>\n +<scratch)", ""),
    (r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d( \+0000)?", "TIME"),
    (r"(?m)^ \d+ +g ", " ID g "),
    (r"(?s) *<(resource|cookie|seclabel|cpu)\b.*?</\1>\n", ""),
    (r"(?<=<domain type='qemu') id='\d+'", ""),
    (r"/dev/pts/\d+", "PTS"),
    (r"(?s) *<controller [^/]*?>.*?</controller>\n| *<controller [^>]*/>\n", ""),
    (r"(\n(Block|Active)[ \w]+: \[ *\d+ %\])+", ""),
    (r"(?m) +$", ""),
)


def disks(folder: Path) -> str:
    """Two disks on images in `folder`."""
    return DISK.format(folder, "a", "vda") + DISK.format(folder, "b", "vdb")


def make_images(folder: Path) -> None:
    """Empty images for them."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    for path in folder.iterdir():
        path.unlink()
    for name in ("a", "b"):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / f"{name}.qcow2", "16M"], check=True)
        (folder / f"{name}.qcow2").chmod(0o666)


class Twins:
    """One guest `g` of two disks, defined on both sides one after the other."""

    def __init__(self, side: Side, libvirtd: Libvirtd, guests: Guests, uri: str, folder: Path):
        self.side = side
        self.folder = folder
        self.sides = ((side.virsh, libvirtd.uri("qemu")), (side.vsh, uri))
        xml = guests.boot_sector("g").replace("<memory", f"<uuid>{UUID}</uuid><memory", 1)
        self.xml = folder.parent / "g.xml"
        self.xml.write_text(xml.replace("<controller", disks(folder) + "<controller", 1))

    def same(self, script: str) -> str:
        """Run the script's lines through both, `%` being the folder of images; what vsh said, which is what virsh did.

        Lines that begin with `!` are run by the shell, in that folder.
        """
        said = []
        for program, uri in self.sides:
            make_images(self.folder)
            program("-c", uri, "define", str(self.xml))
            try:
                said.append("".join(self._run(program, uri, line.strip()) for line in script.strip().splitlines()))
            finally:
                program("-c", uri, "destroy g")
                program("-c", uri, "undefine g --snapshots-metadata --checkpoints-metadata --managed-save")
        wanted, seen = said
        different = "\n".join(difflib.unified_diff(wanted.splitlines(), seen.splitlines(), "virsh", "vsh", n=6))
        assert not different, f"\n{different}"
        return seen

    def _run(self, program: object, uri: str, line: str) -> str:
        line = line.replace("%", str(self.folder))
        if line.startswith("!"):
            argv = ["sh", "-c", line[1:]]
            done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, timeout=30)
            text = done.stdout + done.stderr
        else:
            run = program("-c", uri, line)  # type: ignore[operator]
            text = run.stdout + run.stderr
        for pattern, replacement in _MOMENTARY:
            text = re.sub(pattern, replacement, text)
        return f"$ {line}\n{text}\n"


def write(path: Path, pattern: int) -> None:
    argv = ["qemu-io", "-f", "qcow2", "-c", f"write -P {pattern} 0 64k", str(path)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def read(path: Path) -> int:
    """The byte that an image's first 64 KiB are full of."""
    raw = path.with_suffix(".raw")
    subprocess.run(["qemu-img", "convert", "-U", "-O", "raw", str(path), str(raw)], check=True)
    data = raw.read_bytes()[:65536]
    raw.unlink()
    assert len(set(data)) == 1
    return data[0]


def sources(conn: api.Connection, ref: DomainRef, flags: int = 0) -> list[Path]:
    tree = etree.fromstring(conn.domain_get_xml_desc(ref, flags))
    return [Path(str(found)) for found in tree.xpath("devices/disk[starts-with(target/@dev, 'vd')]/source/@file")]


def backing(path: Path) -> list[str]:
    argv = ["qemu-img", "info", "-U", "--backing-chain", "--output=json", str(path)]
    told: list[dict[str, Any]] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return [Path(image["filename"]).name for image in told]


def fill(conn: api.Connection, ref: DomainRef, pattern: int) -> None:
    """Let a running guest's first disk begin with 64 KiB of a byte, which QEMU writes through."""
    for command in (f"write -P {pattern} 0 64k", "flush"):
        said = conn.qemu_domain_monitor_command(
            ref, f'qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "{command}"', 1
        )
        assert "rror" not in said, said
