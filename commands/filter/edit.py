"""`nwfilter-edit`: the definition of a network filter in an editor."""

from ..declare import command
from ..editing import PRINT_DIFF, Edit, report
from ..named import facts
from .filters import FILTER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import NwfilterRef

    from ..context import Context
    from ..results import Message, Text


@command("nwfilter-edit", group="filter", options=[FILTER.option(), PRINT_DIFF])
def edit(ctx: "Context", nwfilter: "NwfilterRef", print_diff: bool = False) -> "Iterator[Text | Message]":
    """Change the definition of a network filter in an editor.

    Running domains that use it get the new rules at once.
    """
    connection = ctx.connection
    return report(
        Edit(
            ctx,
            lambda: connection.nwfilter_get_xml_desc(nwfilter, 0),
            lambda xml, validate: connection.nwfilter_define_xml(xml),
        ),
        print_diff,
        f"Network filter {nwfilter.name}",
        nwfilter=facts(nwfilter),
    )
