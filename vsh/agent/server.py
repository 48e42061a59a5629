"""The agent's process: listens, owns links, answers clients (the protocol is told in backends.ssh.warm)."""

import os
import socket
import threading
import time

from ..backends import ssh
from ..backends.errors import VirtError
from ..backends.ssh import warm
from ..backends.ssh.link import Link
from ..backends.uri import Uri
from .settings import agent_idle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Seconds between looks at what has become idle.
TICK = 1.0


class Warm:
    """One link and when it was last used; `lock` is held while it is made."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.link: Link | None = None
        self.users = 0
        self.used = time.monotonic()


class Agent:
    """All links of one user."""

    def __init__(self, idle: float):
        self.idle = idle
        self._links: dict[tuple[object, ...], Warm] = {}
        self._lock = threading.Lock()
        self._useful = time.monotonic()
        self.stopping = threading.Event()

    def link(self, uri: Uri, environ: "dict[str, str]", ask: "Any") -> "tuple[Warm, Link] | str":
        """The link for `uri`, made if need be; a reason where paramiko must not make it. Raises VirtError."""
        with self._lock:
            entry = self._links.setdefault(_key(uri, environ), Warm())
            entry.users += 1
        try:
            with entry.lock:
                if entry.link is None or not entry.link.alive:
                    with _environment(environ):
                        made = ssh.connect_cold(uri, ask)
                    if not isinstance(made, Link):
                        self.release(entry)
                        return made.reason
                    entry.link = made
                return entry, entry.link
        except BaseException:
            self.release(entry)
            raise

    def release(self, entry: Warm) -> None:
        """Tell that a client needs a link no more."""
        with self._lock:
            entry.users -= 1
            entry.used = time.monotonic()

    def status(self) -> "list[dict[str, Any]]":
        """What is open: host, user, seconds idle, clients."""
        now = time.monotonic()
        with self._lock:
            return [
                {
                    "host": entry.link.settings.alias,
                    "user": entry.link.settings.user,
                    "port": entry.link.settings.port,
                    "clients": entry.users,
                    "idle_seconds": 0 if entry.users else round(now - entry.used),
                }
                for entry in self._links.values()
                if entry.link is not None and entry.link.alive
            ]

    def tick(self) -> bool:
        """Close what is idle; False once the agent itself has been of no use for as long."""
        now = time.monotonic()
        with self._lock:
            for key, entry in list(self._links.items()):
                dead = entry.link is None or not entry.link.alive
                if not entry.users and (dead or now - entry.used > self.idle):
                    del self._links[key]
                    self._useful = now
                    if entry.link is not None:
                        entry.link.close()
            return bool(self._links) or now - self._useful < self.idle

    def close(self) -> None:
        """Close all links."""
        for entry in list(self._links.values()):
            if entry.link is not None:
                entry.link.close()


class _environment:
    """What a client's environment says about its connection; one connection is made at a time."""

    _lock = threading.Lock()

    def __init__(self, environ: "dict[str, str]"):
        self._theirs = environ
        self._ours: dict[str, str | None] = {}

    def __enter__(self) -> None:
        self._lock.acquire()
        for name in warm.ENVIRON:
            self._ours[name] = os.environ.pop(name, None)
            if name in self._theirs:
                os.environ[name] = self._theirs[name]

    def __exit__(self, *exc: object) -> None:
        for name, value in self._ours.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self._lock.release()


def _key(uri: Uri, environ: "dict[str, str]") -> "tuple[object, ...]":
    """What decides whether two URIs may share a connection; a changed configuration makes another."""
    changed = []
    for path in (os.path.join(environ.get("HOME", "/"), ".ssh/config"), "/etc/ssh/ssh_config"):
        try:
            changed.append(os.stat(path).st_mtime_ns)
        except OSError:
            changed.append(0)
    params = tuple((name, uri.params.get(name)) for name in ssh.PARAMETERS)
    return uri.user, uri.host, uri.port, params, tuple(sorted(environ.items())), tuple(changed)


def serve() -> int:
    """Serve until idle or told to stop; at once where another agent is there already."""
    try:
        path = warm.socket_path()
    except warm.AgentGone:
        return 1
    listener = _listen(path)
    if listener is None:
        return 0
    from .client import Client

    agent = Agent(agent_idle())
    listener.settimeout(TICK)
    identity = os.stat(path).st_ino
    try:
        while not agent.stopping.is_set() and agent.tick() and _is_ours(path, identity):
            try:
                stream, _ = listener.accept()
            except TimeoutError:
                continue
            if warm.peer(stream) != os.geteuid():
                stream.close()
                continue
            threading.Thread(target=Client(agent, stream).run, daemon=True).start()
    finally:
        if _is_ours(path, identity):
            os.unlink(path)
        listener.close()
        agent.close()
    return 0


def _listen(path: str) -> "socket.socket | None":
    """The listening socket; None where another agent answers. Clients start one agent at a time."""
    try:
        warm.reach().close()
        return None
    except warm.AgentGone:
        pass
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(64)
    return listener


def _is_ours(path: str, identity: int) -> bool:
    try:
        return os.stat(path).st_ino == identity
    except OSError:
        return False


def describe(error: BaseException) -> "dict[str, Any]":
    """A failure as the protocol tells it."""
    if isinstance(error, VirtError):
        fields = {"code": error.code, "message": error.message, "domain": error.domain, "hint": error.hint}
        return {"virt": fields}
    if isinstance(error, OSError):
        return {"errno": error.errno or 5, "strerror": error.strerror or str(error)}
    return {"errno": 5, "strerror": f"{type(error).__name__}: {error}"}
