"""A private sshd on loopback: its own keys, configuration and port; the machine's own is not touched."""

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.live.libvirtd import free_port
from tests.live.need import SYSTEM_PATH
from tests.live.nursery import Nursery

CONFIG = {
    "ListenAddress": "127.0.0.1",
    "PermitRootLogin": "yes",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "UsePAM": "no",
    "StrictModes": "no",
    "LogLevel": "VERBOSE",
    "MaxStartups": "100",
}


class Sshd:
    """A running sshd, which this user may enter with `key`; a context manager that stops it.

    directory: its private directory, with `key`, `known_hosts` and `host_key`; HOME of those who enter.
    port: its port on 127.0.0.1.
    """

    def __init__(self, *, settings: Mapping[str, str] = {}, prefix: Sequence[str] = ()) -> None:
        """Start it and wait until it answers.

        `settings` of sshd_config are added to its own; `prefix` is a command that runs it, as `nsenter ...` does.
        """
        self._nursery = Nursery()
        self.directory = self._nursery.directory
        self.port = free_port()
        self.key = self.new_key("key")
        self.new_key("host_key")
        public = (self.directory / "host_key.pub").read_text()
        self.known_hosts = self.directory / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")
        (self.directory / "authorized_keys").write_text((self.directory / "key.pub").read_text())
        conf = {
            "Port": str(self.port), "HostKey": f"{self.directory}/host_key", "PidFile": f"{self.directory}/pid",
            "AuthorizedKeysFile": f"{self.directory}/authorized_keys",
            # Else bash reads this user's own .bashrc before each program, whatever that does.
            "SetEnv": f"HOME={self.directory}", **CONFIG, **settings,
        }  # fmt: skip
        (self.directory / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in conf.items()))
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's jail for what has not logged in yet
        program = shutil.which("sshd", path=SYSTEM_PATH) or "sshd"
        argv = [*prefix, program, "-D", "-e", "-f", f"{self.directory}/sshd_config"]
        try:
            self.pid = self._nursery.spawn(argv, {"PATH": SYSTEM_PATH}, self.directory / "sshd.log")
            deadline = time.monotonic() + 20
            while "Server listening" not in self.log():
                if time.monotonic() > deadline:
                    raise RuntimeError(f"sshd did not come up\n{self.log()}")
                time.sleep(0.02)
        except BaseException:
            self.close()
            raise

    def new_key(self, name: str, *options: str) -> Path:
        """Make a key pair; its private half."""
        path = self.directory / name
        words = ["-q", "-t", "ed25519", "-f", str(path), *(options or ("-N", ""))]
        subprocess.run(["ssh-keygen", *words], check=True, timeout=30, stdin=subprocess.DEVNULL)
        return path

    def query(self, **parameters: str) -> str:
        """Parameters of a URI with which this host is entered."""
        given = {"keyfile": str(self.key), "known_hosts": str(self.known_hosts), **parameters}
        return "&".join(f"{name}={value}" for name, value in given.items() if value)

    def log(self) -> str:
        """What it has logged so far."""
        path = self.directory / "sshd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Stop it and all it started."""
        self._nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


#: Programs that a host with only QEMU does not have.
SPARED = (
    *("libvirtd", "virtqemud", "virtlogd", "virsh", "virt-ssh-helper", "nc", "socat", "python3", "perl"),
    *("qemu-nbd", "inotifywait"),
)


def bare(*, without: Sequence[str] = SPARED, others: Mapping[str, Path] = {}) -> list[str]:
    """What begins the command line of an sshd on a machine with a shell, QEMU and little else: a mount namespace in
    which these programs cannot be run, nothing of libvirt is in /run, and `others` stand in for files and folders."""
    script = ["for path in /usr/lib/libvirt /run/libvirt; do [ ! -d $path ] || mount -t tmpfs none $path; done"]
    for name in without:
        path = shutil.which(name, path=SYSTEM_PATH)
        if path:
            script.append(f"mount --bind /dev/null {path}")
    return covered(others, script)


def covered(others: Mapping[str, Path], script: Sequence[str] = ()) -> list[str]:
    """What begins the command line of an sshd in a mount namespace of its own, in which `script` was run and `others`
    stand in for files and folders."""
    places = [f"{{ [ -e {p} ] || mkdir -p {p}; }} && mount --bind {other} {p}" for p, other in others.items()]
    return ["unshare", "--mount", "sh", "-ec", "\n".join([*script, *places, 'exec "$@"']), "sh"]
