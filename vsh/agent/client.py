"""One client, as the agent sees it."""

from contextlib import closing, nullcontext

from ..backends.errors import VirtError
from ..backends.ssh import warm
from ..backends.ssh.link import Early, Link
from ..backends.uri import Uri
from .server import Agent, Warm, describe, make

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from typing import Any

    from ..backends.ssh.link import Remote
    from .inventory import Inventory


class Client:
    """Answers one client's requests, in order, until it goes."""

    def __init__(self, agent: Agent, stream: "Socket"):
        self._agent = agent
        self._wire = warm.Wire(stream)
        self._entry: Warm | None = None
        self._link: Link | None = None
        self._uri = ""
        self._environ: dict[str, str] = {}
        self._readonly = False
        self._opening = False  # whether a session on a daemon was opened
        self._seen: Warm | None = None
        self._passing: Inventory | None = None
        self._started = 0
        self._programs: dict[int, Remote | Early] = {}

    def run(self) -> None:
        """Until the client hangs up."""
        try:
            while True:
                request = self._wire.receive()
                try:
                    answer, stream = self._answer(request)
                except Exception as error:
                    answer, stream = describe(error), None
                with closing(stream) if stream is not None else nullcontext():
                    self._wire.send(answer, *([stream.fileno()] if stream is not None else []))
                if request == {"op": "stop"}:
                    self._agent.stop()
        except (OSError, ValueError):
            pass
        finally:
            self._wire.close()
            for program in self._programs.values():
                program.abandon()
            if self._passing is not None:
                self._passing.close()
            if self._entry is not None:
                self._agent.release(self._entry)
                self._remember(self._entry)

    def _remember(self, entry: Warm) -> None:
        """From its first use on, have ready what the next will want, and know what completion will ask for."""
        if _of_one_connection(self._uri):
            return
        if self._link is not None and self._opening:
            entry.ready.learn(self._link, (self._uri, self._readonly))
        try:
            entry.inventory(self._uri)
        except (OSError, VirtError):
            pass  # then it will be asked when it is wanted

    def _inventory(self, entry: Warm) -> "Inventory":
        """What to ask: what is known, or for a moment what a new connection knows."""
        if not _of_one_connection(self._uri):
            return entry.inventory(self._uri)
        self._passing = self._passing or entry.look_in(self._uri)
        return self._passing

    def _answer(self, request: "dict[str, Any]") -> "tuple[dict[str, Any], Socket | None]":
        match request:
            case {"op": "connect", "uri": str(uri), "environ": dict(environ)} if self._entry is None:
                found = self._agent.link(Uri(uri), environ, self._ask)
                if isinstance(found, str):
                    return {"delegate": found}, None
                self._entry, self._link = found
                self._uri, self._environ = uri, environ
                return {"ok": True, "user": self._link.user}, None
            case {"op": "glance", "uri": str(uri), "environ": dict(environ)}:
                self._seen, self._uri = self._agent.there(Uri(uri), environ), uri
                return {"ok": True}, None
            case {"op": "look", "call": str(name), "args": bytes(args)} if self._seen is not None:
                return {"ok": True, "value": self._inventory(self._seen).look(name, args)}, None
            case {"op": "status"}:
                return {"ok": True, "links": self._agent.status(), "idle_limit_seconds": self._agent.idle}, None
            case {"op": "stop"}:
                return {"ok": True}, None
        link = self._link
        if link is None or self._entry is None:
            raise ValueError("not connected")
        match request:
            case {"op": "ready", "readonly": bool(readonly)}:
                self._readonly = readonly
                return {"ok": True}, self._entry.ready.take(link, (self._uri, readonly))
            case {"op": "unix", "path": str(path), "early": True} if path in self._entry.opened:
                self._opening = True
                early = link.open_early(path)
                return {"ok": True, "program": self._number(early)}, early.socket
            case {"op": "unix", "path": str(path)}:
                stream = link.open_unix(path)
                self._entry.opened.add(path)
                self._opening = self._opening or "early" in request
                return {"ok": True}, stream
            case {"op": "tcp", "host": str(host), "port": int(port)}:
                return {"ok": True}, link.open_tcp(host, port)
            case {"op": "start", "argv": list(argv)}:
                started = self._entry.start([str(word) for word in argv], self._another)
                return {"ok": True, "program": self._number(started)}, started.socket
            case {"op": "finish", "program": int(number), "limit": int() | float() as limit}:
                program = self._programs.pop(number)
                status, said = program.finish(limit)
                if isinstance(program, Early) and status:
                    self._entry.opened.clear()
                return {"ok": True, "status": status, "stderr": said}, None
            case {"op": "abandon", "program": int(number)}:
                self._programs.pop(number).abandon()
                return {"ok": True}, None
            case {"op": "alive"}:
                return {"ok": True, "alive": link.alive}, None
        raise ValueError("no such request")

    def _number(self, program: "Remote | Early") -> int:
        self._started += 1
        self._programs[self._started] = program
        return self._started

    def _another(self) -> "Link":
        """One more connection, with which the user is not bothered."""
        made = make(Uri(self._uri), self._environ, None)
        if not isinstance(made, Link):
            raise ConnectionRefusedError(111, f"no further connection: {made.reason}")
        return made

    def _ask(self, question: str, hidden: bool) -> "str | None":
        self._wire.send({"ask": question, "hidden": hidden})
        answer = self._wire.receive().get("answer")
        return answer if isinstance(answer, str) else None


def _of_one_connection(uri: str) -> bool:
    """Whether what `uri` names lives as long as somebody is connected: nothing may be kept open for its sake."""
    return Uri(Uri(uri).params.get("name") or uri).scheme == "test"
