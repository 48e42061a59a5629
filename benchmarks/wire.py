"""What travels between vsh and a libvirtd, against virsh: many small calls, listing and statistics of 1,000 domains
near and at a distance of 20 ms, and volumes down and up.

    python benchmarks/wire.py [ROUNDS]
"""

import os
import sys
from pathlib import Path

from common import install_vsh, medians, print_ratios
from list_latency import define

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.nursery import Nursery
from tests.live.proxy import DelayProxy
from tests.live.side import Side

ROUND_TRIP = 0.020  # seconds
DOMAINS = 1000
#: How often a script asks for the state of a domain, and how many MiB a volume holds.
CALLS, VOLUME = 1000, 512


def main(rounds: int) -> None:
    with Nursery() as nursery:
        vsh = str(install_vsh(nursery.directory) / "vsh")
        with Side(program=[vsh]) as side:
            with Libvirtd() as daemon, DelayProxy(("127.0.0.1", daemon.port), ROUND_TRIP) as proxy:
                near, far = daemon.uri("qemu", "tcp"), daemon.uri_at(proxy.address, "qemu")
                define(side, near, Guests(nursery.directory), range(DOMAINS))
                calls(vsh, side, near, rounds)
                for place, uri in (("near", near), (f"{ROUND_TRIP * 1000:.0f} ms away", far)):
                    for words in (["list", "--all"], ["domstats"]):
                        commands = {name: [program, "-c", uri, *words] for name, program in programs(vsh)}
                        title = f"{' '.join(words)} of {DOMAINS} domains, {place}, median of {rounds}"
                        print_ratios(title, medians(commands, side.env, rounds))
            with Libvirtd(privileged=True) as daemon:
                volumes(vsh, side, daemon.uri("qemu"), nursery.directory, rounds)


def programs(vsh: str) -> tuple[tuple[str, str], ...]:
    return ("virsh", "virsh"), ("vsh", vsh)


def calls(vsh: str, side: Side, uri: str, rounds: int) -> None:
    """Many small calls on one connection; what it costs to start and connect is told apart."""
    line = "; ".join(["domstate guest-0"] * CALLS)
    commands = {}
    for name, program in programs(vsh):
        commands[f"{name}, 1"] = [program, "-c", uri, "domstate guest-0"]
        commands[f"{name}, {CALLS}"] = [program, "-c", uri, line]
    seconds = medians(commands, side.env, rounds)
    each = {name: (seconds[f"{name}, {CALLS}"] - seconds[f"{name}, 1"]) / (CALLS - 1) for name, _ in programs(vsh)}
    print_ratios(f"domstate, one of {CALLS} on one connection, median of {rounds}", each)
    for name, taken in each.items():
        print(f"  {name:<16}{1 / taken:10.0f} a second")


def volumes(vsh: str, side: Side, uri: str, directory: Path, rounds: int) -> None:
    source, target = directory / "source", directory / "target"
    with source.open("wb") as file:
        for _ in range(VOLUME):
            file.write(os.urandom(1 << 20))
    pool = directory / "pool"
    pool.mkdir()
    script = f"pool-create-as bench dir --target {pool}; vol-create-as bench v {VOLUME}M; vol-upload v {source} bench"
    made = side.virsh("-q", "-c", uri, script, timeout=300)
    assert made.status == 0, made.stderr
    for verb, file_name in (("vol-download", "/dev/null"), ("vol-download", str(target)), ("vol-upload", str(source))):
        commands = {name: [program, "-c", uri, verb, "v", file_name, "bench"] for name, program in programs(vsh)}
        seconds = medians(commands, side.env, rounds)
        print_ratios(f"{verb} of {VOLUME} MiB, {Path(file_name).name}, median of {rounds}", seconds)
        for name, taken in seconds.items():
            print(f"  {name:<16}{VOLUME / taken:10.0f} MiB a second")
    side.virsh("-q", "-c", uri, "vol-delete v bench; pool-destroy bench")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
