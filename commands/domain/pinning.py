"""`vcpupin` and `emulatorpin`: on which host CPUs a domain runs."""

from vsh.backends.constants import domain as constants

from ..declare import Int, Opt, command
from ..errors import CommandError, failing
from ..results import Done, Notice, Table, Text
from .cpusets import cpu_lists, host_cpus, members, one_of, parse, shown
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import DOMAIN, Domain, find_domain
from .vcpucount import count, vcpu_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vsh.backends.records import DomainRef

    from ..context import Context


@command(
    "vcpupin",
    group="domain",
    options=[
        Domain(resolve=None),
        Int("vcpu", "the virtual CPU's number", least=0, most=2**32 - 1, late=True, complete=vcpu_numbers),
        Opt("cpulist", "bind it to these host CPUs: 0-3,^2, or r for all", empty=True, complete=cpu_lists),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def vcpupin(
    ctx: "Context", domain: str, vcpu: "Callable[[], int] | None" = None, cpulist: "str | None" = None, **where: bool
) -> "Done | Table":
    """Show or change on which host CPUs the virtual CPUs of a domain may run.

    Without a list of CPUs all bindings are shown, or that of one virtual CPU.
    """
    if cpulist is None and "live" in where and "config" in where:
        raise CommandError("Options --live and --config are mutually exclusive")
    if cpulist is not None and vcpu is None:
        raise CommandError("vcpupin: Missing vCPU number in pin mode.")
    number = vcpu() if vcpu else None
    cpus = host_cpus(ctx.connection)
    ref = find_domain(ctx, domain)
    if cpulist is None:
        return _bindings(ctx, ref, number, cpus, impact(**where))
    assert number is not None
    bits = parse(cpulist, cpus)
    if where:
        ctx.connection.domain_pin_vcpu_flags(ref, number, bits, impact(**where))
    else:
        ctx.connection.domain_pin_vcpu(ref, number, bits)
    return Done(vcpu=number, affinity=members(bits))


def _bindings(ctx: "Context", ref: "DomainRef", vcpu: "int | None", cpus: int, flags: int) -> Table:
    fault = f"cannot get vcpupin for {'offline' if flags & constants.DOMAIN_AFFECT_LIVE else 'transient'} domain"
    if flags & constants.DOMAIN_AFFECT_LIVE and ctx.connection.domain_is_active(ref) < 1:
        raise CommandError(fault)
    if flags & constants.DOMAIN_AFFECT_CONFIG and ctx.connection.domain_is_persistent(ref) < 1:
        raise CommandError(fault)
    with failing(fault):
        most = count(ctx, ref, flags | constants.DOMAIN_VCPU_MAXIMUM)
    if vcpu is not None and vcpu >= most:
        live = flags & constants.DOMAIN_AFFECT_LIVE or (not flags and ctx.connection.domain_is_active(ref) == 1)
        which = "live" if live else "persistent"
        raise CommandError(f"vcpu {vcpu} is out of range of {which} cpu count {most}")
    pins = ctx.connection.domain_get_vcpu_pin_info(ref, flags)
    maps = {i: one_of(pins.cpumaps, i, pins.num) for i in range(pins.num) if vcpu in (None, i)}
    return Table(
        ["VCPU", "CPU Affinity"],
        [[str(i), shown(bits, cpus)] for i, bits in maps.items()],
        [{"vcpu": i, "affinity": members(bits, cpus)} for i, bits in maps.items()],
    )


@command(
    "emulatorpin",
    group="domain",
    options=[
        DOMAIN,
        Opt("cpulist", "bind it to these host CPUs: 0-3,^2, or r for all", empty=True, complete=cpu_lists),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def emulatorpin(
    ctx: "Context", domain: "DomainRef", cpulist: "str | None" = None, **where: bool
) -> "Iterator[Done | Notice | Text]":
    """Show or change on which host CPUs the threads of a domain's hypervisor may run.

    Those beside the virtual CPUs. A change is one of the running domain unless an option says otherwise.
    """
    cpus = host_cpus(ctx.connection)
    flags = impact(**where)
    if cpulist is None:
        bits = ctx.connection.domain_get_emulator_pin_info(domain, flags).cpumaps
        yield Notice(f"emulator: CPU Affinity\n{'-' * 34}\n       *: ")
        yield Text(f"{shown(bits, cpus)}\n", data={"affinity": members(bits, cpus)})
        return
    bits = parse(cpulist, cpus)
    ctx.connection.domain_pin_emulator(domain, bits, flags if where else constants.DOMAIN_AFFECT_LIVE)
    yield Done(affinity=members(bits))
