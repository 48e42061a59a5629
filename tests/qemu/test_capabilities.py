"""What host and QEMU can do, and CPUs: as libvirtd tells of the same machine."""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Side
from tests.qemu.conftest import Beside
from vsh.backends import cpus
from vsh.backends.errors import VirtError
from vsh.backends.hosts import Finished
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.host import capabilities
from vsh.backends.qemu.host.machine import Machine

HOST = """
nodecpumap
nodecpumap --pretty
nodecpustats 9
nodecpustats -- -2
nodememstats 5
freecell 5
freecell -- -1
freepages 0 2M
freepages 9 4
freepages 0 5
allocpages 3M 1
allocpages 4 1
allocpages 4 1 5
nodesuspend mem 60
nodesuspend hybrid 60
nodesuspend foo 60
node-memory-tune
maxvcpus foo
version
cpu-models x86_64
cpu-models riscv64
cpu-models aarch64
cpu-models foo
"""
#: CPUs, some of which make no sense.
ODD = [
    "<cpu/>", "<cpu><model>Foo</model></cpu>", "<cpu match='exact'><model>Nehalem</model></cpu>",
    "<cpu><arch>x86_64</arch><model>kvm64</model></cpu>", "<cpu match='strict'><model>kvm64</model></cpu>",
    "<cpu match='exact'><arch>x86_64</arch><model>kvm64</model></cpu>", "<cpu mode='host-passthrough'/>",
    "<cpu><arch>ppc64</arch><model>POWER8</model></cpu>", "<cpu><model>EPYC-Milan</model></cpu>",
    "<cpu><model>kvm64</model><vendor>Intel</vendor></cpu>", "<cpu><arch>i686</arch><model>kvm32</model></cpu>",
    "<cpu><model>kvm64</model><feature policy='forbid' name='sse2'/></cpu>",
    "<cpu><model>kvm64</model><feature policy='require' name='xyz'/></cpu>",
    "<cpu><model>kvm64</model><feature policy='disable' name='vmx'/><feature policy='optional' name='svm'/></cpu>",
    "<cpu><model>Haswell</model><feature policy='force' name='hle'/></cpu>", "<cpu mode='custom'/>",
    "<cpu><topology sockets='1' cores='1' threads='1'/></cpu>",
]  # fmt: skip
#: <domainCapabilities> that can be had, and cannot.
OFFERED = """
domcapabilities --virttype qemu
domcapabilities --virttype qemu --machine q35
domcapabilities --virttype qemu --machine microvm
domcapabilities --virttype qemu --machine isapc
domcapabilities --arch i686 --emulatorbin /usr/bin/qemu-system-x86_64
domcapabilities --machine none
domcapabilities --virttype foo
domcapabilities --virttype xen
domcapabilities --virttype hvf
domcapabilities --arch aarch64 --machine virt
domcapabilities --arch riscv64
domcapabilities --arch s390x
domcapabilities --arch ppc64
domcapabilities --arch ppc64le
domcapabilities --arch foo
domcapabilities --emulatorbin /nope
domcapabilities --emulatorbin qemu-system-x86_64
domcapabilities --emulatorbin /usr/bin/qemu-system-i386
maxvcpus qemu
"""
HYPERVISOR = [
    "<cpu><model>Nehalem</model></cpu>", "<cpu><model>Haswell</model></cpu>", "<cpu><model>Foo</model></cpu>", "<cpu/>",
    "<cpu><model>Haswell</model></cpu><cpu><model>EPYC</model></cpu>", "<cpu mode='host-passthrough'/>",
    "<cpu><arch>x86_64</arch><model>EPYC</model></cpu>", "<cpu match='strict'><model>Nehalem</model></cpu>",
]  # fmt: skip


def test_the_host_as_libvirtd_tells(beside: Beside, root: Path) -> None:
    lines = [line for line in HOST.splitlines() if line]
    for number, cpu in enumerate(ODD):
        file = root / f"{number}"
        file.write_text(cpu)
        lines += [f"cpu-compare {file}", f"cpu-compare {file} --error"]
    beside.same(*lines)


def test_capabilities(side: Side, libvirtd: Libvirtd, uri: str) -> None:
    told = side.virsh("-c", libvirtd.uri("qemu"), "capabilities").stdout
    shown = side.vsh("-c", uri, "capabilities").stdout
    told = told.replace("        <uri_transport>rdma</uri_transport>\n", "")
    # Without firmware that tells it libvirtd takes another number at each start; KVM depends on whom one asks as.
    theirs, ours = (re.sub(" *(<uuid>.*|<domain type='kvm'/>)\n", "", text) for text in (told, shown))
    assert ours == theirs


def test_hypervisors(beside: Beside, root: Path) -> None:
    lines = [line for line in OFFERED.splitlines() if line]
    for number, cpu in enumerate(HYPERVISOR):
        file = root / f"{number}"
        file.write_text(cpu)
        lines += [f"hypervisor-cpu-compare {file} qemu --error", f"hypervisor-cpu-baseline {file} qemu --features"]
        lines += [f"hypervisor-cpu-baseline {file} qemu --migratable"]
    lines += [f"hypervisor-cpu-baseline {root}/0 xen", f"hypervisor-cpu-compare {root}/0 --arch aarch64"]
    beside.same(*lines)


def test_models_that_guests_can_have(side: Side, uri: str) -> None:
    def models(*more: str) -> list[dict[str, object]]:
        run = side.vsh("--format=json", "-c", uri, "hypervisor-cpu-models", "--virttype", "qemu", *more)
        found: list[dict[str, object]] = json.loads(run.stdout)["result"]["models"]
        return found

    usable, every = models(), models("--all")
    assert {"name": "qemu64", "usable": True} in usable and {"name": "Icelake-Server", "usable": False} in every
    assert usable == [model for model in every if model["usable"]]


def test_what_cpus_have_in_common(side: Side, root: Path) -> None:
    """The model that libvirt chooses, for CPUs of any kind: thousands were compared, some are here."""
    chance, cases = random.Random(7), []
    models, features = list(cpus.models()), list(cpus.PLACES)
    for _ in range(40):
        made = []
        for _ in range(chance.choice([1, 2, 2, 3])):
            vendor = chance.choice(["", "", "<vendor>Intel</vendor>", "<vendor>AMD</vendor>"])
            more = chance.sample(features, chance.choice([0, 1, 8]))
            parts = [f"<model>{chance.choice(models)}</model>", vendor, *(f"<feature name='{name}'/>" for name in more)]
            made.append(f"<cpu><arch>x86_64</arch>{''.join(parts)}</cpu>")
        cases.append("\n".join(made))
    cases += [*ODD, "<cpu><arch>x86_64</arch></cpu>", "<cpu><arch>foo</arch><model>Nehalem</model></cpu>"]
    cases += [
        "<cpu><arch>x86_64</arch><model>Nehalem</model><vendor>Foo</vendor></cpu>",
        "<cpu><arch>s390x</arch><model>z13</model></cpu>",
    ]
    lines = ""
    for number, text in enumerate(cases):
        file = root / f"{number}"
        file.write_text(text)
        lines += f"cpu-baseline {file}\n" + f"cpu-baseline {file} --features\n" * (number % 8 == 0)
    lines += "cpu-baseline /nonexistent\n"
    side.assert_same("-c", "test:///default", stdin=lines)


class Busy(LocalHost):
    """A machine on which QEMU comes to its end before it has answered, `failures` times."""

    def __init__(self, failures: int):
        super().__init__()
        self.failures = failures
        self.runs = 0

    def run(self, argv, stdin=b"", timeout=None):  # type: ignore[no-untyped-def]
        self.runs += 1
        if self.runs == 1:
            raise TimeoutError
        if self.runs <= self.failures:
            return Finished((-9, b'{"QMP": {}}\n', b""))
        answers = [{"return": {}, "id": 0}, {"return": "told", "id": 1}, {"error": {}, "id": 2}]
        return Finished((0, "\n".join(map(json.dumps, answers)).encode(), b""))


def test_a_probe_is_repeated_where_the_machine_is_busy() -> None:
    questions = (("query-status", {}), ("no-such-command", {}))
    host = Busy(capabilities.TRIES - 1)
    assert capabilities.ask(host, "/usr/bin/qemu", [], "tcg", questions) == ["told", None]
    with pytest.raises(VirtError, match="killed by signal 9"):
        capabilities.ask(Busy(capabilities.TRIES), "/usr/bin/qemu", [], "tcg", questions)


def test_a_probe_is_kept_for_as_long_as_the_binary_is_the_same(tmp_path: Path) -> None:
    need("qemu-system-x86_64")
    binary = tmp_path / "qemu"
    binary.write_text('#!/bin/sh\necho run >> "$0.runs"\nexec qemu-system-x86_64 "$@"\n')
    binary.chmod(0o755)
    for _ in range(2):
        found = capabilities.probe(LocalHost(), str(tmp_path / "cache"), str(binary), [])
        assert found.machine("pc")
    binary.write_text(binary.read_text() + "# newer\n")
    capabilities.probe(LocalHost(), str(tmp_path / "cache"), str(binary), [])
    assert Path(f"{binary}.runs").read_text() == "run\nrun\n"


class Memory(LocalHost):
    """A machine with a cell that has memory but no CPUs."""

    def run(self, argv: Sequence[str], stdin: bytes = b"", timeout: float | None = None) -> Finished:
        told = {
            "cpu/online": ["0-1"], "node/node0/cpulist": ["0-1"], "node/node1/cpulist": [""],
            "node/node0/distance": ["10 20"], "node/node1/distance": ["20 10"],
            "node/node0/meminfo": ["Node 0 MemTotal: 100 kB", "Node 0 MemFree: 50 kB"],
            "node/node1/meminfo": ["Node 1 MemTotal: 300 kB", "Node 1 MemFree: 70 kB"],
        }  # fmt: skip
        text = "".join(f"/sys/devices/system/{path}:{line}\n" for path, lines in told.items() for line in lines)
        return Finished((0, text.encode(), b""))


def test_a_cell_that_has_only_memory() -> None:
    cells = Machine(Memory()).cells
    assert [(cell.number, cell.cpus, cell.memory, cell.free) for cell in cells] == [
        (0, {0, 1}, 100, 50), (1, frozenset(), 300, 70)
    ]  # fmt: skip
