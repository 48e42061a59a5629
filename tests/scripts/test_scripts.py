"""Each script beside this file does the same with virsh and with vsh under virsh's name."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Run, Side, compare

SCRIPTS = sorted(Path(__file__).parent.glob("*.sh"))
DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name><title>Web server {name}</title><memory>32768</memory><vcpu>1</vcpu>
  <os><type>hvm</type></os>
  <devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk></devices>
</domain>
"""


@pytest.fixture(scope="module")
def domains(side: Side, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A host of these scripts' own, with domains that can be started; its URI."""
    need("libvirtd", "setpriv")
    folder = tmp_path_factory.mktemp("domains")
    with Libvirtd() as daemon:
        uri = daemon.uri("qemu")
        for name in ("web1", "web2", "db-1"):
            path = folder / f"{name}.xml"
            path.write_text(DOMAIN.format(name=name))
            assert side.virsh("-c", uri, "define", str(path)).status == 0
        yield uri


@pytest.fixture
def as_virsh(tmp_path: Path) -> Path:
    """A folder in which virsh is vsh."""
    program = tmp_path / "virsh"
    program.write_text(f"#!{sys.executable}\nfrom vsh.entry import run\n\nrun()\n")
    program.chmod(0o755)
    return tmp_path


def run(side: Side, script: Path, uri: str, folder: str) -> Run:
    env = {**side.env, "PATH": f"{folder}{os.pathsep}{side.env['PATH']}", "VIRSH_DEFAULT_CONNECT_URI": uri}
    argv = ["bash", str(script)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=100, check=False)
    return Run(done.stdout, done.stderr, done.returncode)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(side: Side, domains: str, as_virsh: Path, script: Path) -> None:
    wanted = run(side, script, domains, "/nonexistent")
    assert wanted.stdout.count("\n") > 3
    seen = run(side, script, domains, str(as_virsh))
    assert not (difference := compare(wanted, seen)), difference
