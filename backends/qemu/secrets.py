"""The driver's secrets: UUID.xml says what one is for, UUID.base64 is its value, as libvirt keeps them, for us alone.

They lie in etc/secrets. Ephemeral ones, which libvirt's daemon keeps in memory, lie in run/secrets/BOOT: no daemon is
there to remember them, so they last until the machine starts anew, and its next start is another folder.
"""

import binascii

from .. import errors, records
from ..common import uuid_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Lock
    from ..records import SecretRef
    from ..xml.resources.secret import Secret
    from .driver import QemuDriver


def fail(code: int, detail: str) -> errors.VirtError:
    return errors.virt_error(code, detail, domain=errors.FROM_SECRET)


def value_of(driver: "QemuDriver", usage_type: int, uuid: bytes = b"", usage: "str | None" = None) -> bytes:
    """The value of the secret with this uuid, else with this usage among those of `usage_type` (virSecretUsageType);
    of private ones too.

    Raises NO_SECRET when there is none or it has no value, INVALID_SECRET when it is for something else.
    """
    secrets = Secrets(driver)
    if not uuid:
        return secrets.value(secrets.by_usage(usage_type, usage or ""))
    secret = secrets.by_uuid(uuid)
    if secret.usage_type not in (0, usage_type):
        raise fail(errors.INVALID_SECRET, f"secret '{uuid_text(uuid)}' is meant for another use")
    return secrets.value(secret)


class Secrets:
    """The secrets of a driver."""

    def __init__(self, driver: "QemuDriver"):
        self._driver = driver
        self._host = driver.host
        self._lasting, self._fleeting = driver.store.beside("secrets")

    def lock(self) -> "Lock":
        """The lock of all secrets, for whoever changes something."""
        store = self._driver.store
        lock = store.lock("secrets", "secrets")
        for folder in (self._lasting, self._fleeting):
            store.sweep(folder)
        return lock

    def all(self) -> "dict[bytes, Secret]":
        """uuid -> secret.

        Raises INTERNAL_ERROR for a file that is none.
        """
        from ..xml.resources.secret import Secret

        found = {}
        # One that was just made lasting may still lie in both.
        for folder in (self._fleeting, self._lasting):
            for name, data in self._host.read_all(folder, ".xml").items():
                try:
                    secret = Secret.parse(data.decode("utf-8"))
                except (UnicodeDecodeError, errors.VirtError):
                    raise fail(errors.INTERNAL_ERROR, f"'{folder}/{name}' is damaged") from None
                found[secret.uuid] = secret
        return found

    def by_uuid(self, uuid: bytes) -> "Secret":
        """Raises NO_SECRET."""
        secret = self.all().get(uuid)
        if secret is None:
            raise fail(errors.NO_SECRET, f"no secret with matching uuid '{uuid_text(uuid)}'")
        return secret

    def by_usage(self, usage_type: int, usage: str) -> "Secret":
        """Raises NO_SECRET."""
        for secret in self.all().values():
            if usage_type and (secret.usage_type, secret.usage_id) == (usage_type, usage):
                return secret
        raise fail(errors.NO_SECRET, f"no secret with matching usage '{usage}'")

    def define(self, secret: "Secret") -> None:
        """Keep a definition; call it with the lock.

        A secret keeps its value, wherever it now lies. Raises INTERNAL_ERROR when uuid or usage are another's.
        """
        known = self.all()
        old = known.get(secret.uuid)
        if old is not None:
            if (old.usage_type, old.usage_id) != (secret.usage_type, secret.usage_id):
                raise _taken(old, "is already")
            if old.private and not secret.private:
                raise fail(errors.INTERNAL_ERROR, "cannot change private flag on existing secret")
        else:
            mine = (secret.usage_type, secret.usage_id)
            other = next((s for s in known.values() if s.usage_type and (s.usage_type, s.usage_id) == mine), None)
            if other is not None:
                raise _taken(other, "already")
        definition, value = self._files(secret)
        others = self._files(secret, elsewhere=True)
        self._host.make_folders([definition.rpartition("/")[0]])
        moved = old is not None and old.ephemeral != secret.ephemeral
        kept = self._read_value(old) if old is not None and moved else None
        if kept is not None:
            self._host.write(value, kept)
        elif old is None or moved:
            self._host.remove(value)  # nobody's, or an older secret's
        self._host.write(definition, secret.format().encode("utf-8"))
        self._host.remove(*others)

    def undefine(self, secret: "Secret") -> None:
        """Forget a secret and its value, also what a move that was cut short left of it; call it with the lock."""
        self._host.remove(*self._files(secret, elsewhere=True)[::-1], *self._files(secret)[::-1])

    def value(self, secret: "Secret") -> bytes:
        """Raises NO_SECRET when it has none."""
        data = self._read_value(secret)
        if data is None:
            raise fail(errors.NO_SECRET, f"secret '{uuid_text(secret.uuid)}' does not have a value")
        try:
            return binascii.a2b_base64(data)
        except ValueError:
            raise fail(errors.INTERNAL_ERROR, f"'{self._files(secret)[1]}' is damaged") from None

    def set_value(self, secret: "Secret", value: bytes) -> None:
        """Call it with the lock."""
        self._host.write(self._files(secret)[1], binascii.b2a_base64(value, newline=False))

    def _files(self, secret: "Secret", elsewhere: bool = False) -> "tuple[str, str]":
        """Where its definition and its value are, or would be if it were not ephemeral, or were."""
        path = f"{self._fleeting if secret.ephemeral != elsewhere else self._lasting}/{uuid_text(secret.uuid)}"
        return f"{path}.xml", f"{path}.base64"

    def _read_value(self, secret: "Secret") -> "bytes | None":
        try:
            return self._host.read(self._files(secret)[1])
        except FileNotFoundError:
            return None


def ref(secret: "Secret") -> "SecretRef":
    made: SecretRef = records.SecretRef(secret.uuid, secret.usage_type, secret.usage_id)
    return made


def _taken(other: "Secret", already: str) -> errors.VirtError:
    use = other.usage_id or "(null)"
    return fail(
        errors.INTERNAL_ERROR, f"a secret with UUID {uuid_text(other.uuid)} {already} defined for use with {use}"
    )
