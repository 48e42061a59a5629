"""`start`: run a defined domain."""

from vsh.backends.errors import INVALID_ARG, NO_SUPPORT, VirtError

from ..declare import Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Message
from .lookup import INACTIVE, Domain, facts, find_startable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.api import Connection
    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Result

#: virDomainCreateFlags.
PAUSED, AUTODESTROY, BYPASS_CACHE, FORCE_BOOT, RESET_NVRAM = 1, 2, 4, 8, 32


def descriptors(ctx: "Context", text: str) -> "list[int]":
    """The numbers in `3,4,7`.

    Raises CommandError.
    """
    from vsh.backends.xml.values import c_int

    numbers = []
    for word in text.split(",") if text else ():
        try:
            numbers.append(c_int(word, low=-(2**31), high=2**31 - 1))
        except ValueError:
            raise CommandError(f"Unable to parse FD number '{word}'") from None
    return numbers


@command(
    "start",
    group="domain",
    options=[
        Domain(INACTIVE, find_startable, "the domain's name or UUID"),
        Flag("console", "join its console at once"),
        Flag("paused", "leave it paused once it is created"),
        Flag("autodestroy", "destroy it when this connection ends"),
        Flag("bypass-cache", "keep the file of a saved state out of the host's cache"),
        Flag("force-boot", "boot anew and throw a saved state away"),
        Opt("pass-fds", "hand these open file descriptors N,N,... to the guest", empty=True),
        Flag("reset-nvram", "give it fresh NVRAM"),
    ],
)
def start(
    ctx: "Context",
    domain: "DomainRef",
    console: bool = False,
    paused: bool = False,
    autodestroy: bool = False,
    bypass_cache: bool = False,
    force_boot: bool = False,
    pass_fds: str = "",
    reset_nvram: bool = False,
) -> "Iterator[Result]":
    """Start a domain that is defined and does not run.

    It resumes from the saved state of an earlier managedsave if there is one, else it boots.
    """
    if domain.id >= 0:
        raise CommandError("Domain is already active")
    files = descriptors(ctx, pass_fds)
    flags = PAUSED * paused | AUTODESTROY * autodestroy | BYPASS_CACHE * bypass_cache | RESET_NVRAM * reset_nvram
    if not (force_boot and _boot_anew(ctx.connection, domain, files, flags)):
        with failing(f"Failed to start domain '{domain.name}'"):
            _create(ctx.connection, domain, files, flags)
    yield Message(f"Domain '{domain.name}' started", domain=facts(domain))
    if console:
        from .console import join

        yield from join(ctx, domain)


def _create(connection: "Connection", domain: "DomainRef", files: "list[int]", flags: int) -> None:
    """Start with the oldest call that will do."""
    if files:
        connection.domain_create_with_files(domain, files, flags)
    elif flags:
        connection.domain_create_with_flags(domain, flags)
    else:
        connection.domain_create(domain)


def _boot_anew(connection: "Connection", domain: "DomainRef", files: "list[int]", flags: int) -> bool:
    """Start without the saved state; False when that is removed but the driver cannot do both at once."""
    try:
        _create(connection, domain, files, flags | FORCE_BOOT)
        return True
    except VirtError as error:
        if error.code not in (NO_SUPPORT, INVALID_ARG):
            raise
    try:
        saved = connection.domain_has_managed_save_image(domain, 0)
    except VirtError:
        saved = 0
    if saved:
        connection.domain_managed_save_remove(domain, 0)
    return False
