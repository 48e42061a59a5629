"""X.509 certificates of the tests' own: an authority, and what it signs for daemons and clients."""

import datetime
import ipaddress
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates; `write` puts them where libvirt's `pkipath=` looks."""

    def __init__(self, name: str = "vsh tests") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        extensions = [(x509.BasicConstraints(True, None), True), (usage, True)]
        self._certificate = self._sign(self._name, self._key, extensions)

    def write(self, folder: Path, *, host: str = "127.0.0.1", days: int = 30) -> Path:
        """Write cacert.pem, and certificate and key of a daemon on `host` and of a client, which end in `days`; all
        under QEMU's names too."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cacert.pem").write_bytes(_pem(self._certificate))
        address: x509.GeneralName
        try:
            address = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            address = x509.DNSName(host)
        for kind, usage in (("server", ExtendedKeyUsageOID.SERVER_AUTH), ("client", ExtendedKeyUsageOID.CLIENT_AUTH)):
            key = ec.generate_private_key(ec.SECP256R1())
            extensions: list[tuple[x509.ExtensionType, bool]] = [(x509.ExtendedKeyUsage([usage]), False)]
            if kind == "server":
                extensions.append((x509.SubjectAlternativeName([address]), False))
            certificate = self._sign(_name(f"{kind} of the tests"), key, extensions, days)
            (folder / f"{kind}cert.pem").write_bytes(_pem(certificate))
            (folder / f"{kind}key.pem").write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        for path in list(folder.iterdir()):
            path.chmod(0o644)
            alias = folder / re.sub("(cert|key).pem$", r"-\1.pem", path.name)
            if not alias.exists():
                alias.symlink_to(path.name)
        return folder

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extensions: list[tuple[x509.ExtensionType, bool]],
        days: int = 30,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 60 * DAY)
            .not_valid_after(now + days * DAY)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
