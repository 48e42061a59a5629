"""`checkpoint-edit`: the description of a checkpoint in an editor."""

from vsh.backends.constants import domain as constants

from ..declare import command
from ..domain.lookup import facts
from ..editing import PRINT_DIFF, Edit, updating
from ..errors import CommandError, failing
from ..results import Message
from .lookup import DOMAIN, NAME, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Text


@command("checkpoint-edit", group="checkpoint", options=[DOMAIN, NAME, PRINT_DIFF])
def checkpoint_edit(
    ctx: "Context", domain: "DomainRef", checkpointname: "str | None" = None, print_diff: bool = False
) -> "Iterator[Text | Message]":
    """Change the description of a checkpoint in an editor.

    Its name cannot be changed.
    """
    connection = ctx.connection
    checkpoint = named(ctx, domain, checkpointname)
    name = checkpoint.name
    edit = Edit(
        ctx,
        lambda: connection.domain_checkpoint_get_xml_desc(checkpoint, constants.DOMAIN_CHECKPOINT_XML_SECURE),
        lambda xml, validate: connection.domain_checkpoint_create_xml(
            domain, xml, constants.DOMAIN_CHECKPOINT_CREATE_REDEFINE
        ),
    )
    with updating(ctx, name):
        edited = edit.run()
        if edited is not None and edited.name != name:
            with failing(f"Failed to clean up {edited.name}"):
                connection.domain_checkpoint_delete(edited, constants.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
            raise CommandError(f"Cannot rename checkpoint {name} to {edited.name}")
    if print_diff:
        yield edit.shown()
    done = f"Checkpoint {name} XML configuration not changed." if edited is None else f"Checkpoint {name} edited."
    yield Message(done, domain=facts(domain), name=name, changed=edited is not None)
