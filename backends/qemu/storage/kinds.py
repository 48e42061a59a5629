"""What a pool of each type is on the host: how it is built, started, stopped, measured, and what is in it."""

from ... import errors
from ...common import refuse_flags
from ...constants import storage as const
from ...xml.resources.pool import Permissions
from ..places import file_name
from .pools import fail
from .programs import attempt, system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...xml.resources.pool import Pool as Model
    from ...xml.resources.volume import Volume
    from ..driver import QemuDriver

#: Mode of the folder of a pool that does not say otherwise.
MODE = 0o711
BUILD = const.STORAGE_POOL_BUILD_OVERWRITE | const.STORAGE_POOL_BUILD_NO_OVERWRITE


#: Type of pools -> "module:class" below this package; other types are refused.
KINDS = {
    "dir": "kinds:Folder",
    "fs": "mounts:FileSystem",
    "netfs": "mounts:Share",
    "logical": "logical:Logical",
    "disk": "disk:Disk",
}


def kind(host: "Host", model: "Model") -> "Folder":
    """Raises CONFIG_UNSUPPORTED for a type of pools that this driver does not have."""
    if model.type not in KINDS:
        text = f"pools of type '{model.type}' need a libvirt daemon"
        raise fail(errors.CONFIG_UNSUPPORTED, text, hint=f"without one there are: {', '.join(KINDS)}")
    module, _, name = KINDS[model.type].partition(":")
    made: Folder = getattr(__import__(f"{__package__}.{module}", fromlist=[name]), name)(host, model)
    return made


def refuse_both(flags: int, one: int, other: int, names: "tuple[str, str]") -> None:
    """Refuse two flags that exclude each other."""
    if flags & one and flags & other:
        text = f"Flags '{names[0]}' and '{names[1]}' are mutually exclusive"
        raise errors.VirtError(errors.INVALID_ARG, text, domain=errors.FROM_STORAGE)


def owner_of(permissions: Permissions) -> str:
    """Whom something is to be given to, as chown(1) wants it; "" for nobody."""
    words = ["" if number in (None, -1) else str(number) for number in (permissions.owner, permissions.group)]
    return ":".join(words) if any(words) else ""


class Folder:
    """A folder whose files are the volumes; base of all other kinds."""

    def __init__(self, host: "Host", model: "Model"):
        self.host, self.model = host, model

    @property
    def path(self) -> str:
        return self.model.target.path or ""

    def build(self, flags: int) -> None:
        """Make what is missing."""
        if flags & BUILD and not self.model.source.devices:
            text = f"No source device specified when formatting pool '{self.model.name}'"
            raise fail(errors.OPERATION_INVALID, text)
        self._make_folder()

    def _make_folder(self) -> None:
        given = self.model.target.permissions
        mode = MODE if given is None or given.mode is None else given.mode
        parent = self.path.rpartition("/")[0] or "/"
        try:
            self.host.make_folders([parent], 0o755)
        except FileExistsError:
            raise system_error(NotADirectoryError(20, "Not a directory"), f"cannot create path '{parent}'") from None
        except OSError as error:
            raise system_error(error, f"cannot create path '{parent}'") from None
        fresh = self.host.stat(self.path) is None
        what = f"failed to create directory '{self.path}'"
        try:
            self.host.make_folders([self.path])
        except OSError as error:
            raise system_error(error, what) from None
        if fresh or (given is not None and given.mode is not None):
            attempt(self.host, ["chmod", f"{mode:o}", self.path], what)
        if given is not None and owner_of(given):
            attempt(self.host, ["chown", owner_of(given), self.path], what)

    def start(self) -> None:
        """Make the pool's storage reachable."""

    def stop(self) -> None:
        """The reverse; harmless when repeated."""

    def delete(self) -> None:
        """Remove the pool's storage, with what is in it where that cannot be told apart."""
        attempt(self.host, ["rmdir", "--", self.path], f"failed to remove pool '{self.path}'")

    def measure(self) -> "Model":
        """The pool with its sizes in bytes and the permissions of its target.

        Raises SYSTEM_ERROR when it cannot be read.
        """
        model = self.model.copy()
        try:
            file = self.host.examine([self.path], 0).get(self.path)
            if file is None:
                raise FileNotFoundError(2, "No such file or directory")
            model.capacity, model.available = self.host.space(self.path)
        except OSError as error:
            raise system_error(error, f"cannot open directory '{self.path}'") from None
        if file.kind != "folder":
            raise system_error(NotADirectoryError(20, "Not a directory"), f"cannot open directory '{self.path}'")
        model.allocation = model.capacity - model.available
        uid, gid = file.owner
        model.target.permissions = Permissions(mode=file.mode & 0o777, owner=uid, group=gid)
        return model

    def volumes(self) -> "list[Volume]":
        from .volumes import in_folder

        return in_folder(self.host, self.path)

    def volume(self, name: str) -> "Volume | None":
        from .volumes import look

        if not name.isprintable() or "/" in name or name in ("", ".", ".."):
            return None
        return next(iter(look(self.host, self.path, [name])), None)

    def by_path(self, path: str) -> "Volume | None":
        folder, _, name = path.rpartition("/")
        return self.volume(name) if folder == self.path and name else None

    def by_key(self, key: str) -> "Volume | None":
        return self.by_path(key)

    def prepare(self, volume: "Volume") -> None:
        """Say where a new volume will lie.

        Raises OPERATION_INVALID when something is there.
        """
        if "/" in volume.name:
            raise fail(errors.OPERATION_INVALID, f"volume name '{volume.name}' cannot contain '/'")
        path = f"{self.path}/{file_name(volume.name, '')}"
        if self.host.stat(path) is not None:
            raise fail(errors.OPERATION_INVALID, f"volume target path '{path}' already exists")
        assert volume.target is not None
        volume.key = volume.target.path = path

    def create(self, driver: "QemuDriver", volume: "Volume", flags: int, origin: "Volume | None") -> None:
        """Make a volume that was prepared; leaves nothing when it fails."""
        from .create import create

        create(driver, volume, flags, origin)

    def resize(self, driver: "QemuDriver", volume: "Volume", capacity: int, flags: int) -> None:
        from .create import resize

        resize(driver, volume, capacity, flags)

    def remove(self, volume: "Volume", flags: int) -> None:
        refuse_flags("virStorageBackendVolDeleteLocal", flags, 0, errors.FROM_STORAGE)
        path = str(volume.target and volume.target.path)
        if volume.type == "dir":
            attempt(self.host, ["rmdir", "--", path], f"cannot remove directory '{path}'")
            return
        try:
            self.host.remove(path)
        except OSError as error:
            raise system_error(error, f"cannot unlink file '{path}'") from None
