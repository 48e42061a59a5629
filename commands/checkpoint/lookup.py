"""The checkpoint that a command is about."""

from vsh.backends.constants.connect import CONNECT_LIST_DOMAINS_HAS_CHECKPOINT

from ..declare import Opt
from ..domain.lookup import Domain
from ..errors import CommandError
from ..moments import CHECKPOINT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainCheckpointRef, DomainRef

    from ..context import Context

#: Which domains completion offers (virConnectListAllDomainsFlags).
HAVING = CONNECT_LIST_DOMAINS_HAS_CHECKPOINT
#: The options of commands about an existing checkpoint.
DOMAIN = Domain(HAVING)
NAME = Opt("checkpointname", "the checkpoint's name", complete=CHECKPOINT.names)


def named(
    ctx: "Context", domain: "DomainRef", name: "str | None", option: str = "checkpointname"
) -> "DomainCheckpointRef":
    """The domain's checkpoint that `--OPTION NAME` asks for; the option cannot be left out.

    Raises CommandError, VirtError.
    """
    if name is None:
        raise CommandError(f"--{option} is required")
    return ctx.connection.domain_checkpoint_lookup_by_name(domain, name, 0)
