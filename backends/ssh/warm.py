"""Links that outlive a command: the client of the per-user agent (vsh/agent), which owns authenticated connections.

Each client has one connection to the agent's unix socket. Requests and answers are dictionaries, marshalled (both ends
are this user's, and vsh's; importing json takes longer than all that is said) behind four bytes with the length; the
streams that are asked for come as file descriptors beside the answer. Nothing is ever sent twice: a request that the
agent does not answer has failed.

    {"op": "connect", "uri": ..., "environ": {...}}    {"ask": QUESTION, "hidden": BOOL} ..., {"ok": true, "user": NAME}
    {"op": "ready", "readonly": BOOL}                  {"ok": true}, and a descriptor where a session of that kind on
                                                       the URI's daemon waits, opened and never used
    {"op": "unix", "path": ...}                        {"ok": true} and a descriptor; where that path could be
                                                       opened before, at once, with a {"program": NUMBER} that tells
                                                       why the stream ends if it cannot be opened now
    {"op": "tcp", "host": ..., "port": ...}            {"ok": true} and a descriptor
    {"op": "start", "argv": [...]}                     {"ok": true, "program": NUMBER} and a descriptor
    {"op": "finish", "program": NUMBER, "timeout": S}  {"ok": true, "status": N, "stderr": BYTES}
    {"op": "abandon", "program": NUMBER}               {"ok": true}
    {"op": "glance", "uri": ..., "environ": {...}}     {"ok": true}, for a connection that is there already
    {"op": "look", "call": NAME, "args": BYTES}        {"ok": true, "value": BYTES}
    {"op": "status"}                                   {"ok": true, ...}
    {"op": "stop"}                                     {"ok": true}, and the end of the connection once it has ended

An answer that is no success is {"errno": N, "strerror": TEXT} or {"virt": {code, message, domain, hint}}, or, where the
system's ssh has to make the connection, {"delegate": REASON}.
"""

import _socket  # and not socket, whose import takes as long as a round trip to a host nearby
import _thread
import fcntl
import marshal
import os
import stat
import sys
import time

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..credentials import Ask
    from ..uri import Uri

#: Changes with the protocol, and is part of the socket's name: agents and clients of other versions do not meet.
PROTOCOL = 4
#: Seconds within which an agent that was started must listen, and within which any agent must answer what is not slow.
START, ANSWER = 5.0, 10.0
#: What of the client's environment decides about a connection.
ENVIRON = ("SSH_AUTH_SOCK", "HOME", "KRB5CCNAME", "LIBVIRT_AUTH_FILE", "XDG_CONFIG_HOME")
#: The longest message that is read, in bytes.
LIMIT = 1 << 24
_RIGHTS = _socket.CMSG_SPACE(16)


class AgentGone(Exception):
    """There is no agent, or it went away: the caller goes on without it or gives up."""


class WarmLink:
    """A connection that the agent owns, with the methods of link.Link."""

    def __init__(self, wire: "Wire", alias: str, user: str):
        self._wire = wire
        self.alias = alias
        self.user = user
        self.timeout = ANSWER
        self.reason = ""

    @property
    def alive(self) -> bool:
        try:
            return bool(self._ask(op="alive")["alive"])
        except OSError:
            return False

    def open_ready(self, readonly: bool) -> "_socket.socket | None":
        """The stream of a session on the daemon that the URI names, opened ahead, if there is one."""
        descriptor = self._both(op="ready", readonly=readonly)[1]
        return _socket.socket(fileno=descriptor) if descriptor >= 0 else None

    def open_unix(self, path: str) -> _socket.socket:
        return _socket.socket(fileno=self._both(op="unix", path=path)[1])

    def open_early(self, path: str) -> "tuple[_socket.socket, WarmRemote | None]":
        """The same, without waiting for it where it could be opened before: then there is something whose `finish`
        tells why the stream has ended at once."""
        answer, descriptor = self._both(op="unix", path=path, early=True)
        stream = _socket.socket(fileno=descriptor)
        return stream, WarmRemote(self, answer["program"], stream, early=True) if "program" in answer else None

    def open_tcp(self, host: str, port: int) -> _socket.socket:
        return _socket.socket(fileno=self._both(op="tcp", host=host, port=port)[1])

    def start(self, argv: "Sequence[str]") -> "WarmRemote":
        answer, descriptor = self._both(op="start", argv=list(argv))
        return WarmRemote(self, answer["program"], _socket.socket(fileno=descriptor))

    def close(self) -> None:
        """Leave the connection to the agent."""
        self._wire.close()

    def _ask(self, **request: "Any") -> "dict[str, Any]":
        return self._both(**request)[0]

    def _both(self, timeout: float = 60.0, **request: "Any") -> "tuple[dict[str, Any], int]":
        try:
            return self._wire.call(request, timeout)
        except AgentGone as error:
            raise ConnectionResetError(104, f"the vsh agent went away: {error}") from None


class WarmRemote:
    """A program that the agent started over there: as link.Remote."""

    def __init__(self, link: WarmLink, number: int, stream: _socket.socket, early: bool = False):
        self.early = early
        self._link = link
        self._number = number
        self.socket = stream

    def finish(self, timeout: float) -> "tuple[int, bytes]":
        answer = self._link._both(timeout + ANSWER, op="finish", program=self._number, limit=timeout)[0]
        return answer["status"], answer["stderr"]

    def abandon(self) -> None:
        self.socket.close()
        self._link._both(op="abandon", program=self._number)


class Wire:
    """The connection to the agent: one request at a time."""

    def __init__(self, stream: _socket.socket):
        self._socket = stream
        self._buffer = b""
        self._lock = _thread.allocate_lock()
        self._descriptors: list[int] = []

    def call(self, request: "dict[str, Any]", timeout: float, ask: "Ask | None" = None) -> "tuple[dict[str, Any], int]":
        """The answer, and the descriptor beside it (-1 without one); questions on the way go to `ask`.

        Raises AgentGone, OSError and VirtError.
        """
        try:
            with self._lock:
                self._socket.settimeout(timeout)
                self.send(request)
                while "ask" in (answer := self.receive()):
                    self.send({"answer": ask(answer["ask"], answer["hidden"]) if ask else None})
                descriptor = self._descriptors.pop(0) if self._descriptors else -1
        except (OSError, ValueError, EOFError, TypeError) as error:
            raise AgentGone(str(error) or type(error).__name__) from None
        if "virt" in answer:
            raise errors.VirtError(**answer["virt"])
        if "errno" in answer:
            raise OSError(answer["errno"], answer["strerror"])
        return answer, descriptor

    def await_end(self) -> None:
        """Wait until the other end hangs up, or has nothing to say for as long as its last answer might have taken."""
        try:
            self.receive()
        except (OSError, ValueError):
            pass

    def send(self, message: "dict[str, Any]", *descriptors: int) -> None:
        data = marshal.dumps(message, 2)
        data = len(data).to_bytes(4, "big") + data
        if descriptors:
            rights = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
            data = data[self._socket.sendmsg([data], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)]) :]
        self._socket.sendall(data)

    def receive(self) -> "dict[str, Any]":
        """The next message.

        Raises OSError at the end of the conversation, ValueError for what is no message.
        """
        length = int.from_bytes(self._take(4), "big")
        if length > LIMIT:
            raise ValueError("too long")
        message = marshal.loads(self._take(length))
        if not isinstance(message, dict):
            raise ValueError("not a dictionary")
        return message

    def _take(self, length: int) -> bytes:
        while len(self._buffer) < length:
            data, beside, _, _ = self._socket.recvmsg(1 << 16, _RIGHTS, _socket.MSG_CMSG_CLOEXEC)
            for level, kind, content in beside:
                if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                    self._descriptors += memoryview(content)[: len(content) // 4 * 4].cast("i")
            if not data:
                raise ConnectionResetError("connection closed")
            self._buffer += data
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        self._socket.close()


def connect(uri: "Uri", ask: "Ask | None") -> "WarmLink | str":
    """A link by the agent, which is started if there is none; a reason where the system's ssh has to make it.

    Raises AgentGone when there is no agent to be had, VirtError when the host cannot be reached or entered.
    """
    wire = Wire(reach(start=True))
    try:
        # Slow: whoever types a password may take a minute.
        answer, _ = wire.call({"op": "connect", **who(uri)}, 300.0, ask)
    except BaseException:
        wire.close()
        raise
    if "delegate" in answer:
        wire.close()
        return str(answer["delegate"])
    return WarmLink(wire, uri.host, answer["user"])


def who(uri: "Uri") -> "dict[str, Any]":
    """What decides which connection is meant."""
    return {"uri": uri.text, "environ": {name: os.environ[name] for name in ENVIRON if name in os.environ}}


def folder() -> str:
    """The folder of the agent's socket, which nobody else can enter; made when missing.

    Raises AgentGone when it is not what it must be.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    path = f"{runtime}/vsh" if runtime.startswith("/") else f"{os.environ.get('TMPDIR', '/tmp')}/vsh-{os.geteuid()}"
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass
        found = os.lstat(path)
    except OSError as error:
        raise AgentGone(f"{path}: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise AgentGone(f"{path} is not a folder that only its owner can enter")
    return path


def socket_path() -> str:
    """Raises AgentGone."""
    return f"{folder()}/agent-{PROTOCOL}"


def reach(start: bool = False) -> _socket.socket:
    """A connection to this user's agent. Raises AgentGone."""
    path = socket_path()
    try:
        return connect_to(path)
    except OSError as error:
        if not start:
            raise AgentGone(error.strerror or str(error)) from None
    deadline = time.monotonic() + START
    # One client at a time starts an agent; whoever waited for that finds it.
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return connect_to(path)
        except OSError:
            return _start(path, deadline)
    finally:
        os.close(lock)


def _start(path: str, deadline: float) -> _socket.socket:
    """Start the agent and connect to it."""
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    environ = {**os.environ, "PYTHONSAFEPATH": "1"}
    try:
        argv = [sys.executable, "-m", "vsh.agent"]
        pid = os.posix_spawn(sys.executable, argv, environ, file_actions=null, setsid=True)
    except OSError as error:
        raise AgentGone(f"{sys.executable}: {error.strerror}") from None
    while True:
        try:
            return connect_to(path)
        except OSError as error:
            if time.monotonic() > deadline or os.waitpid(pid, os.WNOHANG)[0]:
                raise AgentGone(f"it did not start: {error.strerror or error}") from None
        time.sleep(0.01)


def connect_to(path: str) -> _socket.socket:
    stream = _socket.socket(_socket.AF_UNIX)
    try:
        stream.settimeout(ANSWER)
        stream.connect(path)
        if peer(stream) != os.geteuid():
            raise PermissionError(13, "the agent belongs to another user")
    except BaseException:
        stream.close()
        raise
    return stream


def peer(stream: _socket.socket) -> int:
    """The user at the other end of a unix socket (SO_PEERCRED, unix(7))."""
    return memoryview(stream.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)).cast("i")[1]
