"""`checkpoint-list`: which checkpoints a domain has."""

from vsh.backends.constants import domain as constants

from ..declare import Flag, Opt, command
from ..domain.lookup import Domain, find_domain
from ..errors import CommandError, failing
from ..moments import CHECKPOINT, in_order, names_of
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
        Flag("parent", "show the parents too"),
        Flag("roots", "only those without a parent"),
        Flag("leaves", "only those without children"),
        Flag("no-leaves", "only those with children"),
        Flag("tree", "as a tree"),
        Opt("from", "only the children of this checkpoint", late=True, complete=CHECKPOINT.names),
        Flag("descendants", "with --from, their children too, and so on"),
        Flag("name", "just the names"),
        Flag("topological", "parents before children; else by name"),
    ],
    exclusive=[("tree", "name"), ("parent", "roots"), ("parent", "tree"), ("roots", "tree"), ("roots", "from")],
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
    if "topological" not in given:
        refs = in_order(refs)
    if tree:
        return CHECKPOINT.tree(ctx, refs, top)
    return names_of(refs) if name else CHECKPOINT.table(ctx, refs, ["parent"] if parent else [])
