"""Checkpoints."""

import time

from .. import errors
from ..constants import domain as const
from ..moment_queries import CHECKPOINT, CheckpointQueries, checkpoint_ref, find, redefined_checkpoint
from .base import TestBase, call, fail, not_running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainCheckpointRef, DomainRef

CREATE = const.DOMAIN_CHECKPOINT_CREATE_REDEFINE | const.DOMAIN_CHECKPOINT_CREATE_QUIESCE
SHOWN = (
    const.DOMAIN_CHECKPOINT_XML_SECURE
    | const.DOMAIN_CHECKPOINT_XML_NO_DOMAIN
    | const.DOMAIN_CHECKPOINT_XML_SIZE
)  # fmt: skip
BELOW = const.DOMAIN_CHECKPOINT_DELETE_CHILDREN | const.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY


class CheckpointCalls(TestBase, CheckpointQueries):
    """Checkpoints."""

    @call("testDomainCheckpointGetXMLDesc", SHOWN)
    def domain_checkpoint_get_xml_desc(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> str:
        """Asked for sizes, it only wants the domain to run: libvirt's driver knows none either."""
        guest = self._guest(checkpoint.dom)
        found = find(guest.checkpoints, CHECKPOINT, checkpoint.name, self.origin)
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
            made = redefined_checkpoint(guest.checkpoints, model, guest.now.uuid)
        else:
            model.domain = guest.now.copy().model
            model.align()
            made = guest.checkpoints.assign(model)
            model.parent = before.name if before else None
        if not redefine or before is None or model.parent == before.name:
            guest.checkpoints.current = made
        guest.checkpoints.link(made)
        return checkpoint_ref(dom, made.name)

    @call("testDomainCheckpointDelete", BELOW | const.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
    def domain_checkpoint_delete(self, checkpoint: "DomainCheckpointRef", flags: int = 0) -> None:
        guest = self._guest(checkpoint.dom)
        itself = not flags & const.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY
        found = find(guest.checkpoints, CHECKPOINT, checkpoint.name, self.origin)
        guest.checkpoints.drop(found, bool(flags & BELOW), itself)
