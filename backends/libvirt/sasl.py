"""SASL, as libvirt's daemons ask for it: mechanisms are negotiated and exchanged by three procedures.

SCRAM's mechanisms (RFC 5802, RFC 7677, by the library scramp) prove the password without telling it, but do not
encrypt, so that they are used over TLS and unix sockets alone. GSSAPI (`kerberos`) encrypts where nothing else
does. DIGEST-MD5 is left out: it is historic (RFC 6331), its ciphers are RC4 and DES.
"""

from .. import credentials, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..credentials import Ask
    from ..uri import Uri
    from .transport import SocketTransport

#: What proves a password, the best first.
SCRAM = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")
GSSAPI = "GSSAPI"
#: The most bytes that libvirt sends or takes in one step.
LIMIT = 65536


def authenticate(
    call: "Callable[..., Any]", uri: "Uri", ask: "Ask | None", wanted: str, transport: "SocketTransport"
) -> "SocketTransport":
    """Log in; the transport to use from then on, which may encrypt what `transport` did not.

    `call(name, *args)` does a procedure, `wanted` is the mechanism that the URI names. Raises VirtError(AUTH_FAILED).
    """
    host = uri.host or "localhost"
    try:
        offered = call("auth_sasl_init").split(",")
    except errors.VirtError as error:
        # libvirtd, too, looks for one that encrypts, and says no more than this when it has none.
        if transport.secure or error.code != errors.AUTH_FAILED:
            raise
        raise _readable("none") from None
    mechanism = _choose(offered, wanted, transport.secure)
    if mechanism == GSSAPI:
        from . import kerberos

        client: kerberos.Gssapi | _Scram = kerberos.Gssapi(host, encrypt=not transport.secure)
    else:
        client = _Scram(mechanism, *_identity(uri, ask, host))
    complete, _, data = call("auth_sasl_start", mechanism, 0, client.first())
    while not (complete and client.done):
        answer = client.answer(bytes(data))
        if complete and client.done:
            break
        complete, _, data = call("auth_sasl_step", 0, answer)
        if len(data) > LIMIT:
            raise _failed(f"SASL negotiation data too long: {len(data)} bytes")
    return client.protect(transport)


def _choose(offered: "list[str]", wanted: str, secure: bool) -> str:
    """The mechanism to use; `secure` says that nobody can listen anyway."""
    if wanted and wanted not in offered:
        raise _failed(f"SASL mechanism {wanted} not supported by server", f"it offers {', '.join(offered)}")
    usable = [m for m in (GSSAPI, *SCRAM) if m in offered and wanted in ("", m)]
    if not secure and GSSAPI not in usable:
        raise _readable(wanted or ", ".join(offered))
    if not usable:
        raise _failed(
            f"no SASL mechanism in common: the daemon offers {wanted or ', '.join(offered)}",
            f"vsh knows {', '.join((GSSAPI, *SCRAM))}: add one to mech_list in the daemon's /etc/sasl2/libvirt.conf",
        )
    if secure and usable[0] == GSSAPI and len(usable) > 1:
        from .kerberos import available

        # A ticket spares the question for a password.
        return usable[0 if available() else 1]
    return usable[0]


def _identity(uri: "Uri", ask: "Ask | None", host: str) -> "tuple[str, str]":
    path = credentials.auth_file(uri)
    name = uri.user or (credentials.configured(path, "libvirt", host, "authname") if path else None)
    name = name or (ask("Please enter your authentication name", False) if ask else None)
    if not name:
        raise _failed("Failed to make auth credentials", f"put them into auth.conf: [auth-libvirt-{host}]")
    password = credentials.configured(path, "libvirt", host, "password") if path else None
    if password is None:
        password = ask("Please enter your password", True) if ask else None
    if password is None:
        raise _failed(f"no password for {name}", f"put it into auth.conf: [auth-libvirt-{host}]")
    return name, password


class _Scram:
    """One exchange; `done` once the daemon has proved that it knows the password too."""

    def __init__(self, mechanism: str, name: str, password: str):
        from scramp import ScramClient

        self._client = ScramClient([mechanism], name, password)
        self._final = False
        self.done = False

    def protect(self, transport: "SocketTransport") -> "SocketTransport":
        """The same: SCRAM does not encrypt."""
        return transport

    def first(self) -> bytes:
        message: str = self._client.get_client_first()
        return message.encode()

    def answer(self, data: bytes) -> bytes:
        """What to send for what the daemon said; after its last word, nothing."""
        from scramp import ScramException

        if self.done:
            return b""
        try:
            if self._final:
                self._client.set_server_final(data.decode())
                self.done = True
                return b""
            self._client.set_server_first(data.decode())
            self._final = True
            message: str = self._client.get_client_final()
            return message.encode()
        except (ScramException, UnicodeDecodeError, ValueError) as error:
            raise _failed(f"Failed to step SASL negotiation: {error}") from None


def _readable(offered: str) -> errors.VirtError:
    return _failed(
        f"no SASL mechanism that encrypts: the daemon offers {offered} over plain TCP",
        "use the transport tls or ssh, else anybody on the way could read and change all; or Kerberos (GSSAPI)",
    )


def _failed(text: str, hint: str = "") -> errors.VirtError:
    return errors.virt_error(errors.AUTH_FAILED, text, domain=errors.FROM_RPC, hint=hint)
