"""`domfsinfo`, `domfsfreeze`, `domfsthaw` and `domfstrim`: file systems in the guest, through its agent."""

from ..declare import Argv, Int, Opt, command
from ..errors import failing
from ..results import Done, Message, Notice, Table
from .lookup import ACTIVE, Domain, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context


def mountpoints(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: where the guest has file systems."""
    if not given.get("domain"):
        return []
    return [one.mountpoint for one in ctx.connection.domain_get_fsinfo(find_domain(ctx, given["domain"]), 0)]


@command("domfsinfo", group="domain", options=[Domain(ACTIVE)])
def domfsinfo(ctx: "Context", domain: "DomainRef") -> "Notice | Table":
    """List the file systems that the guest has mounted, with the domain's disks they are on."""
    with failing("Unable to get filesystem information"):
        found = ctx.connection.domain_get_fsinfo(domain, 0)
    if not found:
        return Notice("No filesystems are mounted in the domain", data=[])
    rows = [[one.mountpoint, one.name, one.fstype, ",".join(one.dev_aliases)] for one in found]
    records = [
        {"mountpoint": one.mountpoint, "name": one.name, "type": one.fstype, "targets": one.dev_aliases}
        for one in found
    ]
    return Table(["Mountpoint", "Name", "Type", "Target"], rows, records)


MOUNTPOINT = Argv("mountpoint", "where they are mounted; without it all", complete=mountpoints)


@command("domfsfreeze", group="domain", options=[Domain(ACTIVE), MOUNTPOINT])
def domfsfreeze(ctx: "Context", domain: "DomainRef", mountpoint: "list[str] | None" = None) -> Message:
    """Make the guest write out its file systems and hold back what comes.

    For a snapshot of its disks that is consistent; domfsthaw lets it go on.
    """
    with failing("Unable to freeze filesystems"):
        count = ctx.connection.domain_fsfreeze(domain, mountpoint or [], 0)
    return Message(f"Froze {count} filesystem(s)", frozen=count)


@command("domfsthaw", group="domain", options=[Domain(ACTIVE), MOUNTPOINT])
def domfsthaw(ctx: "Context", domain: "DomainRef", mountpoint: "list[str] | None" = None) -> Message:
    """Let the guest write to file systems again that domfsfreeze froze."""
    with failing("Unable to thaw filesystems"):
        count = ctx.connection.domain_fsthaw(domain, mountpoint or [], 0)
    return Message(f"Thawed {count} filesystem(s)", thawed=count)


@command(
    "domfstrim",
    group="domain",
    options=[
        Domain(ACTIVE),
        Int("minimum", "leave alone what is free in pieces of fewer bytes", least=0, most=2**64 - 1),
        Opt("mountpoint", "only the file system that is mounted there", complete=mountpoints),
    ],
)
def domfstrim(ctx: "Context", domain: "DomainRef", minimum: int = 0, mountpoint: "str | None" = None) -> Done:
    """Have the guest tell its disks which blocks its file systems do not use.

    Thin images shrink by that.
    """
    with failing("Unable to invoke fstrim"):
        ctx.connection.domain_fstrim(domain, mountpoint, minimum, 0)
    return Done(mountpoint=mountpoint, minimum_bytes=minimum)
