"""The snapshot that a command is about: one by name, or the current one."""

from vsh.backends.constants import domain as constants
from vsh.backends.constants.connect import CONNECT_LIST_DOMAINS_HAS_SNAPSHOT

from ..declare import Opt
from ..domain.lookup import Domain
from ..errors import CommandError
from ..moments import SNAPSHOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef, DomainSnapshotRef

    from ..context import Context

#: Which domains completion offers (virConnectListAllDomainsFlags).
HAVING = CONNECT_LIST_DOMAINS_HAS_SNAPSHOT
#: The option `<domain>` of commands about existing snapshots.
DOMAIN = Domain(HAVING)


def snapshot_name(help: str = "the snapshot's name") -> Opt:
    """The option `--snapshotname`."""
    return Opt("snapshotname", help, complete=SNAPSHOT.names)


def by_name(ctx: "Context", domain: "DomainRef", name: str) -> "DomainSnapshotRef":
    """The domain's snapshot of this name.

    Raises VirtError.
    """
    return ctx.connection.domain_snapshot_lookup_by_name(domain, name, 0)


def chosen(
    ctx: "Context", domain: "DomainRef", name: "str | None", current: bool, option: str = "snapshotname"
) -> "DomainSnapshotRef":
    """The snapshot that `--OPTION NAME` or `--current` asks for.

    Raises CommandError, VirtError.
    """
    if name is not None:
        if current:
            raise CommandError(f"--{option} and --current are mutually exclusive")
        return by_name(ctx, domain, name)
    if not current:
        raise CommandError(f"--{option} or --current is required")
    return ctx.connection.domain_snapshot_current(domain, 0)


def redefining(xml: str, current: bool) -> int:
    """Flags to record a snapshot as libvirt's `xml` describes it, and to make it the current one."""
    return (
        constants.DOMAIN_SNAPSHOT_CREATE_REDEFINE
        | constants.DOMAIN_SNAPSHOT_CREATE_CURRENT * current
        | constants.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY * ("<state>disk-snapshot</state>" in xml)
    )
