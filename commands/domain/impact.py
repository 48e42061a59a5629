"""Which of a domain's two faces a command changes or shows: the running one, the stored one, or the current one."""

from vsh.backends.constants.domain import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_CURRENT, DOMAIN_AFFECT_LIVE
from vsh.backends.errors import VirtError

from ..declare import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

CONFIG = Flag("config", "the stored definition, for the next start")
LIVE = Flag("live", "the running domain")
CURRENT = Flag("current", "the running domain if it runs, else the stored definition; this is the default")
#: The options, to be put among a command's own, and the pairs of them that exclude each other.
IMPACT = (CONFIG, LIVE, CURRENT)
EXCLUSIVE = [("current", "live"), ("current", "config")]


def impact(config: bool = False, live: bool = False, current: bool = False) -> int:
    """What the options say, as virDomainModificationImpact."""
    return DOMAIN_AFFECT_CONFIG * config | DOMAIN_AFFECT_LIVE * live if config or live else DOMAIN_AFFECT_CURRENT


#: The same for commands about devices, which know one more.
DEVICE_IMPACT = (Flag("persistent", "the stored definition, and the running domain if it runs"), *IMPACT)
DEVICE_EXCLUSIVE = [("persistent", "current"), *EXCLUSIVE]


def device_impact(
    ctx: "Context", ref: "DomainRef", persistent: bool = False, config: bool = False, live: bool = False
) -> int:
    """What the options say of the domain `ref`, as virDomainModificationImpact."""
    return impact(config or persistent, live or (persistent and is_active(ctx, ref)))


def is_active(ctx: "Context", ref: "DomainRef") -> bool:
    """Whether a domain runs; no where that cannot be told."""
    try:
        return ctx.connection.domain_is_active(ref) == 1
    except VirtError:
        return False
