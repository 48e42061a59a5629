"""Pools that are file systems of their own: on a block device, or shared by another host."""

from ... import errors
from ...constants import storage as const
from .kinds import BUILD, Folder
from .pools import fail
from .programs import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...xml.resources.pool import Pool as Model

#: What is in a pool is data: it is no device, and nothing to be executed.
OPTIONS = "nodev,nosuid,noexec"


class FileSystem(Folder):
    """A file system on a block device, mounted while the pool is active."""

    def build(self, flags: int) -> None:
        self._make_folder()
        if flags & BUILD:
            self._format(bool(flags & const.STORAGE_POOL_BUILD_OVERWRITE))

    def _format(self, overwrite: bool) -> None:
        device, format = self._device(), self.model.source.format or "auto"
        if self.host.stat(device) is None:
            text = f"Source device does not exist when formatting pool '{self.model.name}'"
            raise fail(errors.OPERATION_INVALID, text)
        if not overwrite:
            refuse_formatted(self, device, format)
        force = ["-f"] if format == "xfs" else []
        run(self.host, ["/sbin/mkfs", "-t", format, *force, device])

    def _device(self) -> str:
        return only_device(self.model)

    def start(self) -> None:
        if not self._mounted():
            run(self.host, ["/bin/mount", *self._words(), self.path])

    def _words(self) -> "list[str]":
        """Options and source, as mount(8) wants them."""
        return ["-o", OPTIONS, "-t", self.model.source.format or "auto", self._device()]

    def stop(self) -> None:
        if self._mounted():
            run(self.host, ["/bin/umount", self.path])

    def measure(self) -> "Model":
        if not self._mounted():
            text = f"cannot open directory '{self.path}': nothing is mounted there"
            raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_STORAGE)
        return super().measure()

    def _mounted(self) -> bool:
        table = self.host.read("/proc/self/mounts").decode("utf-8", "surrogateescape")
        # There blanks and backslashes are written in octal.
        name = self.path.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")
        return any(line.split(" ")[1] == name for line in table.splitlines())


class Share(FileSystem):
    """A folder that another host shares."""

    def build(self, flags: int) -> None:
        self._make_folder()

    def _words(self) -> "list[str]":
        source = self.model.source
        if len(source.hosts) != 1:
            raise fail(errors.INTERNAL_ERROR, "Expected exactly 1 host for the storage pool")
        host, path = source.hosts[0].name, source.dir
        if not path or not path.startswith("/"):
            raise fail(errors.INTERNAL_ERROR, "missing source path")
        if source.format == "cifs":
            return ["-o", f"{OPTIONS},guest", "-t", "cifs", f"//{host}/{path}"]
        if source.format == "glusterfs":
            return ["-o", f"{OPTIONS},direct-io-mode=1", "-t", "glusterfs", f"{host}:{path}"]
        version = f",nfsvers={source.protocol}" if source.protocol else ""
        kind = ["-t", "nfs"] if source.format == "nfs" else []
        return ["-o", f"{OPTIONS}{version}", *kind, f"{host}:{path}"]


def refuse_formatted(storage: Folder, device: str, format: str) -> None:
    """Refuse to overwrite a device that holds anything. Raises STORAGE_POOL_BUILT."""
    # Its status is 2 where it finds nothing.
    found = storage.host.run(["blkid", "-p", "-o", "value", "-s", "TYPE", "-s", "PTTYPE", device]).stdout
    kinds = found.decode("utf-8", "replace").split()
    if format in kinds:
        text = f"Device '{device}' already formatted using '{format}'"
    elif kinds or format == "auto":
        text = (
            f"Format of device '{device}' does not match the expected format '{format}', forced overwrite is necessary"
        )
    else:
        return
    raise fail(errors.STORAGE_POOL_BUILT, text)


def only_device(model: "Model") -> str:
    """The path of the one device that a pool is on. Raises INTERNAL_ERROR where it names none, or several."""
    if len(model.source.devices) != 1:
        raise fail(errors.INTERNAL_ERROR, "expected exactly 1 device for the storage pool")
    return model.source.devices[0].path or ""
