"""Checkpoints of domains, as XML."""

from __future__ import annotations

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_INVALID_SCHEMA
from ..disks import Disk
from ..engine import Context, Model, View, fail
from ..fields import Children, Enum, Int, Name, Text
from ..node import Node
from ..serialize import Out
from .moments import DomainOf, Moment, the_disk


class CheckpointDisk(Model):
    name = Text("@name", required=(XML_INVALID_SCHEMA, "missing attribute 'name' in element 'disk'"))
    checkpoint = Enum("@checkpoint", ("no", "bitmap"), default="bitmap", absent="")
    bitmap = Text("@bitmap")
    size = Text("@size")


class Checkpoint(Moment):
    kind_name = "checkpoint"
    name = Name("name")
    description = Text("description")
    parent = Text("parent/name")
    created = Int("creationTime", bits=64)
    disks = Children("disks/disk", CheckpointDisk)
    domain = DomainOf()

    def read(self, node: Node, context: Context) -> None:
        name = node.find("name")
        if name is not None and (not name.text() or "/" in name.text()):
            raise fail(XML_INVALID_SCHEMA, f"'{name.text()}' is no name in element 'name'")
        super().read(node, context)
        if context.memo["redefine"]:
            Checkpoint.domain.read(self, node, context)
        Checkpoint.disks.read(self, node, context)

    def align(self) -> None:
        """Let each disk of the domain have its entry, by target, and each bitmap its name.

        Where no disk was named, all that can be written are meant. Raises VirtError.
        """
        if self.domain is None:
            raise fail(INTERNAL_ERROR, "missing domain in checkpoint")
        disks = self.domain.devices.disks
        if len(self.disks) > len(disks):
            raise fail(CONFIG_UNSUPPORTED, "too many disk checkpoint requests for domain")
        if not disks:
            raise fail(CONFIG_UNSUPPORTED, "domain must have at least one disk to perform checkpoints")
        usual = "no" if self.disks else "bitmap"
        given: dict[str | None, CheckpointDisk] = {}
        for asked in self.disks:
            disk = the_disk(self.domain, asked.name or "", given)
            if fixed(disk) and asked.checkpoint != "no":
                raise fail(CONFIG_UNSUPPORTED, f"disk '{asked.name}' is empty or readonly")
            asked.name = disk.target
            given[disk.target] = asked
        self.disks = [given.get(disk.target) or _default(disk, usual) for disk in disks]
        self.name_bitmaps()

    def name_bitmaps(self) -> None:
        """Name bitmaps without a name after the checkpoint."""
        for disk in self.disks:
            if disk.checkpoint == "bitmap" and not disk.bitmap:
                disk.bitmap = self.name

    def format(self, secure: bool = False, domain: bool = True, current: bool | None = None) -> str:
        """The document, with or without the whole domain; `current`, which only drivers' own files say, is whether it
        is the current one."""
        out = Out("domaincheckpoint")
        shown = self if domain else self.copy()
        if not domain:
            shown.domain = None
        shown.emit(out, View(True, secure))
        if current is not None:
            out.add("active").write(str(int(current)))
        return out.render()


def fixed(disk: Disk) -> bool:
    """Whether nothing can be written to a disk."""
    return disk.source.empty or disk.readonly


def _default(disk: Disk, usual: str) -> CheckpointDisk:
    return CheckpointDisk(name=disk.target, checkpoint="no" if fixed(disk) else usual)
