"""A private libvirtd: its own files, sockets and port; the machine's own libvirt is not touched."""

import os
import shlex
import signal
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.live import answers
from tests.live.need import SYSTEM_PATH
from tests.live.nursery import Nursery, unprivileged
from tests.live.proxy import Address
from tests.live.wait import wait_until

# Our guests need no security labels or cgroups; without them QEMU starts in 0.4 s, not 4.5.
QEMU_CONF = """\
security_driver = "none"
cgroup_controllers = []
stdio_handler = "file"
"""
QEMU_CONF_ROOT = """\
user = "root"
group = "root"
namespaces = []
remember_owner = 0
"""
# The directories a privileged libvirtd keeps its files in; each is covered by one of our own.
SYSTEM_DIRECTORIES = {
    "run": "/run/libvirt",
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}
# A call of REMOTE_PROC_AUTH_LIST (66) of the remote program, version 1: length, program, version, procedure,
# type, serial, status. It is answered only once the daemon serves clients.
AUTH_LIST = struct.pack(">7I", 28, 0x20008086, 1, 66, 0, 0, 0)


class Libvirtd:
    """A running daemon; a context manager that stops it.

    directory: its private directory (short, under /tmp), removed by `stop`.
    socket: its unix socket.  port: its port on 127.0.0.1.
    env: the environment in which a client finds an unprivileged daemon by itself (`qemu:///session`).
    pid: the daemon's process, for tests that send signals.
    """

    def __init__(
        self,
        *,
        privileged: bool = False,
        own_network: bool = False,
        settings: Mapping[str, str] = {},
        qemu_settings: str = "",
        env: Mapping[str, str] = {},
    ) -> None:
        """Start it and wait until it answers. `privileged` needs root; without it root runs it as nobody.
        A privileged one with `own_network` lives in a network namespace, so that its networks disturb nobody: it is
        reached through its unix socket alone, and `command_inside` runs programs beside it.
        `settings` of libvirtd.conf, lines of qemu.conf and variables of the environment (`env`) are added to its own.

        Raises RuntimeError, with the daemon's log, when it does not come up.
        """
        self.privileged = privileged
        self.own_network = own_network
        self._nursery = Nursery(shared=not privileged)
        self.directory = self._nursery.directory
        self.port = free_port()
        self.env = {
            "PATH": SYSTEM_PATH,
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.directory),
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
            "XDG_DATA_HOME": str(self.directory / "data"),
            **env,
        }
        if privileged:
            self.socket = self.directory / "run/libvirt-sock"
            qemu_conf = self.directory / "etc/qemu.conf"
            owner, cache = 0, "cache/qemu/capabilities"
        else:
            self.socket = self.directory / "run/libvirt/libvirt-sock"
            qemu_conf = self.directory / "config/libvirt/qemu.conf"
            owner, cache = self.directory.stat().st_uid, "cache/libvirt/qemu/cache/capabilities"
        self._asker = f"libvirtd-{owner}"
        answers.keep(self.directory / cache, self._asker, owner)
        qemu_conf.parent.mkdir(parents=True)
        qemu_conf.write_text(QEMU_CONF + (QEMU_CONF_ROOT if privileged else "") + qemu_settings)
        conf = {
            "listen_tls": "0",
            "listen_tcp": "1",
            "listen_addr": '"127.0.0.1"',
            "tcp_port": f'"{self.port}"',
            "auth_tcp": '"none"',
            "auth_unix_rw": '"none"',
            "auth_unix_ro": '"none"',
            "log_level": "3",
            **settings,
        }
        (self.directory / "libvirtd.conf").write_text("".join(f"{key} = {value}\n" for key, value in conf.items()))
        try:
            if not privileged:
                self._give_away()
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start the daemon, for the first time or again after `kill`, and wait until it answers."""
        files = ["-f", f"{self.directory}/libvirtd.conf", "-p", f"{self.directory}/pid"]
        daemon = ["libvirtd", "--listen", *files]
        argv = self._in_namespace(daemon) if self.privileged else [*unprivileged(), *daemon]
        self.pid = self._nursery.spawn(argv, self.env, self.directory / "libvirtd.log")
        deadline = time.monotonic() + 20
        while not self.answers():
            if time.monotonic() > deadline or not Path(f"/proc/{self.pid}").exists():
                raise RuntimeError(f"libvirtd did not come up\n{self.log()}")
            time.sleep(0.02)

    def revive(self) -> None:
        """Start it again if it is gone."""
        if not Path(f"/proc/{self.pid}").exists():
            self.start()

    def kill(self) -> None:
        """SIGKILL the daemon, as a crash would: its guests live on until `stop`."""
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{self.pid}").exists())

    def stop(self) -> None:
        """Kill the daemon and all it started, guests too, and remove its directory. Idempotent."""
        self._nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def uri(self, scheme: str, transport: str = "unix", path: str = "", **parameters: str) -> str:
        """A URI that leads to this daemon and no other.

        scheme: `test`, `qemu` ...; transport: `unix` or `tcp`; path: `/default` for test, else `/system` or
        `/session` as this daemon offers; parameters: more of the query.
        """
        address: Address = self.socket if transport == "unix" else ("127.0.0.1", self.port)
        return self.uri_at(address, scheme, path, **parameters)

    def uri_at(self, address: Address, scheme: str, path: str = "", **parameters: str) -> str:
        """The same where the daemon is reached through `address`, a `DelayProxy` for instance."""
        if scheme == "qemu":
            ask = f"qemu+unix://{'/system' if self.privileged else '/session'}?socket={self.socket}"
            answers.ask_once(self._asker, ["virsh", "-c", ask, "capabilities"])
        if not path:
            path = "/default" if scheme == "test" else "/system" if self.privileged else "/session"
        if isinstance(address, Path):
            base, parameters = f"{scheme}+unix://{path}", {"socket": str(address), **parameters}
        else:
            base = f"{scheme}+tcp://{address[0]}:{address[1]}{path}"
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"{base}?{query}" if query else base

    def log(self) -> str:
        """What the daemon has logged so far: its warnings and errors."""
        log = self.directory / "libvirtd.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def answers(self) -> bool:
        """Whether its sockets are served."""
        addresses: list[Address] = [self.socket, *([] if self.own_network else [("127.0.0.1", self.port)])]
        return all(map(_answers, addresses))

    def command_inside(self, *argv: str) -> list[str]:
        """`argv` to be run among the daemon's network devices."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *argv]

    def _give_away(self) -> None:
        if os.geteuid() == 0:
            owner = self.directory.stat()
            for path in self.directory.rglob("*"):
                os.chown(path, owner.st_uid, owner.st_gid)

    def _in_namespace(self, daemon: list[str]) -> list[str]:
        """`daemon` in a mount namespace where the system's directories are private ones; perhaps in a network of its
        own too."""
        lines = ["ip link set lo up"] if self.own_network else []
        for own, system in SYSTEM_DIRECTORIES.items():
            mine = shlex.quote(str(self.directory / own))
            lines.append(f"mkdir -p {mine} {system} && mount --bind {mine} {system}")
        # Containers cannot be started where both versions of cgroups are mounted.
        lines.append("if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi")
        spaces = ["--mount", *(["--net"] if self.own_network else [])]
        return ["unshare", *spaces, "sh", "-ec", "\n".join([*lines, f"exec {shlex.join(daemon)}"])]


def _answers(address: Address) -> bool:
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    try:
        with socket.socket(family) as client:
            client.settimeout(5)
            client.connect(str(address) if isinstance(address, Path) else address)
            client.sendall(AUTH_LIST)
            return bool(client.recv(4))
    except OSError:
        return False


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
