"""`qemu-attach`, `qemu-monitor-command` and `qemu-agent-command`: past libvirt to QEMU and to its guest's agent."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import INTERNAL_ERROR, VirtError

from ..declare import Argv, Flag, Int, Opt, command
from ..errors import CommandError, failing
from ..jsontext import compact, indented, parse
from ..results import Message, Text
from .lookup import ACTIVE, Domain, facts
from .start import descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context


class Pid(Int):
    """The option `<pid>`."""

    kind = "data"


@command(
    "qemu-attach",
    group="domain",
    options=[Pid("pid", "the process", least=0, most=2**32 - 1, required=True)],
)
def qemu_attach(ctx: "Context", pid: int) -> Message:
    """Make a QEMU process that was started by hand a domain.

    libvirt has not known how to do so since 5.6.
    """
    with failing(f"Failed to attach to pid {pid}"):
        ref = ctx.connection.qemu_domain_attach(pid, 0)
    return Message(f"Domain '{ref.name}' attached to pid {pid}", domain=facts(ref), pid=pid)


@command(
    "qemu-monitor-command",
    group="domain",
    options=[
        Domain(ACTIVE),
        Flag("hmp", "it is a command for people, such as 'info block'"),
        Flag("pretty", "show the answer with line breaks"),
        Flag("return-value", "of the answer, only what is returned"),
        Opt("pass-fds", "hand these open file descriptors N,N,... to QEMU", positional=False, empty=True),
        Argv("cmd", "the command: JSON, or its name and its arguments as JSON", required=True),
    ],
    exclusive=[("hmp", "pretty"), ("hmp", "return-value")],
)
def qemu_monitor_command(
    ctx: "Context",
    domain: "DomainRef",
    cmd: "list[str]",
    hmp: bool = False,
    pretty: bool = False,
    return_value: bool = False,
    pass_fds: str = "",
) -> Text:
    """Send a command to QEMU's monitor.

    At your own risk: what it changes is changed behind libvirt's back. `CMD NAME '"KEY":VALUE' ...` is the same as
    `CMD '{"execute":"NAME","arguments":{"KEY":VALUE,...}}'`.
    """
    text = " ".join(cmd) if hmp else _wrapped(cmd)
    files = descriptors(ctx, pass_fds)
    flags = constants.DOMAIN_QEMU_MONITOR_COMMAND_HMP * hmp
    if files:
        answer = ctx.connection.qemu_domain_monitor_command_with_files(domain, text, files, flags)
    else:
        answer = ctx.connection.qemu_domain_monitor_command(domain, text, flags)
    if hmp:
        return Text(f"{answer}\n", data={"answer": answer.replace("\r\n", "\n").rstrip("\n")})
    value = parse(answer)
    shown = f"{answer}\n"
    if return_value or pretty:
        if return_value:
            if value is None:
                raise CommandError("failed to parse JSON returned by qemu", _no_json(answer))
            if not isinstance(value, dict) or "return" not in value:
                raise CommandError("'return' member missing")
            value = value["return"]
        if return_value or value is not None:
            shown = indented(value) if pretty else compact(value)
    return Text(shown, data={"answer": answer if value is None else value})


def _wrapped(words: "list[str]") -> str:
    """The command that the words make up.

    Raises CommandError for arguments that are no JSON.
    """
    whole = " ".join(words)
    if isinstance(parse(whole), dict):
        return whole
    name, *rest = words
    made: dict[str, Any] = {"execute": name}
    if rest:
        joined = "{" + ",".join(rest) + "}"
        arguments = next((a for a in (parse(" ".join(rest)), parse(joined)) if isinstance(a, dict)), None)
        if arguments is None:
            line = f"failed to wrap arguments '{' '.join(rest)}' into a QMP command wrapper"
            raise CommandError(line, _no_json(joined))
        made["arguments"] = arguments
    return compact(made)


def _no_json(text: str) -> VirtError:
    return VirtError(INTERNAL_ERROR, f"internal error: cannot parse json {text}")


@command(
    "qemu-agent-command",
    group="domain",
    options=[
        Domain(ACTIVE, help="the domain's name, id or UUID; its guest runs the agent"),
        Int("timeout", "seconds to wait for an answer", positional=False),
        Flag("async", "do not wait for an answer"),
        Flag("block", "wait for an answer for ever"),
        Flag("pretty", "show the answer with line breaks"),
        Argv("cmd", "the command, as JSON", required=True),
    ],
)
def qemu_agent_command(
    ctx: "Context",
    domain: "DomainRef",
    cmd: "list[str]",
    timeout: "int | None" = None,
    block: bool = False,
    pretty: bool = False,
    **later: bool,
) -> "Text | None":
    """Send a command to the agent in a guest.

    At your own risk: what it changes is changed behind libvirt's back.
    """
    if timeout is not None and timeout < 1:
        raise CommandError("timeout must be positive")
    if (timeout is not None) + bool(later) + block > 1:
        raise CommandError("timeout, async and block options are exclusive")
    wait = constants.DOMAIN_QEMU_AGENT_COMMAND_DEFAULT if timeout is None else timeout
    if later:
        wait = constants.DOMAIN_QEMU_AGENT_COMMAND_NOWAIT
    if block:
        wait = constants.DOMAIN_QEMU_AGENT_COMMAND_BLOCK
    answer = ctx.connection.qemu_domain_agent_command(domain, " ".join(cmd), wait, 0)
    if answer is None:
        raise CommandError("An error occurred, but the cause is unknown")
    value = parse(answer)
    shown = f"{indented(value)}\n" if pretty and value is not None else answer
    return Text(f"{shown}\n", data={"answer": answer if value is None else value})
