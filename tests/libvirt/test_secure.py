"""TLS and SASL to a real libvirtd, and what is said when one side does not trust the other."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.certificates import Authority
from tests.live.libvirtd import Libvirtd, free_port
from tests.live.need import SYSTEM_PATH, need
from tests.live.nursery import Nursery
from tests.live.sasl import PASSWORD, write_sasl
from vsh.backends import driver, errors, registry


@dataclass
class Secure:
    """A daemon with TLS, and SASL over its unix socket and TCP; `folder` has its certificates and auth.conf."""

    daemon: Libvirtd
    authority: Authority
    folder: Path
    tls_port: int

    def tls(self, host: str = "127.0.0.1", folder: Path | None = None, more: str = "") -> str:
        return f"test+tls://{host}:{self.tls_port}/default?pkipath={folder or self.folder}{more}"

    def sasl(self, transport: str, **parameters: str) -> str:
        return self.daemon.uri("test", transport, authfile=str(self.folder / "auth.conf"), **parameters)


@pytest.fixture(scope="module")
def secure() -> Iterator[Secure]:
    need("libvirtd", "setpriv", "saslpasswd2")
    with Nursery(shared=True) as nursery:
        authority, port = Authority(), free_port()
        folder = authority.write(nursery.directory / "pki")
        write_sasl(folder, "scram-sha-1 scram-sha-256")
        settings = {
            "listen_tls": "1", "tls_port": f'"{port}"', "auth_tls": '"none"',
            "auth_unix_rw": '"sasl"', "auth_unix_ro": '"sasl"', "auth_tcp": '"sasl"',
            **{f"{kind}_file": f'"{folder}/{name}.pem"'
               for kind, name in (("ca", "cacert"), ("cert", "servercert"), ("key", "serverkey"))},
        }  # fmt: skip
        with Libvirtd(settings=settings, env={"SASL_CONF_PATH": str(folder)}) as daemon:
            yield Secure(daemon, authority, folder, port)


def works(uri: str) -> driver.Connection:
    """A connection that has answered to more than one record of TLS."""
    connection = registry.open(uri)
    assert connection.connect_get_type() == "TEST"
    assert len(connection.batch([("connect_get_capabilities", ())] * 100)) == 100
    return connection


def refused(uri: str) -> errors.VirtError:
    with pytest.raises(errors.VirtError) as caught:
        registry.open(uri)
    return caught.value


def test_tls(secure: Secure) -> None:
    connection = works(secure.tls())
    assert connection.connect_is_secure() == 1
    connection.close()


def test_the_daemon_must_have_the_name_we_called(secure: Secure) -> None:
    failure = refused(secure.tls("localhost"))
    assert failure.code == errors.AUTH_FAILED and "certificate of 'localhost': Hostname mismatch" in str(failure)
    works(secure.tls("localhost", more="&no_verify=1")).close()


def test_a_daemon_of_another_authority(secure: Secure, tmp_path: Path) -> None:
    stranger = Authority("stranger").write(tmp_path / "stranger")
    failure = refused(secure.tls(folder=stranger))
    assert failure.code == errors.AUTH_FAILED and "Failed to verify the certificate" in str(failure)


def test_a_client_the_daemon_does_not_trust(secure: Secure, tmp_path: Path) -> None:
    folder = Authority("stranger").write(tmp_path / "stranger")
    (folder / "cacert.pem").write_bytes((secure.folder / "cacert.pem").read_bytes())
    failure = refused(secure.tls(folder=folder))
    assert failure.code == errors.AUTH_FAILED
    assert "server verification (of our certificate or IP address) failed" in str(failure)


def test_certificates_out_of_date(secure: Secure, tmp_path: Path) -> None:
    folder = secure.authority.write(tmp_path / "old", days=-1)
    assert refused(secure.tls(folder=folder)).code == errors.AUTH_FAILED


def test_files_that_are_missing_or_wrong(secure: Secure, tmp_path: Path) -> None:
    failure = refused(secure.tls(folder=tmp_path))
    assert str(failure) == f"Cannot read CA certificate '{tmp_path}/cacert.pem': No such file or directory"
    virsh = subprocess.run(
        ["virsh", "-c", secure.tls(folder=tmp_path), "list"], env={"PATH": SYSTEM_PATH}, capture_output=True, timeout=30
    )
    assert f"error: {failure}" == virsh.stderr.decode().splitlines()[-1]
    (tmp_path / "cacert.pem").write_text("no certificate")
    assert "Unable to use CA certificate" in str(refused(secure.tls(folder=tmp_path)))


def test_a_priority_string_is_refused(secure: Secure) -> None:
    failure = refused(secure.tls(more="&tls_priority=NORMAL"))
    assert failure.code == errors.INVALID_ARG and "written for GnuTLS" in str(failure)


def test_a_port_that_speaks_no_tls(secure: Secure) -> None:
    uri = f"test+tls://127.0.0.1:{secure.daemon.port}/default?pkipath={secure.folder}"
    assert refused(uri).code == errors.AUTH_FAILED


@pytest.mark.parametrize("mechanism", ["", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_sasl(secure: Secure, mechanism: str) -> None:
    works(secure.sasl("unix", **({"auth": f"sasl.{mechanism}"} if mechanism else {}))).close()


def test_sasl_asks_the_user(secure: Secure, tmp_path: Path) -> None:
    (tmp_path / "auth.conf").touch()
    uri = secure.daemon.uri("test", authfile=str(tmp_path / "auth.conf"))
    answers = {"Please enter your authentication name": "alice", "Please enter your password": PASSWORD}
    connection = registry.open(uri, ask=lambda question, hidden: answers[question])
    assert connection.connect_get_type() == "TEST"
    connection.close()
    assert "auth-libvirt-localhost" in refused(uri).hint


def test_a_wrong_password(secure: Secure, tmp_path: Path) -> None:
    path = tmp_path / "auth.conf"
    path.write_text((secure.folder / "auth.conf").read_text().replace(PASSWORD, "guessed"))
    failure = refused(secure.daemon.uri("test", authfile=str(path)))
    assert failure.code == errors.AUTH_FAILED and PASSWORD not in str(failure) and "guessed" not in str(failure)


def test_mechanisms_that_nobody_has(secure: Secure) -> None:
    assert "SASL mechanism NONSENSE not supported by server" in str(refused(secure.sasl("unix", auth="sasl.NONSENSE")))


def test_scram_is_not_used_where_anybody_can_listen(secure: Secure) -> None:
    failure = refused(secure.sasl("tcp"))
    assert failure.code == errors.AUTH_FAILED and "no SASL mechanism that encrypts" in str(failure)
