"""`domdirtyrate-calc` and `domblkthreshold`: what a domain is watched for."""

from vsh.backends.constants import domain as constants

from ..declare import Data, Int, Opt, Scaled, command
from ..errors import CommandError
from ..results import Done, Message
from .lookup import ACTIVE, Domain, find_domain
from .targets import disk_targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

#: By virDomainDirtyRateCalcFlags.
MODES = {
    "page-sampling": constants.DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING,
    "dirty-bitmap": constants.DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP,
    "dirty-ring": constants.DOMAIN_DIRTYRATE_MODE_DIRTY_RING,
}


@command(
    "domdirtyrate-calc",
    group="domain",
    options=[
        Domain(ACTIVE),
        Int("seconds", "measure for so long, 1 to 60"),
        Opt("mode", "page-sampling, dirty-bitmap or dirty-ring", complete=lambda ctx, given: list(MODES)),
    ],
)
def domdirtyrate_calc(ctx: "Context", domain: "DomainRef", seconds: int = 1, mode: str = "page-sampling") -> Message:
    """Start to measure how fast a running domain writes to its memory.

    It says how hard migration will be; domstats --dirtyrate shows the result.
    """
    if mode not in MODES:
        raise CommandError(f"Unknown calculation mode '{mode}'")
    ctx.connection.domain_start_dirty_rate_calc(domain, seconds, MODES[mode])
    line = "Start to calculate domain's memory dirty rate successfully."
    return Message(line, seconds=seconds, mode=mode.replace("-", "_"))


@command(
    "domblkthreshold",
    group="domain",
    options=[
        Domain(ACTIVE, resolve=None),
        Data("dev", "the disk's target, with [INDEX] an image it is based on", complete=disk_targets),
        Scaled("threshold", "the offset: bytes, or a size with a unit", most=2**64 - 1, required=True),
    ],
)
def domblkthreshold(ctx: "Context", domain: str, dev: str, threshold: int) -> Done:
    """Have an event tell once a running domain writes beyond an offset of a disk's image.

    Whoever grows the storage below waits for that event (block-threshold).
    """
    ctx.connection.domain_set_block_threshold(find_domain(ctx, domain), dev, threshold, 0)
    return Done(device=dev, threshold_bytes=threshold)
