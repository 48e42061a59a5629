"""`checkpoint-list`: which checkpoints a domain has."""

from vsh.backends.constants import domain as constants

from ..declare import Flag, Opt, command
from ..domain.lookup import Domain, find_domain
from ..errors import CommandError, failing
from ..moments import CHECKPOINT, EXCLUSIVE, FAMILY, FORM, TREE
from .lookup import HAVING, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..context import Context
    from ..results import Table, Text
    from ..tree import Tree

#: virDomainCheckpointListFlags; a tree cannot have the first two, since it would fall apart.
FILTERS = {
    "leaves": constants.DOMAIN_CHECKPOINT_LIST_LEAVES,
    "no_leaves": constants.DOMAIN_CHECKPOINT_LIST_NO_LEAVES,
    "roots": constants.DOMAIN_CHECKPOINT_LIST_ROOTS,
    "descendants": constants.DOMAIN_CHECKPOINT_LIST_DESCENDANTS,
    "topological": constants.DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL,
}


@command(
    "checkpoint-list",
    group="checkpoint",
    options=[
        Domain(HAVING, resolve=None),
        *FAMILY,
        TREE,
        Opt("from", "only the children of this checkpoint", late=True, complete=CHECKPOINT.names),
        Flag("descendants", "with --from, their children too, and so on"),
        *FORM,
    ],
    exclusive=EXCLUSIVE,
)
def checkpoint_list(
    ctx: "Context",
    domain: str,
    parent: bool = False,
    tree: bool = False,
    name: bool = False,
    **given: "Any",
) -> "Table | Text | Tree":
    """List the checkpoints of a domain.

    With their names and when they were made.
    """
    start = given.pop("from", None)
    for option in ("leaves", "no_leaves"):
        if tree and option in given:
            raise CommandError(f"--{option.replace('_', '-')} and --tree are mutually exclusive")
    if "descendants" in given and start is None:
        raise CommandError("--descendants requires --from")
    flags = sum(FILTERS[option] for option in given)
    ref = find_domain(ctx, domain)
    top = None if start is None else named(ctx, ref, start(), "from")
    with failing("unexpected problem querying checkpoints"):
        refs = CHECKPOINT.all(ctx, ref, flags) if top is None else CHECKPOINT.children(ctx, top, flags)
    columns = ["parent"] if parent else []
    return CHECKPOINT.listing(ctx, refs, top, columns, tree=tree, name=name, topological="topological" in given)
