"""`domiftune`: limits on what goes through a domain's network interface."""

from vsh.backends.params import UINT, TypedParams

from ..declare import Data, Opt, command
from ..errors import CommandError, failing
from ..params import Params, getting
from ..results import Done
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import DOMAIN
from .rates import read_rate
from .targets import interface_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context

#: The fields of a rate, and their names for machines.
FIELDS = {
    "average": "average_kib_per_second",
    "peak": "peak_kib_per_second",
    "burst": "burst_kib",
    "floor": "floor_kib_per_second",
}
MOST = 2**32 - 1


class Rates(Params):
    """The limits in both directions."""

    def data(self) -> "Any":
        return self.facts | rates(self.params)


def rates(params: TypedParams) -> "dict[str, dict[str, Any]]":
    """Limits for machines: direction -> field -> number."""
    found: dict[str, dict[str, Any]] = {}
    for name, _, value in params.items:
        direction, _, field = name.partition(".")
        found.setdefault(direction, {})[FIELDS.get(field, field)] = value
    return found


@command(
    "domiftune",
    group="domain",
    options=[
        DOMAIN,
        Data("interface", "the interface's name on the host or its MAC address", complete=interface_names),
        Opt("inbound", "what the guest may get: AVERAGE,PEAK,BURST,FLOOR in KiB/s, the burst in KiB"),
        Opt("outbound", "what the guest may send: AVERAGE,PEAK,BURST"),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def domiftune(
    ctx: "Context", domain: "DomainRef", interface: str, inbound: str = "", outbound: str = "", **where: bool
) -> "Done | Rates":
    """Show or set limits on what goes through a network interface of a domain.

    An average of 0 lifts the limit in that direction.
    """
    flags = impact(**where)
    if not (inbound or outbound):
        with getting(ctx.connection, "interface", interface):
            return Rates(ctx.connection.domain_get_interface_parameters(domain, interface, flags), interface=interface)
    params = TypedParams()
    for direction, text in (("inbound", inbound), ("outbound", outbound)):
        if text:
            rate = _rate(direction, text)
            params.add(f"{direction}.average", UINT, rate["average"])
            for field in ("peak", "burst", "floor"):
                if rate[field]:
                    params.add(f"{direction}.{field}", UINT, rate[field])
    with failing("Unable to set interface parameters"):
        ctx.connection.domain_set_interface_parameters(domain, interface, params, flags)
    return Done(interface=interface, **rates(params))


def _rate(direction: str, text: str) -> "dict[str, int]":
    """The fields of a rate; those left out are 0.

    Raises CommandError.
    """
    rate = read_rate(text)
    if max(rate["average"], rate["peak"], rate["burst"]) > MOST:
        raise CommandError(f"{direction} rate larger than maximum {MOST}")
    if not rate["average"] and (rate["peak"] or rate["burst"]):
        if direction == "outbound":
            raise CommandError("outbound average is mandatory")
        if not rate["floor"]:
            raise CommandError("either inbound average or floor is mandatory")
    if direction == "outbound" and rate["floor"]:
        raise CommandError("outbound floor is unsupported yet")
    rate["floor"] &= MOST
    return rate
