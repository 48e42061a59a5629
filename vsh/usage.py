"""What --help and --version print."""

from . import __version__
from .backends.registry import LOCAL
from .backends.version import LIBVIRT_VERSION
from .commands.declare import GROUPS
from .commands.index import COMMANDS, find

#: The options before the command: short and long spelling, what a value is called, what they mean.
GLOBAL = (
    ("-c", "--connect", "URI", "the hypervisor to connect to"),
    ("-d", "--debug", "NUM", "debug level [0-4]; shows where internal errors happen"),
    ("-e", "--escape", "CHAR", "what leaves the console: ^] or a single character"),
    ("-h", "--help", "", "this help"),
    ("-k", "--keepalive-interval", "NUM", "seconds between keepalive messages, 0 for none"),
    ("-K", "--keepalive-count", "NUM", "how many of them may go unanswered"),
    ("-l", "--log", "FILE", "log to a file"),
    ("-q", "--quiet", "", "no headers, no informational text"),
    ("-r", "--readonly", "", "connect read-only"),
    ("-t", "--timing", "", "print how long each command took"),
    ("", "--format", "FORMAT", "plain, json, ndjson, yaml or csv"),
    ("", "--columns", "NAMES", "show these columns of tables, in this order"),
    ("", "--sort", "NAMES", "sort tables by these columns; -NAME backwards"),
    ("", "--filter", "TEST", "only rows with NAME=VALUE (or != < <= > >=, ~ for a part of it); may be repeated"),
    ("", "--no-agent", "", "make own SSH connections, none of the agent's"),
    ("", "--tag", "TAG", "run the command on all saved connections with this tag"),
    ("-v", "", "", "short version"),
    ("-V", "", "", "long version"),
    ("", "--version", "[=TYPE]", "version, TYPE is short or long (default short)"),
)


def usage(program: str) -> str:
    """The text of --help: options, then all commands by group."""
    out = [f"\n{program} [options]... [<command_string>]\n{program} [options]... <command> [args...]\n\n  options:\n"]
    out += map(_line, GLOBAL)
    out.append("  commands (non interactive mode):\n\n")
    commands = [command for name in COMMANDS if (command := find(name)) and not command.hidden]
    for group, title in GROUPS.items():
        members = [c for c in commands if c.group == group]
        if members:
            out.append(f" {title} (help keyword '{group}')\n")
            out += [f"    {c.name:<30} {c.summary}\n" for c in members]
            out.append("\n")
    out.append("\n  (specify help <group> for details about the commands in the group)\n")
    out.append("\n  (specify help <command> for details about the command)\n\n")
    return "".join(out)


def _line(option: tuple[str, str, str, str]) -> str:
    short, long, value, help = option
    name = f"{short} | {long}" if short and long else short or f"     {long}"
    name += value if value[:1] == "[" else f"={value}" if value else ""
    return f"    {name:<23} {help}\n" if len(name) <= 23 else f"    {name}\n{'':28}{help}\n"


def version(program: str, kind: str) -> str:
    """The text of --version: vsh's own, or under the name virsh the libvirt version whose behaviour vsh has."""
    libvirt = f"{LIBVIRT_VERSION // 1_000_000}.{LIBVIRT_VERSION // 1000 % 1000}.{LIBVIRT_VERSION % 1000}"
    if kind == "short":
        return (libvirt if program == "virsh" else __version__) + "\n"
    drivers = ", ".join([*LOCAL, "and what a libvirt daemon serves"])
    return f"vsh {__version__}, behaving as virsh of libvirt {libvirt}\n\nDrivers: {drivers}\n"
