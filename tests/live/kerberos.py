"""A Kerberos realm of the tests' own: a KDC on 127.0.0.1, one user with a ticket, one service."""

import os
import socket
import subprocess
from pathlib import Path

from tests.live.libvirtd import free_port
from tests.live.need import SYSTEM_PATH
from tests.live.nursery import Nursery
from tests.live.wait import wait_until

REALM = "VSH.TEST"
KRB5_CONF = """\
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_canonicalize_hostname = false
ignore_acceptor_hostname = true
rdns = false
udp_preference_limit = 1
[realms]
{realm} = {{
    kdc = 127.0.0.1:{port}
}}
"""
KDC_CONF = """\
[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
}}
"""


class Realm:
    """A running KDC in `nursery`, which ends it.

    keytab: the key of the service `libvirt` on this machine.  server_env, env: what a daemon and a client with a ticket
    need; `ticketless` is a client without one.
    """

    def __init__(self, nursery: Nursery) -> None:
        self.folder = nursery.directory / "kerberos"
        self.folder.mkdir()
        port = free_port()
        for name, text in (("krb5.conf", KRB5_CONF), ("kdc.conf", KDC_CONF)):
            (self.folder / name).write_text(text.format(realm=REALM, port=port, folder=self.folder))
        self.keytab = self.folder / "libvirt.keytab"
        self.server_env = {"KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5RCACHETYPE": "none"}
        self.env = {"KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5CCNAME": f"FILE:{self.folder}/ticket"}
        self.ticketless = {**self.env, "KRB5CCNAME": f"FILE:{self.folder}/none"}
        self._run("kdb5_util", "create", "-s", "-P", "master", "-r", REALM)
        alice = str(self.folder / "alice.keytab")
        orders = [
            "addprinc -randkey alice", f"ktadd -k {alice} alice",
            "addprinc -randkey libvirt/localhost", "addprinc -randkey libvirt/127.0.0.1",
            f"ktadd -k {self.keytab} libvirt/localhost libvirt/127.0.0.1",
        ]  # fmt: skip
        self._run("kadmin.local", "-r", REALM, stdin="\n".join(orders))
        self.keytab.chmod(0o644)
        nursery.spawn(["krb5kdc", "-n", "-r", REALM], self._admin_env(), self.folder / "kdc.log")
        wait_until(lambda: _listens(port))
        self._run("kinit", "-k", "-t", alice, "alice")
        for path in self.folder.glob("*ticket"):
            path.chmod(0o644)

    def _admin_env(self) -> dict[str, str]:
        kdc = {"KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}
        return {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", **self.env, **kdc}

    def _run(self, *argv: str, stdin: str = "") -> None:
        done = subprocess.run(argv, env=self._admin_env(), input=stdin, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{argv[0]}: {done.stderr}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def python_path(folder: Path) -> str:
    """A folder for PYTHONPATH with Debian's build of the package gssapi and nothing else of Debian's."""
    folder.mkdir(exist_ok=True)
    for name in ("gssapi", "decorator.py"):
        if not (folder / name).is_symlink():
            os.symlink(f"/usr/lib/python3/dist-packages/{name}", folder / name)
    return str(folder)
