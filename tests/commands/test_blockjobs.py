"""blockpull, blockcommit, blockcopy, blockjob, blockresize: refusals, and jobs on chains of qcow2 images."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Run, Side, compare

DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)


class Chain:
    """A guest with a disk on a chain of four images, made anew for each program that is tried on it."""

    def __init__(self, side: Side, libvirtd: Libvirtd, guests: Guests, folder: Path):
        self.side = side
        self.uri = libvirtd.uri("qemu")
        self.folder = folder
        disk = DISK.format(folder / "i3.qcow2")
        self.xml = folder / "domain.xml"
        self.xml.write_text(guests.boot_sector("chain").replace("<controller", disk + "<controller", 1))

    def start(self) -> None:
        self.side.virsh("-c", self.uri, "destroy chain")
        for path in self.folder.glob("*.qcow2"):
            path.unlink()
        for i in range(4):
            path = self.folder / f"i{i}.qcow2"
            base = ["-b", str(self.folder / f"i{i - 1}.qcow2"), "-F", "qcow2"] if i else []
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *base, path, "16M"], check=True)
            path.chmod(0o666)
        write = ["qemu-io", "-f", "qcow2", "-c", "write -P 5 0 4M", self.folder / "i0.qcow2"]
        subprocess.run(write, check=True, stdout=subprocess.DEVNULL)
        run = self.side.virsh("-c", self.uri, f"create {self.xml}")
        assert run.status == 0, run.stderr

    def same(self, *lines: str) -> list[Run]:
        """Run the lines through virsh, then anew through vsh, and compare; how far jobs are does not count."""
        runs: list[list[Run]] = []
        for program in (self.side.virsh, self.side.vsh):
            self.start()
            runs.append([program("-c", self.uri, line.replace("%", str(self.folder)), timeout=20) for line in lines])
        for line, wanted, seen in zip(lines, *runs, strict=True):
            difference = compare(_settled(wanted), _settled(seen))
            assert not difference, f"{line}\n{difference}"
        return runs[1]


def _settled(run: Run) -> Run:
    return run._replace(stderr=re.sub(r"(\s?Block \w+: \[ *\d\d? %\])+", "", run.stderr))


@pytest.fixture
def chain(side: Side, libvirtd: Libvirtd, guests: Guests) -> Iterator[Chain]:
    need("qemu-img", "qemu-io")
    folder = guests.directory / "chain"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    made = Chain(side, libvirtd, guests, folder)
    yield made
    side.virsh("-c", made.uri, "destroy chain")


def test_pull(chain: Chain) -> None:
    runs = chain.same(
        "blockpull chain vda --base %/i1.qcow2 --wait --verbose", "blockpull chain vda --wait", "blockjob chain vda"
    )
    assert runs[0].stdout == "\nPull complete\n" and runs[0].stderr.endswith(
        "\rBlock Pull: [100 %]".replace("\r", "\n")
    )
    chain.same("blockpull chain vda", "blockpull chain nosuch --wait", "blockpull chain vda --base %/nosuch --bytes")


def test_commit(chain: Chain) -> None:
    chain.same("blockcommit chain vda --top %/i2.qcow2 --base %/i1.qcow2 --wait", "blockcommit chain vda --wait")
    runs = chain.same(
        *("blockcommit chain vda --active --wait --verbose", "blockjob chain vda", "blockjob chain vda --raw"),
        *("blockjob chain vda --info --bytes", "blockjob chain vda --bandwidth 5", "blockjob chain vda"),
        *("blockjob chain vda --bandwidth 5M --bytes", "blockjob chain vda --pivot", "domblklist chain"),
    )
    assert "(5.000 MiB/s)" in runs[5].stdout and "/i0.qcow2" in runs[-1].stdout
    chain.same(
        "blockcommit chain vda --shallow --pivot", "domblklist chain", "blockcommit chain vda --keep-overlay --verbose"
    )


def test_copy(chain: Chain) -> None:
    runs = chain.same(
        *("blockcopy chain vda %/c1.qcow2 --wait --verbose --transient-job", "blockjob chain vda --abort"),
        *("blockcopy chain vda %/c2.qcow2 --finish --format qcow2 --transient-job", "domblklist chain"),
        *("blockcopy chain vda %/c3.qcow2 --pivot --transient-job --synchronous-writes", "domblklist chain"),
        *("blockcopy chain vda /nosuch/x --wait --transient-job", "blockjob chain vda --abort --async"),
    )
    assert "/i3.qcow2" in runs[3].stdout and "/c3.qcow2" in runs[5].stdout


def test_a_job_that_takes_too_long_is_aborted(chain: Chain) -> None:
    [run, after] = chain.same(
        "blockcopy chain vda %/c1.qcow2 --timeout 1 --bandwidth 1 --verbose --transient-job", "blockjob chain vda"
    )
    assert (run.stdout, run.status) == ("\nCopy aborted\n", 1) and after.stdout == "No current block job for vda\n"


def test_ctrl_c_aborts_the_job(chain: Chain) -> None:
    chain.start()
    line = f"blockcopy chain vda {chain.folder}/c1.qcow2 --wait --verbose --bandwidth 1 --transient-job"
    with chain.side.terminal("vsh", "-c", chain.uri, line) as terminal:
        terminal.expect("Block Copy: [")
        terminal.send("\x03")
        text, status = terminal.finish()
    assert "Copy aborted" in text and status == 1
    assert chain.side.virsh("-c", chain.uri, "blockjob chain vda").stdout == "No current block job for vda\n"


def test_json(chain: Chain) -> None:
    chain.start()
    host = Host(chain.side, chain.uri)
    [started, job, limited, none] = host.json(
        "blockcommit chain vda --active --wait; blockjob chain vda; blockjob chain vda --bandwidth 2; "
        "blockjob chain fda"
    )
    assert started["status"] == "ready" and started["disk"] == "vda" and limited["bandwidth_mib_per_second"] == 2
    assert job["job"]["type"] == "active_block_commit" and job["job"]["total_bytes"] >= 0 and none["job"] is None
    [resized] = host.json("blockjob chain vda --abort; blockresize chain vda 20M")[1:]
    assert resized["size_bytes"] == 20 << 20


def test_resize(chain: Chain) -> None:
    chain.same("blockresize chain vda 20M", "blockresize chain vda 10240000B", "blockresize chain nosuch 5")


def test_options(host: Host) -> None:
    pull, commit, copy = "blockpull test vda", "blockcommit test vda", "blockcopy test vda"
    host.same(
        pull,
        f"{pull} --async",
        f"{pull} --verbose",
        f"{pull} --timeout 0",
        f"{pull} --wait --timeout x",
        f"{pull} --base x",
    )
    words = ("-1", "5M", "x", "''", "99999999999999999999", "5x")
    host.same(*(f"{pull} {more} --bandwidth {word}" for word in words for more in ("", "--bytes")))
    host.same(
        f"{commit} --pivot --keep-overlay", f"{commit} --verbose", f"{commit} --async", f"{commit} --wait --verbose"
    )
    host.same(
        *(f"{copy} {more}" for more in ("", "x --verbose", "x --async", "x --pivot --finish", "--xml x", "x 5 --wait"))
    )
    host.same(
        *(f"{copy} --xml x {more}" for more in ("--dest y", "--format raw", "--raw", "--blockdev", "--print-xml"))
    )
    host.same(*(f'{copy} --dest "a&b\'" --print-xml {more}' for more in ("", "--format qcow2", "--blockdev --raw")))
    host.same(*(f"{copy} x {more}" for more in ("--granularity x", "--buf-size -1", "--transient-job", "--shallow")))
    host.same(
        f"{copy} x --bandwidth 99999999999999 --granularity 4",
        *(f"block{verb} nosuch ''" for verb in ("pull", "commit")),
    )
    host.same(
        *(f"blockresize test vda {word}" for word in ("-5", "1G", "5B", "99999999999999999", "10x")),
        "blockresize no vda x",
    )


def test_options_of_blockjob(host: Host) -> None:
    options = ("--abort", "--async", "--pivot", "--info", "--bytes", "--raw", "--bandwidth 5", "--bandwidth x")
    host.same(*(f"blockjob test vda {one} {other}" for one in options[:7] for other in options if one < other))
    host.same(
        f"blockjob test vda {' '.join(options[:7])}", "blockjob test vda --async --info --bytes", "blockjob nosuch vda"
    )


def test_read_only_and_refusals(host: Host) -> None:
    verbs = ("blockpull", "blockcommit", "blockjob", "blockresize")
    host.same(
        "blockpull test vda", "blockcommit test vda", "blockcopy test vda x", "blockresize test vda 5", readonly=True
    )
    host.same("blockjob test vda", "blockjob test vda --abort", "blockjob test vda --bandwidth 5", readonly=True)
    host.script(*verbs, "blockcopy", *(f"{verb} test" for verb in verbs), *(f"{verb} --nosuch" for verb in verbs))
