"""TLS to a libvirt daemon, with libvirt's certificate locations and its confirmation byte.

Which files are used, and that a daemon says with one byte whether it takes the client's certificate, is in
https://libvirt.org/kbase/tlscerts.html and libvirt's virnettlscontext.c.
"""

import os
import select
import ssl
from time import monotonic

from .. import errors
from .transport import CHUNK, SocketTransport, open_tcp

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from ..uri import Uri

PORT = 16514
#: Seconds that the handshake may take.
PATIENCE = 30.0
SYSTEM = {
    "ca": "/etc/pki/CA/cacert.pem",
    "crl": "/etc/pki/CA/cacrl.pem",
    "cert": "/etc/pki/libvirt/clientcert.pem",
    "key": "/etc/pki/libvirt/private/clientkey.pem",
}
NAMES = {"ca": "cacert.pem", "crl": "cacrl.pem", "cert": "clientcert.pem", "key": "clientkey.pem"}


class TlsTransport(SocketTransport):
    """A TLS connection as `channel` wants it.

    Each message travels in a record of its own: of a record with two, libvirtd answers the first and forgets the rest
    until more arrives, for what its TLS library holds makes no socket readable.
    """

    joins = False

    _socket: ssl.SSLSocket

    def __init__(self, socket: ssl.SSLSocket):
        self._socket = socket
        self.passes_files = False
        self.secure = self.distant = True

    def recv(self) -> tuple[bytes, list[int]]:
        try:
            data = self._socket.recv(CHUNK)
            # What is decrypted already makes no socket readable.
            while (more := self._socket.pending()) and data:
                data += self._socket.recv(more)
            return data, []
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b"", []

    def send(self, data: "bytes | memoryview") -> int:
        try:
            return self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None


def connect_tls(uri: "Uri") -> TlsTransport:
    """A TLS transport to the host of `uri`, whose certificate has been checked, and which has taken ours.

    Raises VirtError: SYSTEM_ERROR when it cannot be reached or a certificate cannot be read, AUTH_FAILED when one side
    does not trust the other, INVALID_ARG for what OpenSSL cannot do.
    """
    refuse_priority(uri)
    host = uri.host or "localhost"
    check = uri.params.get("no_verify", "0") in ("", "0")
    context = client_context(uri.params.get("pkipath", ""), check)
    plain = open_tcp(host, uri.port or PORT, "is libvirtd running there, with its TLS socket, and is the port open?")
    plain.setblocking(False)
    try:
        secured = context.wrap_socket(
            _as_socket(plain), server_hostname=host if check else None, do_handshake_on_connect=False
        )
    except ValueError as error:
        plain.close()
        raise errors.virt_error(errors.INVALID_ARG, f"host '{host}': {error}") from None
    try:
        deadline = monotonic() + PATIENCE
        _patiently(secured, secured.do_handshake, deadline)
        # The daemon judges our certificate only now (TLS 1.3), and says 1 when it is content.
        verdict = _patiently(secured, lambda: secured.recv(1), deadline)
    except ssl.SSLCertVerificationError as error:
        secured.close()
        raise _untrusted(host, error) from None
    except (OSError, ssl.SSLError) as error:
        secured.close()
        raise _refused(host, error) from None
    if verdict != b"\1":
        secured.close()
        raise _refused(host, None)
    return TlsTransport(secured)


def refuse_priority(uri: "Uri") -> None:
    """`tls_priority` speaks GnuTLS's language: refused, since to ignore it could weaken what somebody hardened."""
    wanted = uri.params.get("tls_priority")
    if wanted is None:
        from ..conf import read_conf
        from ..uri import config_path

        path = config_path(os.environ)
        wanted = str(read_conf(path).get("tls_priority", "")) if os.path.exists(path) else ""
    if wanted:
        raise errors.virt_error(
            errors.INVALID_ARG,
            f"tls_priority '{wanted}' is written for GnuTLS; vsh uses OpenSSL, which cannot follow it",
            hint="set MinProtocol and CipherString in openssl.cnf instead, and remove tls_priority",
        )


def locate(folder: str) -> "dict[str, str]":
    """The files to use, kind (ca, crl, cert, key) to path: those of `folder` if it is named, else this user's, then
    the system's. Certificate and key come from one place."""
    if folder:
        return {kind: os.path.join(folder, name) for kind, name in NAMES.items()}
    found = dict(SYSTEM)
    if os.geteuid() != 0:
        own = {kind: os.path.expanduser(f"~/.pki/libvirt/{name}") for kind, name in NAMES.items()}
        there = {kind for kind, path in own.items() if os.path.exists(path)}
        if not {"cert", "key"} <= there:
            there -= {"cert", "key"}
        found.update({kind: own[kind] for kind in there})
    return found


def client_context(folder: str, check: bool) -> ssl.SSLContext:
    """What a client demands and shows: `check` says whether the daemon's certificate is checked."""
    files = locate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check
    context.verify_mode = ssl.CERT_REQUIRED if check else ssl.CERT_NONE
    _load("CA certificate", files["ca"], lambda path: context.load_verify_locations(path))
    if os.path.exists(files["crl"]):
        _load("CA certificate revocation list", files["crl"], lambda path: context.load_verify_locations(path))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if os.path.exists(files["cert"]):
        _load("private key", files["key"], lambda path: context.load_cert_chain(files["cert"], path, _no_passphrase))
    return context


def _load(what: str, path: str, load: "Callable[[str], None]") -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        hint = "see https://libvirt.org/kbase/tlscerts.html; ?pkipath=FOLDER names another place"
        text = f"Cannot read {what} '{path}': {error.strerror}"
        raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_RPC, hint=hint) from None
    try:
        load(path)
    except (ssl.SSLError, OSError) as error:
        text = f"Unable to use {what} '{path}': {getattr(error, 'reason', None) or error.strerror or error}"
        raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_RPC) from None


def _no_passphrase() -> str:
    raise OSError(0, "it is encrypted, and libvirt's keys must not be")


def _as_socket(plain: "_socket.socket") -> "ssl.socket.socket":  # type: ignore[name-defined]
    import socket

    return socket.socket(fileno=plain.detach())


def _patiently(secured: ssl.SSLSocket, action: "Callable[[], object]", deadline: float) -> object:
    """Do `action` on a socket that does not block, until `deadline`."""
    while True:
        poller = select.poll()
        try:
            return action()
        except ssl.SSLWantReadError:
            poller.register(secured, select.POLLIN)
        except ssl.SSLWantWriteError:
            poller.register(secured, select.POLLOUT)
        if not poller.poll(max(0, int((deadline - monotonic()) * 1000))):
            raise TimeoutError(110, f"no TLS handshake within {PATIENCE:.0f} s")


def _untrusted(host: str, error: ssl.SSLCertVerificationError) -> errors.VirtError:
    hint = "is the daemon's certificate signed by the CA certificate used here, valid today, and made out to this name?"
    text = f"Failed to verify the certificate of '{host}': {error.verify_message}"
    return errors.virt_error(errors.AUTH_FAILED, text, domain=errors.FROM_RPC, hint=hint)


def _refused(host: str, error: "OSError | None") -> errors.VirtError:
    if isinstance(error, TimeoutError):
        return errors.virt_error(errors.SYSTEM_ERROR, f"'{host}': {error.strerror}", domain=errors.FROM_RPC)
    why = f" ({getattr(error, 'reason', None) or error.strerror or error})" if error is not None else ""
    hint = "does the daemon know the CA of this client's certificate, and does its tls_allowed_dn_list allow it?"
    text = f"server verification (of our certificate or IP address) failed{why}"
    return errors.virt_error(errors.AUTH_FAILED, text, domain=errors.FROM_RPC, hint=hint)
