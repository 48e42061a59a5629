"""`setmem` and `setmaxmem`: how much memory a domain has and may have."""

from vsh.backends.constants.domain import DOMAIN_MEM_LIVE, DOMAIN_MEM_MAXIMUM

from ..declare import Alias, Scaled, command
from ..errors import failing
from ..results import Done
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import DOMAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

SIZE = (
    Alias("kilobytes", "size"),
    Scaled("size", "the size, in KiB unless a unit follows: 512M", scale=1024, most=2**64 - 1, required=True),
)


@command("setmem", group="domain", options=[DOMAIN, *SIZE, *IMPACT], exclusive=EXCLUSIVE)
def setmem(ctx: "Context", domain: "DomainRef", size: int, **where: bool) -> Done:
    """Change how much memory a domain has.

    The balloon in the guest gives memory back or takes it, up to the maximum. Without options it changes the running
    domain.
    """
    kib = -(-size // 1024)
    ctx.connection.domain_set_memory_flags(domain, kib, impact(**where) if where else DOMAIN_MEM_LIVE)
    return Done(memory_bytes=kib * 1024)


@command("setmaxmem", group="domain", options=[DOMAIN, *SIZE, *IMPACT], exclusive=EXCLUSIVE)
def setmaxmem(ctx: "Context", domain: "DomainRef", size: int, **where: bool) -> Done:
    """Change how much memory a domain may have.

    Most hypervisors do that from its next start on: --config.
    """
    kib = -(-size // 1024)
    with failing("Unable to change MaxMemorySize"):
        ctx.connection.domain_set_memory_flags(domain, kib, impact(**where) | DOMAIN_MEM_MAXIMUM)
    return Done(max_memory_bytes=kib * 1024)
