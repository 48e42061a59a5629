"""The group host: what host and hypervisor are and can do."""

import re
from pathlib import Path

import pytest

from tests.commands.conftest import Host

CPU = "<cpu><arch>x86_64</arch><model>qemu64</model><vendor>Intel</vendor></cpu>"
SEVERAL = """\
<?xml version='1.0'?>
<domain><cpu match='exact'><model>Nehalem</model></cpu></domain>
<cpu><arch>x86_64</arch><model>Penryn</model><feature name='vmx'/></cpu>
"""
NUMBERS = [
    "freecell 7",
    "freecell x",
    "freecell --all --cellno 1",
    "freecell -1",
    "freepages",
    "freepages --cellno 0",
    "freepages --cellno -2",
    "freepages --cellno 0 --pagesize 1",
    "freepages --cellno 0 --pagesize 2M",
    "freepages 0 2048",
    "freepages 9 2048",
    "freepages --all --pagesize 2048",
    "freepages --all --cellno 0",
    "freepages --pagesize x",
    "freepages --pagesize 99T",
    "freepages x",
    "freepages -1 --pagesize 2M",
    "allocpages 3 1",
    "allocpages 3 1 0",
    "allocpages 3 1 99",
    "allocpages 3 1 --add --all",
    "allocpages 2M x",
    "allocpages 2M -1",
    "allocpages x 1",
    "allocpages 3 1 --cellno 0 --all",
    "nodememstats 99",
    "nodememstats x",
    "nodecpustats 99",
    "nodecpustats x",
    "node-memory-tune --shm-pages-to-scan -1",
    "node-memory-tune x",
    "node-memory-tune",
    "nodesevinfo",
    "nodesuspend mem 60",
    "nodesuspend nosuch 60",
    "nodesuspend nosuch x",
    "nodesuspend mem -1",
    "nodesuspend mem x",
    "nodesuspend mem 10",
    "nodesuspend disk 100",
    "nodesuspend hybrid 1000",
]
KINDS = [
    "domcapabilities",
    "domcapabilities qemu",
    "domcapabilities nosuch",
    "domcapabilities --arch nosuch",
    "domcapabilities --machine nosuch",
    "domcapabilities --emulatorbin /nosuch",
    "domcapabilities --arch ''",
    "domcapabilities qemu /usr/bin/qemu-system-x86_64 x86_64 q35",
    "maxvcpus",
    "maxvcpus qemu",
    "maxvcpus ''",
    "maxvcpus nosuch",
]


@pytest.fixture
def cpus(tmp_path: Path) -> Path:
    for name, text in {"one": CPU, "several": SEVERAL, "none": "<cpus/>", "broken": "<cpu><a></cpu>"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_facts(host: Host) -> None:
    facts = ["hostname", "nodeinfo", "capabilities", "sysinfo", "nodecpumap", "nodecpumap --pretty"]
    steady = ["nodecpustats", "nodecpustats 3", "freecell", "freecell 0", "freecell --all", "nodememstats"]
    for quiet in (False, True):
        host.same(*facts, *steady, *KINDS, quiet=quiet)
    host.same(*facts, *KINDS, readonly=True)
    host.same("nodecpustats --percent")


def test_facts_of_a_real_host(system: Host) -> None:
    facts = ["hostname", "nodeinfo", "capabilities", "sysinfo", "nodecpumap", "nodecpumap --pretty", *KINDS]
    system.same(*facts)
    system.same(*facts, readonly=True, quiet=True)


def test_figures_of_a_real_host(system: Host) -> None:
    """They change from one moment to the next: their lines must have the same form."""
    commands = (
        "nodecpustats; nodecpustats 0; nodecpustats --percent; nodememstats; nodememstats 0; freecell; freecell 0"
    )
    runs = [
        re.sub(r" +[\d.]+( KiB|%|$)", r" N\1", program("-c", system.uri, commands, timeout=60).stdout, flags=re.M)
        for program in (system.side.virsh, system.side.vsh)
    ]
    assert runs[0] == runs[1] and runs[0].count("N") > 20


def test_numbers_and_refusals(host: Host) -> None:
    host.same(*NUMBERS)
    host.script("allocpages", "nodesuspend mem", "capabilities x", "hostname --all", "nodecpumap x")


def test_numbers_and_refusals_of_a_real_host(system: Host) -> None:
    system.same(*NUMBERS)
    system.same(*NUMBERS, readonly=True)


def test_memory_tune(system: Host) -> None:
    system.same(
        "node-memory-tune --shm-sleep-millisecs 30",
        "node-memory-tune",
        "node-memory-tune 110 20 1",
        "node-memory-tune",
        "node-memory-tune --shm-pages-to-scan 100",
        "node-memory-tune",
    )


def test_cpus(remote: Host, cpus: Path) -> None:
    kind = "--virttype qemu"
    lines = [f"cpu-models {arch}" for arch in ("x86_64", "i686", "ppc64le", "aarch64", "mips", "nosuch", "''")]
    for name in ("one", "several", "none", "broken", "absent"):
        path = cpus / name
        lines += [
            f"cpu-compare {path}",
            f"cpu-compare {path} --error",
            f"cpu-baseline {path}",
            f"cpu-compare {path} --validate",
            f"cpu-baseline {path} --features --migratable",
            f"hypervisor-cpu-compare {path} qemu",
            f"hypervisor-cpu-compare {path} {kind} --error",
            f"hypervisor-cpu-baseline {path} {kind}",
            f"hypervisor-cpu-baseline --file {path} {kind} --features",
        ]
    remote.same(*lines)
    remote.same(
        "hypervisor-cpu-baseline",
        f"hypervisor-cpu-baseline --model x --file {cpus / 'absent'}",
        f"hypervisor-cpu-baseline --model Nehalem {kind}",
        "hypervisor-cpu-baseline --model ''",
        f"hypervisor-cpu-baseline --model nosuch {kind}",
        f"hypervisor-cpu-baseline --file '' --model x {kind}",
        f"hypervisor-cpu-compare {cpus / 'one'} --arch nosuch",
        f"hypervisor-cpu-compare {cpus / 'one'} --emulator /no",
        f"hypervisor-cpu-compare {cpus / 'one'} --machine nosuch {kind}",
        "cpu-compare ''",
        "cpu-baseline ''",
    )
    remote.same(*lines[::3], readonly=True)


def test_cpus_of_the_test_host(host: Host, cpus: Path) -> None:
    """It knows the models' names; comparing is not for it."""
    arches = (
        "x86_64",
        "i686",
        "ppc64",
        "ppc64le",
        "aarch64",
        "armv7l",
        "s390x",
        "mips",
        "sparc64",
        "nosuch",
        "i386",
        "''",
    )
    lines = [f"cpu-models {arch}" for arch in arches]
    host.same(
        *lines,
        f"cpu-compare {cpus / 'one'}",
        f"hypervisor-cpu-compare {cpus / 'several'}",
        "cpu-compare ''",
        f"hypervisor-cpu-baseline {cpus / 'one'}",
        f"cpu-compare {cpus / 'broken'}",
        f"cpu-baseline {cpus / 'none'}",
    )
    host.same(*lines, readonly=True, quiet=True)


def test_the_host_is_itself(system: Host, cpus: Path) -> None:
    for name, command in {"caps": "capabilities", "dom": "domcapabilities qemu"}.items():
        (cpus / name).write_text(system.side.virsh("-c", system.uri, command).stdout)
    run = system.same(f"cpu-compare {cpus / 'caps'}", f"hypervisor-cpu-compare {cpus / 'dom'} qemu")
    assert run.stdout.count("is identical to") == 2
    system.same(f"hypervisor-cpu-baseline {cpus / 'dom'} qemu", f"cpu-baseline {cpus / 'caps'}")


def test_newer_options(system: Host) -> None:
    vsh = system.side.vsh
    assert vsh("-c", system.uri, "capabilities --xpath //host/cpu/arch").stdout == "<arch>x86_64</arch>\n\n"
    assert (
        vsh("-c", system.uri, "domcapabilities qemu --xpath //path/text()").stdout == "/usr/bin/qemu-system-x86_64\n\n"
    )
    usable = vsh("-q", "-c", system.uri, "hypervisor-cpu-models --virttype qemu").stdout.split()
    known = vsh("-q", "-c", system.uri, "hypervisor-cpu-models --virttype qemu --all").stdout.split()
    assert "qemu64" in usable and set(usable) < set(known)
    run = vsh("-c", system.uri, "hypervisor-cpu-models --virttype nosuch")
    assert run.status == 1 and run.stderr.startswith("error: failed to get hypervisor CPU model names\n")


def test_json(host: Host) -> None:
    assert host.json("nodeinfo")[0]["memory_bytes"] == 3 * 2**30
    assert host.json("nodecpumap") == [{"present": 8, "online": 3, "online_cpus": [0, 2, 4]}]
    [found] = host.json("capabilities")
    assert found["host"] == {"arch": "i686", "cpu_model": None, "numa_cells": [0, 1]}
    assert found["guests"][0]["virt_types"] == ["test"] and found["xml"].startswith("<capabilities>")
    assert host.json("maxvcpus") == [{"max_vcpus": 32}]
    assert host.json("nodecpustats")[0]["user_seconds"] == 9.7974
    assert host.json("freecell 1") == [{"cell": 1, "free_bytes": 4 * 2**20}]
    if host.uri == "test:///default":  # a real one's test driver fails to answer
        assert host.json("freepages 0 4") == [{"cell": 0, "pages": [{"page_size_bytes": 4096, "free": 19}]}]


def test_json_of_a_real_host(system: Host, cpus: Path) -> None:
    [found] = system.json("domcapabilities qemu")
    assert found["emulator"] == "/usr/bin/qemu-system-x86_64" and "custom" in found["cpu_modes"]
    assert system.json(f"cpu-compare {cpus / 'one'}", status=1)[0]["result"] == "incompatible"
    [models] = system.json("hypervisor-cpu-models --virttype qemu --all")
    assert {"name": "qemu64", "usable": True} in models["models"]
