"""What figures are told of: the disks and interfaces of many guests, without reading their XML each time.

A cache (cache/devices) by file: an entry counts as long as its file is the one it was made from, as with the index of
definitions.
"""

from .. import errors
from . import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..xml.domain import Domain
    from .guests import Guest
    from .store import Store

FORMAT = 1


class DiskSummary:
    """A disk: what it is called, where it lies ("" for nowhere)."""

    __slots__ = ("alias", "format", "index", "path", "target")

    def __init__(self, target: str, path: str, index: str, alias: str, format: str):
        self.target, self.path, self.index, self.alias, self.format = target, path, int(index), alias, format

    def row(self) -> "list[str]":
        return ["disk", self.target, self.path, str(self.index), self.alias, self.format]


class Summary:
    """The devices of a guest as of one version of its file."""

    __slots__ = ("disks", "interfaces", "version")

    def __init__(self, version: str, interfaces: int, disks: "list[DiskSummary]"):
        self.version, self.interfaces, self.disks = version, interfaces, disks

    @classmethod
    def of(cls, model: "Domain", version: str, store: "Store") -> "Summary":
        from .storage.disks import locate

        disks = []
        try:
            locate(store, model.devices.disks)
        except errors.VirtError:
            pass  # a volume that is not to be found has no path
        for disk in model.devices.disks:
            path, alias = str(disk.source.path or ""), str(disk.info.alias or "")
            disks.append(DiskSummary(str(disk.target), path, str(disk.index or 0), alias, str(disk.driver.type)))
        return cls(version, len(model.devices.interfaces), disks)


def summaries(store: "Store", guests: "Iterable[Guest]") -> "dict[bytes, Summary]":
    """uuid -> the devices it has, or would have if it ran; without those that have gone meanwhile."""
    known, found, renewed = _read(store), {}, False
    for guest in guests:
        path = store.live_xml(guest.uuid) if guest.active else store.places.definition(guest.name)
        stat = store.host.stat(path)
        if stat is None:
            continue
        summary = known.get(path)
        if summary is None or summary.version != stat.version:
            from .definitions import read_file

            try:
                summary = Summary.of(read_file(store, path, inactive=not guest.active), stat.version, store)
            except (FileNotFoundError, errors.VirtError):
                continue
            known[path], renewed = summary, True
        found[guest.uuid] = summary
    if renewed:
        _write(store, known)
    return found


def _read(store: "Store") -> "dict[str, Summary]":
    known: dict[str, Summary] = {}
    try:
        head, *rows = lines.load(store.host.read(_file(store)))
        if head != ["vsh-devices", str(FORMAT)]:
            return {}
        for kind, *fields in rows:
            if kind == "file":
                path, version, interfaces = fields
                summary = known[path] = Summary(version, int(interfaces), [])
            else:
                summary.disks.append(DiskSummary(*fields))
    except (OSError, ValueError, TypeError, NameError):
        return {}
    return known


def _write(store: "Store", known: "dict[str, Summary]") -> None:
    rows = [["vsh-devices", str(FORMAT)]]
    for path, summary in known.items():
        if store.host.stat(path) is None:
            continue  # its guest is no more
        rows.append(["file", path, summary.version, str(summary.interfaces)])
        rows += [disk.row() for disk in summary.disks]
    try:
        store.host.write(_file(store), lines.dump(rows), durable=False)
    except OSError:
        pass  # others cannot write here: they read XML


def _file(store: "Store") -> str:
    return f"{store.places.cache}/devices"
