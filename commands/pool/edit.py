"""`pool-edit`: the definition of a storage pool in an editor."""

from vsh.backends.constants.storage import STORAGE_XML_INACTIVE

from ..declare import command
from ..editing import PRINT_DIFF, Edit, inactive, report
from ..named import POOL, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import StoragePoolRef

    from ..context import Context
    from ..results import Message, Text


@command("pool-edit", group="pool", options=[POOL.option(), PRINT_DIFF])
def edit(ctx: "Context", pool: "StoragePoolRef", print_diff: bool = False) -> "Iterator[Text | Message]":
    """Change the definition of a storage pool in an editor.

    An active pool gets it when it is started the next time.
    """
    connection = ctx.connection
    return report(
        Edit(
            ctx,
            inactive(lambda flags: connection.storage_pool_get_xml_desc(pool, flags), STORAGE_XML_INACTIVE),
            lambda xml, validate: connection.storage_pool_define_xml(xml, 0),
        ),
        print_diff,
        f"Pool {pool.name}",
        pool=facts(pool),
    )
