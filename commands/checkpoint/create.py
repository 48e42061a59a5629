"""`checkpoint-create` and `checkpoint-create-as`."""

from vsh.backends.constants import domain as constants

from ..declare import Argv, Flag, Opt, command
from ..domain.lookup import ACTIVE, Domain, facts
from ..files import read_file
from ..moments import CHECKPOINT, disks, document
from ..results import Notice, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vsh.backends.records import DomainRef

    from ..context import Context

QUIESCE = Flag("quiesce", "have the guest's agent freeze its file systems meanwhile")


@command(
    "checkpoint-create",
    group="checkpoint",
    options=[
        Domain(ACTIVE),
        Opt("xmlfile", "a file with the checkpoint's XML; without it the hypervisor chooses name and disks"),
        Flag("redefine", "record a checkpoint that exists already"),
        Flag("redefine-validate", "with --redefine, refuse one whose bitmaps do not exist"),
        QUIESCE,
    ],
    requires=[("redefine-validate", "redefine")],
)
def checkpoint_create(
    ctx: "Context",
    domain: "DomainRef",
    xmlfile: "str | None" = None,
    redefine: bool = False,
    redefine_validate: bool = False,
    quiesce: bool = False,
) -> Notice:
    """Make a checkpoint of a domain as an XML file describes it.

    From then on the hypervisor notes which blocks of the disks change, for backups of what has changed since.
    """
    flags = (
        constants.DOMAIN_CHECKPOINT_CREATE_REDEFINE * redefine
        | constants.DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE * redefine_validate
        | constants.DOMAIN_CHECKPOINT_CREATE_QUIESCE * quiesce
    )
    xml = "<domaincheckpoint/>" if xmlfile is None else read_file(xmlfile)
    return _make(ctx, domain, xml, flags, xmlfile)


@command(
    "checkpoint-create-as",
    group="checkpoint",
    options=[
        Domain(ACTIVE),
        Opt("name", "its name"),
        Opt("description", "a description"),
        Flag("print-xml", "only show the XML that it would be made from"),
        QUIESCE,
        Argv("diskspec", "a disk and its part in it: DISK[,checkpoint=TYPE][,bitmap=NAME]"),
    ],
)
def checkpoint_create_as(
    ctx: "Context",
    domain: "DomainRef",
    name: "str | None" = None,
    description: "str | None" = None,
    print_xml: bool = False,
    quiesce: bool = False,
    diskspec: "Sequence[str]" = (),
) -> "Notice | Text":
    """Make a checkpoint of a domain as options describe it.

    A comma that belongs to a name is written twice.
    """
    out = document(CHECKPOINT, name, description)
    for disk, values in disks(out, diskspec, ("checkpoint", "bitmap")):
        for key in ("checkpoint", "bitmap"):
            if key in values:
                disk.set(key, values[key])
    xml = out.render()
    if print_xml:
        return Text(xml + "\n", data={"xml": xml})
    return _make(ctx, domain, xml, constants.DOMAIN_CHECKPOINT_CREATE_QUIESCE * quiesce)


def _make(ctx: "Context", domain: "DomainRef", xml: str, flags: int, file: "str | None" = None) -> Notice:
    ref = ctx.connection.domain_checkpoint_create_xml(domain, xml, flags)
    origin = "" if file is None else f" from '{file}'"
    return Notice(
        f"Domain checkpoint {ref.name} created{origin}",
        data={"domain": facts(domain), "checkpoint": ref.name, "file": file},
    )
