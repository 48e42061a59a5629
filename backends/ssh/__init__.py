"""SSH to another machine: one interface, and two ways to do it.

`connect` asks the user's agent (`warm`), which keeps connections open between commands, or makes one of its own.
`connect_cold` chooses: paramiko (`link`) by default, the system's ssh (`openssh`) where the URI says `?command=`, where
libvirt.conf has `ssh_transport = "openssh"`, or where the user's configuration asks for what paramiko cannot honour
(`settings.DELEGATED`, security keys, Kerberos, @revoked and @cert-authority lines about this host).
"""

import os

from .. import errors
from ..uri import Uri, config_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from ..credentials import Ask
    from .link import Link
    from .openssh import OpensshLink

    class AnyRemote(Protocol):
        """A program over there."""

        @property
        def socket(self) -> Socket:
            """Its standard input and output."""

        def finish(self, timeout: float) -> tuple[int, bytes]:
            """Exit status and what it wrote to standard error, once it has ended. Raises TimeoutError."""

        def abandon(self) -> None:
            """Hang up; what does not need its input and output runs on over there."""

    class AnyLink(Protocol):
        """A host, logged in to: `alias` is what it was called by, `user` who we are there, `reason` why the system's
        ssh does it, `timeout` how many seconds an answer may take.
        """

        alias: str
        user: str
        reason: str
        timeout: float

        @property
        def alive(self) -> bool: ...
        def open_unix(self, path: str) -> Socket: ...
        def open_tcp(self, host: str, port: int) -> Socket: ...
        def start(self, argv: Sequence[str]) -> AnyRemote: ...
        def close(self) -> None: ...


#: Parameters of a URI that decide about the connection.
PARAMETERS = (
    *("keyfile", "known_hosts", "known_hosts_verify", "no_verify", "sshauth", "no_tty", "command", "authfile"),
)


#: Ways to log in that `sshauth=` names, and what the protocol calls them.
METHODS = {
    "agent": "publickey",
    "privkey": "publickey",
    "keyboard-interactive": "keyboard-interactive",
    "password": "password",
}


class Lent(Uri):
    """A URI whose host is reached through a connection that is there already."""

    __slots__ = ("link",)

    def __init__(self, text: str, link: "AnyLink"):
        super().__init__(text)
        self.link = link


class Loan:
    """A link of somebody else's, which `close` leaves open."""

    def __init__(self, link: "AnyLink"):
        self._link = link

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._link, name)

    def close(self) -> None:
        """Nothing: it is its owner's."""


def unreachable(host: str, why: str) -> errors.VirtError:
    """The error of a host that cannot be reached."""
    return errors.virt_error(
        errors.SYSTEM_ERROR,
        f"cannot connect to {host} by SSH: {why}",
        domain=errors.FROM_RPC,
        hint=f"does 'ssh {host.partition(' ')[0]}' work?",
    )


class NoDaemon(errors.VirtError):
    """What a host says that has QEMU and no libvirt; `link` leads to it."""

    def __init__(self, link: "AnyLink"):
        super().__init__(errors.NO_CONNECT, f"there is no libvirt on {link.alias}")
        self.link = link


def connect(uri: Uri, ask: "Ask | None" = None, tell: "Callable[[str], None] | None" = None) -> "AnyLink":
    """A connection to the host of `uri`, logged in: the agent's where it can be had, unless VSH_NO_AGENT is set; `tell`
    gets one line when the system's ssh has to do it and why.

    Raises VirtError.
    """
    if isinstance(uri, Lent):
        return uri.link
    if not os.environ.get("VSH_NO_AGENT") and "command" not in uri.params:
        from . import warm

        try:
            found = warm.connect(uri, ask)
        except warm.AgentGone:
            found = ""
        if isinstance(found, warm.WarmLink):
            return found
    link = connect_cold(uri, ask)
    if link.reason and tell is not None:
        tell(f"{uri.host} is reached by the system's ssh, because of {link.reason}")
    return link


def methods(uri: "Uri") -> "list[str]":
    """Which ways to log in may be tried.

    Raises VirtError(INVALID_ARG).
    """
    named = [word for word in uri.params.get("sshauth", "").split(",") if word]
    for word in named:
        if word not in METHODS:
            raise errors.virt_error(
                errors.INVALID_ARG,
                f"Invalid authentication method: '{word}'",
                hint=f"sshauth is a list of {', '.join(METHODS)}",
            )
    return named or list(METHODS)


def connect_cold(uri: Uri, ask: "Ask | None" = None) -> "Link | OpensshLink":
    """A connection of this process's own, by paramiko or, for the `reason` it then has, by the system's ssh.

    Raises VirtError.
    """
    from .settings import resolve

    allowed = methods(uri)
    settings = resolve(uri.host, uri.user, uri.port)
    params = uri.params
    if "keyfile" in params:
        settings.override("identityfile", params["keyfile"])
        settings.override("identitiesonly", "yes")
    if "known_hosts" in params:
        settings.override("userknownhostsfile", params["known_hosts"])
    verify = params.get("known_hosts_verify", "auto" if params.get("no_verify", "0") not in ("", "0") else "")
    match verify:
        case "" | "normal":
            pass
        case "auto":
            settings.override("stricthostkeychecking", "accept-new")
        case "ignore":
            settings.override("stricthostkeychecking", "no")
            settings.override("userknownhostsfile", "/dev/null")
            settings.override("globalknownhostsfile", "/dev/null")
        case _:
            raise errors.virt_error(
                errors.INVALID_ARG,
                f"Invalid SSH known hosts verification '{verify}'",
                hint="known_hosts_verify is normal, auto or ignore",
            )
    if "sshauth" in params:
        settings.override("preferredauthentications", ",".join(dict.fromkeys(METHODS[word] for word in allowed)))
    program, reason = params.get("command", ""), ""
    if not program and _configured() == "openssh":
        program = "ssh"
    if not program:
        from .hostkeys import Known

        known = Known(settings)
        reason = settings.beyond_us() or known.marked
        if not reason:
            from .link import Link

            return Link(settings, uri, ask, known)
    from .openssh import OpensshLink

    return OpensshLink(settings, uri, program or "ssh", reason)


def _configured() -> str:
    path = config_path(os.environ)
    if not os.path.exists(path):
        return ""
    from ..conf import read_conf

    wanted = read_conf(path).get("ssh_transport", "")
    if wanted not in ("", "openssh", "paramiko"):
        raise errors.virt_error(errors.CONF_SYNTAX, f"{path}: ssh_transport is openssh or paramiko, not '{wanted}'")
    return str(wanted)
