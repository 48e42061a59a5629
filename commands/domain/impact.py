"""Which of a domain's two faces a command changes or shows: the running one, the stored one, or the current one."""

from vsh.backends.constants.domain import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_CURRENT, DOMAIN_AFFECT_LIVE

from ..declare import Flag

CONFIG = Flag("config", "the stored definition, for the next start")
LIVE = Flag("live", "the running domain")
CURRENT = Flag("current", "the running domain if it runs, else the stored definition; this is the default")
#: The options, to be put among a command's own, and the pairs of them that exclude each other.
IMPACT = (CONFIG, LIVE, CURRENT)
EXCLUSIVE = [("current", "live"), ("current", "config")]


def impact(config: bool = False, live: bool = False, current: bool = False) -> int:
    """What the options say, as virDomainModificationImpact."""
    return DOMAIN_AFFECT_CONFIG * config | DOMAIN_AFFECT_LIVE * live if config or live else DOMAIN_AFFECT_CURRENT
