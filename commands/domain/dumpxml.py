"""`dumpxml`: the definition of a domain."""

from vsh.backends.constants import domain as constants

from ..declare import Flag, command
from ..document import XPATH, checked, shown
from .lookup import DOMAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Text


@command(
    "dumpxml",
    group="domain",
    options=[
        DOMAIN,
        Flag("inactive", "the definition for the next start, not the one it runs with"),
        Flag("security-info", "passwords and the like too"),
        Flag("update-cpu", "the CPU as it works out on this host"),
        Flag("migratable", "in a form that older hosts understand"),
        *XPATH,
    ],
)
def dumpxml(
    ctx: "Context",
    domain: "DomainRef",
    inactive: bool = False,
    security_info: bool = False,
    update_cpu: bool = False,
    migratable: bool = False,
    xpath: "str | None" = None,
    wrap: bool = False,
) -> "Text":
    """Show the XML definition of a domain.

    It can be edited and given to define.
    """
    checked(xpath)
    flags = (
        constants.DOMAIN_XML_INACTIVE * inactive
        | constants.DOMAIN_XML_SECURE * security_info
        | constants.DOMAIN_XML_UPDATE_CPU * update_cpu
        | constants.DOMAIN_XML_MIGRATABLE * migratable
    )
    return shown(ctx, ctx.connection.domain_get_xml_desc(domain, flags), xpath, wrap)
