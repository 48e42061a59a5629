"""`list --all` of 10, 100 and 1,000 QEMU domains on a libvirtd at a distance of 20 ms: vsh against virsh.

    python benchmarks/list_latency.py [ROUNDS]
"""

import sys

from common import install_vsh, medians, print_ratios

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.nursery import Nursery
from tests.live.proxy import DelayProxy
from tests.live.side import Side

ROUND_TRIP = 0.020  # seconds


def main(rounds: int) -> None:
    with Nursery() as nursery, Libvirtd() as daemon:
        vsh = str(install_vsh(nursery.directory) / "vsh")
        with Side(program=[vsh]) as side, DelayProxy(("127.0.0.1", daemon.port), ROUND_TRIP) as proxy:
            near, far = daemon.uri("qemu"), daemon.uri_at(proxy.address, "qemu")
            guests, defined = Guests(nursery.directory), 0
            for count in (10, 100, 1000):
                define(side, near, guests, range(defined, count))
                defined = count
                side.assert_same("-c", near, "list", "--all")
                commands = {
                    "virsh": ["virsh", "-c", far, "list", "--all"],
                    "vsh": [vsh, "-c", far, "list", "--all"],
                }
                title = f"list --all, {count} domains, round trip of {ROUND_TRIP * 1000:.0f} ms, median of {rounds}"
                print_ratios(title, medians(commands, side.env, rounds))


def define(side: Side, uri: str, guests: Guests, numbers: range) -> None:
    """Define domains `guest-NUMBER` with virsh."""
    script = ""
    for number in numbers:
        path = guests.directory / f"guest-{number}.xml"
        path.write_text(guests.boot_sector(f"guest-{number}"))
        script += f"define {path}\n"
    run = side.virsh("-q", "-c", uri, stdin=script, timeout=120)
    assert not run.stderr, run.stderr


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
