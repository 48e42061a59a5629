"""`backup-begin` and `backup-dumpxml`."""

from vsh.backends.constants.domain import DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL

from ..declare import Flag, Opt, command
from ..document import XPATH, checked, shown
from ..domain.lookup import ACTIVE, Domain, facts
from ..files import read_file
from ..results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vsh.backends.records import DomainRef

    from ..context import Context


@command(
    "backup-begin",
    group="backup",
    options=[
        Domain(ACTIVE),
        Opt("backupxml", "a file with the backup's XML; without it all disks go to files beside them"),
        Opt("checkpointxml", "a file with the XML of a checkpoint to make at the same moment", late=True),
        Flag("reuse-external", "use files that exist for the backup"),
    ],
)
def backup_begin(
    ctx: "Context",
    domain: "DomainRef",
    backupxml: "str | None" = None,
    checkpointxml: "Callable[[], str] | None" = None,
    reuse_external: bool = False,
) -> Text:
    """Begin to back up the disks of a running domain.

    The hypervisor writes them to files or serves them over NBD, whole or what has changed since a checkpoint. It goes
    on after the command; domjobinfo tells how far it is, domjobabort ends it.
    """
    xml = "<domainbackup/>" if backupxml is None else read_file(backupxml)
    file = None if checkpointxml is None else checkpointxml()
    checkpoint = None if file is None else read_file(file)
    ctx.connection.domain_backup_begin(domain, xml, checkpoint, DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL * reuse_external)
    return Text(
        "Backup started\n",
        data={"domain": facts(domain), "backup_file": backupxml, "checkpoint_file": file},
    )


@command("backup-dumpxml", group="backup", options=[Domain(ACTIVE), *XPATH])
def backup_dumpxml(ctx: "Context", domain: "DomainRef", xpath: "str | None" = None, wrap: bool = False) -> Text:
    """Show the XML of the backup that is going on.

    It names the files or the address that the disks go to.
    """
    checked(xpath)
    return shown(ctx, ctx.connection.domain_backup_get_xml_desc(domain, 0), xpath, wrap)
