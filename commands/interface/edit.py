"""`iface-edit`: the definition of a host interface in an editor."""

from vsh.backends.constants.interface import INTERFACE_XML_INACTIVE

from ..declare import command
from ..editing import PRINT_DIFF, Edit, report
from .lookup import facts, find_interface, interface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import InterfaceRef

    from ..context import Context
    from ..results import Message, Text


@command("iface-edit", group="interface", options=[interface(find_interface), PRINT_DIFF])
def edit(ctx: "Context", interface: "InterfaceRef", print_diff: bool = False) -> "Iterator[Text | Message]":
    """Change the definition of a host interface in an editor.

    It takes effect when the interface is started the next time.
    """
    connection = ctx.connection
    return report(
        Edit(
            ctx,
            lambda: connection.interface_get_xml_desc(interface, INTERFACE_XML_INACTIVE),
            lambda xml, validate: connection.interface_define_xml(xml, 0),
        ),
        print_diff,
        f"Interface {interface.name}",
        interface=facts(interface),
    )
