"""`define`: store the definition of a domain."""

from vsh.backends.constants.domain import DOMAIN_DEFINE_VALIDATE

from ..declare import command
from ..errors import failing
from ..files import VALIDATE, read_file, xml_file
from ..results import Message
from .lookup import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


@command("define", group="domain", options=[xml_file("domain"), VALIDATE])
def define(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Define a domain from a file without starting it.

    A domain that has the name and UUID of the file gets the new definition; if it runs, from its next start on.
    """
    xml = read_file(file)
    with failing(f"Failed to define domain from {file}"):
        if validate:
            ref = ctx.connection.domain_define_xml_flags(xml, DOMAIN_DEFINE_VALIDATE)
        else:
            ref = ctx.connection.domain_define_xml(xml)
    return Message(f"Domain '{ref.name}' defined from {file}", domain=facts(ref), file=file)
