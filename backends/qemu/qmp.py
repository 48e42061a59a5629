"""QEMU's monitor: one connection for one call of ours.

QEMU serves one client at a time and lets others wait, so the socket is what serialises processes; nobody keeps it.
Events are not read here: the journal has them.
"""

import json

from .. import errors
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Any, Self

    from ..hosts import Host

#: Seconds in which QEMU must answer.
PATIENCE = 30.0
#: Longer answers are none.
LARGEST = 64 << 20


class CommandFailed(errors.VirtError):
    """QEMU refused a command; `kind` is its class of error, "DeviceNotFound" say."""

    kind = ""


class Monitor:
    """A connection to a guest's monitor; `with Monitor(host, path) as monitor`."""

    def __init__(self, host: "Host", path: str, patience: float = PATIENCE):
        """Raises OSError when nobody listens, VirtError when what listens is not QEMU."""
        self._stream: Socket = host.open_stream(path)
        self._buffer = b""
        self._serial = 0
        self._events: list[dict[str, Any]] = []
        try:
            self._stream.settimeout(patience)
            greeting = self._message()
            while "event" in greeting:  # what happened between another's leaving and the greeting comes before it
                self._events.append(greeting)
                greeting = self._message()
            if "QMP" not in greeting:
                raise fail(errors.INTERNAL_ERROR, f"no QEMU monitor at '{path}'")
            self.execute("qmp_capabilities")
        except BaseException:
            self._stream.close()
            raise

    def execute(self, command: str, **arguments: "Any") -> "Any":
        """What a command returns; underscores of arguments' names become dashes.

        Raises CommandFailed when QEMU refuses it, VirtError when it does not answer or goes away.
        """
        return self.do(command, {name.replace("_", "-"): value for name, value in arguments.items()})

    def do(self, command: str, arguments: "dict[str, Any]") -> "Any":
        """The same with names as they are."""
        request: dict[str, Any] = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        answer = self.converse(request)
        if "error" in answer:
            said = answer["error"].get("desc", "unknown error")
            text = f"unable to execute QEMU command '{command}': {said}"
            failed = CommandFailed(
                errors.INTERNAL_ERROR, errors.text(errors.INTERNAL_ERROR, text), domain=errors.FROM_QEMU
            )
            failed.kind = answer["error"].get("class", "")
            raise failed
        return answer.get("return")

    def await_event(self, name: str, patience: float, **data: object) -> bool:
        """Wait for an event that came since we connected, or comes within `patience` seconds; whether it did.

        `data` are members it must have. Raises VirtError when QEMU goes away.
        """
        import time

        deadline = time.monotonic() + patience
        while True:
            for event in self._events:
                told = event.get("data", {})
                if event.get("event") == name and all(told.get(key) == value for key, value in data.items()):
                    return True
            self._events.clear()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._stream.settimeout(left)
            try:
                self._events.append(self._message())
            except TimeoutError:
                return False
            finally:
                self._stream.settimeout(PATIENCE)

    def give_file(self, name: str, descriptor: int) -> None:
        """Let QEMU have an open file of ours, under a name for later commands; only on this machine."""
        import _socket
        import sys

        request = {"execute": "getfd", "arguments": {"fdname": name}}
        # The descriptor travels with the command's first byte.
        rights = descriptor.to_bytes(4, sys.byteorder)
        self._stream.sendmsg([b" "], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
        answer = self.converse(request)
        if "error" in answer:
            raise fail(errors.INTERNAL_ERROR, f"QEMU takes no file: {answer['error'].get('desc')}")

    def converse(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """QEMU's whole answer to a request, which gets an id."""
        self._serial += 1
        request = {**request, "id": f"libvirt-{self._serial}"}
        try:
            self._stream.sendall(json.dumps(request).encode() + b"\n")
            while True:
                answer = self._message()
                if answer.get("id") == request["id"]:
                    return answer
                self._events.append(answer)
        except TimeoutError:
            raise fail(errors.OPERATION_TIMEOUT, f"QEMU does not answer '{request.get('execute')}'") from None
        except OSError as error:
            raise fail(errors.OPERATION_FAILED, f"the monitor was closed: {error.strerror}") from None

    def _message(self) -> "dict[str, Any]":
        while b"\n" not in self._buffer:
            more = self._stream.recv(1 << 16)
            if not more:
                raise fail(errors.OPERATION_FAILED, "the guest's monitor was closed: QEMU has ended")
            self._buffer += more
            if len(self._buffer) > LARGEST:
                raise fail(errors.INTERNAL_ERROR, "the guest's monitor sends too much")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message: dict[str, Any] = json.loads(line)
        except ValueError:
            raise fail(errors.INTERNAL_ERROR, "the guest's monitor sends no JSON") from None
        return message

    def close(self) -> None:
        """Let others have the monitor."""
        self._stream.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.close()


def ask_all(host: "Host", paths: "Iterable[str]", commands: "Sequence[str]") -> "dict[str, list[Any]]":
    """What the monitors at `paths` return to commands without arguments: path -> a value each, None for a refused one.

    All are asked before the first answer is awaited, and each is left as soon as it has answered, so that two who ask
    never wait for one another. Guests that do not answer are missing.
    """
    import select
    import time

    names = ("qmp_capabilities", *commands)
    request = b"".join(json.dumps({"execute": name, "id": n}).encode() + b"\n" for n, name in enumerate(names))
    poll = select.poll()
    waiting: dict[int, tuple[str, Socket, bytearray]] = {}
    found: dict[str, list[Any]] = {}
    try:
        for path in sorted(paths):
            try:
                stream = host.open_stream(path)
                waiting[stream.fileno()] = path, stream, bytearray()
                poll.register(stream, select.POLLIN)
                stream.sendall(request)
            except OSError:
                continue  # it has just ended; a socket that was opened says so when it is read
        deadline = time.monotonic() + PATIENCE
        while waiting and (ready := poll.poll(max(0, deadline - time.monotonic()) * 1000)):
            for number, _ in ready:
                path, stream, text = waiting[number]
                try:
                    more = stream.recv(1 << 16)
                except OSError:
                    more = b""
                text += more
                answers = _answers(text) if more.endswith(b"\n") else {}
                if len(answers) == len(names):
                    found[path] = [answers[n] for n in range(1, len(names))]
                if path in found or not more or len(text) > LARGEST:
                    poll.unregister(number)
                    stream.close()
                    del waiting[number]
    finally:
        for _, stream, _ in waiting.values():
            stream.close()
    return found


def _answers(text: bytearray) -> "dict[int, Any]":
    """id -> what was returned, by the lines of a monitor; None for what was refused. {} when it is no JSON."""
    try:
        messages = [json.loads(line) for line in text.splitlines()]
        return {message["id"]: message.get("return") for message in messages if "id" in message}
    except ValueError:
        return {}
