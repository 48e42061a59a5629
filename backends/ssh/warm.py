"""Links that outlive a command: the client of the per-user agent (vsh/agent), which owns authenticated connections.

Each client has one connection to the agent's unix socket. Requests and answers are JSON objects, a line each; the
streams that are asked for come as file descriptors beside the answer. Nothing is ever sent twice: a request that the
agent does not answer has failed.

    {"op": "connect", "uri": ..., "environ": {...}}    {"ask": QUESTION, "hidden": BOOL} ..., {"ok": true, "user": NAME}
    {"op": "unix", "path": ...}                        {"ok": true} and a descriptor
    {"op": "tcp", "host": ..., "port": ...}            {"ok": true} and a descriptor
    {"op": "start", "argv": [...]}                     {"ok": true, "program": NUMBER} and a descriptor
    {"op": "finish", "program": NUMBER, "timeout": S}  {"ok": true, "status": N, "stderr": TEXT}
    {"op": "abandon", "program": NUMBER}               {"ok": true}
    {"op": "glance", "uri": ..., "environ": {...}}     {"ok": true}, for a connection that is there already
    {"op": "look", "call": NAME, "args": BASE64}       {"ok": true, "value": BASE64}
    {"op": "status"}, {"op": "stop"}                   {"ok": true, ...}

An answer that is no success is {"errno": N, "strerror": TEXT} or {"virt": {code, message, domain, hint}}, or, where the
system's ssh has to make the connection, {"delegate": REASON}.
"""

import fcntl
import json
import os
import socket
import stat
import struct
import sys
import threading
import time

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..credentials import Ask
    from ..uri import Uri

#: Changes with the protocol, and is part of the socket's name: agents and clients of other versions do not meet.
PROTOCOL = 2
#: Seconds within which an agent that was started must listen, and within which any agent must answer what is not slow.
START, ANSWER = 5.0, 10.0
#: What of the client's environment decides about a connection.
ENVIRON = ("SSH_AUTH_SOCK", "HOME", "KRB5CCNAME", "LIBVIRT_AUTH_FILE", "XDG_CONFIG_HOME")
#: The longest line that is read, in bytes.
LIMIT = 1 << 22


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

    def open_unix(self, path: str) -> socket.socket:
        return self._stream(op="unix", path=path)

    def open_tcp(self, host: str, port: int) -> socket.socket:
        return self._stream(op="tcp", host=host, port=port)

    def start(self, argv: "Sequence[str]") -> "WarmRemote":
        answer, descriptor = self._both(op="start", argv=list(argv))
        return WarmRemote(self, answer["program"], socket.socket(fileno=descriptor))

    def close(self) -> None:
        """Leave the connection to the agent."""
        self._wire.close()

    def _stream(self, **request: "Any") -> socket.socket:
        return socket.socket(fileno=self._both(**request)[1])

    def _ask(self, **request: "Any") -> "dict[str, Any]":
        return self._both(**request)[0]

    def _both(self, timeout: float = 60.0, **request: "Any") -> "tuple[dict[str, Any], int]":
        try:
            return self._wire.call(request, timeout)
        except AgentGone as error:
            raise ConnectionResetError(104, f"the vsh agent went away: {error}") from None


class WarmRemote:
    """A program that the agent started over there: as link.Remote."""

    def __init__(self, link: WarmLink, number: int, stream: socket.socket):
        self._link = link
        self._number = number
        self.socket = stream

    def finish(self, timeout: float) -> "tuple[int, bytes]":
        answer = self._link._both(timeout + ANSWER, op="finish", program=self._number, limit=timeout)[0]
        return answer["status"], answer["stderr"].encode("utf-8", "surrogateescape")

    def abandon(self) -> None:
        self.socket.close()
        self._link._both(op="abandon", program=self._number)


class Wire:
    """The connection to the agent: one request at a time."""

    def __init__(self, stream: socket.socket):
        self._socket = stream
        self._buffer = b""
        self._lock = threading.Lock()
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
        except (OSError, ValueError) as error:
            raise AgentGone(str(error) or type(error).__name__) from None
        if "virt" in answer:
            raise errors.VirtError(**answer["virt"])
        if "errno" in answer:
            raise OSError(answer["errno"], answer["strerror"])
        return answer, descriptor

    def send(self, message: "dict[str, Any]", *descriptors: int) -> None:
        data = json.dumps(message).encode() + b"\n"
        if descriptors:
            socket.send_fds(self._socket, [data], descriptors)
        else:
            self._socket.sendall(data)

    def receive(self) -> "dict[str, Any]":
        """The next message.

        Raises OSError at the end of the conversation, ValueError for what is no message.
        """
        while b"\n" not in self._buffer:
            data, descriptors, _, _ = socket.recv_fds(self._socket, 1 << 16, 4)
            self._descriptors += descriptors
            if not data or len(self._buffer) > LIMIT:
                raise ConnectionResetError("connection closed")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("not an object")
        return message

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


def reach(start: bool = False) -> socket.socket:
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


def _start(path: str, deadline: float) -> socket.socket:
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


def connect_to(path: str) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.settimeout(ANSWER)
        stream.connect(path)
        if peer(stream) != os.geteuid():
            raise PermissionError(13, "the agent belongs to another user")
    except BaseException:
        stream.close()
        raise
    return stream


def peer(stream: socket.socket) -> int:
    """The user at the other end of a unix socket (SO_PEERCRED, unix(7))."""
    _, uid, _ = struct.unpack("3i", stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    number: int = uid
    return number
