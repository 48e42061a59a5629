"""Snapshots of domains, as XML."""

from __future__ import annotations

import os

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from ..disks import Disk
from ..domain import Domain
from ..engine import Context, Model, View, fail
from ..fields import Children, Enum, Int, Name, Size, Text
from ..node import Node
from ..serialize import Out
from ..storage import FORMATS, STORAGE_TYPES, SourceOf
from ..values import ULLONG_MAX
from .moments import DomainOf, Moment, the_disk

#: Where what a snapshot keeps of a disk or of the memory is; memory cannot be "manual".
LOCATIONS = ("no", "internal", "external", "manual")
STATES = ("running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended", "disk-snapshot")
#: States in which there is no memory to keep.
OFFLINE = ("shutoff", "disk-snapshot")


class SnapshotDisk(Model):
    name = Text("@name", required=(INTERNAL_ERROR, "missing name from disk snapshot element"))
    snapshot = Enum("@snapshot", LOCATIONS)
    type = Enum(
        "@type", STORAGE_TYPES, default="file", absent="", show=lambda disk, view: bool(disk.path or disk.format)
    )
    format = Enum(
        "driver/@type",
        FORMATS,
        blank=False,
        invalid=(CONFIG_UNSUPPORTED, "unknown disk snapshot driver '%s'"),
    )
    cache_size = Size("driver/metadata_cache/max_size", scale=1, limit=ULLONG_MAX)
    source = SourceOf()

    def read(self, node: Node, context: Context) -> None:
        SnapshotDisk.type.read(self, node, context)
        if self.type in ("volume", "dir"):
            raise fail(XML_ERROR, f"unsupported disk snapshot type '{self.type}'")
        super().read(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        if self.source.path is not None and not self.source.path.startswith("/"):
            raise fail(XML_ERROR, f"disk snapshot image path '{self.source.path}' must be absolute")
        if not self.snapshot and (self.path or self.format):
            self.snapshot = "external"

    @property
    def path(self) -> str | None:
        """What it is kept in, be it a file, a device or a name on a server."""
        return self.source.path or self.source.name


class Snapshot(Moment):
    """`domain` is what ran, or what was defined if nothing ran; `inactive` what was defined while it ran.

    `revert_disks` are what is written to since one went back to the snapshot, in place of its `disks`.
    """

    kind_name = "snapshot"
    name = Name("name")
    description = Text("description")
    state = Enum("state", STATES)
    parent = Text("parent/name")
    created = Int("creationTime", bits=64)
    memory = Enum("memory/@snapshot", LOCATIONS)
    memory_file = Text("memory/@file")
    disks = Children("disks/disk", SnapshotDisk)
    revert_disks = Children("revertDisks/disk", SnapshotDisk)
    domain = DomainOf()
    inactive = DomainOf("inactiveDomain")

    def read(self, node: Node, context: Context) -> None:
        super().read(node, context)
        node.tolerate("active")
        node.tolerate("cookie")
        if context.memo["redefine"]:
            self._read_state(node)
            domain = node.find("domain")
            if domain is not None and domain.get("type"):
                Snapshot.domain.read(self, node, context)
            Snapshot.inactive.read(self, node, context)
            Snapshot.revert_disks.read(self, node, context)
        Snapshot.memory_file.read(self, node, context)
        Snapshot.memory.read(self, node, context)
        self._settle_memory(context.memo["redefine"])
        Snapshot.disks.read(self, node, context)

    def _read_state(self, node: Node) -> None:
        state = node.find("state")
        text = state.text() if state is not None else ""
        if not text:
            raise fail(XML_ERROR, "missing state from existing snapshot")
        if text not in STATES:
            raise fail(CONFIG_UNSUPPORTED, f"Invalid state '{text}' in domain snapshot XML")
        self.state = text

    def _settle_memory(self, redefine: bool) -> None:
        if self.memory == "manual":
            raise fail(XML_ERROR, "'manual' memory snapshot mode not supported")
        offline = self.state in OFFLINE
        if not self.memory and (redefine or self.memory_file is not None):
            self.memory = "external" if self.memory_file is not None else "no" if offline else "internal"
        if self.memory_file is not None and self.memory != "external":
            raise fail(XML_ERROR, f"memory filename '{self.memory_file}' requires external snapshot")
        if self.memory_file is None and self.memory == "external":
            raise fail(XML_ERROR, "external memory snapshots require a filename")
        if offline and self.memory not in ("", "no"):
            raise fail(XML_ERROR, "memory state cannot be saved with offline or disk-only snapshot")
        if self.memory_file is not None and not self.memory_file.startswith("/"):
            raise fail(XML_ERROR, f"memory snapshot file path ({self.memory_file}) must be absolute")

    @property
    def external(self) -> bool:
        """Whether any of it is kept outside the disks' images."""
        return self.memory == "external" or any(disk.snapshot == "external" for disk in self.disks)

    @property
    def live(self) -> bool:
        """Whether the domain runs on when one goes back to it."""
        return self.state in ("running", "paused")

    def align(self, usual: str, uniform: bool, known: Domain | None = None) -> None:
        """Let each disk of the domain (`known` where the snapshot has none) have its entry, by target.

        `usual` is where what has no place of its own is kept; `uniform` lets no disk differ from "internal".
        Raises VirtError.
        """
        domain = self.domain or known
        if domain is None:
            raise fail(INTERNAL_ERROR, "missing domain in snapshot")
        disks = domain.devices.disks
        if len(self.disks) > len(disks):
            raise fail(CONFIG_UNSUPPORTED, "too many disk snapshot requests for domain")
        if not disks:
            return
        given: dict[str | None, SnapshotDisk] = {}
        for asked in self.disks:
            disk = the_disk(domain, asked.name or "", given)
            self._settle(asked, disk, usual, uniform and usual == "internal")
            asked.name = disk.target
            given[disk.target] = asked
        self.disks = [given.get(disk.target) or _default(disk, usual) for disk in disks]
        self._name_files(disks)

    @staticmethod
    def _settle(asked: SnapshotDisk, disk: Disk, usual: str, match: bool) -> None:
        if not asked.snapshot:
            own = disk.snapshot and (not match or disk.snapshot == "no")
            asked.snapshot = disk.snapshot if own else usual
        elif match and asked.snapshot != usual and not asked.snapshot == disk.snapshot == "no":
            raise fail(CONFIG_UNSUPPORTED, f"disk '{asked.name}' must use snapshot mode '{usual}'")
        if asked.path and asked.snapshot != "external":
            what = f"file '{asked.path}' for disk '{asked.name}' requires use of external snapshot mode"
            raise fail(CONFIG_UNSUPPORTED, what)

    def _name_files(self, disks: list[Disk]) -> None:
        """Give a file to what is kept outside and has none: the disk's own with the snapshot's name for a suffix."""
        for position, (entry, disk) in enumerate(zip(self.disks, disks, strict=True)):
            if entry.snapshot != "external" or entry.path:
                continue
            cannot = f"cannot generate external snapshot name for disk '{entry.name}'"
            if entry.type != "file":
                raise fail(CONFIG_UNSUPPORTED, f"{cannot} on a '{entry.type}' device")
            path = None if disk.type == "volume" else disk.source.path or disk.source.name
            if not path:
                raise fail(CONFIG_UNSUPPORTED, f"{cannot} without source")
            if not os.path.isfile(path):
                what = f"source for disk '{entry.name}' is not a regular file"
                raise fail(CONFIG_UNSUPPORTED, f"{what}; refusing to generate external snapshot name")
            folder, slash, file = path.rpartition("/")
            entry.source.file = f"{folder}{slash}{file.rpartition('.')[0] or file}.{self.name}"
            for other in self.disks[:position]:
                if other.path == entry.path:
                    raise fail(CONFIG_UNSUPPORTED, f"{cannot}: collision with disk '{other.name}'")

    def format(self, uuid: str, secure: bool = False, current: bool | None = None) -> str:
        """The document; one without its domain names the domain by `uuid`. `current`, which only drivers' own files
        say, is whether it is the current one."""
        out = Out("domainsnapshot")
        self.emit(out, View(True, secure))
        if self.domain is None:
            out.at("domain/uuid").write(uuid)
        if current is not None:
            out.add("active").write(str(int(current)))
        return out.render()


def _default(disk: Disk, usual: str) -> SnapshotDisk:
    return SnapshotDisk(name=disk.target, snapshot="no" if disk.source.empty else disk.snapshot or usual)
