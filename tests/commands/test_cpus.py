"""Virtual CPUs, where they run and what they took; memory; I/O threads."""

from collections.abc import Callable

import pytest

from tests.commands.conftest import Host

COUNTS = ["vcpucount test", *(f"vcpucount test --{one}" for one in ("live", "config", "current", "maximum", "active"))]
COUNTS += ["vcpucount test --config --maximum", "vcpucount test --live --active", "vcpucount test --current --live"]
INFOS = ["vcpuinfo test", "vcpuinfo test --pretty", "emulatorpin test", "iothreadinfo test", "vcpupin test"]
INFOS += ["vcpupin test 1", "vcpupin test --config", "vcpupin test --live", "vcpupin test --current --vcpu 0"]
LISTS = ["0", "r", "0-1,^0", "77", "2000", "x", "''", "^0", "0-", "0,,1", "' 0'"]
NUMBERS = ["x", "-1", "''", "4294967296", "1x"]


@pytest.fixture
def qemu(start_guest: Callable[..., Host]) -> Host:
    """A QEMU host with a paused domain `guest` that may have four CPUs, and two I/O threads."""
    return start_guest(cpus="<vcpu current='1'>4</vcpu><iothreads>2</iothreads>")


def test_counts(host: Host) -> None:
    host.same(*COUNTS, "destroy test", *COUNTS)
    host.same(*COUNTS, readonly=True)
    host.script("vcpucount", "vcpucount nosuch", "vcpucount test --live --config", "vcpucount test --maximum --active")
    host.script(
        "vcpucount test --current --config --maximum", "vcpucount test --guest --config", "vcpucount test --guest"
    )


def test_counts_of_transient_and_stopped_domains(many: Host) -> None:
    many.same("vcpucount bravo", "vcpucount zulu", "vcpupin bravo --config", "vcpupin zulu --live", "vcpuinfo zulu")


def test_infos(host: Host) -> None:
    host.same(*INFOS, ignore=["counters"])
    host.same(*INFOS, ignore=["counters"], readonly=True, quiet=True)
    host.same("destroy test", *INFOS)
    host.same(*(f"{verb} nosuch" for verb in ("vcpuinfo", "vcpupin", "emulatorpin", "iothreadinfo", "cpu-stats")))


def test_setting_the_number(host: Host) -> None:
    lines = [f"setvcpus test {n}" for n in (1, 2, 3, 0)] + ["setvcpus test 1 --config", "setvcpus test 1 --current"]
    lines += [
        "setvcpus test 2 --config --maximum",
        "setvcpus test 1 --live --config",
        "setvcpus test 4 --maximum --config",
    ]
    host.same(*(f"{line}; vcpucount test" for line in lines))
    host.same("destroy test", *(f"{line}; vcpucount test" for line in lines))
    host.same(*lines, readonly=True)
    host.script(*(f"setvcpus test {n}" for n in NUMBERS), "setvcpus", "setvcpus test", "setvcpus nosuch x")
    host.script("setvcpus test 2 --maximum", "setvcpus test 2 --guest --config", "setvcpus test 2 --live --current")
    host.script("setvcpus test 2 --guest", "setvcpus test 1 --hotpluggable")


def test_particular_cpus(host: Host) -> None:
    lines = [
        "setvcpu test 0 --enable",
        "setvcpu test 0 --disable --config",
        "guestvcpus test",
        "guestvcpus test 0 --enable",
    ]
    host.same(*lines)
    host.same(*lines, readonly=True)
    host.script("setvcpu test 0", "setvcpu nosuch 0", "setvcpu test 0 --enable --disable", "setvcpu test --enable")
    host.script("guestvcpus test 0", "guestvcpus test --enable", "guestvcpus test --disable", "guestvcpus nosuch 0")


def test_pinning(host: Host) -> None:
    host.same(
        *(f"vcpupin test 0 {cpus}; vcpupin test" for cpus in LISTS), "vcpupin test 9 0", "vcpupin test 0 0 --config"
    )
    host.same(*(f"emulatorpin test {cpus}; emulatorpin test" for cpus in LISTS), "emulatorpin test 0 --config")
    host.same(
        "vcpupin test 0 0", "vcpupin test 0 0 --live", "emulatorpin test 0", "iothreadpin test 1 0", readonly=True
    )
    host.same("destroy test", "vcpupin test 0 0", "vcpupin test 0 0 --config; vcpupin test", "emulatorpin test 0")
    host.script("vcpupin test --cpulist 0", "vcpupin test 7", "vcpupin test --live --config", "vcpupin nosuch x")
    host.script(*(f"vcpupin test {n} 0" for n in NUMBERS), "vcpupin test --live --current", "emulatorpin nosuch x")


def test_time_taken(host: Host) -> None:
    lines = [
        f"cpu-stats test {words}" for words in ("", "--total", "--start 1", "--count 1", "--start 0 --count 1 --total")
    ]
    lines += [f"cpu-stats test {words}" for words in ("--start 99", "--start -1", "--count -1", "--count 999", "1 1")]
    host.same(*lines, "destroy test", *lines, ignore=["counters"])
    host.script("cpu-stats test --start x", "cpu-stats test --count ''")


def test_memory(host: Host) -> None:
    sizes = ["1G", "1000000", "1T", "5x", "-5", "''", "x", "1.5G", "100MB", "1KiB", "18446744073709551615", "16E"]
    lines = [f"setmem test {size}; dominfo test" for size in sizes] + [f"setmaxmem test {size}" for size in sizes]
    host.same(
        *lines, "setmem test 1G --live", "setmem test 1G --config", "setmem test 1G --live --config; dominfo test"
    )
    host.same("destroy test", *lines, "setmaxmem test 4G --config", "setmaxmem test 4G --current; dominfo test")
    host.same(
        "setmem test 1G", "setmem test 1G --live", "setmaxmem test 1G", "setmaxmem test 1G --config", readonly=True
    )
    host.script(
        "setmem",
        "setmem test",
        "setmem nosuch 1",
        "setmem test --kilobytes 5000; dommemstat test",
        "setmaxmem test 1 2",
    )
    host.script("setmem test 1G --live --current", "setmaxmem test 1G --config --current")


def test_iothreads(host: Host) -> None:
    lines = [
        "iothreadadd test 5",
        "iothreadinfo test",
        "iothreadpin test 5 0",
        "iothreadadd test 5",
        "iothreadadd test 6",
    ]
    lines += [
        "iothreadset test 5 --poll-max-ns 3",
        "iothreadset test 5 --poll-grow 4 --poll-shrink 2",
        "iothreadset test 5",
    ]
    lines += ["iothreadset test 9 --poll-max-ns 3", "iothreadset test 5 --thread-pool-min 2 --thread-pool-max 4"]
    lines += ["iothreadinfo test --live", "iothreadinfo test --config", "iothreaddel test 5", "iothreaddel test 9"]
    host.same(*lines, "domstats --iothread")
    host.same(*lines, readonly=True)
    host.same("destroy test", *lines, *(f"{line} --config" for line in lines[:4]))
    host.script(
        *(f"{verb} test {n}" for verb in ("iothreadadd", "iothreaddel", "iothreadset") for n in ("0", "-1", "x", ""))
    )
    host.script(*(f"iothreadpin test {words}" for words in ("-1 0", "x 0", "5", "5 x", "5 ''")))
    options = ("poll-max-ns", "poll-grow", "poll-shrink", "thread-pool-min", "thread-pool-max")
    host.script(*(f"iothreadset test 5 --{option} {n}" for option in options for n in ("x", "-1", "99999999999")))


def test_qemu(qemu: Host) -> None:
    def named(lines: list[str]) -> list[str]:
        return [line.replace(" test", " guest") for line in lines]

    qemu.same(*named(COUNTS), *named(INFOS), "vcpucount guest --guest", ignore=["cpu-time"])
    qemu.same("iothreadinfo guest", "iothreadadd guest 7; iothreadinfo guest; iothreaddel guest 7; iothreadinfo guest")
    qemu.same("iothreadset guest 1 --poll-max-ns 9; domstats guest --iothread; iothreadset guest 1 --poll-max-ns 32768")
    qemu.same(
        "iothreadset guest 1 --thread-pool-max 4", "iothreadset guest 1 --thread-pool-min 9", "iothreadset guest 9"
    )
    qemu.same(
        "vcpupin guest 0 0; vcpupin guest; vcpupin guest 0 r", "vcpupin guest 0 0 --config; vcpupin guest --config"
    )
    qemu.same("emulatorpin guest 0; emulatorpin guest; emulatorpin guest r; emulatorpin guest 0 --live --config")
    qemu.same("iothreadpin guest 1 0; iothreadinfo guest; iothreadpin guest 1 r; iothreadpin guest 9 0")
    qemu.same("setvcpus guest 2; vcpucount guest; setvcpu guest 1 --disable; vcpucount guest; setvcpu guest 9 --enable")
    qemu.same("guestvcpus guest", "guestvcpus guest 0 --disable", "setvcpus guest 1 --guest", "cpu-stats guest")
    qemu.same(
        "setmem guest 4M", "setmem guest 4M --config; dominfo guest; setmem guest 8M --config", "setmaxmem guest 4M"
    )
    qemu.same("setmaxmem guest 16M --config; setmaxmem guest 8M --config", "setmaxmem guest 16M --live")


def test_json(host: Host) -> None:
    pairs = {"maximum": {"config": 2, "live": 2}, "current": {"config": 2, "live": 2}}
    counts, one, infos, pins, emulator = host.json(
        "vcpucount test; vcpucount test --live; vcpuinfo test; vcpupin test; emulatorpin test"
    )
    assert counts == pairs and one == {"vcpus": 2}
    everywhere = list(range(8))
    assert pins == [{"vcpu": 0, "affinity": everywhere}, {"vcpu": 1, "affinity": everywhere}]
    assert emulator == {"affinity": everywhere}
    assert [(info["vcpu"], info["state"], info["affinity"]) for info in infos] == [
        (0, "running", everywhere),
        (1, "running", everywhere),
    ]
    each, total = host.json("cpu-stats test")
    assert [cpu["cpu"] for cpu in each["cpus"]] == [0, 1] and each["cpus"][0]["cpu_time_seconds"] > 1
    assert total["total"]["user_time_seconds"] == 5.54
    assert host.json("setmem test 1G; vcpupin test 0 1; iothreadadd test 4; iothreadinfo test; setvcpus test 1") == [
        {"memory_bytes": 1 << 30},
        {"vcpu": 0, "affinity": [1]},
        {"iothread": 4},
        [{"iothread": 4, "affinity": [0, 1]}],
        {"vcpus": 1},
    ]
    assert host.json("destroy test; vcpuinfo test")[1][0] == {
        "vcpu": 0,
        "cpu": None,
        "state": None,
        "cpu_time_seconds": None,
        "affinity": everywhere,
    }


def test_values_are_completed(rpc: Host) -> None:
    asked = [
        "domblkinfo --device",
        "domifaddr --interface",
        "vcpupin --vcpu",
        "vcpupin --cpulist",
        "setvcpu --vcpulist",
    ]
    asked += [
        "iothreaddel --id",
        "numatune --mode",
        "perf --enable",
        "domhostname --source",  # and not domfsfreeze --mountpoint: completion connects read-only
    ]
    asked += [
        "send-key --codeset",
        "send-key --keycode",
        "set-lifecycle-action --action",
        "send-process-signal --signame",
    ]
    for line in asked:
        verb, option = line.split()
        rpc.side.assert_same("-q", "-c", rpc.uri, "complete", "--", verb, "test", option, "")
