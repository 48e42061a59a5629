"""Checkpoints."""

import time

from .. import errors, records
from ..common import uuid_text
from ..constants import domain as const
from .base import TestBase, call, fail, not_running
from .moments import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainCheckpointRef, DomainRef
    from ..xml.resources.checkpoint import Checkpoint
    from .guests import Guest

#: Filters of the lists: VIR_DOMAIN_CHECKPOINT_LIST_*.
FILTERS = (const.DOMAIN_CHECKPOINT_LIST_NO_LEAVES << 1) - 1
CREATE = const.DOMAIN_CHECKPOINT_CREATE_REDEFINE | const.DOMAIN_CHECKPOINT_CREATE_QUIESCE
SHOWN = (
    const.DOMAIN_CHECKPOINT_XML_SECURE
    | const.DOMAIN_CHECKPOINT_XML_NO_DOMAIN
    | const.DOMAIN_CHECKPOINT_XML_SIZE
)  # fmt: skip
BELOW = const.DOMAIN_CHECKPOINT_DELETE_CHILDREN | const.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY


class CheckpointCalls(TestBase):
    """Checkpoints."""

    @call("testDomainListAllCheckpoints", FILTERS)
    def domain_list_all_checkpoints(self, dom: "DomainRef", flags: int = 0) -> "list[DomainCheckpointRef]":
        return [ref(dom, found.name) for found in self._guest(dom).checkpoints.listed(None, flags)]

    @call("testDomainCheckpointListAllChildren", FILTERS)
    def domain_checkpoint_list_all_children(
        self, checkpoint: "DomainCheckpointRef", flags: int = 0
    ) -> "list[DomainCheckpointRef]":
        guest = self._guest(checkpoint.dom)
        below = guest.checkpoints.listed(find(guest, checkpoint.name), flags)
        return [ref(checkpoint.dom, found.name) for found in below]

    @call("testDomainCheckpointLookupByName")
    def domain_checkpoint_lookup_by_name(self, dom: "DomainRef", name: str, flags: int = 0) -> "DomainCheckpointRef":
        return ref(dom, find(self._guest(dom), name).name)

    @call("testDomainCheckpointGetParent")
    def domain_checkpoint_get_parent(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> "DomainCheckpointRef":
        parent = find(self._guest(checkpoint.dom), checkpoint.name).model.parent
        if not parent:
            raise fail(errors.NO_DOMAIN_CHECKPOINT, f"checkpoint '{checkpoint.name}' does not have a parent")
        return ref(checkpoint.dom, parent)

    @call("testDomainCheckpointGetXMLDesc", SHOWN)
    def domain_checkpoint_get_xml_desc(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> str:
        """Asked for sizes, it only wants the domain to run: libvirt's driver knows none either."""
        guest = self._guest(checkpoint.dom)
        found = find(guest, checkpoint.name)
        if flags & const.DOMAIN_CHECKPOINT_XML_SIZE and not guest.active:
            raise not_running()
        return str(
            found.model.format(
                secure=bool(flags & const.DOMAIN_CHECKPOINT_XML_SECURE),
                domain=not flags & const.DOMAIN_CHECKPOINT_XML_NO_DOMAIN,
            )
        )

    @call("testDomainCheckpointCreateXML", CREATE)
    def domain_checkpoint_create_xml(self, dom: "DomainRef", xml_desc: str, flags: int = 0) -> "DomainCheckpointRef":
        from ..xml.config import TestConfig
        from ..xml.resources.checkpoint import Checkpoint

        guest = self._guest(dom)
        if guest.snapshots:
            raise fail(errors.OPERATION_UNSUPPORTED, "cannot create checkpoint while snapshot exists")
        if not guest.active:
            raise fail(errors.OPERATION_UNSUPPORTED, "cannot create checkpoint for inactive domain")
        redefine = bool(flags & const.DOMAIN_CHECKPOINT_CREATE_REDEFINE)
        model = Checkpoint.read_text(xml_desc, TestConfig(), int(time.time()), redefine, validate=True)
        before = guest.checkpoints.current
        if redefine:
            made = redefined(guest, model)
        else:
            model.domain = guest.now.copy().model
            model.align()
            made = guest.checkpoints.assign(model)
            model.parent = before.name if before else None
        if not redefine or before is None or model.parent == before.name:
            guest.checkpoints.current = made
        guest.checkpoints.link(made)
        return ref(dom, made.name)

    @call("testDomainCheckpointDelete", BELOW | const.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
    def domain_checkpoint_delete(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> None:
        guest = self._guest(checkpoint.dom)
        itself = not flags & const.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY
        guest.checkpoints.drop(find(guest, checkpoint.name), bool(flags & BELOW), itself)


def ref(dom: "DomainRef", name: str) -> "DomainCheckpointRef":
    """The reference to a checkpoint."""
    made: DomainCheckpointRef = records.DomainCheckpointRef(name, dom)
    return made


def find(guest: "Guest", name: str) -> Moment:
    """A domain's checkpoint; raises NO_DOMAIN_CHECKPOINT."""
    checkpoint = guest.checkpoints.get(name)
    if checkpoint is None:
        raise fail(errors.NO_DOMAIN_CHECKPOINT, f"no domain checkpoint with matching name '{name}'")
    return checkpoint


def redefined(guest: "Guest", model: "Checkpoint") -> Moment:
    """A checkpoint whose history comes from elsewhere, new or in place of the one of its name."""
    guest.checkpoints.refuse_cycle(model)
    if model.domain is None:
        model.name_bitmaps()
    elif model.domain.uuid != guest.now.uuid:
        text = f"definition for checkpoint {model.name} must use uuid {uuid_text(guest.now.uuid)}"
        raise fail(errors.INVALID_ARG, text, errors.FROM_DOMAIN_CHECKPOINT)
    else:
        model.align()
    other = guest.checkpoints.get(model.name)
    if other is None:
        return guest.checkpoints.assign(model)
    guest.checkpoints.unlink(other)
    other.model = model
    return other
