"""What --help and --version print."""

from . import __version__
from .backends.registry import LOCAL
from .backends.version import LIBVIRT_VERSION
from .commands.declare import GROUPS
from .commands.index import COMMANDS, find

OPTIONS = """
  options:
    -c | --connect=URI      hypervisor connection URI
    -d | --debug=NUM        debug level [0-4]; shows where internal errors happen
    -e | --escape <char>    set escape sequence for console
    -h | --help             this help
    -k | --keepalive-interval=NUM
                            seconds between keepalive messages, 0 for none
    -K | --keepalive-count=NUM
                            how many may go unanswered
    -l | --log=FILE         log to a file
    -q | --quiet            no headers, no informational text
    -r | --readonly         connect read-only
    -t | --timing           print how long each command took
         --format=FORMAT    plain, json, ndjson, yaml or csv
         --columns=NAMES    show these columns of tables, in this order
         --sort=NAMES       sort tables by these columns; -NAME backwards
         --filter=TEST      only rows with NAME=VALUE (also != < <= > >= and ~ for a part)
         --no-agent         make own SSH connections, none of the agent's
    -v                      short version
    -V                      long version
         --version[=TYPE]   version, TYPE is short or long (default short)
  commands (non interactive mode):

"""


def usage(program: str) -> str:
    """The text of --help: options, then all commands by group."""
    out = [f"\n{program} [options]... [<command_string>]\n{program} [options]... <command> [args...]\n", OPTIONS]
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


def version(program: str, kind: str) -> str:
    """The text of --version: vsh's own, or under the name virsh the libvirt version whose behaviour vsh has."""
    libvirt = f"{LIBVIRT_VERSION // 1_000_000}.{LIBVIRT_VERSION // 1000 % 1000}.{LIBVIRT_VERSION % 1000}"
    if kind == "short":
        return (libvirt if program == "virsh" else __version__) + "\n"
    drivers = ", ".join([*LOCAL, "and what a libvirt daemon serves"])
    return f"vsh {__version__}, behaving as virsh of libvirt {libvirt}\n\nDrivers: {drivers}\n"
