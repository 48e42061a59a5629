"""Time of one `list --all`, start-up included: vsh against virsh, on the test host and through a libvirtd.

    python benchmarks/oneshot_list.py [ROUNDS]
"""

import sys

from common import install_vsh, medians, print_ratios

from tests.live.libvirtd import Libvirtd
from tests.live.nursery import Nursery
from tests.live.side import Side


def main(rounds: int) -> None:
    with Nursery() as nursery, Libvirtd() as daemon:
        binaries = install_vsh(nursery.directory)
        vsh = str(binaries / "vsh")
        with Side(program=[vsh]) as side:
            for title, uri in (
                ("list --all, test host", "test:///default"),
                ("list --all, test host of a libvirtd", daemon.uri("test")),
                ("list --all, QEMU of a libvirtd", daemon.uri("qemu")),
            ):
                argv = ["-c", uri, "list", "--all"]
                side.assert_same(*argv)
                commands = {
                    "virsh": ["virsh", *argv],
                    "vsh": [vsh, *argv],
                    "python -c pass": [str(binaries / "python"), "-c", "pass"],
                }
                print_ratios(f"{title}, median of {rounds}", medians(commands, side.env, rounds))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 41)
