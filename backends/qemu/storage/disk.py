"""Pools that are disks, whose partitions are the volumes; root's alone. parted(8) does the work."""

from ... import errors
from ...common import refuse_flags
from ...constants import storage as const
from ...xml.resources.volume import Extent, Image, SourceDevice, Volume, VolumeSource
from .kinds import Folder
from .mounts import only_device, refuse_formatted
from .pools import fail
from .programs import run, system_error
from .volumes import image_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import File
    from ...xml.resources.pool import Pool as Model
    from ..driver import QemuDriver

#: What a label is called by libvirt -> by parted, where they differ.
LABELS = {"dos": "msdos"}
#: Partitions begin and end at multiples of that.
ALIGNED = 1 << 20
#: So many partitions have room in a table of type dos; a disk's first logical one is the fifth.
PRIMARY = 4


class Part(tuple):  # type: ignore[type-arg]
    """A partition or free space: (number or 0, first byte, the byte after the last)."""

    __slots__ = ()

    @property
    def number(self) -> int:
        number: int = self[0]
        return number

    @property
    def size(self) -> int:
        size: int = self[2] - self[1]
        return size


class Disk(Folder):
    """A disk with a partition table."""

    @property
    def device(self) -> str:
        return only_device(self.model)

    @property
    def label(self) -> str:
        format = self.model.source.format or "unknown"
        return "dos" if format == "unknown" else format

    def build(self, flags: int) -> None:
        """Write an empty partition table."""
        if not flags & const.STORAGE_POOL_BUILD_OVERWRITE:
            refuse_formatted(self, self.device, self.label)
        run(self.host, ["parted", self.device, "mklabel", "--script", LABELS.get(self.label, self.label)])

    def start(self) -> None:
        found = self.host.run(["blkid", "-p", "-o", "value", "-s", "PTTYPE", self.device]).stdout.split()
        if found != [self.label.encode()]:
            text = f"Device '{self.device}' is unrecognized, requires build"
            raise fail(errors.STORAGE_PROBE_FAILED, text)

    def stop(self) -> None:
        pass

    def delete(self) -> None:
        """Overwrite the partition table."""
        try:
            self.host.write_at(self.device, bytes(1 << 20), 0)
        except OSError as error:
            raise system_error(error, f"cannot clear '{self.device}'") from None

    def _parts(self) -> "tuple[int, list[Part], list[Part], int]":
        """Bytes of the disk, its partitions, the room between them, the number of the extended one or 0."""
        told = run(self.host, ["parted", "-ms", self.device, "unit", "B", "print", "free"]).decode("utf-8", "replace")
        lines = [line.rstrip(";").split(":") for line in told.splitlines()[1:]]
        size = int(lines[0][1].rstrip("B"))
        parts: list[Part] = []
        free: list[Part] = []
        for fields in lines[1:]:
            number, start, end = int(fields[0]), int(fields[1].rstrip("B")), int(fields[2].rstrip("B")) + 1
            (free if fields[4] == "free" else parts).append(Part((number, start, end)))
        holding = [p for p in parts if any(q.number > PRIMARY and p[1] <= q[1] < p[2] for q in parts if q is not p)]
        extended = holding[0].number if holding and self.label == "dos" and holding[0].number <= PRIMARY else 0
        return size, parts, free, extended

    def measure(self) -> "Model":
        size, parts, free, extended = self._parts()
        model = self.model.copy()
        model.capacity = size
        model.allocation = sum(part.size for part in parts if part.number != extended)
        model.available = sum(room.size for room in free)
        return model

    def volumes(self) -> "list[Volume]":
        _, parts, _, extended = self._parts()
        files = self.host.examine([self._path(part.number) for part in parts], 0)
        found = []
        for part in parts:
            inside = sum(other.size for other in parts if other.number > PRIMARY)
            volume = self._volume(part, files.get(self._path(part.number)))
            volume.allocation = inside if part.number == extended else part.size
            found.append(volume)
        return found

    def _path(self, number: int) -> str:
        between = self.model.source.devices[0].part_separator
        separated = between if between is not None else self.device[-1:].isdigit()
        return f"{self.device}{'p' if separated else ''}{number}"

    def _volume(self, part: Part, file: "File | None") -> Volume:
        path = self._path(part.number)
        image = image_of(path, file) if file is not None else Image(path=path)
        image.format = "none"
        extent = Extent(start=part[1], end=part[2])
        return Volume(
            type="block",
            name=path.rpartition("/")[2],
            key=path,
            source=VolumeSource(devices=[SourceDevice(path=self.device, extents=[extent])]),
            capacity=part.size,
            physical=file.size if file is not None and file.size else part.size,
            target=image,
        )

    def volume(self, name: str) -> "Volume | None":
        return next((volume for volume in self.volumes() if volume.name == name), None)

    def by_path(self, path: str) -> "Volume | None":
        return next((volume for volume in self.volumes() if volume.key == path), None)

    def prepare(self, volume: "Volume") -> None:
        """The next partition's name is not free to choose."""
        _, parts, _, _ = self._parts()
        taken = {part.number for part in parts}
        number = next(number for number in range(1, len(taken) + 2) if number not in taken)
        wanted = self._path(number)
        if volume.name != wanted.rpartition("/")[2]:
            text = f"invalid partition name '{volume.name}', expected '{wanted.rpartition('/')[2]}'"
            raise fail(errors.INVALID_ARG, text)
        assert volume.target is not None
        volume.key = volume.target.path = wanted

    def create(self, driver: "QemuDriver", volume: "Volume", flags: int, origin: "Volume | None") -> None:
        refuse_flags("virStorageBackendDiskCreateVol", flags, 0, errors.FROM_STORAGE)
        assert volume.target is not None
        if volume.target.encryption:
            raise fail(errors.CONFIG_UNSUPPORTED, "storage pool does not support encrypted volumes")
        _, parts, free, extended = self._parts()
        kind = {"extended": "extended"}.get(volume.target.format or "", "primary")
        if self.label == "dos" and len([part for part in parts if part.number <= PRIMARY]) == PRIMARY:
            kind = "logical"
        room = max((_aligned(place) for place in free if self._fits(place, parts, extended, kind)),
                   key=lambda place: place.size, default=Part((0, 0, 0)))  # fmt: skip
        size = -(-volume.capacity // ALIGNED) * ALIGNED
        if room.size < size:
            raise fail(errors.INTERNAL_ERROR, "no large enough free extent")
        first, last = room[1], room[1] + size - 1
        run(self.host, ["parted", self.device, "mkpart", "--script", kind, f"{first}B", f"{last}B"])
        if origin is not None:
            source, path = str(origin.target and origin.target.path), volume.target.path or ""
            format = (origin.target.format if origin.target else None) or "raw"
            format = "raw" if format == "none" else format
            try:
                run(self.host, ["qemu-img", "convert", "-n", "-f", format, "-O", "raw", source, path])
            except BaseException:
                self.remove(volume, 0)
                raise

    def _fits(self, place: Part, parts: "list[Part]", extended: int, kind: str) -> bool:
        """Whether a partition of that kind can be where room is: logical ones only inside of the extended one."""
        outer = next((part for part in parts if part.number == extended), None)
        inside = outer is not None and outer[1] <= place[1] < outer[2]
        return inside == (kind == "logical")

    def resize(self, driver: "QemuDriver", volume: "Volume", capacity: int, flags: int) -> None:
        raise fail(errors.NO_SUPPORT, "storage pool does not support changing of volume capacity")

    def remove(self, volume: "Volume", flags: int) -> None:
        refuse_flags("virStorageBackendDiskDeleteVol", flags, 0, errors.FROM_STORAGE)
        number = (volume.key or "").removeprefix(self.device).removeprefix("p")
        run(self.host, ["parted", self.device, "rm", "--script", number])


def _aligned(place: Part) -> Part:
    """The part of free space that partitions may take."""
    first = -(-place[1] // ALIGNED) * ALIGNED
    return Part((0, first, max(first, place[2] // ALIGNED * ALIGNED)))
