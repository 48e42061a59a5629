"""`qemu-monitor-event`: wait for events that QEMU itself tells of."""

from vsh.backends.constants import connect as constants

from ..declare import Flag, Int, Opt, command
from ..events.waiting import LOOP, TIMEOUT, TIMESTAMP, watch
from ..jsontext import indented, parse
from .lookup import domain_names, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from vsh.backends.events import Subscription
    from vsh.backends.records import QemuDomainMonitorEvent

    from ..context import Context
    from ..results import Text


@command(
    "qemu-monitor-event",
    group="domain",
    options=[
        Opt("domain", "only events of this domain: name, id or UUID", empty=True, complete=domain_names()),
        Opt("event", "only events of this name"),
        Flag("pretty", "show the details with line breaks"),
        LOOP,
        Int(TIMEOUT.name, TIMEOUT.help, least=TIMEOUT.least, most=TIMEOUT.most),
        Flag("regex", "--event is a regular expression"),
        Flag("no-case", "--event may be in capitals or not"),
        TIMESTAMP,
    ],
)
def qemu_monitor_event(
    ctx: "Context",
    domain: "str | None" = None,
    event: "str | None" = None,
    pretty: bool = False,
    loop: bool = False,
    timeout: "int | None" = None,
    regex: bool = False,
    no_case: bool = False,
    timestamp: bool = False,
) -> "Iterator[Text]":
    """Wait for events of QEMU and show them with their details.

    One event ends the waiting unless --loop is given. It fails when none came in time.
    """
    ref = None if domain is None else find_domain(ctx, domain)
    flags = (
        constants.CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX * regex
        | constants.CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE * no_case
    )

    def register(callback: "Callable[[Any], None]") -> "Subscription":
        return ctx.connection.subscribe_monitor(event, ref, callback, flags)

    def tell(name: str, told: "QemuDomainMonitorEvent") -> "tuple[str, dict[str, Any]]":
        value = parse(told.details or "")
        details = "<null>" if told.details is None else told.details
        if told.details is not None and pretty and value is not None:
            details = f"{indented(value).rstrip()}\n"
        when = "" if timestamp else f"at {told.seconds}.{told.micros:06d} "
        data = {
            "event": told.event,
            "domain": facts(told.dom),
            "qemu_time": told.seconds + told.micros / 1e6,
            "details": told.details if value is None else value,
        }
        return f"event {told.event} {when}for domain '{told.dom.name}': {details}\n", data

    return watch(ctx, [("", register)], tell, loop=loop, seconds=timeout, timestamp=timestamp)
