"""`vcpucount` and how a domain's CPUs are counted."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import INVALID_ARG, NO_SUPPORT, VirtError

from ..declare import Flag, command
from ..errors import CommandError
from ..results import Text
from .lookup import Domain, find_domain
from .targets import attribute, definition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lxml.etree import _Element

    from vsh.backends.records import DomainRef

    from ..context import Context

CONFIG, LIVE = constants.DOMAIN_AFFECT_CONFIG, constants.DOMAIN_AFFECT_LIVE
MAXIMUM, GUEST = constants.DOMAIN_VCPU_MAXIMUM, constants.DOMAIN_VCPU_GUEST
#: In the order of virsh's lines.
ALL = (
    ("maximum", "config", CONFIG | MAXIMUM),
    ("maximum", "live", LIVE | MAXIMUM),
    ("current", "config", CONFIG),
    ("current", "live", LIVE),
)


@command(
    "vcpucount",
    group="domain",
    options=[
        Domain(resolve=None),
        Flag("maximum", "how many it may have"),
        Flag("active", "how many it has; this is the default"),
        Flag("live", "of the running domain"),
        Flag("config", "of the stored definition, for the next start"),
        Flag("current", "of the running domain if it runs, else of the stored definition"),
        Flag("guest", "as the guest agent counts them"),
    ],
    exclusive=[("live", "config")],
)
def vcpucount(
    ctx: "Context",
    domain: str,
    maximum: bool = False,
    active: bool = False,
    live: bool = False,
    config: bool = False,
    current: bool = False,
    guest: bool = False,
) -> Text:
    """Show how many virtual CPUs a domain has.

    Without options all counts there are: the most it may have and what it has now, stored and running.
    """
    for one, other, both in (
        ("current", "live", current and live and (maximum or active)),
        ("current", "config", current and config and (maximum or active)),
        ("active", "maximum", active and maximum),
        ("guest", "config", guest and config),
    ):
        if both:
            raise CommandError(f"Options --{one} and --{other} are mutually exclusive")
    if not (maximum or active or live or config or current or guest):
        return _all(ctx, find_domain(ctx, domain))
    flags = LIVE * live | CONFIG * config | MAXIMUM * maximum | GUEST * guest
    number = count(ctx, find_domain(ctx, domain), flags)
    return Text(f"{number}\n", data={"vcpus": number})


def _all(ctx: "Context", domain: "DomainRef") -> Text:
    active, persistent = ctx.connection.batch([("domain_is_active", (domain,)), ("domain_is_persistent", (domain,))])
    asked = [row for row in ALL if (active if row[2] & LIVE else persistent) == 1]
    answers = ctx.connection.batch([("domain_get_vcpus_flags", (domain, row[2])) for row in asked])
    lines: list[str] = []
    failures: list[CommandError | VirtError] = []
    data: dict[str, dict[str, int | None]] = {kind: {"config": None, "live": None} for kind in ("maximum", "current")}
    for (kind, where, flags), answer in zip(asked, answers, strict=True):
        try:
            number = _otherwise(ctx, domain, flags, answer) if isinstance(answer, VirtError) else answer
        except (CommandError, VirtError) as error:
            failures.append(error)
            continue
        if number > 0:
            lines.append(f"{kind:<12} {where:<12} {number:3}\n")
            data[kind][where] = number
    if failures:
        # What virsh finds itself stands before what the last call said.
        raise next((error for error in failures if isinstance(error, CommandError)), failures[-1])
    return Text("".join(lines), data=data)


def count(ctx: "Context", domain: "DomainRef", flags: int) -> int:
    """How many CPUs a domain has (virDomainVcpuFlags).

    Raises VirtError, CommandError.
    """
    try:
        return ctx.connection.domain_get_vcpus_flags(domain, flags)
    except VirtError as error:
        return _otherwise(ctx, domain, flags, error)


def _otherwise(ctx: "Context", domain: "DomainRef", flags: int, error: VirtError) -> int:
    """The count from a driver that does not know virDomainGetVcpusFlags or its flags."""
    if error.code not in (NO_SUPPORT, INVALID_ARG):
        raise error
    if flags & GUEST:
        raise CommandError("Failed to retrieve vCPU count from the guest", error)
    if not flags & (LIVE | CONFIG) and ctx.connection.domain_is_active(domain) == 1:
        flags |= LIVE
    if flags & LIVE:
        if flags & MAXIMUM:
            return ctx.connection.domain_get_max_vcpus(domain)
        return ctx.connection.domain_get_info(domain).nr_virt_cpu
    root = definition(ctx, domain, constants.DOMAIN_XML_INACTIVE)
    if not flags & MAXIMUM and attribute(root, "vcpu", "current") is None:
        raise CommandError("Failed to retrieve current vcpu count")
    most, current = stored_counts(root)
    return most if flags & MAXIMUM else current


def stored_counts(root: "_Element") -> "tuple[int, int]":
    """By a domain's XML, the most CPUs it may have and those it has.

    Raises CommandError.
    """
    vcpu = root.find("vcpu")
    try:
        most = int("" if vcpu is None else vcpu.text or "")
    except ValueError:
        raise CommandError("Failed to retrieve maximum vcpu count") from None
    try:
        return most, int(attribute(root, "vcpu", "current") or most)
    except ValueError:
        raise CommandError("Failed to retrieve current vcpu count") from None


def vcpu_numbers(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the numbers of the virtual CPUs that the typed domain may have."""
    if not given.get("domain"):
        return []
    return [str(number) for number in range(count(ctx, find_domain(ctx, given["domain"]), MAXIMUM))]
