"""Where a driver keeps its files: the URI decides.

    qemu:///embed?root=/abs/dir    below that folder, laid out as libvirt documents it for its embedded driver
    qemu:///system?mode=direct     below /var/lib/vsh in the same layout
    qemu:///session?mode=direct    in the user's XDG folders

Paths that more than one driver may meet in (memory backing, hugepages, names of machines) carry a hash of the root, so
that embedded drivers never clash.
"""

import os

from .. import errors
from ..common import uuid_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from ..uri import Uri

SYSTEM_ROOT = "/var/lib/vsh"
#: sun_path holds 108 bytes, the last of which is the NUL.
SOCKET_LIMIT = 107
#: As many characters of a name go into paths.
SHORT_NAME = 20
_LONGEST = f"domain-{2**31 - 1}-{'x' * SHORT_NAME}/monitor.sock"


def fail(detail: str, hint: str = "") -> errors.VirtError:
    return errors.virt_error(errors.INVALID_ARG, detail, domain=errors.FROM_QEMU, hint=hint)


class Places:
    """The folders of a driver: `etc` definitions, `run` what is running, `lib` guests' own files, `log`, `cache`.

    `root` is that of an embedded driver as its URI gives it, else "".
    """

    def __init__(self, etc: str, run: str, lib: str, log: str, cache: str, conf: str, root: str = ""):
        self.etc, self.run, self.lib, self.log, self.cache = etc, run, lib, log, cache
        self.conf = conf
        self.root = root
        longest = f"{lib}/{_LONGEST}"
        if len(os.fsencode(longest)) > SOCKET_LIMIT:
            spare = SOCKET_LIMIT - len(os.fsencode(longest)) + len(os.fsencode(root or lib))
            what = "root" if root else "data folder"
            raise fail(
                f"the path of a monitor socket below '{lib}' would be longer than {SOCKET_LIMIT} bytes",
                hint=f"choose a {what} of at most {spare} bytes, or a short symbolic link to it",
            )

    @classmethod
    def of(cls, uri: "Uri", host: "Host") -> "Places":
        """Those of a URI on its host.

        Raises VirtError(INVALID_ARG) for one that leads nowhere, OPERATION_DENIED for the system's without root.
        """
        if uri.path == "/embed":
            return cls.below(check_root(uri.params.get("root")), uri.params["root"])
        if uri.path == "/system":
            if host.me()[0] != 0:
                raise errors.virt_error(
                    errors.AUTH_UNAVAILABLE,
                    "qemu:///system without libvirt needs root",
                    domain=errors.FROM_QEMU,
                    hint="use qemu:///session, or become root",
                )
            return cls.below(SYSTEM_ROOT)
        if uri.path == "/session":
            return cls.of_user(host)
        raise fail(
            f"unexpected QEMU URI path '{uri.path}', try qemu:///system, qemu:///session or qemu:///embed?root=DIR"
        )

    @staticmethod
    def of_libvirt(uri: "Uri", host: "Host") -> "tuple[str, ...]":
        """Where libvirt's own driver of that URI keeps definitions, and what runs."""
        if uri.path == "/system":
            return "/etc/libvirt/qemu", "/run/libvirt/qemu"
        uid, environ = host.me()
        home = (environ.get("HOME") or "/").rstrip("/")
        config, run = environ.get("XDG_CONFIG_HOME") or "", environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
        config = config if config.startswith("/") else f"{home}/.config"
        return f"{config.rstrip('/')}/libvirt/qemu", f"{run.rstrip('/')}/libvirt/qemu/run"

    @classmethod
    def below(cls, folder: str, root: str = "") -> "Places":
        def inside(kind: str) -> str:
            return f"{folder.rstrip('/')}/{kind}/qemu"

        conf = f"{folder.rstrip('/')}/etc/qemu.conf"
        return cls(inside("etc"), inside("run"), inside("lib"), inside("log"), inside("cache"), conf, root)

    @classmethod
    def of_user(cls, host: "Host") -> "Places":
        uid, environ = host.me()
        home = environ.get("HOME") or "/"

        def folder(variable: str, default: str) -> str:
            chosen = environ.get(variable) or ""
            return chosen.rstrip("/") if chosen.startswith("/") else f"{home.rstrip('/')}/{default}"

        config, data = folder("XDG_CONFIG_HOME", ".config"), folder("XDG_DATA_HOME", ".local/share")
        cache = folder("XDG_CACHE_HOME", ".cache")
        run = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
        if not environ.get("XDG_RUNTIME_DIR") and host.stat(run) is None:
            run = cache
        return cls(
            f"{config}/vsh/qemu",
            f"{run.rstrip('/')}/vsh/qemu",
            f"{data}/vsh/qemu",
            f"{cache}/vsh/qemu/log",
            f"{cache}/vsh/qemu",
            f"{config}/vsh/qemu.conf",
        )

    @property
    def hash(self) -> str:
        """What tells embedded drivers apart; "" for others."""
        if not self.root:
            return ""
        import hashlib

        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:8]

    @property
    def prefix(self) -> str:
        """What names begin with that all drivers of a machine share."""
        return f"qemu-embed-{self.hash}-" if self.root else "qemu-"

    def folders(self) -> "tuple[str, ...]":
        """All folders that must exist."""
        return (self.etc, f"{self.etc}/autostart", self.run, self.lib, self.log, self.cache)

    def definition(self, name: str) -> str:
        """The file of a domain's definition.

        Raises VirtError for a name that cannot be a file's.
        """
        return f"{self.etc}/{file_name(name, '.xml')}"

    def autostart(self, name: str) -> str:
        return f"{self.etc}/autostart/{file_name(name, '.xml')}"

    def saved(self, name: str) -> str:
        """The image that `managedsave` writes."""
        return f"{self.lib}/save/{file_name(name, '.save')}"

    def nvram(self, name: str) -> str:
        return f"{self.lib}/nvram/{file_name(name, '_VARS.fd')}"

    def tpm(self, uuid: bytes) -> str:
        """The folder of what a domain's emulated TPM knows."""
        return f"{self.lib}/swtpm/{uuid_text(uuid)}"

    def console_log(self, name: str) -> str:
        """What QEMU says."""
        return f"{self.log}/{file_name(name, '.log')}"

    def helper_log(self, name: str, what: str) -> str:
        """What a program says that serves a domain."""
        return f"{self.log}/{file_name(name, f'-{what}.log')}"

    def guest(self, id: int, name: str) -> str:
        """The folder of a running domain's own files."""
        return f"{self.lib}/domain-{short(id, name)}"

    def channel(self, id: int, name: str, target: str) -> str:
        """The socket of a channel whose path nobody gave."""
        return f"{self.lib}/channel/target/domain-{short(id, name)}/{target}"

    def machine(self, id: int, name: str) -> str:
        """The name under which a domain's processes are known to the machine."""
        return f"{self.prefix}{id}-{name}"

    def memory(self, id: int, name: str, backing_dir: "str | None") -> str:
        """The folder of the files that hold a domain's memory; `backing_dir` is qemu.conf's memory_backing_dir."""
        base = f"{backing_dir}/libvirt/qemu" if backing_dir else f"{self.lib}/ram"
        if self.root and not inside(base, self.root):
            return f"{base}/{self.prefix}{short(id, name)}"
        return f"{base}/{short(id, name)}"

    def hugepages(self, id: int, name: str, mount: str) -> str:
        """The same on a hugetlbfs mounted at `mount`."""
        outside = self.root and not inside(mount, self.root)
        return f"{mount}/libvirt/{self.prefix.rstrip('-') if outside else 'qemu'}/{short(id, name)}"


def check_root(root: "str | None") -> str:
    """The folder that `root=` names.

    Raises VirtError(INVALID_ARG).
    """
    if not root:
        raise fail("qemu:///embed needs root=", hint="write qemu:///embed?root=/absolute/folder")
    if not root.startswith("/"):
        raise fail(f"root '{root}' is not an absolute path")
    if ".." in root.split("/"):
        raise fail(f"root '{root}' must not contain '..'")
    if root.endswith("/"):
        raise fail(f"root '{root}' must not end in '/'")
    if "\0" in root or "\n" in root:
        raise fail("root must not contain NUL or newline")
    return root


def short(id: int, name: str) -> str:
    """How paths name a running domain."""
    return f"{id}-{name[:SHORT_NAME]}"


def inside(path: str, folder: str) -> bool:
    """Whether `path` lies in `folder`, component by component."""
    parts, whole = path.split("/"), folder.split("/")
    return parts[: len(whole)] == whole


def file_name(name: str, suffix: str) -> str:
    """A file's name for a domain.

    Raises VirtError for a name that is none: `/`, NUL, newline, or too long.
    """
    for character, what in (("/", "'/'"), ("\0", "NUL"), ("\n", "a newline")):
        if character in name:
            text = f"name {name} cannot contain {what}".replace("\n", "\\n").replace("\0", "\\0")
            raise errors.virt_error(errors.XML_ERROR, text, domain=errors.FROM_DOMAIN)
    made = name + suffix
    if len(os.fsencode(made)) > 255:
        raise errors.virt_error(errors.XML_ERROR, f"name '{name}' is too long", domain=errors.FROM_DOMAIN)
    return made
