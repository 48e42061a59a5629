"""qemu.conf: libvirt's file with libvirt's names, as far as they make sense here.

What asks for protection or for something else that guests would not get is refused; other keys of libvirt's say how its
daemon goes about its work, and mean nothing without one.
"""

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..conf import Value
    from ..hosts import Host
    from .places import Places

#: Users that guests run as where nothing is configured and we are root: the first of them that there is.
USERS = ("libvirt-qemu", "qemu", "nobody")
#: Keys that ask for what is not done -> the values that ask for nothing.
REFUSED: "dict[str, tuple[Value, ...]]" = {
    "security_driver": ("none", "", ["none"]),
    "security_require_confined": (0,),
    "lock_manager": ("",),
    "namespaces": ([],),
    "vnc_sasl": (0,),
    "spice_sasl": (0,),
    "max_core": (0,),
    "dump_guest_core": (1,),
}


class Settings:
    """What qemu.conf says."""

    def __init__(self, host: "Host", values: "dict[str, Value]"):
        self._host = host
        self._values = values
        for name, harmless in REFUSED.items():
            if name in values and values[name] not in harmless:
                raise errors.virt_error(
                    errors.CONFIG_UNSUPPORTED,
                    f"qemu.conf: '{name}' cannot be heeded without libvirt",
                    domain=errors.FROM_QEMU,
                    hint="remove that line, or let libvirt's daemon run these guests",
                )

    @classmethod
    def read(cls, host: "Host", places: "Places") -> "Settings":
        """Raises VirtError for a broken file, and for one that asks for what guests would not get."""
        try:
            text = host.read(places.conf).decode("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return cls(host, {})
        except OSError as error:
            raise errors.virt_error(errors.OPEN_FAILED, f"'{places.conf}': {error.strerror}") from None
        from ..conf import parse_conf

        return cls(host, parse_conf(places.conf, text))

    def text(self, name: str, default: str = "") -> str:
        """A string; raises CONF_SYNTAX for anything else."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise errors.virt_error(errors.CONF_SYNTAX, f"qemu.conf: '{name}' must be a string")
        return value

    def texts(self, name: str, default: "tuple[str, ...]") -> "tuple[str, ...]":
        """A list of strings; raises CONF_SYNTAX for anything else."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, list):
            raise errors.virt_error(errors.CONF_SYNTAX, f"qemu.conf: '{name}' must be a list of strings")
        return tuple(value)

    def mounts(self, name: str) -> "tuple[str, ...]":
        """Folders: one string or several; raises CONF_SYNTAX for anything else."""
        value = self._values.get(name)
        return (value,) if isinstance(value, str) and value else self.texts(name, ()) if value else ()

    def number(self, name: str, default: int) -> int:
        value = self._values.get(name, default)
        if not isinstance(value, int):
            raise errors.virt_error(errors.CONF_SYNTAX, f"qemu.conf: '{name}' must be a number")
        return value

    def tls_folder(self, user: str) -> str:
        """Where the certificates of one kind of user (chardev, nbd ...) are."""
        own, usual = self.text(f"{user}_tls_x509_cert_dir"), f"/etc/pki/libvirt-{user}"
        if not own and self._host.stat(usual) is not None:
            return usual
        return own or self.text("default_tls_x509_cert_dir") or "/etc/pki/qemu"

    def tls_verify(self, user: str) -> bool:
        """Whether what serves such a user asks for its certificate."""
        return self.number(f"{user}_tls_x509_verify", self.number("default_tls_x509_verify", 1)) != 0

    def tls_secret(self, user: str) -> str:
        """The uuid of the secret that opens the key; "" for a key that is not encrypted."""
        return self.text(f"{user}_tls_x509_secret_uuid") or self.text("default_tls_x509_secret_uuid")

    @property
    def memory_backing_dir(self) -> "str | None":
        return self.text("memory_backing_dir") or None

    @property
    def sandbox(self) -> bool:
        """Whether guests get QEMU's seccomp sandbox: unless seccomp_sandbox is 0."""
        return self.number("seccomp_sandbox", 1) != 0

    @property
    def vnc_listen(self) -> str:
        return self.text("vnc_listen", "127.0.0.1")

    @property
    def spice_listen(self) -> str:
        return self.text("spice_listen", "127.0.0.1")

    def owner(self) -> "tuple[int, int] | None":
        """User and group (uid, gid) that guests run as when we are root; None when they run as we do.

        Raises VirtError for a name that nobody has.
        """
        found = self.user()
        return None if found is None else (found[0], found[1])

    def user(self) -> "tuple[int, int, str] | None":
        """The same with the user's name; "" for a number that has none."""
        if self._host.me()[0] != 0:
            return None
        user, group = self.text("user"), self.text("group")
        digits = user.lstrip("+")
        if not user:
            found = next((found for name in USERS if (found := self._host.user(name)) is not None), None)
            user = "nobody"
        else:
            found = self._host.user(int(digits) if digits.isdigit() else user)
        if found is not None:
            name, uid, gid = found
        elif digits.isdigit():
            name, uid, gid = "", int(digits), int(digits)
        else:
            raise errors.virt_error(errors.CONFIG_UNSUPPORTED, f"qemu.conf: there is no user '{user}'")
        if group:
            number = int(group.lstrip("+")) if group.lstrip("+").isdigit() else self._host.group(group)
            if number is None:
                raise errors.virt_error(errors.CONFIG_UNSUPPORTED, f"qemu.conf: there is no group '{group}'")
            gid = number
        return None if (uid, gid) == (0, 0) else (uid, gid, name)
