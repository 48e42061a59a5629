"""A container of busybox for libvirt's LXC driver: prints a line, then echoes what is typed on its console."""

import shutil
from pathlib import Path

from tests.live.need import SYSTEM_PATH

CONTAINER_LINE = "CONTAINER READY"

INIT = f"""\
#!/bin/sh
echo '{CONTAINER_LINE}'
while read line; do echo "got $line"; done
"""

DOMAIN = """\
<domain type='lxc'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type>exe</type><init>/init</init></os>
  <devices>
    <filesystem type='mount'><source dir='{root}'/><target dir='/'/></filesystem>
    <console type='pty'/>
  </devices>
</domain>
"""


def container(name: str, folder: Path) -> str:
    """XML of a container whose files are made in `folder`."""
    root = folder / f"{name}-root"
    for part in ("bin", "dev", "etc", "proc", "sys"):
        (root / part).mkdir(parents=True)
    busybox = shutil.which("busybox", path=SYSTEM_PATH)
    assert busybox
    shutil.copy(busybox, root / "bin/busybox")
    for applet in ("cat", "hostname", "ls", "sh", "sleep"):
        (root / "bin" / applet).symlink_to("busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    return DOMAIN.format(name=name, root=root)
