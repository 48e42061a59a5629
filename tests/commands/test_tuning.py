"""Limits on disks, interfaces, memory and CPUs; performance events; what is measured."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.commands.conftest import Host
from vsh.commands.domain import throttle

MAC = "52:54:00:11:22:33"
DEVICES = f"""\
<disk type='file'><driver type='raw'/><source file='{{image}}'/><target dev='vda' bus='virtio'/></disk>
<interface type='user'><mac address='{MAC}'/><model type='virtio'/></interface>
"""
SHOW = ["blkdeviotune test vda", "blkiotune test", "memtune test", "numatune test", "schedinfo test", "perf test"]
SHOW += ["domiftune test NIC"]
FACES = ["--live", "--config", "--current", "--live --config"]
BLOCK = [
    "--total-bytes-sec-max 2M --total-bytes-sec 1M",
    "--read-iops-sec 5",
    "--group_name g1 --total_iops_sec_max 5 --size-iops-sec 9",
    "5 6",
    "--write-bytes-sec 1000 --write-bytes-sec-max 2000 --write-bytes-sec-max-length 3",
    "--total-bytes-sec 1M --read-bytes-sec 1M",
]
BAD_BLOCK = [
    "--total-bytes-sec x",
    "--total-bytes-sec 5x",
    "--total-bytes-sec ''",
    "--total-iops-sec -1",
    "--group-name ''",
    "--total-iops-sec x --total-bytes-sec-max y",
    "--group-name '' --total-iops-sec x",
    "--size-iops-sec 99999999999999999999",
]
SHARES = ["--weight 500 --device-weights /dev/sda,500", "--device-read-iops-sec /dev/sda,5", "--device-weights x"]
SHARES += ["--device-write-iops-sec /dev/sda,5 --device-read-bytes-sec /dev/sda,5 --device-write-bytes-sec /dev/sda,5"]
BAD_SHARES = ["--weight 0", "--weight x", "--weight -5", "--device-weights ''"]
MEMORY = ["--hard-limit -1", "--soft-limit 1G", "--hard-limit 2000001B", "--swap-hard-limit 4GiB", "--hard-limit ' 5'"]
BAD_MEMORY = [f"--hard-limit {size}" for size in ("x", "''", "5x", "1.5G", "16E", "99999999999999999999")]
NUMA = ["--mode strict --nodeset 0", "--mode 0x1 --nodeset 0", "--mode restrictive --nodeset 0", "--nodeset 0-99"]
BAD_NUMA = ["--mode foo", "--mode 2", "--mode 9", "--nodeset ''", "--mode ''"]
SCHEDULER = ["weight=60", "--set weight=60", "--weight 70", "weight=1 weight=2", "--live weight=2", "--config weight=3"]
BAD_SCHEDULER = [
    "--cap ''",
    "--weight '' a=1",
    "weight=",
    "weight=x",
    "weight",
    "foo=1",
    "--cap 7",
    "--weight x",
    "weight=99999999999",
    "weight=-1",
]
EVENTS = ["--enable cmt", "--enable ,", "--disable cmt,mbml --enable cpu_cycles", "--enable foo", "--enable ''"]
RATES = ["1,2,3", "1,,3", "0", ",", "1,2,3,99999999999", "' 1'"]
BAD_RATES = ["x", "1,x", "1,2,x", "-1", "1,2,3,4,5", ",2", "99999999999", "1,99999999999", "''", "18446744073709551616"]
BAD_RATES += [",,,5", "1,,,5", "'1 '"]


@pytest.fixture
def qemu(start_guest: Callable[..., Host], image: Path) -> Host:
    """A QEMU host with a paused domain `guest` that has a disk and an interface."""
    return start_guest(DEVICES.format(image=image))


def lines(verb: str, *words: str, name: str = "test", nic: str = "testnet0") -> list[str]:
    """Command lines about a domain."""
    return [f"{verb} {one}".replace("test", name, 1).replace("NIC", nic) for one in words]


def in_turn(verb: str, words: list[str]) -> list[str]:
    """Each change, and what is shown after it."""
    return [line for one in words for line in (f"{verb} {one}", verb)]


def test_what_is_shown(host: Host) -> None:
    shown = [line.replace("NIC", "testnet0") for line in SHOW]
    host.same(*shown, *(f"{line} {face}" for line in shown for face in FACES))
    host.same("destroy test", *shown, *(f"{line} {face}" for line in shown for face in FACES))
    host.same(*shown, readonly=True)
    host.script(*(line.replace("test", "nosuch", 1) for line in shown), *(line.split(" ")[0] for line in shown))
    host.script("domiftune test nosuch", "domiftune test", "blkdeviotune test nosuch", "blkdeviotune test")
    host.script(*(f"{line} --current --live" for line in shown))


def test_disks(host: Host) -> None:
    host.same(*in_turn("blkdeviotune test vda", BLOCK), *lines("blkdeviotune test vda", *BAD_BLOCK))
    host.same(*in_turn("blkdeviotune test vda --config", BLOCK))
    host.same(*in_turn("blkiotune test", SHARES), *lines("blkiotune test", *BAD_SHARES))
    host.same("blkdeviotune test vda 5", "blkiotune test --weight 500", "blkdeviotune nosuch vda x", readonly=True)


def test_memory(host: Host) -> None:
    host.same(*in_turn("memtune test", MEMORY), *lines("memtune test", *BAD_MEMORY), "memtune test --min-guarantee 5")
    host.same(*in_turn("numatune test", NUMA), *lines("numatune test", *BAD_NUMA))
    host.same("destroy test", *in_turn("numatune test", NUMA), "memtune test --hard-limit 1G --live")
    host.same("memtune test --hard-limit 1G", "numatune test --mode strict --nodeset 0", readonly=True)


def test_scheduler_and_events(host: Host) -> None:
    host.same(*in_turn("schedinfo test", SCHEDULER), *lines("schedinfo test", *BAD_SCHEDULER))
    host.same(*in_turn("perf test", EVENTS), "perf nosuch --enable ''")
    host.same("schedinfo test weight=5", "perf test --enable cmt", readonly=True)


def test_interfaces(host: Host) -> None:
    for way in ("inbound", "outbound"):
        host.same(*in_turn("domiftune test testnet0", [f"--{way} {rate}" for rate in RATES]))
        host.same(*(f"domiftune test testnet0 --{way} {rate}" for rate in BAD_RATES))
    host.same("domiftune nosuch x --inbound x", "domiftune test nosuch --inbound 1", "domiftune test testnet0 1 x")
    host.same("domiftune test testnet0 --inbound 5", readonly=True)


def test_measuring(host: Host) -> None:
    rates = ["", "--seconds 0", "--seconds x", "--mode foo", "--mode dirty-ring 9", "5 dirty-bitmap"]
    host.same(*(f"domdirtyrate-calc test {words}" for words in rates), "domdirtyrate-calc nosuch --mode foo")
    host.script(*(f"domblkthreshold {words}" for words in ("", "test vda", "test vda 5", "test vda x", "nosuch vda x")))
    host.same("domdirtyrate-calc test", "domblkthreshold test vda 5", readonly=True)


def test_qemu(qemu: Host) -> None:
    def same(*commands: str) -> None:
        """Changes last: the first run finds what no later one does."""
        qemu.side.virsh("-c", qemu.uri, "; ".join(commands))
        qemu.same(*commands)

    shown = [line.replace("test", "guest").replace("NIC", MAC) for line in SHOW]
    same(*shown, *(f"{line} {face}" for line in shown for face in FACES))
    same(*in_turn("blkdeviotune guest vda", BLOCK), *in_turn("blkdeviotune guest vda --config", BLOCK))
    same(*in_turn("blkiotune guest", SHARES), *in_turn("memtune guest", MEMORY), *in_turn("numatune guest", NUMA))
    same(*in_turn("blkiotune guest --config", SHARES), *in_turn("numatune guest --config", NUMA))
    same(*in_turn("schedinfo guest --config", ["vcpu_quota=5000 cpu_shares=9", "vcpu_quota=x", "global_period=1"]))
    same(*in_turn(f"domiftune guest {MAC}", ["--inbound 1,2,3 --outbound 4", "--inbound 0"]))
    same("perf guest --enable cmt", "domdirtyrate-calc guest --seconds 61", "domdirtyrate-calc guest --mode dirty-ring")
    same("domblkthreshold guest vda 512KiB", "domblkthreshold guest nosuch 5", "domstats --block guest")


def test_a_dirty_rate_is_measured(qemu: Host) -> None:
    assert qemu.json("domdirtyrate-calc guest --seconds 1") == [{"seconds": 1, "mode": "page_sampling"}]
    [[stats]] = qemu.json("domstats --dirtyrate guest")
    assert stats["statistics"]["dirtyrate"]["calc_period_seconds"] == 1


def test_json(host: Host) -> None:
    disk, set_, limits = host.json("blkdeviotune test vda; memtune test --soft-limit 1M; memtune test")
    assert disk["device"] == "vda" and disk["group_name"] == "" and disk["total_bytes_sec"] == 0
    assert set_ == {"soft_limit_bytes": 1 << 20}
    assert limits == {"hard_limit_bytes": None, "soft_limit_bytes": 1 << 20, "swap_hard_limit_bytes": None}
    rate, rates = host.json("domiftune test testnet0 --inbound 1,2; domiftune test testnet0")
    assert rate == {"interface": "testnet0", "inbound": {"average_kib_per_second": 1, "peak_kib_per_second": 2}}
    assert rates["inbound"]["floor_kib_per_second"] == 0 and rates["outbound"]["burst_kib"] == 0
    assert (
        host.json("numatune test --mode strict --nodeset 0; numatune test")
        == [{"numa_mode": "strict", "numa_nodeset": "0"}] * 2
    )
    assert host.json("schedinfo test") == [{"scheduler": "fair"}, {"weight": 50}]
    [events] = host.json("perf test --enable cmt")
    assert events == {"cmt": True}
    [shares] = host.json("blkiotune test --weight 500")
    assert shares == {"weight": 500}


def test_throttle_groups_need_a_newer_daemon(rpc: Host) -> None:
    for line in ("domthrottlegroupset test g --total-iops-sec 5", "domthrottlegroupdel test g"):
        run = rpc.side.vsh("-c", rpc.uri, line)
        assert run.status == 1 and "unknown procedure" in run.stderr
    run = rpc.side.vsh("-q", "-c", rpc.uri, "domthrottlegrouplist test; domthrottlegroupinfo test g")
    assert (run.stdout, run.stderr) == ("", "error: throttle group 'g' was not found\n")


def test_throttle_groups() -> None:
    told = []
    group = "<throttlegroup><group_name>g</group_name><total_iops_sec>5</total_iops_sec></throttlegroup>"
    connection = SimpleNamespace(
        domain_get_xml_desc=lambda ref, flags: f"<domain><throttlegroups>{group}</throttlegroups></domain>",
        domain_set_throttle_group=lambda *args: told.append(args),
        domain_del_throttle_group=lambda *args: told.append(args),
    )
    ctx = SimpleNamespace(connection=connection, warn=told.append)
    assert throttle.domthrottlegrouplist(ctx, "dom").plain(quiet=False) == " Name\n-------\n g\n"
    shown = throttle.domthrottlegroupinfo(ctx, "dom", "g")
    assert shown.plain(quiet=False) == "group_name     : g\ntotal_iops_sec : 5\n"
    assert shown.data() == {"group_name": "g", "total_iops_sec": 5}
    throttle.domthrottlegroupset(ctx, "dom", "g", total_iops_sec="5", config=True)
    throttle.domthrottlegroupdel(ctx, "dom", "g", live=True)
    (_, name, params, flags), removed = told
    assert (name, params.items, flags) == ("g", [("total_iops_sec", 4, 5)], 2) and removed == ("dom", "g", 1)
