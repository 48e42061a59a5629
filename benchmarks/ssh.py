"""One-shots through SSH to a libvirtd at a distance of 20 ms: vsh, cold and with its agent, against virsh; completion,
a thousand domains, and 20 hosts at once.

    python benchmarks/ssh.py [ROUNDS]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import install_vsh, medians, print_ratios

from tests.live.libvirtd import Libvirtd
from tests.live.nursery import Nursery
from tests.live.proxy import DelayProxy
from tests.live.side import private_environment
from tests.live.sshd import Sshd

COMPLETE = ["complete", "--", "domstate", "guest77"]
ROUND_TRIP = 0.020  # seconds
HOSTS = 20
DOMAINS = 1000
DOMAIN = "<domain type='qemu'><name>guest{}</name><memory>8192</memory><os><type>hvm</type></os></domain>"


def main(rounds: int) -> None:
    with Nursery() as nursery, Libvirtd() as daemon, Sshd() as sshd:
        vsh = str(install_vsh(nursery.directory) / "vsh")
        env = {**private_environment(nursery.directory), "VSH_NO_AGENT": ""}
        (nursery.directory / "run").mkdir(mode=0o700)
        with DelayProxy(("127.0.0.1", sshd.port), ROUND_TRIP) as proxy:
            query = f"socket={daemon.socket}&keyfile={sshd.key}&no_verify=1"
            uri = f"qemu+ssh://root@127.0.0.1:{proxy.address[1]}/session?{query}"
            define(vsh, env, uri, nursery.directory, range(1))
            for words in (["list", "--all"], ["dominfo", "guest0"]):
                commands = {
                    "virsh": ["virsh", "-c", uri, *words],
                    "vsh, no agent": [vsh, "--no-agent", "-c", uri, *words],
                    "vsh": [vsh, "-c", uri, *words],
                }
                print_ratios(
                    f"{' '.join(words)} through SSH, round trip of {ROUND_TRIP * 1000:.0f} ms, median of {rounds}",
                    medians(commands, env, rounds),
                )
            several(vsh, env, uri, nursery.directory, rounds)
            define(vsh, env, uri, nursery.directory, range(1, DOMAINS))
            for title, virsh, ours in (
                (f"list of {DOMAINS} domains", ["list", "--all"], ["list", "--all"]),
                (f"completion of one of {DOMAINS} names", COMPLETE, [COMPLETE[0], "--values", *COMPLETE[1:]]),
            ):
                commands = {"virsh": ["virsh", "-c", uri, *virsh], "vsh": [vsh, "-c", uri, *ours]}
                print_ratios(f"{title}, median of {rounds}", medians(commands, env, rounds))
        subprocess.run([vsh, "agent", "stop"], env=env, check=True, capture_output=True)


def define(vsh: str, env: dict[str, str], uri: str, home: Path, numbers: range) -> None:
    """Define domains, over the same connection."""
    lines = []
    for number in numbers:
        path = home / f"guest{number}.xml"
        path.write_text(DOMAIN.format(number))
        lines.append(f"define {path}\n")
    subprocess.run([vsh, "-q", "-c", uri], input="".join(lines), text=True, env=env, check=True, capture_output=True)


def several(vsh: str, env: dict[str, str], uri: str, home: Path, rounds: int) -> None:
    """One command on one host and on 20: hosts with connections of their own, which differ in a parameter."""
    config = home / "config" / "vsh"
    config.mkdir(parents=True)
    (config / "vsh.toml").write_text("".join(f'[hosts.h{i}]\nuri = "{uri}&no_tty={i + 1}"\n' for i in range(HOSTS)))
    names = ",".join(f"h{i}" for i in range(HOSTS))
    times: dict[str, list[float]] = {"one host": [], f"{HOSTS} hosts": []}
    for _ in range(rounds):
        for name, argv in zip(times, ([vsh, "-c", "h0", "list"], [vsh, "-c", names, "list"]), strict=True):
            start = time.perf_counter()
            subprocess.run(argv, env=env, check=True, capture_output=True)
            times[name].append(time.perf_counter() - start)
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    print_ratios(f"list on several hosts, warm, median of {rounds}", seconds, "one host")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
