"""Pools that are LVM volume groups, whose logical volumes are block devices; root's alone."""

from ... import errors
from ...common import refuse_flags
from ...constants import storage as const
from ...xml.resources.pool import Permissions
from ...xml.resources.volume import Image, Volume
from .kinds import Folder, owner_of
from .mounts import refuse_formatted
from .pools import fail
from .programs import attempt, run, system_error
from .volumes import image_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...xml.resources.pool import Pool as Model
    from ..driver import QemuDriver

#: What lvs tells of each volume, and what parts it: no name of LVM's has that sign.
FIELDS, MARK = ("lv_name", "lv_uuid", "lv_size", "lv_attr", "origin"), "#"


class Logical(Folder):
    """A volume group."""

    @property
    def name(self) -> str:
        return self.model.source.name or self.model.name

    def build(self, flags: int) -> None:
        """Make the group of the pool's devices."""
        devices = [device.path or "" for device in self.model.source.devices]
        if not flags & const.STORAGE_POOL_BUILD_OVERWRITE:
            for device in devices:
                refuse_formatted(self, device, "LVM2_member")
        done: list[str] = []
        try:
            for device in devices:
                self._clear(device)
                run(self.host, ["/sbin/pvcreate", device])
                done.append(device)
            run(self.host, ["/sbin/vgcreate", self.name, *devices])
        except BaseException:
            for device in done:
                self.host.run(["/sbin/pvremove", device])
            raise

    def _clear(self, device: str) -> None:
        """LVM takes no device that seems to have partitions or belongs to a group: its first MiB is cleared."""
        try:
            self.host.write_at(device, bytes(1 << 20), 0)
        except OSError as error:
            raise system_error(error, f"cannot open device '{device}'") from None

    def start(self) -> None:
        groups = sources(self.host)
        if self.name not in groups:
            text = f"cannot find logical volume group name '{self.name}'"
            raise fail(errors.CONFIG_UNSUPPORTED, text)
        devices = {device.path for device in self.model.source.devices}
        if devices and not devices & {*groups[self.name]}:
            text = f"cannot find any matching source devices for logical volume group '{self.name}'"
            raise fail(errors.CONFIG_UNSUPPORTED, text)
        run(self.host, ["/sbin/vgchange", "-aly", self.name])

    def stop(self) -> None:
        run(self.host, ["/sbin/vgchange", "-aln", self.name])

    def delete(self) -> None:
        run(self.host, ["/sbin/vgremove", "-f", self.name])
        for device in self.model.source.devices:
            run(self.host, ["/sbin/pvremove", device.path or ""])

    def measure(self) -> "Model":
        told = run(
            self.host,
            ["/sbin/vgs", "--separator", ":", "--noheadings", "--units", "b", "--unbuffered", "--nosuffix", "--options",
             "vg_size,vg_free", self.name],
        )  # fmt: skip
        try:
            size, free = map(int, told.decode("ascii", "replace").strip().split(":"))
        except ValueError:
            raise fail(errors.INTERNAL_ERROR, f"vgs says nothing of '{self.name}' that is understood") from None
        model = self.model.copy()
        model.capacity, model.available, model.allocation = size, free, size - free
        return model

    def volumes(self) -> "list[Volume]":
        told = run(
            self.host,
            ["/sbin/lvs", "--separator", MARK, "--noheadings", "--units", "b", "--unbuffered", "--nosuffix",
             "--options", ",".join(FIELDS), self.name],
        )  # fmt: skip
        rows = [line.strip().split(MARK) for line in told.decode("utf-8", "replace").splitlines() if line.strip()]
        # Pools of thin volumes hold others, and are no volumes themselves.
        rows = [row for row in rows if len(row) == len(FIELDS) and row[3][:1] != "t" and row[0][:1] != "["]
        paths = [f"{self.path}/{row[0]}" for row in rows]
        files = self.host.examine(paths, 0)
        found = []
        for path, (name, uuid, size, _, origin) in zip(paths, rows, strict=True):
            image = image_of(path, files[path]) if path in files else Image(path=path)
            volume = Volume(type="block", name=name, key=uuid, capacity=int(size), allocation=int(size), target=image)
            volume.physical = volume.capacity
            if origin:
                volume.backing = Image(path=f"{self.path}/{origin}")
            found.append(volume)
        return found

    def volume(self, name: str) -> "Volume | None":
        return next((volume for volume in self.volumes() if volume.name == name), None)

    def by_path(self, path: str) -> "Volume | None":
        return next((v for v in self.volumes() if v.target and v.target.path == path), None)

    def by_key(self, key: str) -> "Volume | None":
        return next((volume for volume in self.volumes() if volume.key == key), None)

    def create(self, driver: "QemuDriver", volume: "Volume", flags: int, origin: "Volume | None") -> None:
        refuse_flags("virStorageBackendLogicalCreateVol", flags, 0, errors.FROM_STORAGE)
        assert volume.target is not None
        if volume.target.encryption:
            raise fail(errors.CONFIG_UNSUPPORTED, "storage pool does not support encrypted volumes")
        path, backing = volume.target.path or "", volume.backing
        of = ["-s", backing.path] if backing is not None and backing.path else [self.name]
        kib = f"{-(-volume.capacity // 1024)}K"
        run(self.host, ["/sbin/lvcreate", "--name", volume.name, "-L", kib, *of, "--yes"])
        try:
            given = volume.target.permissions or Permissions()
            if given.mode is not None:
                attempt(self.host, ["chmod", f"{given.mode:o}", path], f"cannot set mode of '{path}'")
            if owner_of(given):
                attempt(self.host, ["chown", owner_of(given), path], f"cannot chown '{path}'")
            if origin is not None:
                source = str(origin.target and origin.target.path)
                format = (origin.target.format if origin.target else None) or "raw"
                run(self.host, ["qemu-img", "convert", "-n", "-f", format, "-O", "raw", source, path])
        except BaseException:
            self.remove(volume, 0)
            raise
        made = self.volume(volume.name)
        volume.key = made.key if made else ""

    def resize(self, driver: "QemuDriver", volume: "Volume", capacity: int, flags: int) -> None:
        raise fail(errors.NO_SUPPORT, "storage pool does not support changing of volume capacity")

    def remove(self, volume: "Volume", flags: int) -> None:
        refuse_flags("virStorageBackendLogicalDeleteVol", flags, 0, errors.FROM_STORAGE)
        run(self.host, ["/sbin/lvremove", "-f", f"{self.name}/{volume.name}"])


def sources(host: "Host") -> "dict[str, list[str]]":
    """name -> devices of every volume group of the host."""
    groups: dict[str, list[str]] = {}
    told = run(host, ["/sbin/pvs", "--noheadings", "-o", "pv_name,vg_name"])
    for line in told.decode("utf-8", "replace").splitlines():
        device, *rest = line.split() or [""]
        if rest:
            groups.setdefault(rest[0], []).append(device)
    return groups
