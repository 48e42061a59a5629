"""`console`: the terminal on a domain's console."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import VirtError

from ..declare import Flag, Opt, command
from ..errors import CommandError
from ..results import Notice
from .lookup import ACTIVE, Domain
from .states import SHUTOFF, get_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import DomainRef

    from ..context import Context


@command(
    "console",
    group="domain",
    options=[
        Domain(ACTIVE),
        Opt("devname", "the alias of the console, serial or parallel device; without it the first console"),
        Flag("force", "take it from whoever is on it"),
        Flag("safe", "only where the driver keeps others away from it"),
        Flag("resume", "let a paused domain run on once the console is joined"),
    ],
)
def console(
    ctx: "Context",
    domain: "DomainRef",
    devname: "str | None" = None,
    force: bool = False,
    safe: bool = False,
    resume: bool = False,
) -> "Iterator[Notice]":
    """Join the terminal to a console of a running domain.

    What is typed goes to the guest until the escape character, which leaves the console and not the domain.
    """
    flags = constants.DOMAIN_CONSOLE_FORCE * force | constants.DOMAIN_CONSOLE_SAFE * safe
    return join(ctx, domain, devname, flags, resume)


def join(
    ctx: "Context", domain: "DomainRef", devname: "str | None" = None, flags: int = 0, resume: bool = False
) -> "Iterator[Notice]":
    """Say how to leave, then join the terminal to the console until its end. Raises CommandError, VirtError."""
    try:
        state, _ = get_state(ctx.connection, domain)
    except VirtError as error:
        raise CommandError("Unable to get domain status", error) from error
    if state == SHUTOFF:
        raise CommandError("The domain is not running")
    if not ctx.terminal:
        raise CommandError("Cannot run interactive console without a controlling TTY")
    leave = ctx.escape + (f" (Ctrl + {ctx.escape[1]})" if ctx.escape[0] == "^" else "")
    told = Notice(f"Connected to domain '{domain.name}'\nEscape character is {leave}\n")
    try:
        _, stream = ctx.connection.domain_open_console(domain, devname, flags)
    except VirtError:
        yield told  # virsh says so before it tries
        raise
    try:
        # Only now, since who reads this, an expect script say, may type at once.
        yield told
        if resume:
            ctx.connection.domain_resume(domain)
        ctx.interact(stream)
    finally:
        stream.abort()
