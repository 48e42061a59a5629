"""Scripts through virsh on libvirtd and through vsh without it; what may be done without privileges."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.nursery import unprivileged
from tests.live.side import Side, compare

#: What scripts do, and their mistakes: virsh on libvirtd and vsh without it say the same.
SCRIPTS = (
    "start same; domstate same; list --name; suspend same; domstate same --reason; list --all --name --id",
    "suspend same; resume same; domstate same --reason; resume same; start same",
    "undefine same; domstate same; dominfo same; define {xml}; destroy same; domstate same; destroy same; suspend same",
    "resume same; console same; list --all --name; list --state-running --name",
    "start same --paused; domstate same; resume same; list --state-paused --name; destroy same --graceful",
    "domstate nope; start nope; undefine nope; start same; undefine same; list --transient --name; destroy same",
    "create {xml}; create {xml}; dominfo same; autostart same; reset same; shutdown same --mode acpi; destroy same",
    "define {xml}; autostart same; dominfo same; list --autostart --name; autostart same --disable; start same",
    "managedsave same; domstate same --reason; list --all --managed-save; undefine same; start same",
    "domstate same --reason; save same {saved}; restore {saved}; domstate same --reason; destroy same",
    "start same; setmem same 4M; setmem same 64M; desc same --title New; desc same --title; destroy same",
    "attach-disk same {xml} vda --config; domblklist same; detach-disk same vda --config; domblklist same",
    "detach-disk same vdz --config",
    "dominfo same; define {xml}; dominfo same; dumpxml same; undefine same; undefine same; list --all --name",
)


def test_side_by_side_with_libvirtd(
    new_libvirtd: Callable[[], Libvirtd], side: Side, guests: Guests, uri: str, tmp_path: Path
) -> None:
    libvirtd = new_libvirtd()
    xml = tmp_path / "same.xml"
    text = guests.boot_sector("same").replace("<memory", "<uuid>6695eb01-f6a4-8304-79aa-97f2502e7777</uuid><memory")
    xml.write_text(text)
    answers = []
    for program, address in ((side.virsh, libvirtd.uri("qemu")), (side.vsh, uri)):
        program("-c", address, f"define {xml}")
        lines = [script.format(xml=xml, saved=libvirtd.directory / "same.save") for script in SCRIPTS]
        answers.append([program("-c", address, line) for line in lines])
    for script, theirs, ours in zip(SCRIPTS, *answers, strict=True):
        plain = [run._replace(stdout=_normal(run.stdout), stderr=_normal(run.stderr)) for run in (theirs, ours)]
        assert not compare(plain[0], plain[1], ["cpu-time"]), script


def _normal(text: str) -> str:
    """Without ids, which libvirtd counts for all tests."""
    text = re.sub(r"(?m)^(Id: +)\d+$", r"\1ID", text)
    text = re.sub(r"(?m)^(Security (model|DOI): .*\n)", "", text)
    return re.sub(r"(?m)^\d+( same)?$", r"ID\1", text)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
def test_as_nobody(side_nobody: Side, guests: Guests, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = Path(side_nobody.env["HOME"])
    xml = home / "n.xml"
    xml.write_text(guests.boot_sector("nobodys"))
    xml.chmod(0o644)
    uri = "qemu:///session?mode=direct"
    script = f"define {xml}; start nobodys; domstate nobodys; destroy nobodys; undefine nobodys; list --all --name"
    run = side_nobody.vsh("-q", "-c", uri, script)
    assert (run.stderr, run.stdout.split(), run.status) == ("", ["running"], 0)
    refused = side_nobody.vsh("-c", "qemu:///system?mode=direct", "list")
    assert refused.status == 1
    assert "needs root" in refused.stderr
    assert unprivileged()[0] == "setpriv"


def test_libvirts_own_domains_are_mentioned(side: Side, tmp_path_factory: pytest.TempPathFactory) -> None:
    """To whoever insists on this driver, once, and to nobody else."""
    home = tmp_path_factory.mktemp("h")
    env = {"XDG_CONFIG_HOME": str(home), "XDG_RUNTIME_DIR": str(home / "r"), "XDG_CACHE_HOME": str(home)}
    env |= {"XDG_DATA_HOME": str(home)}
    theirs = home / "libvirt/qemu"
    theirs.mkdir(parents=True)
    uri = "qemu:///session?mode=direct"
    assert side.vsh("-q", "-c", uri, "list --name", env=env).stderr == ""
    for name in ("one", "two"):
        (theirs / f"{name}.xml").write_text("<domain/>")
    run = side.vsh("-q", "-c", uri, "list --name; list --name", env=env)
    assert run.stderr.count(f"libvirt has 2 domains of its own in '{theirs}'") == 1 and run.status == 0
