"""Sessions on daemons, and shells, begun ahead: whoever comes next needs no round trips for a channel and the opening.

Each session is opened as the last one of its kind was, read-only or not, is given to one client, and is its alone from
then on. Only daemons that want to know nobody's name have such sessions, and a test host has none: it would live on in
it.
"""

import socket
import threading

from ..backends import registry
from ..backends.errors import VirtError
from ..backends.ssh import Lent, Loan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Callable

    from ..backends.driver import Connection
    from ..backends.ssh.link import Link, Remote

    #: URI and whether read-only.
    Kind = tuple[str, bool]


class Ready:
    """The sessions that wait on one host, one of each kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Kind, Connection | None] = {}  # None while it is opened
        self._refused: set[Kind] = set()
        self._hastened: Link | None = None

    def learn(self, link: "Link", kind: "Kind") -> None:
        """Somebody opened a session of a kind: open one for the next."""
        with self._lock:
            if kind in self._waiting or kind in self._refused:
                return
            self._waiting[kind] = None
        threading.Thread(target=self._open, args=(link, kind), name="vsh-ready", daemon=True).start()

    def take(self, link: "Link", kind: "Kind") -> "Socket | None":
        """The stream of a session, if one waits; the next is opened at once."""
        with self._lock:
            connection = self._waiting.get(kind)
            if connection is None:
                return None
            del self._waiting[kind]
        self.learn(link, kind)
        stream = connection.give_away()
        if _waits(stream):
            return stream
        stream.close()
        return None

    def _open(self, link: "Link", kind: "Kind") -> None:
        connection = None
        try:
            if self._hastened is not link:
                self._hastened = link
                link.hasten()
            connection = registry.reach(Lent(kind[0], Loan(link)), kind[1])
        except (OSError, VirtError):
            pass  # whoever comes next will see
        with self._lock:
            wanted = kind in self._waiting  # else all have been left meanwhile
            self._waiting.pop(kind, None)
            if connection is not None and not connection.portable:
                self._refused.add(kind)
            elif connection is not None and wanted:
                self._waiting[kind] = connection
                return
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Leave them all."""
        with self._lock:
            left = [connection for connection in self._waiting.values() if connection is not None]
            self._waiting.clear()
            self._refused.clear()
        for connection in left:
            connection.close()


class SpareShell:
    """A shell that waits to be told what to do (backends.hosts.shell), from the first use of one on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._program: Remote | None = None
        self._starting = False

    def take(self, start: "Callable[[], Remote | None]") -> "Remote | None":
        """The shell, if there is one; the next is started at once."""
        with self._lock:
            program, self._program = self._program, None
            starting, self._starting = self._starting, True
        if not starting:
            threading.Thread(target=self._start, args=(start,), name="vsh-spare", daemon=True).start()
        if program is not None and not _waits(program.socket):
            program.abandon()
            return None
        return program

    def _start(self, start: "Callable[[], Remote | None]") -> None:
        try:
            program = start()
        except OSError:
            program = None  # whoever comes next will see
        with self._lock:
            self._program = program
            self._starting = False

    def close(self) -> None:
        """Leave it."""
        with self._lock:
            program, self._program = self._program, None
        if program is not None:
            program.abandon()


def _waits(stream: "Socket") -> bool:
    """Whether the other end, of which nothing was asked, is there."""
    try:
        stream.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
