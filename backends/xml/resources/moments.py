"""What snapshots and checkpoints of domains have in common, as XML."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar, Self

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from ..disks import Disk, find_disk
from ..domain import Domain
from ..engine import Context, Field, Model, View, fail
from ..parse import parse, refuse_unknown
from ..values import signed

if TYPE_CHECKING:
    from ..config import ParseConfig
    from ..node import Node
    from ..serialize import Out


class DomainOf(Field["Domain | None"]):
    """A domain as it was, whole, in the form of one that does not run."""

    def __init__(self, tag: str = "domain") -> None:
        super().__init__(tag, default=None)
        self.tag = tag

    def read(self, model: Model, node: Node, context: Context) -> None:
        found = node.find(self.tag)
        if found is not None:
            model.__dict__[self.name] = Domain.build(found, context.config, checked=False)

    def emit(self, model: Model, out: Out, view: View) -> None:
        domain = model.__dict__.get(self.name)
        if domain is not None and self.shown(model, view):
            inner = out.add(self.tag)
            domain.emit(inner, View(True, view.secure))
            inner.deepen()


class Moment(Model):
    """What snapshots and checkpoints have in common; `created` is in seconds since 1970.

    Subclasses list the fields, in the order of their documents.
    """

    kind_name: ClassVar[str]
    name: str
    description: str | None
    parent: str | None
    created: int
    domain: Domain | None

    def read(self, node: Node, context: Context) -> None:
        for field in self.fields:  # new ones may have what only redefined ones heed
            for place in field.places():
                node.tolerate(place)
        fields = {field.name: field for field in self.fields}
        fields["name"].read(self, node, context)
        if context.memo["redefine"] and not self.name:
            raise fail(XML_ERROR, f"a redefined {self.kind_name} must have a name")
        fields["description"].read(self, node, context)
        if context.memo["redefine"]:
            self._read_created(node)
            fields["parent"].read(self, node, context)
        else:
            self.created = context.memo["now"]
            self.name = self.name or str(self.created)

    def _read_created(self, node: Node) -> None:
        created = node.find("creationTime")
        try:
            self.created = signed(created.text() if created is not None else "", bits=64)
        except ValueError:
            raise fail(INTERNAL_ERROR, f"missing creationTime from existing {self.kind_name}") from None

    @classmethod
    def read_text(cls, text: str, config: ParseConfig, now: int, redefine: bool, validate: bool) -> Self:
        """The moment that `text` describes; made at `now` unless `redefine` takes its history from the text.

        Raises VirtError with libvirt's code and words.
        """
        root = parse(text, f"(domain_{cls.kind_name})", f"domain{cls.kind_name}")
        moment = cls.build(root, config, now, redefine)
        if validate:
            refuse_unknown(root)
        return moment

    @classmethod
    def build(cls, node: Node, config: ParseConfig, now: int, redefine: bool) -> Self:
        """The moment that an element describes; see `read_text`."""
        context = Context(config, True)
        context.memo.update(redefine=redefine, now=now)
        return cls.from_node(node, context)


def the_disk(domain: Domain, name: str, taken: Collection[str | None]) -> Disk:
    """The disk that an entry of a moment is about; refuses one that is not there or among those `taken`."""
    disk = find_disk(domain.devices.disks, name)
    if disk is None:
        raise fail(CONFIG_UNSUPPORTED, f"no disk named '{name}'")
    if disk.target in taken:
        raise fail(CONFIG_UNSUPPORTED, f"disk '{name}' specified twice")
    return disk
