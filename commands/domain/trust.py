"""`domlaunchsecinfo`, `domsetlaunchsecstate` and `dom-fd-associate`: what a domain is given to start with."""

from vsh.backends.constants import domain as constants
from vsh.backends.params import STRING, ULLONG, TypedParams

from ..declare import Data, Flag, Int, Opt, command
from ..errors import CommandError, failing
from ..files import read_file
from ..params import Params
from ..results import Done
from .lookup import ACTIVE, DOMAIN, Domain
from .start import descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vsh.backends.records import DomainRef

    from ..context import Context


@command("domlaunchsecinfo", group="domain", options=[Domain(ACTIVE)])
def domlaunchsecinfo(ctx: "Context", domain: "DomainRef") -> Params:
    """Show how the memory of a domain is protected from its host.

    With AMD SEV the measurement by which the guest's owner knows what was started.
    """
    with failing("Unable to get launch security parameters"):
        return Params(ctx.connection.domain_get_launch_security_info(domain, 0))


@command(
    "domsetlaunchsecstate",
    group="domain",
    options=[
        DOMAIN,
        Opt("secrethdr", "a file with the header of the secret, in base64", positional=False),
        Opt("secret", "a file with the secret, in base64", positional=False),
        Int("set-address", "where in the guest's memory it is put", least=0, most=2**64 - 1, late=True),
    ],
)
def domsetlaunchsecstate(
    ctx: "Context",
    domain: "DomainRef",
    secrethdr: "str | None" = None,
    secret: "str | None" = None,
    set_address: "Callable[[], int] | None" = None,
) -> Done:
    """Put a secret into the protected memory of a domain that waits for it."""
    if not (secrethdr and secret):
        raise CommandError("Both secret and the secret header are required")
    params = TypedParams().add("sev-secret-header", STRING, read_file(secrethdr))
    params.add("sev-secret", STRING, read_file(secret))
    address = set_address() if set_address else None
    if address is not None:
        params.add("sev-secret-set-address", ULLONG, address)
    with failing("Unable to set launch security state"):
        ctx.connection.domain_set_launch_security_state(domain, params, 0)
    return Done(address=address)


@command(
    "dom-fd-associate",
    group="domain",
    options=[
        DOMAIN,
        Data("name", "the name under which its definition asks for them"),
        Data("pass-fds", "open file descriptors of this shell: N,N,...", empty=True),
        Flag("seclabel-writable", "let the guest write to them if they are for reading alone"),
        Flag("seclabel-restore", "give them their security label back afterwards"),
    ],
)
def dom_fd_associate(
    ctx: "Context",
    domain: "DomainRef",
    name: str,
    pass_fds: str,
    seclabel_writable: bool = False,
    seclabel_restore: bool = False,
) -> Done:
    """Hand open file descriptors to a domain, for disks and the like that name them.

    They are kept for this connection alone.
    """
    flags = constants.DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE * seclabel_writable
    flags |= constants.DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE * seclabel_restore
    files = descriptors(ctx, pass_fds)
    ctx.connection.domain_fd_associate(domain, name, files, flags)
    return Done(name=name, descriptors=files)
