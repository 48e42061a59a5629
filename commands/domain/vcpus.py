"""`vcpuinfo`, `setvcpus`, `setvcpu` and `guestvcpus`: a domain's virtual CPUs."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import VirtError

from ..declare import Data, Flag, Int, Opt, command
from ..errors import CommandError
from ..params import Params
from ..results import Done, Text
from .cpusets import host_cpus, members, one_of, shown
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import ACTIVE, DOMAIN, Domain, find_domain
from .states import SHUTOFF
from .targets import definition
from .vcpucount import stored_counts, vcpu_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context

#: By virVcpuState.
STATES = ("offline", "running", "blocked")


@command("vcpuinfo", group="domain", options=[DOMAIN, Flag("pretty", "show sets of CPUs as ranges")])
def vcpuinfo(ctx: "Context", domain: "DomainRef", pretty: bool = False) -> Text:
    """Show what each virtual CPU of a domain does and where it may run.

    Of a stopped domain only the host CPUs its virtual ones are bound to.
    """
    cpus = host_cpus(ctx.connection)
    info, vcpus = ctx.connection.batch([("domain_get_info", (domain,)), ("domain_get_vcpus", (domain,))])
    if isinstance(info, VirtError):
        raise info
    if isinstance(vcpus, VirtError):
        if info.state != SHUTOFF:
            raise vcpus
        return _of_stopped(ctx, domain, cpus, pretty)
    records, blocks = [], []
    for i, one in enumerate(vcpus.info[: info.nr_virt_cpu]):
        state = STATES[one.state] if 0 <= one.state < len(STATES) else "no state"
        bits = one_of(vcpus.cpumaps, i, len(vcpus.info))
        rows = [("VCPU:", one.number), ("CPU:", one.cpu if one.cpu >= 0 else "N/A"), ("State:", state)]
        if one.cpu_time:
            rows.append(("CPU time:", f"{one.cpu_time / 1e9:.1f}s"))
        blocks.append(_block(rows, bits, cpus, pretty))
        record = {"vcpu": one.number, "cpu": one.cpu if one.cpu >= 0 else None, "state": state.replace(" ", "_")}
        records.append(record | {"cpu_time_seconds": one.cpu_time / 1e9, "affinity": members(bits, cpus)})
    return Text("\n".join(blocks), data=records)


def _of_stopped(ctx: "Context", domain: "DomainRef", cpus: int, pretty: bool) -> Text:
    numbers = _stored_vcpus(ctx, domain)
    pins = ctx.connection.domain_get_vcpu_pin_info(domain, constants.DOMAIN_AFFECT_CONFIG)
    blocks = []
    records: list[dict[str, Any]] = []
    for number in numbers:
        bits = one_of(pins.cpumaps, number, pins.num)
        rows = [("VCPU:", number), ("CPU:", "N/A"), ("State:", "N/A"), ("CPU time", "N/A")]
        blocks.append(_block(rows, bits, cpus, pretty))
        nothing = {"cpu": None, "state": None, "cpu_time_seconds": None}
        records.append({"vcpu": number, **nothing, "affinity": members(bits, cpus)})
    return Text("\n".join(blocks), data=records)


def _block(rows: "list[tuple[str, Any]]", bits: bytes, cpus: int, pretty: bool) -> str:
    chosen = members(bits, cpus)
    where = (
        f"{shown(bits, cpus)} (out of {cpus})" if pretty else "".join("y" if i in chosen else "-" for i in range(cpus))
    )
    return "".join(f"{key:<15} {value}\n" for key, value in [*rows, ("CPU Affinity:", where)])


def _stored_vcpus(ctx: "Context", domain: "DomainRef") -> "list[int]":
    """The numbers of the virtual CPUs that a stopped domain will have."""
    root = definition(ctx, domain, constants.DOMAIN_XML_INACTIVE)
    _, current = stored_counts(root)
    single = root.findall("vcpus/vcpu")
    if not single:
        return list(range(current))
    numbers = [int(one.get("id", "0")) for one in single if one.get("enabled") == "yes"]
    if len(numbers) != current:
        raise CommandError("Failed to retrieve vcpu state bitmap")
    return numbers


@command(
    "setvcpus",
    group="domain",
    options=[
        DOMAIN,
        Int("count", "how many", least=0, most=2**32 - 1, required=True),
        Flag("maximum", "how many it may have from its next start on"),
        *IMPACT,
        Flag("guest", "switch CPUs on or off in the guest, through its agent"),
        Flag("hotpluggable", "let those that are added be taken away while it runs"),
    ],
    exclusive=[*EXCLUSIVE, ("guest", "config")],
    requires=[("maximum", "config")],
)
def setvcpus(
    ctx: "Context",
    domain: "DomainRef",
    count: int,
    maximum: bool = False,
    guest: bool = False,
    hotpluggable: bool = False,
    **where: bool,
) -> Done:
    """Change how many virtual CPUs a domain has.

    Not more than its maximum, which only its next start can change.
    """
    if count == 0:
        raise CommandError("Can't set 0 processors for a VM")
    flags = impact(**where) | constants.DOMAIN_VCPU_MAXIMUM * maximum | constants.DOMAIN_VCPU_GUEST * guest
    flags |= constants.DOMAIN_VCPU_HOTPLUGGABLE * hotpluggable
    if flags or where:
        ctx.connection.domain_set_vcpus_flags(domain, count, flags)
    else:
        ctx.connection.domain_set_vcpus(domain, count)
    return Done(vcpus=count)


@command(
    "setvcpu",
    group="domain",
    options=[
        Domain(resolve=None),
        Data("vcpulist", "their numbers: 0-3,^2", complete=vcpu_numbers, late=True),
        Flag("enable", "add them"),
        Flag("disable", "take them away"),
        *IMPACT,
    ],
    exclusive=[("enable", "disable"), *EXCLUSIVE],
)
def setvcpu(
    ctx: "Context",
    domain: str,
    vcpulist: "Callable[[], str]",
    enable: bool = False,
    disable: bool = False,
    **where: bool,
) -> Done:
    """Add or take away particular virtual CPUs of a domain.

    Those that the hypervisor plugs as one unit have to be named together.
    """
    if not (enable or disable):
        raise CommandError("one of --enable, --disable is required")
    numbers = vcpulist()
    ctx.connection.domain_set_vcpu(find_domain(ctx, domain), numbers, int(enable), impact(**where))
    return Done(vcpus=numbers, enabled=enable)


@command(
    "guestvcpus",
    group="domain",
    options=[
        Domain(ACTIVE, resolve=None),
        Opt("cpulist", "the CPUs to switch: 1-3", complete=vcpu_numbers),
        Flag("enable", "switch them on"),
        Flag("disable", "switch them off"),
    ],
    exclusive=[("enable", "disable")],
    requires=[("enable", "cpulist"), ("disable", "cpulist")],
)
def guestvcpus(
    ctx: "Context", domain: str, cpulist: "str | None" = None, enable: bool = False, disable: bool = False
) -> "Done | Params":
    """Show which CPUs the guest uses, or switch some on or off.

    The guest agent does it.
    """
    if cpulist and not (enable or disable):
        raise CommandError("One of options --enable or --disable is required by option --cpulist")
    ref = find_domain(ctx, domain)
    if not cpulist:
        return Params(ctx.connection.domain_get_guest_vcpus(ref, 0))
    ctx.connection.domain_set_guest_vcpus(ref, cpulist, int(enable), 0)
    return Done(vcpus=cpulist, enabled=enable)
