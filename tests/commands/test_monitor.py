"""What the group monitor tells about a domain: disks, interfaces, memory, time, statistics."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.proxy import DelayProxy
from tests.live.side import Side

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
DEVICES = """\
<disk type='file'><driver type='raw'/><source file='{image}'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>
<interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/><link state='down'/></interface>
<interface type='user'><mac address='52:54:00:11:22:44'/><model type='e1000'/></interface>
"""


@pytest.fixture
def qemu(start_guest: Callable[..., Host], image: Path) -> Host:
    """A QEMU host with a paused domain `guest` that has two disks and two interfaces."""
    return start_guest(DEVICES.format(image=image))


LOOKS = [
    f"{verb} {{}}"
    for verb in ("domblklist", "domiflist", "domcontrol", "domblkerror", "dommemstat", "domblkinfo --all")
]
LOOKS += ["domblklist {} --details", "domblklist {} --inactive", "domiflist {} --inactive"]
MORE = ["domblkinfo test vda", "domblkinfo test --device vda --human", "domblkinfo test --all --human"]
MORE += ["domif-getlink test testnet0", "domif-getlink test aa:bb:cc:dd:ee:ff", "domif-getlink test AA:bb:cc:dd:ee:f0"]
MORE += [
    "domif-getlink test testnet0 --config",
    "domif-getlink test testnet0 --persistent",
    "domif-getlink test nosuch",
]
MORE += [
    "domtime test",
    "domtime test --pretty",
    "domtime test --now",
    "domtime test --sync",
    "domtime test 17",
    "dommemstat test --period 5",
]


def test_what_is_told(host: Host) -> None:
    host.same(*(line.format("test") for line in LOOKS), *MORE)
    host.same(*(line.format("test") for line in LOOKS), *MORE, quiet=True)


def test_of_a_stopped_domain(host: Host) -> None:
    host.same("destroy test", *(line.format("test") for line in LOOKS), *MORE)


def test_without_the_right_to_change(host: Host) -> None:
    host.same(*(line.format("test") for line in LOOKS), *MORE, readonly=True)


def test_addresses(host: Host) -> None:
    lines = ["domifaddr test", "domifaddr test --full", "domifaddr test nosuch", "domifaddr test --source agent"]
    lines += ["domifaddr test testnet0 --source lease", "domifaddr test --source arp"]
    host.same(*lines, "destroy test", *lines)
    host.same(*lines, quiet=True, readonly=True)
    [addresses] = host.json("domifaddr test")
    address = {"family": "ipv4", "address": "192.168.122.3", "prefix": 24}
    assert addresses == [{"name": "testnet0", "mac": "aa:bb:cc:dd:ee:ff", "addresses": [address]}]


def test_counters(host: Host) -> None:
    lines = ["domblkstat test vda", "domblkstat test --device vda --human", "domblkstat test", "domblkstat test nosuch"]
    lines += ["domifstat test testnet0", "domifstat test aa:bb:cc:dd:ee:ff", "domifstat test nosuch"]
    host.same(*lines, "destroy test", *lines, ignore=["counters"])


def test_refusals(host: Host) -> None:
    host.script(
        "domblklist --bogus test",
        "domblkinfo test",
        "domblkinfo test ''",
        "domblkinfo test vda --all",
        "domblkinfo nosuch",
    )
    host.script("domblkinfo test nosuch", "domifaddr nosuch --source wrong", "domifaddr test --source wrong")
    numbers = ["-1", "x", "5x", "", "2147483648", "0x5"]
    host.script(*(f"dommemstat test --period '{n}'" for n in numbers), *(f"domtime test --time '{n}'" for n in numbers))
    host.script("dommemstat test --current --live", "dommemstat test --current --config --period 1")
    host.script(
        "dommemstat test --period 5 --config", "dommemstat test --period 5 --live", "dommemstat test --live --config"
    )
    host.script("domtime test --now --sync", "domtime test --now --time 5", "domtime test 5 --sync", "domtime nosuch")
    host.script(
        *(
            f"{verb} {words}"
            for verb in ("domif-getlink", "domifstat")
            for words in ("", "test", "test ''", "nosuch vda")
        )
    )
    host.script(
        *(f"{verb} nosuch" for verb in ("domblklist", "domiflist", "domcontrol", "domblkerror", "domblkstat x"))
    )


def test_statistics(host: Host) -> None:
    groups = (
        "state",
        "cpu-total",
        "balloon",
        "vcpu",
        "interface",
        "block",
        "perf",
        "iothread",
        "memory",
        "dirtyrate",
        "vm",
    )
    lines = ["domstats", "domstats test", "domstats --raw test test", "domstats nosuch", "domstats test nosuch ''"]
    host.same(
        *lines, *(f"domstats --{group}" for group in groups), *(f"domstats --{group} --enforce" for group in groups)
    )
    filters = ("active", "inactive", "persistent", "transient", "running", "paused", "shutoff", "other")
    host.same(*(f"domstats --list-{one}; suspend test; domstats --list-{one}; resume test" for one in filters))
    host.same("domstats --nowait", "domstats --backing", f"domstats --state 1 {UUID} test")
    host.same("domstats test", readonly=True)


def test_statistics_of_many(many: Host) -> None:
    many.same(
        "domstats",
        "domstats zulu 'Alpha beta' 3",
        "domstats --list-inactive --list-persistent",
        "domstats --list-paused 2",
    )


def test_statistics_have_units() -> None:
    """What libvirt tells of a running guest, nested, in bytes and seconds."""
    from vsh.backends.params import BOOLEAN, INT, LLONG, STRING, UINT, ULLONG, TypedParams
    from vsh.commands.domain.guest import UNITS as GUEST
    from vsh.commands.monitor.domstats import UNITS
    from vsh.commands.statistics import nested

    params = TypedParams()
    for name, kind, value in (
        ("cpu.time", ULLONG, 5 * 10**9), ("cpu.user", ULLONG, 10**9), ("cpu.cache.monitor.count", UINT, 0),
        ("balloon.current", ULLONG, 1024), ("balloon.last-update", ULLONG, 3),
        ("vcpu.current", UINT, 1), ("vcpu.maximum", UINT, 4), ("vcpu.3.state", INT, 1), ("vcpu.3.halted", BOOLEAN, 1),
        ("net.count", UINT, 1), ("net.0.name", STRING, "v"), ("net.0.rx.bytes", ULLONG, 4),
        ("block.count", UINT, 1), ("block.0.backingIndex", UINT, 1), ("block.0.rd.times", ULLONG, 5 * 10**8),
        ("iothread.count", UINT, 1), ("iothread.7.poll-max-ns", ULLONG, 3),
        ("dirtyrate.calc_status", INT, 2), ("dirtyrate.megabytes_per_second", LLONG, 2),
    ):  # fmt: skip
        params.add(name, kind, value)
    assert nested(params, UNITS) == {
        "cpu": {"time_seconds": 5.0, "user_seconds": 1.0, "cache": {"monitor": []}},
        "balloon": {"current_bytes": 1 << 20, "last_update_seconds": 3},
        "vcpu": {"current": 1, "maximum": 4, "each": [{"number": 3, "state": "running", "halted": True}]},
        "net": [{"number": 0, "name": "v", "rx": {"bytes": 4}}],
        "block": [{"number": 0, "backing_index": 1, "rd": {"time_seconds": 0.5}}],
        "iothread": [{"number": 7, "poll_max_ns": 3}],
        "dirtyrate": {"calc_status": "measured", "bytes_per_second": 2 << 20},
    }
    guest = TypedParams([("user.count", UINT, 1), ("user.0.login-time", ULLONG, 1500), ("hostname", STRING, "h"),
                         ("fs.count", UINT, 0), ("disk.0.dependency.0.name", STRING, "x")])  # fmt: skip
    assert nested(guest, GUEST) == {
        "user": [{"number": 0, "login_time_seconds": 1.5}],
        "hostname": "h",
        "fs": [],
        "disk": [{"number": 0, "dependency": [{"number": 0, "name": "x"}]}],
    }


def test_any_number_of_domains_takes_as_many_round_trips(side: Side, libvirtd: Libvirtd) -> None:
    with DelayProxy(("127.0.0.1", libvirtd.port), rtt=0.2) as proxy:
        uri = libvirtd.uri_at(proxy.address, "test")
        turns = []
        for names in ("test", "test 1 " * 20):
            before = proxy.turns
            assert side.vsh("-c", uri, f"domstats {names}").status == 0
            turns.append(proxy.turns - before)
    assert turns == [4, 4]  # open, look up, ask, close


def test_json(host: Host) -> None:
    commands = ["domblklist test", "domblkinfo test vda", "domblkinfo test --all", "domiflist test"]
    disks, size, sizes, interfaces = host.json("; ".join(commands))
    assert disks == [{"type": "file", "device": "disk", "target": "vda", "source": "/guest/diskimage1"}]
    assert size["device"] == "vda" and size["capacity_bytes"] > 1 << 30 and [size] == sizes
    mac = "aa:bb:cc:dd:ee:ff"
    assert interfaces == [{"interface": "testnet0", "type": "network", "source": "default", "model": None, "mac": mac}]
    commands = ["domif-getlink test testnet0", "domcontrol test", "domblkerror test", "dommemstat test", "domtime test"]
    link, control, errors, memory, time = host.json("; ".join(commands))
    assert link == {"interface": "testnet0", "link": "up"}
    assert control == {"state": "ok", "reason": None, "state_seconds": 0}
    assert errors == [{"disk": "vda", "error": "unspecified_error"}]
    assert memory["actual_bytes"] == 2 << 30 and memory["last_update_seconds"] == 627319920
    assert time == {"seconds": 627319920, "nanoseconds": 0}
    block, interface = host.json("domblkstat test vda; domifstat test testnet0")
    assert block["device"] == "vda" and block["rd_operations"] > 1000
    assert interface["interface"] == "testnet0" and interface["rx_bytes"] > 1000


def test_json_of_statistics(host: Host) -> None:
    statistics = {"state": {"state": "running", "reason": "unknown"}}
    assert host.json("domstats test") == [[{"domain": {"name": "test", "uuid": UUID}, "statistics": statistics}]]


def test_qemu(qemu: Host) -> None:
    qemu.same(*(line.format("guest") for line in LOOKS), "domblkinfo guest vda --human", ignore=["counters"])
    lines = ["domblkstat guest vda", "domblkstat guest vda --human", "domblkstat guest", "domblkstat guest --human"]
    lines += ["domblkstat guest nosuch", "domifstat guest vnet0", "domblkinfo guest nosuch", "domblkinfo guest hda"]
    lines += [f"domif-getlink guest 52:54:00:11:22:{end}" for end in ("33", "44", "55")]
    lines += [f"domifaddr guest --source {source}" for source in ("lease", "agent", "arp")]
    lines += [
        "dommemstat guest --period 5",
        "dommemstat guest --period 5 --config",
        "domtime guest",
        "domtime guest --now",
    ]
    qemu.same(*lines, ignore=["counters"])
    qemu.same("domstats --nowait guest", "domstats --block --backing guest --raw", "domstats --vm", ignore=["counters"])
    [[stats]] = qemu.json("domstats guest --balloon --block")
    assert stats["statistics"]["balloon"]["current_bytes"] == 8192 << 10
    assert stats["statistics"]["block"][1]["name"] == "vda"
    sizes = {one["device"]: one["capacity_bytes"] for one in qemu.json("domblkinfo guest --all")[0]}
    assert sizes["vda"] == 1 << 20 and sizes["hda"] is None
