"""qemu.conf: libvirt's file with libvirt's names, as far as they make sense here."""

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..conf import Value
    from ..hosts import Host
    from .places import Places

#: Users that guests run as where nothing is configured and we are root: the first of them that there is.
USERS = ("libvirt-qemu", "qemu", "nobody")


class Settings:
    """What qemu.conf says."""

    def __init__(self, values: "dict[str, Value]"):
        self._values = values

    @classmethod
    def read(cls, host: "Host", places: "Places") -> "Settings":
        """Raises VirtError for a broken file."""
        if host.stat(places.conf) is None:
            return cls({})
        from ..conf import read_conf

        return cls(read_conf(places.conf))

    def text(self, name: str, default: str = "") -> str:
        """A string; raises CONF_SYNTAX for anything else."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise errors.virt_error(errors.CONF_SYNTAX, f"qemu.conf: '{name}' must be a string")
        return value

    def number(self, name: str, default: int) -> int:
        value = self._values.get(name, default)
        if not isinstance(value, int):
            raise errors.virt_error(errors.CONF_SYNTAX, f"qemu.conf: '{name}' must be a number")
        return value

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
        import os

        if os.geteuid() != 0:
            return None
        import grp
        import pwd

        user, group = self.text("user"), self.text("group")
        if not user:
            user = next((name for name in USERS if _known(pwd.getpwnam, name)), "nobody")
        try:
            if user.lstrip("+").isdigit():
                uid = gid = int(user.lstrip("+"))
                name = ""
                if _known(pwd.getpwuid, uid):
                    entry = pwd.getpwuid(uid)
                    name, gid = entry.pw_name, entry.pw_gid
            else:
                entry = pwd.getpwnam(user)
                uid, gid, name = entry.pw_uid, entry.pw_gid, entry.pw_name
            if group:
                gid = int(group.lstrip("+")) if group.lstrip("+").isdigit() else grp.getgrnam(group).gr_gid
        except KeyError as error:
            raise errors.virt_error(errors.CONFIG_UNSUPPORTED, f"qemu.conf: {error.args[0]}") from None
        return None if (uid, gid) == (0, 0) else (uid, gid, name)


def _known(lookup: "Callable[[Any], object]", name: "str | int") -> bool:
    try:
        lookup(name)
    except KeyError:
        return False
    return True
