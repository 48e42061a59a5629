"""`edit`, `managedsave-edit` and `save-image-edit`: definitions of domains in an editor."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import NO_SUPPORT, VirtError

from ..declare import Data, Flag, command
from ..editing import PRINT_DIFF, Edit, report
from .lookup import DOMAIN, facts
from .saving import state_flags, state_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Message, Text


@command(
    "edit",
    group="domain",
    options=[DOMAIN, Flag("skip-validate", "accept XML that does not match libvirt's schema"), PRINT_DIFF],
)
def edit(
    ctx: "Context", domain: "DomainRef", skip_validate: bool = False, print_diff: bool = False
) -> "Iterator[Text | Message]":
    """Change the definition of a domain in an editor.

    The editor is the one of VISUAL, else of EDITOR, else vi. A running domain gets the new definition at its next
    start. If it is refused, or somebody else changed it meanwhile, editing can go on.
    """
    connection = ctx.connection
    flags = constants.DOMAIN_XML_SECURE | constants.DOMAIN_XML_INACTIVE

    def define(xml: str, validate: bool) -> "DomainRef":
        if validate:
            try:
                return connection.domain_define_xml_flags(xml, constants.DOMAIN_DEFINE_VALIDATE)
            except VirtError as error:
                if error.code != NO_SUPPORT:
                    raise
        return connection.domain_define_xml(xml)

    name = domain.name
    return report(
        Edit(ctx, lambda: connection.domain_get_xml_desc(domain, flags), define, relaxes=not skip_validate),
        print_diff,
        f"Domain '{name}'",
        domain=facts(domain),
    )


@command(
    "managedsave-edit",
    group="domain",
    options=[DOMAIN, *state_options("started"), PRINT_DIFF],
    exclusive=[("running", "paused")],
)
def managedsave_edit(
    ctx: "Context", domain: "DomainRef", running: bool = False, paused: bool = False, print_diff: bool = False
) -> "Iterator[Text | Message]":
    """Change the definition in a domain's managed save image in an editor.

    The domain is started with it the next time.
    """
    connection, flags = ctx.connection, state_flags(running=running, paused=paused)

    def define(xml: str, validate: bool) -> bool:
        connection.domain_managed_save_define_xml(domain, xml, flags)
        return True

    return report(
        Edit(
            ctx,
            lambda: connection.domain_managed_save_get_xml_desc(domain, constants.DOMAIN_SAVE_IMAGE_XML_SECURE),
            define,
        ),
        print_diff,
        f"Managed save image of domain '{domain.name}'",
        f"Managed save image of Domain '{domain.name}' XML configuration edited.",
        domain=facts(domain),
    )


@command(
    "save-image-edit",
    group="domain",
    options=[Data("file", "the saved state, a file on the host"), *state_options("restored"), PRINT_DIFF],
    exclusive=[("running", "paused")],
)
def save_image_edit(
    ctx: "Context", file: str, running: bool = False, paused: bool = False, print_diff: bool = False
) -> "Iterator[Text | Message]":
    """Change the definition in a saved state file in an editor.

    The domain that is restored from the file has it then.
    """
    connection, flags = ctx.connection, state_flags(running=running, paused=paused)

    def define(xml: str, validate: bool) -> bool:
        connection.domain_save_image_define_xml(file, xml, flags)
        return True

    return report(
        Edit(
            ctx,
            lambda: connection.domain_save_image_get_xml_desc(file, constants.DOMAIN_SAVE_IMAGE_XML_SECURE),
            define,
        ),
        print_diff,
        f"Saved image {file}",
        f"State file {file} edited.",
        file=file,
    )
