"""SASL with GSSAPI to a real libvirtd: a Kerberos ticket opens it, and over plain TCP everything is encrypted."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.certificates import Authority
from tests.live.kerberos import Realm, python_path
from tests.live.libvirtd import Libvirtd, free_port
from tests.live.need import need, unavailable
from tests.live.nursery import Nursery
from tests.live.proxy import DelayProxy
from tests.live.sasl import write_sasl
from tests.live.side import Run, Side


@dataclass
class Kerberised:
    """A daemon whose TCP, TLS and unix sockets want SASL: GSSAPI, SCRAM or DIGEST-MD5."""

    daemon: Libvirtd
    realm: Realm
    side: Side
    pki: Path
    tls_port: int
    packages: str

    def uri(self, transport: str = "tcp", host: str = "localhost") -> str:
        if transport == "unix":
            return self.daemon.uri("qemu")
        if transport == "tls":
            return f"qemu+tls://{host}:{self.tls_port}/session?pkipath={self.pki}"
        return f"qemu+tcp://{host}:{self.daemon.port}/session"

    def vsh(self, uri: str, *argv: str, **env: str) -> Run:
        return self.side.vsh("-c", uri, *argv, env={"PYTHONPATH": self.packages, **self.realm.env, **env})

    def same(self, uri: str, *argv: str) -> Run:
        wanted = self.side.virsh("-c", uri, *argv, env=self.realm.env)
        assert self.vsh(uri, *argv) == wanted
        return wanted


@pytest.fixture(scope="module")
def kerberised() -> Iterator[Kerberised]:
    need("libvirtd", "setpriv", "krb5kdc", "kadmin.local", "kinit", "saslpasswd2")
    if not Path("/usr/lib/python3/dist-packages/gssapi").exists():
        unavailable("not installed: python3-gssapi")
    with Nursery(shared=True) as nursery, Side() as side:
        realm, tls_port = Realm(nursery), free_port()
        pki = Authority().write(nursery.directory / "pki", host="localhost")
        write_sasl(pki, "gssapi scram-sha-256 digest-md5", f"keytab: {realm.keytab}\n")
        settings = {
            "listen_tls": "1", "tls_port": f'"{tls_port}"',
            **{f"auth_{way}": '"sasl"' for way in ("tls", "tcp", "unix_rw", "unix_ro")},
            **{f"{kind}_file": f'"{pki}/{name}.pem"'
               for kind, name in (("ca", "cacert"), ("cert", "servercert"), ("key", "serverkey"))},
        }  # fmt: skip
        packages = python_path(nursery.directory / "packages")
        with Libvirtd(settings=settings, env={"SASL_CONF_PATH": str(pki), **realm.server_env}) as daemon:
            yield Kerberised(daemon, realm, side, pki, tls_port, packages)


@pytest.mark.parametrize("transport", ["tcp", "tls", "unix"])
def test_a_ticket_opens_the_daemon(kerberised: Kerberised, transport: str) -> None:
    assert kerberised.same(kerberised.uri(transport), "uri; nodeinfo; list --all; pool-list --all").status == 0


def test_much_travels_encrypted_both_ways(kerberised: Kerberised, tmp_path: Path) -> None:
    folder = kerberised.daemon.directory / "pool"
    folder.mkdir()
    folder.chmod(0o777)
    content = os.urandom(3_000_001)
    (tmp_path / "in").write_bytes(content)
    script = f"""
        pool-create-as p dir --target {folder}
        vol-create-as p v 3000001
        vol-upload v {tmp_path}/in p
        vol-download v {tmp_path}/out p
        vol-delete v p
        pool-destroy p"""
    done = kerberised.vsh(kerberised.uri(), "; ".join(script.split("\n")))
    assert (done.stderr, done.status) == ("", 0)
    assert (tmp_path / "out").read_bytes() == content


class Tap(DelayProxy):
    """Shows all that passes to `look`, which may change it."""

    def __init__(self, kerberised: Kerberised, look: Callable[[bytes], bytes]) -> None:
        self._look = look
        super().__init__(("127.0.0.1", kerberised.daemon.port), 0)

    def changed(self, data: bytes) -> bytes:
        return self._look(data)

    @property
    def uri(self) -> str:
        return f"qemu+tcp://localhost:{self.address[1]}/session"  # type: ignore[index]


def test_nothing_can_be_read_on_the_way(kerberised: Kerberised) -> None:
    seen = []

    def look(data: bytes) -> bytes:
        seen.append(data)
        return data

    with Tap(kerberised, look) as tap:
        done = kerberised.vsh(tap.uri, "capabilities")
    assert done.status == 0 and "<capabilities>" in done.stdout
    passed = b"".join(seen)
    assert len(passed) > len(done.stdout) and b"<cap" not in passed and b"<host>" not in passed


def test_nothing_can_be_changed_on_the_way(kerberised: Kerberised) -> None:
    # The long answer is the one that is damaged.
    with Tap(kerberised, lambda data: data[:-1] + b"?" if len(data) > 4000 else data) as tap:
        done = kerberised.vsh(tap.uri, "capabilities")
    assert done.status == 1 and done.stdout.strip() == ""
    assert "an encrypted piece is damaged" in done.stderr and "Traceback" not in done.stderr


def test_without_a_ticket(kerberised: Kerberised) -> None:
    done = kerberised.vsh(kerberised.uri(), "list", **kerberised.realm.ticketless)
    assert done.status == 1 and done.stdout == ""
    error = done.stderr.splitlines()
    assert len(error) == 2 and "SASL with GSSAPI failed: " in error[1] and "No Kerberos cred" in error[1]


def test_a_service_that_has_no_key(kerberised: Kerberised) -> None:
    done = kerberised.vsh(kerberised.uri(host="127.1"), "list")
    assert done.status == 1
    assert "SASL with GSSAPI failed" in done.stderr and "not found in Kerberos database" in done.stderr


def test_the_password_is_taken_where_there_is_no_ticket(kerberised: Kerberised) -> None:
    uri = f"{kerberised.uri('tls')}&authfile={kerberised.pki}/auth.conf"
    assert kerberised.vsh(uri, "uri", **kerberised.realm.ticketless).status == 0


def test_without_the_package(kerberised: Kerberised) -> None:
    done = kerberised.vsh(kerberised.uri(), "list", PYTHONPATH="")
    assert done.status == 1
    assert len(done.stderr.splitlines()) == 2
    assert "SASL with Kerberos (GSSAPI), for which a package is missing: No module named 'gssapi'\n" in done.stderr


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "DIGEST-MD5"])
def test_mechanisms_that_may_not_be_used_over_plain_tcp(kerberised: Kerberised, mechanism: str) -> None:
    done = kerberised.vsh(f"{kerberised.uri()}?auth=sasl.{mechanism}", "list")
    assert done.status == 1
    assert f"no SASL mechanism that encrypts: the daemon offers {mechanism}" in done.stderr or (
        "not supported by server" in done.stderr
    )
