"""`snapshot-edit`: the description of a snapshot in an editor."""

from vsh.backends.constants import domain as constants

from ..declare import Flag, command
from ..domain.lookup import facts
from ..editing import PRINT_DIFF, Edit, updating
from ..errors import CommandError, failing
from ..results import Message
from .lookup import DOMAIN, chosen, redefining, snapshot_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import DomainRef, DomainSnapshotRef

    from ..context import Context
    from ..results import Text


@command(
    "snapshot-edit",
    group="snapshot",
    options=[
        DOMAIN,
        snapshot_name(),
        Flag("current", "the current one; with a name, make that the current one"),
        Flag("rename", "give it the new name, if it has one"),
        Flag("clone", "keep it and make another of the new name"),
        PRINT_DIFF,
    ],
    exclusive=[("rename", "clone")],
)
def snapshot_edit(
    ctx: "Context",
    domain: "DomainRef",
    snapshotname: "str | None" = None,
    current: bool = False,
    rename: bool = False,
    clone: bool = False,
    print_diff: bool = False,
) -> "Iterator[Text | Message]":
    """Change the description of a snapshot in an editor.

    What it holds stays as it is. A new name needs --rename or --clone.
    """
    connection = ctx.connection
    to_current = current and snapshotname is not None
    snapshot = chosen(ctx, domain, snapshotname, current and snapshotname is None)
    name = snapshot.name

    def define(xml: str, validate: bool) -> "DomainSnapshotRef":
        return connection.domain_snapshot_create_xml(domain, xml, redefining(edit.stored, to_current))

    edit = Edit(
        ctx,
        lambda: connection.domain_snapshot_get_xml_desc(snapshot, constants.DOMAIN_SNAPSHOT_XML_SECURE),
        define,
        always=to_current,
    )
    with updating(ctx, name):
        edited = edit.run()
        if edited is not None and edited.name != name and not clone:
            unwanted = snapshot if rename else edited
            with failing(f"Failed to clean up {unwanted.name}"):
                connection.domain_snapshot_delete(unwanted, constants.DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)
            if not rename:
                raise CommandError(f"Must use --rename or --clone to change {name} to {edited.name}")
    if print_diff:
        yield edit.shown()
    new = name if edited is None else edited.name
    if edited is None:
        line = f"Snapshot {name} XML configuration not changed."
    elif new == name:
        line = f"Snapshot {name} edited."
    elif clone:
        line = f"Snapshot {name} cloned to {new}."
    else:
        line = ""
    if line:
        yield Message(line, domain=facts(domain), name=new, changed=edited is not None)
