"""Whether a host is the one it was: known_hosts files, as sshd(8) and ssh_config(5) describe them."""

import base64
import fnmatch
import hashlib
import hmac
import os

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    import paramiko

    from ..credentials import Ask
    from .settings import Settings


class Known:
    """The lines of known_hosts files that speak of one host.

    `keys` are (type, base64 of the key, file, line); `marked` says that a line has a marker, @revoked or
    @cert-authority, which only OpenSSH can judge.
    """

    def __init__(self, settings: "Settings"):
        self.name = settings.key_name
        self.keys: list[tuple[str, str, str, int]] = []
        self.marked = ""
        for path in settings.files("userknownhostsfile") + settings.files("globalknownhostsfile"):
            self._read(path)

    def _read(self, path: str) -> None:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read(16 << 20).split("\n")
        except OSError:
            return  # ssh passes over files that it cannot read, too
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            marker = words.pop(0) if words[0].startswith("@") else ""
            if len(words) >= 3 and matches(words[0], self.name):
                if marker:
                    self.marked = self.marked or f"{marker} in {path} line {number}"
                else:
                    self.keys.append((words[1], words[2], path, number))

    def types(self) -> "list[str]":
        """The types of the keys that are known, in order."""
        return list(dict.fromkeys(kind for kind, *_ in self.keys))


def matches(patterns: str, name: str) -> bool:
    """Whether a known_hosts line that begins with `patterns` speaks of `name`."""
    if patterns.startswith("|1|"):
        try:
            salt, digest = (base64.b64decode(part) for part in patterns[3:].split("|"))
        except ValueError:
            return False
        return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
    found = False
    for pattern in patterns.split(","):
        negated = pattern.startswith("!")
        # Brackets are part of [host]:port, not of a pattern.
        text = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(name.lower(), text.lower()):
            if negated:
                return False
            found = True
    return found


def check(known: Known, key: "paramiko.PKey", settings: "Settings", ask: "Ask | None") -> None:
    """Accept the key that a host showed, or not: by StrictHostKeyChecking where it is new, never where it changed.

    A key that is accepted is written to the first of the user's files. Raises VirtError(AUTH_FAILED).
    """
    kind, text = key.get_name(), key.get_base64()
    if any((kind, text) == (k, t) for k, t, *_ in known.keys):
        return
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    policy = settings.one("stricthostkeychecking", "ask").lower()
    if known.keys:
        _, _, path, line = next((k for k in known.keys if k[0] == kind), known.keys[0])
        raise errors.virt_error(
            errors.AUTH_FAILED,
            f"the host key of {known.name} has changed: it shows {kind} {fingerprint}, and {path} line {line} "
            "has another; somebody may be listening",
            domain=errors.FROM_RPC,
            hint=f"if its key was really renewed: ssh-keygen -f {path} -R '{known.name}'",
        )
    if policy not in ("no", "off", "false", "accept-new"):
        question = f"The host key of {known.name} is not known ({kind} {fingerprint}). Go on (yes/no)"
        answer = ask(question, False) if ask and policy == "ask" else None
        if (answer or "").strip().lower() not in ("y", "yes"):
            raise errors.virt_error(
                errors.AUTH_FAILED,
                f"the host key of {known.name} is not known: {kind} {fingerprint}",
                domain=errors.FROM_RPC,
                hint="log in once with ssh, or have it accepted with ?known_hosts_verify=auto",
            )
    _remember(known.name, kind, text, settings)


def _remember(name: str, kind: str, text: str, settings: "Settings") -> None:
    files = settings.files("userknownhostsfile")
    if not files or files[0] == "/dev/null":
        return
    if settings.yes("hashknownhosts"):
        salt = os.urandom(20)
        digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
        name = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    try:
        os.makedirs(os.path.dirname(files[0]), 0o700, exist_ok=True)
        descriptor = os.open(files[0], os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                broken = file.read(1) != b"\n"
            else:
                broken = False
            file.write(("\n" * broken + f"{name} {kind} {text}\n").encode())
    except OSError:
        pass  # as ssh, which only warns: the key was accepted for this connection
