"""Guests without a daemon against libvirtd and virsh on the same QEMU: boot-sector guests under TCG.

    python benchmarks/qemu_guests.py [GUESTS]

Each program defines and starts all in one script, lists and measures them while they run, then stops and removes them.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from common import install_vsh, print_ratios

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.nursery import Nursery
from tests.live.side import Side
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.store import Running

#: What is measured: name -> the lines for one guest, or one line for all.
EACH = {"define, start": "define {file}\nstart {name}\n", "destroy, undefine": "destroy {name}\nundefine {name}\n"}
ALL = ("list --all", "domstats")


def seconds(argv: list[str], env: Mapping[str, str], script: str = "") -> float:
    start = time.perf_counter()
    done = subprocess.run(argv, env=env, input=script, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode or "error:" in done.stderr:
        raise RuntimeError(f"{argv}: {done.stderr.strip()}")
    return time.perf_counter() - start


@contextmanager
def own_root() -> Iterator[Path]:
    """A folder for the embedded driver; whatever happens, it goes at the end, and so do guests that still run there."""
    root = Path(tempfile.mkdtemp(prefix="vsh-q", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            root.chmod(0o711)
        yield root
    finally:
        host = LocalHost()
        for path in root.glob("e/run/qemu/*.state"):
            process = Running.load(path.read_bytes()).process
            if process is not None:
                host.signal(process, signal.SIGKILL)
        shutil.rmtree(root, ignore_errors=True)


def main(count: int) -> None:
    with own_root() as root, Nursery(shared=True) as nursery, Libvirtd() as daemon, Side() as side:
        vsh = str(install_vsh(nursery.directory) / "vsh")
        guests = Guests(nursery.directory)
        names = [f"bench-{number}" for number in range(count)]
        for name in names:
            (nursery.directory / f"{name}.xml").write_text(guests.boot_sector(name))
        programs = {"virsh": ("virsh", daemon.uri("qemu")), "vsh": (vsh, f"qemu:///embed?root={root}/e")}
        taken: dict[str, dict[str, float]] = {}
        for program, (path, uri) in programs.items():
            argv = [path, "-q", "-c", uri]

            def run(title: str, program: str = program, argv: list[str] = argv) -> None:
                lines = [EACH[title].format(name=n, file=nursery.directory / f"{n}.xml") for n in names]
                taken.setdefault(title, {})[program] = seconds(argv, side.env, "".join(lines))

            run("define, start")
            for title in ALL:
                found = [seconds([*argv, *title.split()], side.env) for _ in range(5)]
                taken.setdefault(title, {})[program] = min(found)
            run("destroy, undefine")
    for title, found in taken.items():
        print_ratios(f"{title}, {count} guests", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
