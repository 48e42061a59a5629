"""SSH to another machine: one interface, and two ways to do it.

`connect` chooses: paramiko (`link`) by default, the system's ssh (`openssh`) where the URI says `?command=`, where
libvirt.conf has `ssh_transport = "openssh"`, or where the user's configuration asks for what paramiko cannot honour
(`settings.DELEGATED`, security keys, Kerberos, @revoked and @cert-authority lines about this host).
"""

import os

from .. import errors
from ..uri import config_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..credentials import Ask
    from ..uri import Uri
    from .link import Link
    from .openssh import OpensshLink


def connect(uri: "Uri", ask: "Ask | None" = None, tell: "Callable[[str], None] | None" = None) -> "Link | OpensshLink":
    """Connect to the host of `uri` and log in there; `tell` gets one line when the system's ssh has to do it and why.

    Raises VirtError.
    """
    from .settings import resolve

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
    if reason and tell is not None:
        tell(f"{uri.host} is reached by the system's ssh, because of {reason}")
    from .openssh import OpensshLink

    return OpensshLink(settings, uri, program or "ssh")


def _configured() -> str:
    path = config_path(os.environ)
    if not os.path.exists(path):
        return ""
    from ..conf import read_conf

    wanted = read_conf(path).get("ssh_transport", "")
    if wanted not in ("", "openssh", "paramiko"):
        raise errors.virt_error(errors.CONF_SYNTAX, f"{path}: ssh_transport is openssh or paramiko, not '{wanted}'")
    return str(wanted)
