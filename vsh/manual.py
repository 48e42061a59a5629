"""The manual page vsh(1), written from the declarations and the prose below."""

import shutil
import subprocess

from .backends.version import LIBVIRT_VERSION
from .commands.declare import GROUPS, Command
from .commands.virsh.help import spelling, synopsis
from .shells import commands
from .usage import GLOBAL

#: What users often want, as (title, command line). A test runs them.
EXAMPLES = (
    ("All domains, whether they run or not", "vsh list --all"),
    ("Names of the running ones, for a loop of a script", "vsh list --name"),
    ("As JSON, for programs", "vsh --format json dominfo test"),
    ("As CSV, chosen and sorted", "vsh --format csv --columns name,state --sort name list --all"),
    ("Several commands on one connection", "vsh 'suspend test; domstate test --reason; resume test'"),
    ("On the embedded test host, which touches nothing", "vsh -c test:///default list"),
    ("Read-only, so that nothing can be changed", "vsh -r dumpxml test"),
    ("What a command does and takes", "vsh help undefine"),
)
EXIT_STATUS = """\
0 when the last command succeeded, 1 when it failed; interactive sessions end with 0. 130 after Ctrl-C in a command
given on the command line."""
SECTIONS = {
    "ENVIRONMENT": {
        "VIRSH_DEFAULT_CONNECT_URI": "the hypervisor to connect to where -c is not given",
        "LIBVIRT_DEFAULT_URI": "the same, looked at next",
        "VIRSH_DEBUG": "debug level from 0, everything, to 4, errors only; -d comes first",
        "VIRSH_LOG_FILE": "a file to log to; -l comes first",
        "VIRSH_HISTSIZE": "how many lines of history the prompt keeps: 500 unless told, 0 to 500000",
        "VISUAL, EDITOR": "the editor of edit and its kin, in this order; vi where neither is set",
        "TMPDIR": "where texts being edited are kept; /tmp unless told",
        "NO_COLOR": "if it is not empty, terminals get no colours",
        "VSH_COMPLETE_TIMEOUT": "how many seconds completion may take; 0.3 unless told",
        "LIBVIRT_DEBUG": "tell the calls made to hypervisors: 1 or debug all, 4 or error those that fail",
        "LIBVIRT_LOG_OUTPUTS": "where to tell them: LEVEL:stderr, LEVEL:file:PATH, several with blanks between",
        "LIBVIRT_LOG_FILTERS": "LEVEL:libvirt, which comes before LIBVIRT_DEBUG",
        "LIBVIRT_AUTH_FILE": "a file with credentials, looked at before the others",
    },
    "FILES": {
        "/etc/libvirt/libvirt.conf, $XDG_CONFIG_HOME/libvirt/libvirt.conf": "root's configuration, and others': "
        "uri_default, uri_aliases",
        "$XDG_CONFIG_HOME/libvirt/auth.conf, /etc/libvirt/auth.conf": "credentials",
        "$XDG_CACHE_HOME/libvirt/virsh/history": "the history of the prompt, which virsh uses too",
        "$XDG_CONFIG_HOME/vsh/vsh.toml": "connections with names, agent_idle",
        "ROOT": "where QEMU without libvirt has its files: the root= of qemu:///embed, else /var/lib/vsh. "
        "For qemu:///session ROOT/etc is $XDG_CONFIG_HOME/vsh, ROOT/run $XDG_RUNTIME_DIR/vsh, ROOT/lib "
        "$XDG_DATA_HOME/vsh, ROOT/cache $XDG_CACHE_HOME/vsh",
        "ROOT/etc/qemu.conf": "libvirt's file. Heeded are user, group, memory_backing_dir, hugetlbfs_mount, "
        "dynamic_ownership, seccomp_sandbox, vnc_listen, vnc_tls, vnc_password and spice's like them, nvram, "
        "chardev_tls, chardev_tls_x509_cert_dir, chardev_tls_x509_verify, default_tls_x509_cert_dir, "
        "default_tls_x509_verify, "
        "save_image_format, dump_image_format, snapshot_image_format. "
        "Keys that ask for protection that only libvirt's daemon gives are refused when a guest is defined or started; "
        "others mean nothing here",
        "ROOT/etc/qemu, ROOT/etc/storage, ROOT/etc/secrets": "definitions of domains, pools and secrets; in autostart/ "
        "links to those that start with the machine. The values of secrets are files that only their owner can read",
        "ROOT/run/qemu, ROOT/run/storage, ROOT/run/secrets": "what runs and is active, locks, events, and secrets that "
        "are to be gone with the next start of the machine",
        "ROOT/lib/qemu": "guests' own files: saved ones in save/, variables of firmware in nvram/, memory in ram/, "
        "monitors' sockets; index, which may be removed",
        "ROOT/log/qemu": "what QEMU said, a file for each domain; autostart.log, why something did not start with the "
        "machine",
        "ROOT/cache/qemu": "what QEMU programs can do; may be removed",
    },
    "URIS": {
        "test:///default": "the embedded test host: one domain, a network and a pool in memory, gone when vsh ends",
        "qemu:///system, qemu:///session, lxc:/// ...": "the local libvirt daemon, through its unix socket",
        "DRIVER+unix:///PATH?socket=FILE": "a libvirt daemon on that socket",
        "DRIVER+ssh://[USER@]HOST[:PORT]/PATH": "a libvirt daemon through SSH",
        "DRIVER+tls://HOST[:PORT]/PATH": "a libvirt daemon through TLS",
        "DRIVER+tcp://HOST[:PORT]/PATH": "a libvirt daemon through TCP, unencrypted",
    },
}
DESCRIPTION = """\
vsh manages virtual machines with the commands of virsh. What it prints where standard output is no terminal, its exit
status and its errors are those of virsh {libvirt}, so that scripts run unchanged; on a terminal tables and states are
drawn for people. A COMMAND_STRING may hold several commands, parted by ; or line ends, with words quoted as in a shell.
Without a command vsh reads commands from a prompt, or from standard input."""


def page() -> str:
    """The page in roff."""
    libvirt = f"{LIBVIRT_VERSION // 1_000_000}.{LIBVIRT_VERSION // 1000 % 1000}.{LIBVIRT_VERSION % 1000}"
    out = [
        '.\\" Generated from the declarations of the commands: do not edit.\n',
        '.TH VSH 1 "" vsh "User Commands"\n',
        ".SH NAME\nvsh \\- manage virtual machines on any hypervisor\n",
        ".SH SYNOPSIS\n.B vsh\n[OPTION]... [COMMAND_STRING]\n.br\n.B vsh\n[OPTION]... COMMAND [ARG]...\n",
        f".SH DESCRIPTION\n{roff(DESCRIPTION.format(libvirt=libvirt))}\n",
        ".SH OPTIONS\n",
    ]
    for short, long, value, help in GLOBAL:
        names = ", ".join(f"\\fB{roff(name)}\\fR" for name in (short, long) if name)
        spelled = value if value[:1] == "[" else f"={value}" if long and value else value
        out.append(f".TP\n{names}{roff(spelled)}\n{roff(help)}\n")
    out.append(".SH COMMANDS\nDomains go by name, id or UUID. \\fBvsh help COMMAND\\fR tells the same as below.\n")
    known = commands()
    for group, title in GROUPS.items():
        members = [command for command in known if command.group == group]
        if members:
            out.append(f".SS {roff(title)} (group {group})\n")
            out += map(_command, members)
    out.append(".SH EXAMPLES\n")
    out += [f".TP\n{roff(title)}\n.B {roff(line)}\n" for title, line in EXAMPLES]
    out.append(f'.SH "EXIT STATUS"\n{roff(EXIT_STATUS)}\n')
    for heading, entries in SECTIONS.items():
        out.append(f".SH {heading}\n")
        out += [f".TP\n.B {roff(name)}\n{roff(meaning)}\n" for name, meaning in entries.items()]
    out.append('.SH "SEE ALSO"\n.BR virsh (1),\nvsh\\-data(5) for what \\-\\-format json gives\n')
    return "".join(out)


def _command(command: Command) -> str:
    words = [word for option in command.options if (word := synopsis(command, option))]
    out = [f".TP\n\\fB{roff(command.name)}\\fR {roff(' '.join(words))}\n{roff(command.summary)}.\n"]
    if command.description:
        out.append(f"{roff(command.description)}\n")
    out.append(".RS\n")
    for option in command.options:
        if option.kind != "alias":
            out.append(f".TP\n{roff(spelling(command, option))}\n{roff(option.help)}\n")
    out.append(".RE\n")
    return "".join(out) if command.options else "".join(out[:-2])


def roff(text: str) -> str:
    """Plain text as roff: nothing in it is a request or an escape."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in lines)


def show(text: str) -> bool:
    """Show a page with man(1), which pages it on a terminal; False where that is not installed."""
    program = shutil.which("man")
    if program is None:
        return False
    return subprocess.run([program, "-l", "-"], input=text, text=True, check=False).returncode == 0
