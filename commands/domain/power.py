"""`shutdown`, `reboot` and `reset`: the power buttons of a domain."""

from vsh.backends.constants import domain as constants

from ..declare import Opt, command
from ..errors import CommandError, failing
from ..results import Message
from .lookup import ACTIVE, RUNNING, Domain, facts, find_domain, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

#: The ways to ask a guest, with virDomainShutdownFlagValues, which virDomainRebootFlagValues repeats.
MODES = {
    "acpi": constants.DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
    "agent": constants.DOMAIN_SHUTDOWN_GUEST_AGENT,
    "initctl": constants.DOMAIN_SHUTDOWN_INITCTL,
    "signal": constants.DOMAIN_SHUTDOWN_SIGNAL,
    "paravirt": constants.DOMAIN_SHUTDOWN_PARAVIRT,
}
MODE = Opt(
    "mode",
    "how to ask the guest; several, A,B,..., are tried one after the other: " + ", ".join(MODES),
    complete=lambda ctx, given: list(MODES),
)


def _flags(mode: "str | None", expected: str) -> int:
    """What `--mode` says. Raises CommandError for a word that is no mode."""
    flags = 0
    for word in mode.split(",") if mode else ():
        if word not in MODES:
            raise CommandError(f"Unknown mode {word} value, expecting {expected}")
        flags |= MODES[word]
    return flags


@command("shutdown", group="domain", options=[Domain(ACTIVE, resolve=None), MODE])
def shutdown(ctx: "Context", domain: str, mode: "str | None" = None) -> Message:
    """Ask the guest of a domain to shut down.

    The command does not wait for it, and a guest may take no notice: domstate tells.
    """
    flags = _flags(mode, "'acpi', 'agent', 'initctl', 'signal', or 'paravirt'")
    ref = find_domain(ctx, domain)
    with failing(f"Failed to shutdown domain '{domain}'"):
        if flags:
            ctx.connection.domain_shutdown_flags(ref, flags)
        else:
            ctx.connection.domain_shutdown(ref)
    return Message(f"Domain '{domain}' is being shutdown", domain=facts(ref))


@command("reboot", group="domain", options=[Domain(ACTIVE, resolve=None), MODE])
def reboot(ctx: "Context", domain: str, mode: "str | None" = None) -> Message:
    """Ask the guest of a domain to reboot.

    The command does not wait for it. What the domain then does is set by on_reboot in its definition.
    """
    flags = _flags(mode, "'acpi', 'agent', 'initctl', 'signal' or 'paravirt'")
    ref = find_domain(ctx, domain)
    with failing(f"Failed to reboot domain '{domain}'"):
        ctx.connection.domain_reboot(ref, flags)
    return Message(f"Domain '{domain}' is being rebooted", domain=facts(ref))


@command("reset", group="domain", options=[Domain(RUNNING, find_named)])
def reset(ctx: "Context", domain: "tuple[str, DomainRef]") -> Message:
    """Reset a domain at once, as its reset button would.

    What the guest had not written to its disks is lost.
    """
    name, ref = domain
    with failing(f"Failed to reset domain '{name}'"):
        ctx.connection.domain_reset(ref, 0)
    return Message(f"Domain '{name}' was reset", domain=facts(ref))
