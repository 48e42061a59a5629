"""Backups of running domains, as XML."""

from __future__ import annotations

from ...errors import CONFIG_UNSUPPORTED, INVALID_ARG, XML_ERROR
from ..disks import Disk
from ..domain import Domain
from ..engine import Context, Model, View, fail
from ..fields import Children, Enum, LazyChild, Text, UInt, YesNo
from ..node import Node
from ..parse import parse, refuse_unknown
from ..serialize import Out
from ..storage import FORMATS, Source, SourceOf
from .checkpoint import fixed
from .moments import the_disk

PUSH, PULL = "push", "pull"
FULL, INCREMENTAL = "full", "incremental"


class BackupDisk(Model):
    """A disk's part; `index` is the number of the image that is written to."""

    name = Text("@name", required=(XML_ERROR, "missing name from disk backup element"))
    backup = YesNo("@backup", default=True)
    type = Enum("@type", ("file", "block"), show=lambda disk, view: bool(disk.backup))
    backupmode = Enum("@backupmode", (FULL, INCREMENTAL))
    incremental = Text("@incremental")
    exportname = Text("@exportname")
    exportbitmap = Text("@exportbitmap")
    index = UInt("@index")
    format = Enum("driver/@type", FORMATS, show=lambda disk, view: bool(disk.backup))
    target = SourceOf("target")
    scratch = SourceOf("scratch")

    @property
    def store(self) -> Source:
        """What is written to, whichever it is."""
        return self.scratch if self.scratch.path else self.target


class Server(Model):
    """<server>: where a pull backup is to be had."""

    transport = Enum("@transport", ("tcp", "unix"))
    tls = YesNo("@tls")
    name = Text("@name")
    port = UInt("@port")
    socket = Text("@socket")

    def parsed(self, node: Node, context: Context) -> None:
        if self.transport == "unix" and not (self.socket or "").startswith("/"):
            raise fail(XML_ERROR, "the server of a backup needs the absolute path of its socket")
        if self.transport != "unix" and not self.name:
            raise fail(XML_ERROR, "the server of a backup needs a name")


class Backup(Model):
    mode = Enum("@mode", (PUSH, PULL), default=PUSH)
    incremental = Text("incremental")
    server = LazyChild("server", Server)
    disks = Children("disks/disk", BackupDisk, wanted=True)

    @classmethod
    def read_text(cls, text: str) -> Backup:
        """Raises VirtError."""
        from ..config import ParseConfig

        root = parse(text, "(domain_backup)", "domainbackup")
        made: Backup = cls.from_node(root, Context(ParseConfig(), True))
        refuse_unknown(root)
        return made

    def parsed(self, node: Node, context: Context) -> None:
        pull = self.mode == PULL
        if pull and self.server is None:
            raise fail(XML_ERROR, "pull backups need a server")
        if not pull and self.server is not None:
            raise fail(XML_ERROR, "push backups have no server")
        for disk in self.disks:
            if (disk.target if pull else disk.scratch).path:
                raise fail(XML_ERROR, f"disk '{disk.name}' of a {self.mode} backup has the wrong kind of file")

    def align(self, domain: Domain, suffix: str) -> None:
        """Let each disk of the domain have its entry, each with a file, by default that of the disk with a `suffix`.

        Where no disk is named, all that can be written are meant. Raises VirtError.
        """
        usual = not self.disks
        given: dict[str | None, BackupDisk] = {}
        for asked in self.disks:
            disk = the_disk(domain, asked.name or "", given)
            if asked.backup and disk.source.empty:
                raise fail(CONFIG_UNSUPPORTED, f"disk '{asked.name}' has no media")
            asked.name = disk.target
            given[disk.target] = asked
        disks = {disk.target: disk for disk in domain.devices.disks}
        others = [disk for disk in disks.values() if disk.target not in given]
        self.disks += [BackupDisk(name=disk.target, backup=usual and not fixed(disk)) for disk in others]
        for entry in self.disks:
            if entry.backup:
                self._complete(entry, disks[entry.name], suffix)

    def _complete(self, entry: BackupDisk, disk: Disk, suffix: str) -> None:
        since = entry.incremental or (self.incremental if entry.backupmode != FULL else None)
        if entry.backupmode == INCREMENTAL and not since:
            raise fail(INVALID_ARG, f"'incremental' attribute is required for the incremental backup of '{entry.name}'")
        entry.backupmode, entry.incremental = (INCREMENTAL, since) if since else (FULL, None)
        entry.type, entry.format = entry.type or "file", entry.format or "qcow2"
        source = entry.scratch if self.mode == PULL else entry.target
        source.type = entry.type
        if not source.path:
            if entry.type != "file" or disk.source.type != "file":
                raise fail(CONFIG_UNSUPPORTED, f"disk '{entry.name}' needs a file for its backup")
            source.file = f"{disk.source.path}.{suffix}"
        if self.mode == PULL:
            entry.exportname = entry.exportname or entry.name
            if since:
                entry.exportbitmap = entry.exportbitmap or f"backup-{entry.name}"

    def format(self) -> str:
        out = Out("domainbackup")
        self.emit(out, View(False, True))
        return out.render()
