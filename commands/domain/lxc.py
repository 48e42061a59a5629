"""`lxc-enter-namespace`: a program inside a container."""

import os
import signal

from vsh.backends.errors import ARGUMENT_UNSUPPORTED, INTERNAL_ERROR, SYSTEM_ERROR, VirtError, virt_error

from ..declare import Argv, Flag, command
from ..results import Done
from .lookup import ACTIVE, Domain, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from vsh.backends.records import DomainRef

    from ..context import Context

#: Statuses of a child that could not run the program (virprocess.h).
CANCELED, CANNOT_INVOKE, NOT_FOUND = 125, 126, 127
EINVAL = 22


@command(
    "lxc-enter-namespace",
    group="domain",
    options=[
        Domain(ACTIVE),
        Flag("noseclabel", "do not take on the container's security label"),
        Argv("cmd", "the program, by its path inside the container, and its arguments", required=True),
    ],
)
def lxc_enter_namespace(ctx: "Context", domain: "DomainRef", cmd: "list[str]", noseclabel: bool = False) -> Done:
    """Run a program in the namespaces of a running container on this machine.

    It has the terminal until it ends. It can do to the container what the user could.
    """
    namespaces = ctx.connection.lxc_domain_open_namespace(domain, 0)
    try:
        label = None if noseclabel else _label(ctx, domain)
        _run(lambda: _enter(domain.id, namespaces, label, cmd))
    finally:
        for descriptor in namespaces:
            os.close(descriptor)
    return Done(domain=facts(domain), command=cmd)


def _label(ctx: "Context", domain: "DomainRef") -> "str | None":
    """The security label that a program is to run under; None where there are none.

    Raises VirtError.
    """
    model = ctx.connection.node_get_security_model().model
    label = ctx.connection.domain_get_security_label(domain).label
    if model in ("", "none"):
        return None
    if model not in ("selinux", "apparmor"):
        raise virt_error(ARGUMENT_UNSUPPORTED, f"Security model {model} cannot be entered")
    return f"changeprofile {label}" if model == "apparmor" else label


def _run(child: "Callable[[], NoReturn]") -> None:
    """Run `child` in a process of its own and wait for it.

    Raises VirtError unless its status is 0.
    """
    pid = os.fork()
    if pid == 0:
        try:
            child()
        finally:
            os._exit(CANCELED)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        kind = f"exit status {status}" if status > 0 else f"fatal signal {-status}"
        raise virt_error(INTERNAL_ERROR, f"Child process ({pid}) unexpected {kind}")


def _enter(controller: int, namespaces: "list[int]", label: "str | None", argv: "list[str]") -> "NoReturn":
    """Become the program, in the groups of the container's `controller`.

    A process enters a PID namespace with its next child, hence the second fork.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if label is not None:
        place = "exec" if not label.startswith("changeprofile ") else "current"
        with open(f"/proc/self/attr/{place}", "w", encoding="utf-8") as attribute:
            attribute.write(label)
    _join_cgroups(controller)
    for descriptor in namespaces:
        # EINVAL: it is in that namespace already.
        if libc.setns(descriptor, 0) < 0 and ctypes.get_errno() != EINVAL:
            text = f"Unable to join domain namespace: {os.strerror(ctypes.get_errno())}"
            raise VirtError(SYSTEM_ERROR, text)
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(argv[0], argv)
        except FileNotFoundError:
            os._exit(NOT_FOUND)
        except OSError:
            os._exit(CANNOT_INVOKE)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status < 0:  # Die as it died.
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _join_cgroups(pid: int) -> None:
    """Join the control groups of another process, in every hierarchy that is mounted here."""
    mounts = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            place, _, kind = line.partition(" - ")
            system, _, options = kind.rstrip("\n").split(" ", 2)
            if system in ("cgroup", "cgroup2"):
                mounts.update(dict.fromkeys(options.split(",") if system == "cgroup" else [""], place.split(" ")[4]))
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as lines:
        groups = [line.rstrip("\n").split(":", 2) for line in lines]
    for _, controllers, path in groups:
        mount = mounts.get(controllers.partition(",")[0])
        if mount is not None:
            with open(f"{mount}{path}/cgroup.procs", "w", encoding="utf-8") as members:
                members.write(str(os.getpid()))
