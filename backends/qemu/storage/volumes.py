"""The volumes of a pool whose volumes are files, as they are now."""

from ...xml.protection import Encryption
from ...xml.resources.pool import Permissions
from ...xml.resources.volume import FILES, Features, Image, Timestamps, Volume
from .images import HEAD, Header, read_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...hosts import File, Host

#: What a volume of a format is; any other is a file.
TYPES = {"dir": "dir", "ploop": "ploop"}


def in_folder(host: "Host", folder: str) -> "list[Volume]":
    """The volumes in a folder: its files and folders, except for those whose names hold control characters."""
    names = [name for name in host.listdir(folder) if name.isprintable()]
    return look(host, folder, names)


def look(host: "Host", folder: str, names: "Iterable[str]") -> "list[Volume]":
    """Those of these names that are volumes."""
    files = host.examine([f"{folder}/{name}" for name in names], HEAD)
    headers = {path: read_header(file.head, file.size) for path, file in files.items() if file.kind != "other"}
    backing = {path: _absolute(header.backing, folder) for path, header in headers.items() if header.backing}
    below = host.examine({path for path in backing.values() if path.startswith("/")}, HEAD) if backing else {}
    found = []
    for path, header in headers.items():
        volume = _volume(path, files[path], header)
        if path in backing:
            volume.backing = _backing(backing[path], header.backing_format, below.get(backing[path]))
        found.append(volume)
    return found


def _volume(path: str, file: "File", header: Header) -> Volume:
    image = image_of(path, file)
    if file.kind == "folder":
        image.format = "dir"
        return Volume(type="dir", name=path.rpartition("/")[2], key=path, target=image)
    image.format = header.format
    if header.encryption:
        image.encryption = Encryption(format=header.encryption)
    image.compat, image.cluster_size = header.compat, header.cluster_size
    if header.compat:
        image.features = Features(lazy_refcounts=header.lazy_refcounts, extended_l2=header.extended_l2)
    return Volume(
        type="block" if file.kind == "block" else TYPES.get(header.format, "file"),
        name=path.rpartition("/")[2],
        key=path,
        capacity=file.size if header.capacity is None else header.capacity,
        allocation=file.size if file.kind == "block" else file.used,
        physical=file.size,
        target=image,
    )


def image_of(path: str, file: "File") -> Image:
    """Where a file lies, whose it is, and when it changed."""
    uid, gid = file.owner
    accessed, modified, changed = map(_time, file.times)
    return Image(
        path=path,
        permissions=Permissions(mode=file.mode & 0o777, owner=uid, group=gid),
        timestamps=Timestamps(atime=accessed, mtime=modified, ctime=changed, btime="0"),
    )


def _backing(path: str, format: "str | None", file: "File | None") -> Image:
    image = image_of(path, file) if file is not None else Image(path=path)
    if path.startswith("json:") or (format is not None and format not in FILES):
        format = "raw"
    image.format = format or (read_header(file.head, file.size).format if file is not None else "raw")
    return image


def _absolute(path: "str | None", folder: str) -> str:
    """The backing image that a header in `folder` names; what is no file stays as it is."""
    path = path or ""
    scheme = path.partition(":")[0]
    if path.startswith("/") or (":" in path and "/" not in scheme):
        return path
    return f"{folder}/{path}"


def _time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{seconds}.{rest:09}" if rest else str(seconds)
