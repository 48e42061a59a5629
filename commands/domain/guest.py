"""`guestinfo`, `domhostname`, passwords, SSH keys, the agent's time-out: what the guest itself says and does."""

from vsh.backends.constants import domain as constants

from ..declare import Data, Flag, Int, Opt, command
from ..errors import CommandError, failing
from ..files import read_file
from ..params import text_of
from ..results import Done, Notice, Text
from ..statistics import BYTES, MILLISECONDS, SECONDS, nested
from .lookup import ACTIVE, Domain, find_domain, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vsh.backends.records import DomainRef

    from ..context import Context

#: virDomainGuestInfoTypes by option.
KINDS = {
    "user": (constants.DOMAIN_GUEST_INFO_USERS, "who is logged in"),
    "os": (constants.DOMAIN_GUEST_INFO_OS, "its operating system"),
    "timezone": (constants.DOMAIN_GUEST_INFO_TIMEZONE, "its time zone"),
    "hostname": (constants.DOMAIN_GUEST_INFO_HOSTNAME, "its host name"),
    "filesystem": (constants.DOMAIN_GUEST_INFO_FILESYSTEM, "its file systems"),
    "disk": (constants.DOMAIN_GUEST_INFO_DISKS, "its disks"),
    "interface": (constants.DOMAIN_GUEST_INFO_INTERFACES, "its network interfaces"),
    "load": (constants.DOMAIN_GUEST_INFO_LOAD, "its load (libvirt 11.2)"),
}
#: The units of what guests tell.
UNITS = {
    "user.#.login-time": MILLISECONDS,
    "timezone.offset": SECONDS,
    "fs.#.total-bytes": BYTES,
    "fs.#.used-bytes": BYTES,
}
#: virDomainGetHostnameFlags by source.
SOURCES = {"agent": constants.DOMAIN_GET_HOSTNAME_AGENT, "lease": constants.DOMAIN_GET_HOSTNAME_LEASE}
#: VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK.
FOREVER = -2


@command(
    "guestinfo",
    group="domain",
    options=[Domain(ACTIVE), *(Flag(name, help) for name, (_, help) in KINDS.items())],
)
def guestinfo(ctx: "Context", domain: "DomainRef", **chosen: bool) -> Text:
    """Show what the guest says about itself.

    Without options all that its agent knows. Names and numbers are libvirt's.
    """
    kinds = sum(kind for name, (kind, _) in KINDS.items() if name in chosen)
    params = ctx.connection.domain_get_guest_info(domain, kinds, 0)
    lines = [f"{name:<20}: {text_of(kind, value)}\n" for name, kind, value in params.items]
    return Text("".join(lines), data=nested(params, UNITS))


@command(
    "domhostname",
    group="domain",
    options=[
        Domain(ACTIVE),
        Opt("source", "who knows it: lease (libvirt's DHCP) or agent", complete=lambda ctx, given: list(SOURCES)),
    ],
)
def domhostname(ctx: "Context", domain: "DomainRef", source: "str | None" = None) -> Text:
    """Show the host name of the guest."""
    if source is not None and source not in SOURCES:
        raise CommandError(f"Unknown data source '{source}'")
    with failing("failed to get hostname"):
        name = ctx.connection.domain_get_hostname(domain, SOURCES[source] if source else 0)
    return Text(f"{name}\n", data={"hostname": name})


@command(
    "set-user-password",
    group="domain",
    options=[
        Domain(ACTIVE, resolve=None),
        Data("user", "the user in the guest"),
        Data("password", "the new password", secret=True),
        Flag("encrypted", "it is a hash already, as crypt(3) makes them"),
    ],
)
def set_user_password(ctx: "Context", domain: str, user: str, password: str, encrypted: bool = False) -> Notice:
    """Set the password of a user in the guest.

    The guest agent does it.
    """
    name, ref = find_named(ctx, domain)
    ctx.connection.domain_set_user_password(ref, user, password, constants.DOMAIN_PASSWORD_ENCRYPTED * encrypted)
    return Notice(f"Password set successfully for {user} in {name}", data={"user": user})


@command("get-user-sshkeys", group="domain", options=[Domain(ACTIVE), Data("user", "the user in the guest")])
def get_user_sshkeys(ctx: "Context", domain: "DomainRef", user: str) -> Text:
    """Show the SSH keys that may log in as a user of the guest."""
    keys = ctx.connection.domain_authorized_ssh_keys_get(domain, user, 0)
    # As virsh 9.0.0 prints them: with nothing in between.
    return Text("".join(keys), data={"user": user, "keys": keys})


@command(
    "set-user-sshkeys",
    group="domain",
    options=[
        Domain(ACTIVE, resolve=None),
        Data("user", "the user in the guest", late=True),
        Opt("file", "a file with the keys, one a line"),
        Flag("reset", "remove those the user has first"),
        Flag("remove", "remove those in the file"),
    ],
    requires=[("remove", "file")],
)
def set_user_sshkeys(
    ctx: "Context",
    domain: str,
    user: "Callable[[], str]",
    file: "str | None" = None,
    reset: bool = False,
    remove: bool = False,
) -> Done:
    """Add, replace or remove SSH keys that may log in as a user of the guest."""
    if reset and remove:
        raise CommandError("Options --reset and --remove are mutually exclusive")
    ref, name = find_domain(ctx, domain), user()
    if file is None and not reset:
        raise CommandError("Option --file is required")
    keys: list[str] = []
    if file is not None:
        text = read_file(file)
        keys = text.split("\n") if text else []
        if not keys:
            raise CommandError(f"File {file} contains no keys")
    flags = constants.DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE if remove else 0
    if not (reset or remove):
        flags = constants.DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND
    ctx.connection.domain_authorized_ssh_keys_set(ref, name, keys, flags)
    return Done(user=name, keys=keys)


@command(
    "guest-agent-timeout",
    group="domain",
    options=[
        Domain(ACTIVE),
        Int("timeout", "seconds; -2 (the default): for ever, -1: libvirt's default, 0: not at all", positional=False),
    ],
)
def guest_agent_timeout(ctx: "Context", domain: "DomainRef", timeout: int = FOREVER) -> Done:
    """Set how long libvirt waits for the guest agent of a domain to answer."""
    ctx.connection.domain_agent_set_response_timeout(domain, timeout, 0)
    return Done(timeout_seconds=timeout)
