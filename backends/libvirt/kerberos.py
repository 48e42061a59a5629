"""SASL's mechanism GSSAPI (RFC 4752): a Kerberos ticket in place of a password, and encryption where it is wanted.

Kerberos itself is the system's library, by the package `gssapi` (`pip install 'vsh[gssapi]'`, or Debian's
python3-gssapi).
"""

from typing import Any

from .. import errors
from ..rpc.frame import broken
from .transport import SocketTransport

#: The bits of RFC 4752, section 3.3, and the most that we take in one piece: libvirt's own limit, less one to fit.
NO_LAYER, CONFIDENTIALITY = 1, 4
MOST = 65535


def available() -> bool:
    """Whether the user has a ticket, or what leads to one."""
    try:
        import gssapi

        gssapi.Credentials(usage="initiate").inquire(lifetime=True)
    except Exception:  # Not installed, or one of the library's many.
        return False
    return True


class Gssapi:
    """One exchange; `done` when the other side has proved who it is and what follows is agreed upon.

    `limit`: how many bytes the daemon takes in one encrypted piece; 0 when nothing is encrypted.
    """

    def __init__(self, host: str, encrypt: bool):
        """`encrypt` demands that what follows is encrypted. Raises VirtError(AUTH_FAILED)."""
        try:
            import gssapi
        except ImportError as error:
            raise errors.virt_error(
                errors.AUTH_FAILED,
                f"the daemon asks for SASL with Kerberos (GSSAPI), for which a package is missing: {error}",
                domain=errors.FROM_RPC,
                hint="pip install 'vsh[gssapi]', which compiles with libkrb5-dev, or install Debian's python3-gssapi",
            ) from None
        self._error: type[Exception] = gssapi.exceptions.GSSError
        flags = [gssapi.RequirementFlag.mutual_authentication, gssapi.RequirementFlag.out_of_sequence_detection]
        if encrypt:
            flags += [gssapi.RequirementFlag.integrity, gssapi.RequirementFlag.confidentiality]
        try:
            name = gssapi.Name(f"libvirt@{host}", gssapi.NameType.hostbased_service)
            self.context: Any = gssapi.SecurityContext(
                name=name, mech=gssapi.MechType.kerberos, flags=flags, usage="initiate"
            )
        except self._error as error:
            raise self._failed(error) from None
        self._encrypt = encrypt
        self.limit = 0
        self.done = False

    def first(self) -> bytes:
        return self._step(None)

    def answer(self, data: bytes) -> bytes:
        """What to send for what the daemon said.

        Raises VirtError(AUTH_FAILED).
        """
        if self.done:
            return b""
        if self.context.complete:
            return self._agree(data)
        return self._step(data)

    def _step(self, data: "bytes | None") -> bytes:
        try:
            return self.context.step(data) or b""
        except self._error as error:
            raise self._failed(error) from None

    def _agree(self, data: bytes) -> bytes:
        """Choose from the layers that the daemon offers."""
        try:
            offer = self.context.unwrap(data).message
        except self._error as error:
            raise self._failed(error) from None
        layer = CONFIDENTIALITY if self._encrypt else NO_LAYER
        if len(offer) != 4 or not offer[0] & layer:
            text = "the daemon does not encrypt what follows" if self._encrypt else "the daemon insists on encryption"
            raise errors.virt_error(errors.AUTH_FAILED, f"SASL with GSSAPI: {text}", domain=errors.FROM_RPC)
        if self._encrypt:
            self.limit = int.from_bytes(offer[1:], "big")
        reply = bytes([layer]) + (MOST if self._encrypt else 0).to_bytes(3, "big")
        self.done = True
        message: bytes = self.context.wrap(reply, False).message
        return message

    def _failed(self, error: Exception) -> errors.VirtError:
        reason = str(error).replace("\n", " ")
        return errors.virt_error(
            errors.AUTH_FAILED,
            f"SASL with GSSAPI failed: {reason}",
            domain=errors.FROM_RPC,
            hint="klist shows the tickets there are, kinit gets one",
        )

    def protect(self, transport: SocketTransport) -> SocketTransport:
        """The transport to use from now on."""
        return EncryptedTransport(transport, self) if self.limit else transport


class EncryptedTransport(SocketTransport):
    """What SASL's security layer makes of a transport: pieces with their length before them (RFC 4422, 3.7)."""

    def __init__(self, inner: SocketTransport, exchange: Gssapi):
        self._inner = inner
        self._context = exchange.context
        self._error = exchange._error
        self._limit = self._context.get_wrap_size_limit(exchange.limit, True)
        self._received = bytearray()
        #: A piece that is on its way, and how much plain text it holds.
        self._outgoing, self._plain = memoryview(b""), 0
        self.passes_files = False
        self.secure = self.distant = True

    def fileno(self) -> int:
        return self._inner.fileno()

    def recv(self) -> tuple[bytes, list[int]]:
        raw, fds = self._inner.recv()
        if not raw:
            return raw, fds
        self._received += raw
        pieces, start = [], 0
        while len(self._received) - start >= 4:
            end = start + 4 + int.from_bytes(self._received[start : start + 4], "big")
            if end - start - 4 > MOST:
                raise broken(f"an encrypted piece of {end - start - 4} bytes is too long")
            if len(self._received) < end:
                break
            pieces.append(self._decrypt(bytes(self._received[start + 4 : end])))
            start = end
        del self._received[:start]
        data = b"".join(pieces)
        if not data:
            raise BlockingIOError
        return data, fds

    def _decrypt(self, piece: bytes) -> bytes:
        try:
            plain = self._context.unwrap(piece)
        except self._error as error:
            raise broken(f"an encrypted piece is damaged: {error}".replace("\n", " ")) from None
        if not plain.encrypted:
            raise broken("a piece is not encrypted")
        message: bytes = plain.message
        return message

    def send(self, data: "bytes | memoryview") -> int:
        """As of any transport; after BlockingIOError the next call must bring the same data."""
        if not self._plain:
            plain = bytes(data[: self._limit])
            piece = self._context.wrap(plain, True).message
            self._outgoing, self._plain = memoryview(len(piece).to_bytes(4, "big") + piece), len(plain)
        while self._outgoing:
            self._outgoing = self._outgoing[self._inner.send(self._outgoing) :]
        sent, self._plain = self._plain, 0
        return sent

    def close(self) -> None:
        self._inner.close()
