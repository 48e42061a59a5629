"""`snapshot-revert` and `snapshot-delete`."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import SNAPSHOT_REVERT_RISKY, VirtError

from ..declare import Flag, command
from ..domain.lookup import facts
from ..errors import failing
from ..results import Message
from .lookup import DOMAIN, chosen, snapshot_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context


@command(
    "snapshot-revert",
    group="snapshot",
    options=[
        DOMAIN,
        snapshot_name(),
        Flag("current", "the current snapshot"),
        Flag("running", "let the domain run then"),
        Flag("paused", "leave it paused then"),
        Flag("force", "even where the hypervisor finds it risky"),
        Flag("reset-nvram", "give it fresh NVRAM"),
    ],
)
def snapshot_revert(
    ctx: "Context",
    domain: "DomainRef",
    snapshotname: "str | None" = None,
    current: bool = False,
    running: bool = False,
    paused: bool = False,
    force: bool = False,
    reset_nvram: bool = False,
) -> Message:
    """Take a domain back to a snapshot.

    Disks and, if it holds that, memory become what they were then; what the guest did since is lost.
    """
    flags = (
        constants.DOMAIN_SNAPSHOT_REVERT_RUNNING * running
        | constants.DOMAIN_SNAPSHOT_REVERT_PAUSED * paused
        | constants.DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM * reset_nvram
    )
    ref = chosen(ctx, domain, snapshotname, current)
    with failing(f"Failed to revert snapshot {ref.name}"):
        try:
            ctx.connection.domain_revert_to_snapshot(ref, flags)
        except VirtError as error:
            if not force or error.code != SNAPSHOT_REVERT_RISKY:
                raise
            ctx.connection.domain_revert_to_snapshot(ref, flags | constants.DOMAIN_SNAPSHOT_REVERT_FORCE)
    return Message(f"Domain snapshot {ref.name} reverted", domain=facts(domain), snapshot=ref.name)


@command(
    "snapshot-delete",
    group="snapshot",
    options=[
        DOMAIN,
        snapshot_name(),
        Flag("current", "the current snapshot"),
        Flag("children", "those that descend from it too"),
        Flag("children-only", "only those that descend from it"),
        Flag("metadata", "only the record of it; what it holds stays"),
    ],
)
def snapshot_delete(
    ctx: "Context",
    domain: "DomainRef",
    snapshotname: "str | None" = None,
    current: bool = False,
    children: bool = False,
    children_only: bool = False,
    metadata: bool = False,
) -> Message:
    """Delete a snapshot.

    What the guest sees does not change; the children become those of its parent.
    """
    flags = (
        constants.DOMAIN_SNAPSHOT_DELETE_CHILDREN * children
        | constants.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY * children_only
        | constants.DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY * metadata
    )
    ref = chosen(ctx, domain, snapshotname, current)
    with failing(f"Failed to delete snapshot {ref.name}"):
        ctx.connection.domain_snapshot_delete(ref, flags)
    what = "children deleted" if children_only else "deleted"
    return Message(f"Domain snapshot {ref.name} {what}", domain=facts(domain), snapshot=ref.name)
