"""`schedinfo`: how the host's scheduler treats a domain."""

from vsh.backends.errors import INVALID_ARG, VirtError, virt_error
from vsh.backends.params import BOOLEAN, DOUBLE, INT, LLONG, STRING, UINT, ULLONG, TypedParams

from ..declare import Argv, Opt, command
from ..errors import CommandError
from ..params import Params
from ..results import Text
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import DOMAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.params import Value
    from vsh.backends.records import DomainRef

    from ..context import Context

CONFIG, LIVE, CURRENT = IMPACT
#: The bits and the sign of whole numbers, by virTypedParameterType, and libvirt's words for what it expects.
WHOLE = {INT: (32, True), UINT: (32, False), LLONG: (64, True), ULLONG: (64, False)}
EXPECTED = {INT: "int", UINT: "unsigned int", LLONG: "long long", ULLONG: "unsigned long long", DOUBLE: "double"}


class Number(Opt):
    """A number whose kind the scheduler tells; the command gets the text."""

    kind = "int"
    value = "number"


@command(
    "schedinfo",
    group="domain",
    options=[
        DOMAIN,
        Number("weight", "its share, for Xen's credit scheduler", positional=False, empty=True),
        Number("cap", "the most it gets, for Xen's credit scheduler", positional=False, empty=True),
        CURRENT,
        CONFIG,
        LIVE,
        Argv("set", "values to set: NAME=VALUE ..."),
    ],
    exclusive=EXCLUSIVE,
)
def schedinfo(
    ctx: "Context",
    domain: "DomainRef",
    weight: "str | None" = None,
    cap: "str | None" = None,
    set: "list[str] | None" = None,
    **where: bool,
) -> "Iterator[Params | Text]":
    """Show or set how the host's scheduler treats a domain.

    Which values there are depends on the hypervisor; without --set all are shown.
    """
    try:
        scheduler, number = ctx.connection.domain_get_scheduler_type(domain)
    except VirtError:
        yield Text(f"{'Scheduler':<15}: Unknown\n", data={"scheduler": None})
        raise
    yield Text(f"{'Scheduler':<15}: {scheduler}\n", data={"scheduler": scheduler})
    if not number:
        raise CommandError()
    flags = impact(**where)
    both = flags == impact(config=True, live=True)
    known = _get(ctx, domain, 0 if both else flags, where)
    updates = TypedParams()
    pairs = [word.partition("=") for word in set or []]
    if not all(mark for _, mark, _ in pairs):
        raise CommandError("Invalid syntax for --set, expecting name=value")
    options = [(name, value) for name, value in (("cap", cap), ("weight", weight)) if value is not None]
    for name, text in [(name, value) for name, _, value in pairs] + options:
        if text == "" and (name, text) in options:
            raise CommandError(f"Failed to get option '{name}': Option argument is empty")
        kind = next((kind for key, kind, _ in known.items if key == name), None)
        if kind is None:
            raise CommandError(f"invalid scheduler option: {name}")
        updates.add(name, kind, _value(name, kind, text))
    if updates:
        if where:
            ctx.connection.domain_set_scheduler_parameters_flags(domain, updates, flags)
        else:
            ctx.connection.domain_set_scheduler_parameters(domain, updates)
        known = _get(ctx, domain, 0 if both else flags, where)
    elif both:
        raise CommandError("cannot query both live and config at once")
    yield Params(known)


def _get(ctx: "Context", domain: "DomainRef", flags: int, where: "dict[str, bool]") -> TypedParams:
    """The values; the older call when no option says of what."""
    if where:
        return ctx.connection.domain_get_scheduler_parameters_flags(domain, flags)
    return ctx.connection.domain_get_scheduler_parameters(domain)


def _value(name: str, kind: int, text: str) -> "Value":
    """`text` as a value of virTypedParameterType `kind`. Raises VirtError."""
    from vsh.backends.xml.values import c_int

    if kind == STRING:
        return text
    try:
        if kind == BOOLEAN:
            return bool(("0", "1").index(text))
        if kind == DOUBLE:
            return float(text)
        bits, sign = WHOLE[kind]
        if sign:
            return c_int(text, low=-(1 << bits - 1), high=(1 << bits - 1) - 1)
        return c_int(text, low=1 - (1 << bits), high=(1 << bits) - 1) % (1 << bits)  # -1 is the highest, as in C
    except ValueError:
        expected = EXPECTED.get(kind, "boolean")
        raise virt_error(INVALID_ARG, f"Invalid value for field '{name}': expected {expected}") from None
