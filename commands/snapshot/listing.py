"""`snapshot-list`: which snapshots a domain has."""

from vsh.backends.constants import domain as constants

from ..declare import Flag, Opt, command
from ..domain.lookup import Domain, find_domain
from ..errors import CommandError
from ..moments import EXCLUSIVE, FAMILY, FORM, SNAPSHOT, TREE
from .lookup import HAVING, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context
    from ..results import Table, Text
    from ..tree import Tree

#: Filters that a tree cannot have, since it would fall apart, and others (virDomainSnapshotListFlags).
NOT_IN_TREES = {
    "leaves": constants.DOMAIN_SNAPSHOT_LIST_LEAVES,
    "no_leaves": constants.DOMAIN_SNAPSHOT_LIST_NO_LEAVES,
    "inactive": constants.DOMAIN_SNAPSHOT_LIST_INACTIVE,
    "active": constants.DOMAIN_SNAPSHOT_LIST_ACTIVE,
    "disk_only": constants.DOMAIN_SNAPSHOT_LIST_DISK_ONLY,
    "internal": constants.DOMAIN_SNAPSHOT_LIST_INTERNAL,
    "external": constants.DOMAIN_SNAPSHOT_LIST_EXTERNAL,
}
FILTERS = NOT_IN_TREES | {
    "roots": constants.DOMAIN_SNAPSHOT_LIST_ROOTS,
    "metadata": constants.DOMAIN_SNAPSHOT_LIST_METADATA,
    "no_metadata": constants.DOMAIN_SNAPSHOT_LIST_NO_METADATA,
    "descendants": constants.DOMAIN_SNAPSHOT_LIST_DESCENDANTS,
    "topological": constants.DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL,
}


@command(
    "snapshot-list",
    group="snapshot",
    options=[
        Domain(HAVING, resolve=None),
        *FAMILY,
        Flag("metadata", "only those that libvirt keeps a record of, which undefine wants to be told about"),
        Flag("no-metadata", "only those without such a record"),
        Flag("inactive", "only those taken while the domain did not run"),
        Flag("active", "only those taken while it ran"),
        Flag("disk-only", "only those of the disks alone"),
        Flag("internal", "only those kept inside the disk images"),
        Flag("external", "only those with files of their own"),
        TREE,
        Opt("from", "only the children of this snapshot", complete=SNAPSHOT.names),
        Flag("current", "only the children of the current snapshot"),
        Flag("descendants", "with --from or --current, their children too, and so on"),
        *FORM,
    ],
    exclusive=[*EXCLUSIVE, ("roots", "current")],
)
def snapshot_list(
    ctx: "Context",
    domain: str,
    parent: bool = False,
    tree: bool = False,
    current: bool = False,
    name: bool = False,
    **given: "str | bool",
) -> "Table | Text | Tree":
    """List the snapshots of a domain.

    With their names, when they were taken, and in what state the domain was.
    """
    start = given.pop("from", None)
    refused = next((option for option in NOT_IN_TREES if tree and option in given), None)
    if refused:
        raise CommandError(f"--{refused.replace('_', '-')} and --tree are mutually exclusive")
    if "descendants" in given and start is None and not current:
        raise CommandError("--descendants requires either --from or --current")
    flags = sum(FILTERS[option] for option in given)
    ref = find_domain(ctx, domain)
    if start is None and not current:
        top, refs = None, SNAPSHOT.all(ctx, ref, flags)
    else:
        top = chosen(ctx, ref, None if start is None else str(start), current, "from")
        refs = SNAPSHOT.children(ctx, top, flags)
    columns = ["state", "parent"] if parent else ["state"]
    return SNAPSHOT.listing(ctx, refs, top, columns, tree=tree, name=name, topological="topological" in given)
