"""Logging in to a host: agents, keys, certificates, then questions, in the order of ssh(1)."""

import base64
import hashlib
import os
import threading

import paramiko

from .. import credentials, errors
from . import METHODS, methods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..credentials import Ask
    from ..uri import Uri
    from .settings import Settings

    Key = paramiko.PKey

#: How often a passphrase, or a password where the configuration does not say, may be wrong.
TRIES = 3
#: What turns them off in ssh_config.
_SWITCHES = {"keyboard-interactive": "kbdinteractiveauthentication", "password": "passwordauthentication"}
#: Held while paramiko is told which agent to ask.
_AGENT = threading.Lock()


def log_in(transport: paramiko.Transport, settings: "Settings", uri: "Uri", ask: "Ask | None") -> None:
    """Authenticate by what the server allows and the settings offer; URI and auth.conf may hold a password.

    Raises VirtError(AUTH_FAILED) with what was tried.
    """
    user = settings.user
    tried: list[str] = []
    try:
        transport.auth_none(user)
        return
    except paramiko.BadAuthenticationType as refused:
        allowed = refused.allowed_types
    wanted = _allowed(settings, uri)
    if settings.yes("pubkeyauthentication", True) or settings.one("pubkeyauthentication") == "unbound":
        for key, label in keys(settings, ask, "agent" in wanted, "privkey" in wanted):
            if "publickey" not in allowed:
                break
            try:
                left = transport.auth_publickey(user, key)
            except paramiko.AuthenticationException:
                tried.append(label)
                continue
            if not left:
                return
            allowed = left  # the server wants more than a key
            break
    if _by_questions(transport, settings, uri, ask, allowed, wanted, tried):
        return
    what = f"tried {', '.join(tried)}" if tried else "there is no key to try"
    if not tried and not {"agent", "privkey"} & set(wanted):
        who = "sshauth=" if "sshauth" in uri.params else "the SSH configuration"
        what = f"{who} allows {' and '.join(wanted) or 'nothing'} alone, which could not be tried"
    raise errors.virt_error(
        errors.AUTH_FAILED,
        f"{user}@{settings.alias} does not let us in: it wants {' or '.join(allowed)}; {what}",
        domain=errors.FROM_RPC,
        hint="load a key into ssh-agent, name one with ?keyfile=, or run vsh on a terminal to be asked for a password",
    )


def _allowed(settings: "Settings", uri: "Uri") -> "list[str]":
    """The ways to log in that URI and configuration let us try."""
    listed = settings.one("preferredauthentications").lower().split(",")
    return [
        method
        for method in methods(uri)
        if (listed == [""] or METHODS[method] in listed) and settings.yes(_SWITCHES.get(method, ""), True)
    ]


def keys(settings: "Settings", ask: "Ask | None", agent: bool, files: bool) -> "Iterator[tuple[Key, str]]":
    """The keys to offer, with words for them: those of the agent that the settings name first, then its others, then
    files; each with its certificate if there is one."""
    paths = settings.files("identityfile") if files else []
    public = {path: blob for path in paths if (blob := _public(path))}
    held = {key.asbytes(): key for key in _agent(settings)} if agent else {}
    offered = [held[blob] for blob in public.values() if blob in held]
    if not settings.yes("identitiesonly"):
        offered += [key for key in held.values() if key not in offered]
    for key in offered:
        yield key, f"the agent's key {_fingerprint(key)}"
    certificates = settings.files("certificatefile")
    for path in paths:
        if not os.path.exists(path) or (path in public and public[path] in held):
            continue
        loaded = _load(path, ask)
        if loaded is None:
            continue
        for certificate in [*certificates, f"{path}-cert.pub"]:
            if os.path.exists(certificate) and _certifies(loaded, certificate):
                yield loaded, f"the certificate {certificate}"
                loaded = _load(path, ask) or loaded
        yield loaded, path


def _certifies(key: "Key", certificate: str) -> bool:
    try:
        key.load_certificate(certificate)
        return True
    except (ValueError, paramiko.SSHException, OSError):
        return False


def _agent(settings: "Settings") -> "list[Key]":
    path = settings.one("identityagent", "SSH_AUTH_SOCK")
    if path == "none":
        return []
    if path not in ("SSH_AUTH_SOCK", ""):
        path = os.environ.get(path[1:], "") if path.startswith("$") else settings.path(path)
    with _AGENT:
        before = os.environ.get("SSH_AUTH_SOCK")
        try:
            if path and path != "SSH_AUTH_SOCK":
                os.environ["SSH_AUTH_SOCK"] = path  # the only way to tell paramiko
            return list(paramiko.Agent().get_keys())
        except (paramiko.SSHException, OSError):
            return []
        finally:
            if before is None:
                os.environ.pop("SSH_AUTH_SOCK", None)
            else:
                os.environ["SSH_AUTH_SOCK"] = before


def _public(path: str) -> bytes:
    try:
        with open(f"{path}.pub", encoding="utf-8", errors="replace") as file:
            return base64.b64decode(file.read(65536).split()[1])
    except (OSError, IndexError, ValueError):
        return b""


def _load(path: str, ask: "Ask | None") -> "Key | None":
    """The private key in a file; None for one that cannot be used."""
    passphrase: str | None = None
    for _ in range(TRIES):
        encrypted = False
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return kind.from_private_key_file(path, passphrase)
            except paramiko.PasswordRequiredException:
                encrypted = True
            except (paramiko.SSHException, ValueError, OSError):
                encrypted = encrypted or passphrase is not None  # or it was wrong
        passphrase = ask(f"Passphrase for {path}", True) if ask and encrypted else None
        if not passphrase:
            return None
    return None


def _by_questions(
    transport: paramiko.Transport,
    settings: "Settings",
    uri: "Uri",
    ask: "Ask | None",
    allowed: "list[str]",
    wanted: "list[str]",
    tried: "list[str]",
) -> bool:
    user, host = settings.user, settings.alias
    if settings.yes("batchmode") or uri.params.get("no_tty", "0") not in ("", "0"):
        ask = None
    path = credentials.auth_file(uri)
    stored = credentials.configured(path, "ssh", host, "password") if path else None
    asked: list[bool] = []
    if "keyboard-interactive" in wanted and "keyboard-interactive" in allowed and (ask or stored):

        def answer(title: str, instructions: str, prompts: "list[tuple[str, bool]]") -> "list[str]":
            if stored is not None and len(prompts) == 1 and not prompts[0][1]:
                return [stored]
            given = [ask and ask(f"{user}@{host} {p.strip().rstrip(':')}", not echo) for p, echo in prompts]
            asked.append(None not in given)
            return [text for text in given if text is not None]  # too few answers are no attempt at a password

        try:
            if not transport.auth_interactive(user, answer):
                return True
        except paramiko.AuthenticationException:
            if all(asked):
                tried.append("keyboard-interactive")
    if "password" in wanted and "password" in allowed:
        tries = int(settings.number("numberofpasswordprompts", TRIES))
        for _ in range(1 if stored is not None else tries if ask else 0):
            password = stored if stored is not None else ask(f"{user}@{host}'s password", True) if ask else None
            if not password:
                break
            try:
                if not transport.auth_password(user, password, fallback=False):
                    return True
            except paramiko.AuthenticationException:
                tried.append("a password")
    return False


def _fingerprint(key: "Key") -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
