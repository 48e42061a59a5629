"""The agent's process: listens, owns links, answers clients (the protocol is told in backends.ssh.warm)."""

import os
import resource
import socket
import threading
import time

from ..backends import ssh
from ..backends.errors import VirtError
from ..backends.hosts import shell
from ..backends.ssh import warm
from ..backends.ssh.link import Full, Link
from ..backends.uri import Uri
from .ready import Ready, SpareShell
from .settings import agent_idle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..backends.ssh.link import Remote
    from ..backends.ssh.openssh import OpensshLink
    from .inventory import Inventory

#: Seconds between looks at what has become idle.
TICK = 1.0


class Warm:
    """One link, when it was last used, and what is known through it; `lock` is held while it is made.

    Where the server allows few programs on one connection there are `more` to the same host.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.link: Link | None = None
        self._more: list[Link] = []
        self.opened: set[str] = set()  # unix sockets that could be opened
        self.ready = Ready()
        self._spare = SpareShell()
        self.users = 0
        self.used = time.monotonic()
        self._opening = threading.Lock()
        self._inventories: dict[str, Inventory] = {}

    @property
    def alive(self) -> bool:
        """Whether there is a link that is not known to be gone."""
        return self.link is not None and self.link.alive

    def start(self, argv: "list[str]", make: "Callable[[], Link]") -> "Remote":
        """Start a program on the first link that has room for it, one that `make` makes if none has."""
        program = self._spare.take(lambda: self._start(argv)) if tuple(argv) == shell.ARGV else None
        if program is None:
            program = self._start(argv)
        if program is None:
            with self.lock:
                program = self._start(argv)  # somebody else may have made one meanwhile
                if program is None:
                    self._more.append(make())
                    program = self._more[-1].start(argv)
        return program

    def _start(self, argv: "list[str]") -> "Remote | None":
        for link in [self.link, *self._more]:
            if link is not None and link.alive:
                try:
                    return link.start(argv)
                except Full:
                    continue
        return None

    def inventory(self, uri: str) -> "Inventory":
        """What is known of what `uri` names, from now on if not before.

        Raises VirtError.
        """
        with self._opening:
            found = self._inventories.get(uri)
            if found is None or not found.alive:
                found = self._inventories[uri] = self.look_in(uri)
            return found

    def look_in(self, uri: str) -> "Inventory":
        """The same, for the caller alone, who closes it."""
        from .inventory import Inventory

        if self.link is None:
            raise ConnectionResetError(104, "the connection is closed")
        return Inventory(uri, self.link)

    def close(self) -> None:
        """End the link, and with it all that goes through it."""
        self.ready.close()
        self._spare.close()
        for link in [self.link, *self._more]:
            if link is not None:
                link.close()
        self._more.clear()


class Agent:
    """All links of one user."""

    def __init__(self, idle: float):
        self.idle = idle
        self._links: dict[tuple[object, ...], Warm] = {}
        self._lock = threading.Lock()
        self._useful = time.monotonic()
        self.stopping = False

    def link(self, uri: Uri, environ: "dict[str, str]", ask: "Any") -> "tuple[Warm, Link] | str":
        """The link for `uri`, made if need be; a reason where paramiko must not make it. Raises VirtError."""
        with self._lock:
            entry = self._links.setdefault(_key(uri, environ), Warm())
            entry.users += 1
        try:
            with entry.lock:
                if entry.link is None or not entry.link.alive:
                    entry.close()
                    made = make(uri, environ, ask)
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

    def there(self, uri: Uri, environ: "dict[str, str]") -> Warm:
        """The link for `uri` if there is one.

        Raises ConnectionRefusedError.
        """
        with self._lock:
            entry = self._links.get(_key(uri, environ))
        if entry is None or not entry.alive:
            raise ConnectionRefusedError(111, "Connection refused")
        return entry

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
            idle = [
                key
                for key, entry in self._links.items()
                if not entry.users and (not entry.alive or now - entry.used > self.idle)
            ]
            closing = [self._links.pop(key) for key in idle]
            self._useful = now if idle else self._useful
            useful = bool(self._links) or now - self._useful < self.idle
        for entry in closing:
            entry.close()
        return useful

    def stop(self) -> None:
        """End `serve`, which waits for a client."""
        self.stopping = True
        warm.reach().close()

    def close(self) -> None:
        """Close all links."""
        for entry in list(self._links.values()):
            entry.close()


def make(uri: Uri, environ: "dict[str, str]", ask: "Any") -> "Link | OpensshLink":
    """A new link, of whichever kind.

    Raises VirtError.
    """
    with _environment(environ):
        return ssh.connect_cold(uri, ask)


class _environment:
    """What a client's environment says about its connection; clients with another one wait until it is made."""

    _free = threading.Condition()
    _users = 0

    def __init__(self, environ: "dict[str, str]"):
        self._wanted = {name: environ.get(name) for name in warm.ENVIRON}

    def __enter__(self) -> None:
        cls = type(self)
        with self._free:
            self._free.wait_for(lambda: not cls._users or self._wanted == {n: os.environ.get(n) for n in warm.ENVIRON})
            cls._users += 1
            for name, value in self._wanted.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

    def __exit__(self, *exc: object) -> None:
        with self._free:
            type(self)._users -= 1
            self._free.notify_all()


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

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each host takes about ten
    agent = Agent(agent_idle())
    listener.settimeout(TICK)
    identity = os.stat(path).st_ino
    try:
        while not agent.stopping and agent.tick() and _is_ours(path, identity):
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
