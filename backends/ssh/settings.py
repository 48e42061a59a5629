"""What the user's SSH configuration says about a host.

Where OpenSSH is installed, `ssh -G` resolves it, so that Host, Match, Include, tokens and defaults mean what they mean
to ssh(1); elsewhere paramiko reads ~/.ssh/config, which knows Host and most of Match. Parameters of a connection URI
(https://libvirt.org/uri.html#ssh-transport) go before the configuration.
"""

import os
import re
import shutil
import subprocess

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds that a connection may take to be made, where the configuration has no ConnectTimeout.
TIMEOUT = 30.0
#: Settings of one path each, in which blanks are part of it.
ONE_PATH = ("identityfile", "certificatefile")
#: What a shell would make something of may not stand in the name of a host or a user (as in OpenSSH since 9.6): both
#: get into the commands of ProxyCommand, Match exec and KnownHostsCommand.
UNSAFE = {"host": frozenset("'`\"$\\;&<>|(){} \t\0\r\n"), "user": frozenset("'`\";&<>|(){}\0\r\n")}
#: Settings that the built-in client does not honour, with the values under which there is nothing to honour.
DELEGATED = {
    "controlpath": ("none", ""),
    "pkcs11provider": ("none", ""),
    "revokedhostkeys": ("none", ""),
    "knownhostscommand": ("none", ""),
    "addressfamily": ("any", ""),
    "bindaddress": ("", "none"),
    "bindinterface": ("", "none"),
    "permitlocalcommand": ("no", "false", ""),
    "proxyusefdpass": ("no", "false", ""),
    "tunnel": ("no", "false", ""),
    "hostbasedauthentication": ("no", "false", ""),
    "requesttty": ("auto", "no", "false", ""),
    "remotecommand": ("none", ""),
}


class Settings:
    """One host as it is to be reached: values by ssh_config's keyword in lower case, lists where it may be repeated."""

    def __init__(self, alias: str, values: "Mapping[str, list[str]]"):
        self.alias = alias
        self.overridden: dict[str, str] = {}
        self._values = {key.lower(): list(texts) for key, texts in values.items()}

    def one(self, key: str, default: str = "") -> str:
        """The first value of `key`."""
        return next(iter(self._values.get(key, ())), default)

    def all(self, key: str) -> "list[str]":
        """All values of `key`."""
        return self._values.get(key, [])

    def yes(self, key: str, default: bool = False) -> bool:
        """Whether a switch is on."""
        return self.one(key, "yes" if default else "no").lower() in ("yes", "true")

    def number(self, key: str, default: float) -> float:
        """A number; `default` where it is missing or `none`."""
        text = self.one(key)
        return float(text) if text.isdigit() and int(text) else default

    def override(self, key: str, text: str) -> None:
        """Set `key`, whatever the configuration says; a path is one, blanks and all."""
        self._values[key] = [text]
        self.overridden[key] = text

    @property
    def host(self) -> str:
        return self.one("hostname", self.alias)

    @property
    def port(self) -> int:
        return int(self.one("port", "22"))

    @property
    def user(self) -> str:
        return self.one("user") or _me()

    @property
    def key_name(self) -> str:
        """How known_hosts files call the host: its alias for keys, else its name, with the port unless that is 22."""
        name = self.one("hostkeyalias")
        if name and name != "none":
            return name
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"

    def files(self, key: str) -> "list[str]":
        """The paths in a setting that names files, `~` and environment resolved, without `none`."""
        whole = key in ONE_PATH or key in self.overridden
        words = [word for text in self.all(key) for word in ([text] if whole else text.split())]
        return [self.path(word) for word in words if word != "none"]

    def path(self, text: str) -> str:
        """A path of the configuration with `~`, tokens and ${NAME} of the environment resolved."""
        named = re.sub(r"\$\{(\w+)\}", lambda name: os.environ.get(name[1], name[0]), self.expand(text))
        return os.path.expanduser(named)

    def expand(self, text: str) -> str:
        """`text` with ssh_config's tokens (%h, %p, %r ...) replaced."""
        tokens = {
            "%": "%", "h": self.host, "n": self.alias, "p": str(self.port), "r": self.user,
            "d": os.path.expanduser("~"), "u": _me(), "k": self.one("hostkeyalias") or self.alias,
        }  # fmt: skip
        out, at = [], 0
        while at < len(text):
            if text[at] == "%" and text[at + 1 : at + 2] in tokens:
                out.append(tokens[text[at + 1]])
                at += 2
            else:
                out.append(text[at])
                at += 1
        return "".join(out)

    def beyond_us(self) -> str:
        """Why the system's ssh must make this connection: a setting that paramiko cannot honour; "" if none is set."""
        for key, harmless in DELEGATED.items():
            if self.one(key).lower() not in harmless:
                return f"{key} {self.one(key)}"
        if self.yes("gssapiauthentication") and _has_ticket():
            return "gssapiauthentication with a Kerberos ticket"
        for path in self.files("identityfile"):
            if _is_security_key(path):
                return f"the security key {path}"
        return ""


def resolve(alias: str, user: str = "", port: int = 0) -> Settings:
    """The settings for `alias`; user and port, where given, are those of the URI.

    Raises VirtError: INVALID_ARG for a name that could be taken for an option or a command, CONF_SYNTAX when the
    configuration is broken.
    """
    for what, name in (("host", alias), ("user", user)):
        if name.startswith("-") or UNSAFE[what] & set(name) or (what == "host" and not name):
            raise errors.virt_error(errors.INVALID_ARG, f"'{name}' is not a {what} name")
    if shutil.which("ssh"):
        argv = ["ssh", "-G", *(["-l", user] if user else []), *(["-p", str(port)] if port else []), "--", alias]
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            what = f"ssh -G {alias} takes more than {TIMEOUT:.0f} s"
            raise errors.virt_error(
                errors.OPERATION_TIMEOUT, what, hint="which command of Match exec in ~/.ssh/config does not end?"
            ) from None
        if done.returncode:
            raise errors.virt_error(
                errors.CONF_SYNTAX, f"ssh -G {alias}: {done.stderr.strip()}", hint="mend ~/.ssh/config"
            )
        values: dict[str, list[str]] = {}
        for line in done.stdout.splitlines():
            key, _, text = line.partition(" ")
            values.setdefault(key, []).append(text)
        return Settings(alias, values)
    return _without_openssh(alias, user, port)


def _without_openssh(alias: str, user: str, port: int) -> Settings:
    import paramiko

    path = os.path.expanduser("~/.ssh/config")
    found: Mapping[str, str | list[str]] = {}
    if os.path.exists(path):
        try:
            found = paramiko.SSHConfig.from_path(path).lookup(alias)
        except paramiko.SSHException as error:
            raise errors.virt_error(errors.CONF_SYNTAX, f"{path}: {error}") from None
    values = {key: text if isinstance(text, list) else [text] for key, text in found.items()}
    values.setdefault("userknownhostsfile", ["~/.ssh/known_hosts ~/.ssh/known_hosts2"])
    values.setdefault("globalknownhostsfile", ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"])
    values.setdefault("identityfile", [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")])
    values.setdefault("stricthostkeychecking", ["ask"])
    if user:
        values["user"] = [user]
    if port:
        values["port"] = [str(port)]
    return Settings(alias, values)


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _has_ticket() -> bool:
    named = os.environ.get("KRB5CCNAME", f"/tmp/krb5cc_{os.geteuid()}").removeprefix("FILE:")
    return ":" in named or os.path.exists(named)


def _is_security_key(path: str) -> bool:
    try:
        with open(f"{path}.pub", encoding="utf-8", errors="replace") as file:
            return file.read(64).startswith("sk-")
    except OSError:
        return False
