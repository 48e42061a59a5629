"""`net-edit`: the definition of a network in an editor."""

from vsh.backends.constants.network import NETWORK_XML_INACTIVE

from ..declare import command
from ..editing import PRINT_DIFF, Edit, inactive, report
from ..named import NETWORK, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import NetworkRef

    from ..context import Context
    from ..results import Message, Text


@command("net-edit", group="network", options=[NETWORK.option(), PRINT_DIFF])
def edit(ctx: "Context", network: "NetworkRef", print_diff: bool = False) -> "Iterator[Text | Message]":
    """Change the definition of a network in an editor.

    An active network gets it when it is started the next time.
    """
    connection = ctx.connection
    return report(
        Edit(
            ctx,
            inactive(lambda flags: connection.network_get_xml_desc(network, flags), NETWORK_XML_INACTIVE),
            lambda xml, validate: connection.network_define_xml(xml),
        ),
        print_diff,
        f"Network {network.name}",
        network=facts(network),
    )
