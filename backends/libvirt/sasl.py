"""SASL, as libvirt's daemons ask for it: mechanisms are negotiated and exchanged by three procedures.

The mechanisms are SCRAM's (RFC 5802, RFC 7677, by the library scramp): they prove the password without telling it, but
do not encrypt, so that they are used over TLS and unix sockets alone.
"""

from .. import credentials, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..credentials import Ask
    from ..uri import Uri

#: What we can do, the best first.
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")
#: The most bytes that libvirt sends or takes in one step.
LIMIT = 65536


def authenticate(call: "Callable[..., Any]", uri: "Uri", ask: "Ask | None", wanted: str, secure: bool) -> None:
    """Log in; `call(name, *args)` does a procedure, `wanted` is the mechanism that the URI names, `secure` says that
    nobody can listen.

    Raises VirtError(AUTH_FAILED).
    """
    if not secure:
        raise _failed(
            f"{uri.text}: the daemon asks for SASL, and no mechanism that vsh knows encrypts what follows",
            "use the transport tls, or unix through an SSH tunnel; else anybody on the way could read and change all",
        )
    mechanism = _choose(call("auth_sasl_init").split(","), wanted)
    host = uri.host or "localhost"
    client = _Scram(mechanism, *_identity(uri, ask, host))
    complete, _, data = call("auth_sasl_start", mechanism, 0, client.first())
    while not (complete and client.done):
        answer = client.answer(bytes(data))
        if complete and client.done:
            return
        complete, _, data = call("auth_sasl_step", 0, answer)
        if len(data) > LIMIT:
            raise _failed(f"SASL negotiation data too long: {len(data)} bytes")


def _choose(offered: "list[str]", wanted: str) -> str:
    if wanted and wanted not in offered:
        raise _failed(f"SASL mechanism {wanted} not supported by server", f"it offers {', '.join(offered)}")
    usable = [m for m in MECHANISMS if m in offered and wanted in ("", m)]
    if not usable:
        raise _failed(
            f"no SASL mechanism in common: the daemon offers {wanted or ', '.join(offered)}",
            f"vsh knows {', '.join(MECHANISMS)}: add one to mech_list in the daemon's /etc/sasl2/libvirt.conf",
        )
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


def _failed(text: str, hint: str = "") -> errors.VirtError:
    return errors.virt_error(errors.AUTH_FAILED, text, domain=errors.FROM_RPC, hint=hint)
