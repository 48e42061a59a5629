"""The settings of a migration under way: its speed, its downtime, its cache, the change to post-copy."""

from vsh.backends.constants.domain import DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY

from ..declare import Flag, Int, command
from ..errors import CommandError
from ..results import Done, Text
from ..sizes import pretty
from .lookup import ACTIVE, Domain, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

RUNNING = Domain(ACTIVE)
ULLONG = {"least": 0, "most": 2**64 - 1}


@command(
    "migrate-setmaxdowntime",
    group="domain",
    options=[RUNNING, Int("downtime", "milliseconds", required=True, **ULLONG)],
)
def migrate_setmaxdowntime(ctx: "Context", domain: "DomainRef", downtime: int) -> Done:
    """Set how long the guest may stand still at the end of a live migration."""
    if downtime < 1:
        raise CommandError("migrate: Invalid downtime")
    ctx.connection.domain_migrate_set_max_downtime(domain, downtime, 0)
    return Done(domain=facts(domain), max_downtime_seconds=downtime / 1000)


@command("migrate-getmaxdowntime", group="domain", options=[RUNNING])
def migrate_getmaxdowntime(ctx: "Context", domain: "DomainRef") -> Text:
    """Show how long, in milliseconds, the guest may stand still at the end of a live migration."""
    downtime = ctx.connection.domain_migrate_get_max_downtime(domain, 0)
    return Text(f"{downtime}\n", data={"max_downtime_seconds": downtime / 1000})


@command(
    "migrate-compcache",
    group="domain",
    options=[RUNNING, Int("size", "the new size in bytes", positional=False, **ULLONG)],
)
def migrate_compcache(ctx: "Context", domain: "DomainRef", size: "int | None" = None) -> Text:
    """Show or set the size of the cache for compressing pages that are sent again."""
    if size is not None:
        ctx.connection.domain_migrate_set_compression_cache(domain, size, 0)
    present = ctx.connection.domain_migrate_get_compression_cache(domain, 0)
    return Text(f"Compression cache: {pretty(present, 3)}", data={"compression_cache_bytes": present})


@command(
    "migrate-setspeed",
    group="domain",
    options=[
        RUNNING,
        Int("bandwidth", "MiB/s", least=-(2**64) + 1, most=2**64 - 1, required=True),
        Flag("postcopy", "that of the post-copy phase"),
    ],
)
def migrate_setspeed(ctx: "Context", domain: "DomainRef", bandwidth: int, postcopy: bool = False) -> Done:
    """Set how fast a migration may send data."""
    flags = DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY * postcopy
    # A negative number counts back from the largest: -1 is no limit.
    ctx.connection.domain_migrate_set_max_speed(domain, bandwidth % 2**64, flags)
    return Done(domain=facts(domain), bandwidth_mib_per_second=bandwidth % 2**64)


@command("migrate-getspeed", group="domain", options=[RUNNING, Flag("postcopy", "that of the post-copy phase")])
def migrate_getspeed(ctx: "Context", domain: "DomainRef", postcopy: bool = False) -> Text:
    """Show how fast, in MiB/s, a migration may send data."""
    speed = ctx.connection.domain_migrate_get_max_speed(domain, DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY * postcopy)
    return Text(f"{speed}\n", data={"bandwidth_mib_per_second": speed})


@command("migrate-postcopy", group="domain", options=[RUNNING])
def migrate_postcopy(ctx: "Context", domain: "DomainRef") -> Done:
    """Let the guest of a migration that was started with --postcopy run on the destination now.

    Memory that is still missing there is fetched when the guest needs it.
    """
    ctx.connection.domain_migrate_start_post_copy(domain, 0)
    return Done(domain=facts(domain))
