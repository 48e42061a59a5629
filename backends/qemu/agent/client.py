"""The guest agent: the program in a guest that answers over a virtio port (QEMU's docs/interop/qemu-ga-ref).

One command at a time for all processes: the domain's agent lock. Each begins with guest-sync-delimited, which throws
away what an earlier one left unread.
"""

import json
import time

from ... import errors
from ...constants import domain as const
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self

    from ...hosts import Lock
    from ..driver import QemuDriver
    from ..guests import Guest

#: Seconds in which an agent that is there answers to the first call.
SYNC = 5.0
#: Seconds in which a guest goes down, comes up or falls asleep when its agent was told.
GOING = 60.0
#: Seconds for which one waits until another process has had its answer.
TURN = 30.0
#: Longer answers are none.
LARGEST = 64 << 20
FOREVER, USUAL = const.DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, const.DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT
_PORT = "org.qemu.guest_agent.0"
_DELIMITER = b"\xff"


class Unsupported(errors.VirtError):
    """The agent does not know a command, or is not to carry it out."""


class Agent:
    """A guest's agent; `with Agent(driver, guest) as agent`. Raises VirtError when there is none.

    `patience` is how long it may take to answer to the first call, in seconds or as the constants say: with none at all
    nobody is there, as in libvirt.
    """

    _stream: "Socket"

    def __init__(self, driver: "QemuDriver", guest: "Guest", patience: int = FOREVER):
        assert guest.record is not None
        self._host, self._guest = driver.host, guest
        self._limit = guest.record.agent_timeout
        self._buffer = b""
        path = _port(driver, guest)
        try:
            self._turn: Lock = driver.host.lock(f"{driver.store.lock_path(guest.uuid)}.agent", TURN)
        except TimeoutError:
            raise _unresponsive("another process waits for the guest's agent") from None
        try:
            self._stream = driver.host.open_stream(path)
        except OSError:
            self._turn.release()
            raise _unresponsive("QEMU guest agent is not connected") from None
        try:
            self._sync(min([SYNC, *(limit for limit in (self._limit, patience) if limit >= 0)]))
        except BaseException:
            self.close()
            raise

    def _sync(self, limit: float) -> None:
        number = time.time_ns() // 1000
        sent = {"execute": "guest-sync-delimited", "arguments": {"id": number}}
        deadline = time.monotonic() + limit
        try:
            self._stream.settimeout(limit or 0.001)
            self._stream.sendall(_DELIMITER + json.dumps(sent).encode() + b"\n")
            while True:
                answer = self._message(deadline)
                if answer.get("return") == number:
                    return
        except TimeoutError:
            raise _unresponsive("Guest agent not available for now") from None
        except OSError:
            raise _unresponsive("QEMU guest agent is not connected") from None

    def execute(self, command: str, **arguments: "Any") -> "Any":
        """What a command returns; arguments that are None are left out.

        Raises VirtError when the agent fails, does not answer, or does not know the command (Unsupported).
        """
        given = {name.replace("_", "-"): value for name, value in arguments.items() if value is not None}
        request: dict[str, Any] = {"execute": command}
        if given:
            request["arguments"] = given
        return self.converse(request).get("return")

    def converse(self, request: "dict[str, Any]", timeout: int = FOREVER) -> "dict[str, Any]":
        """The whole answer to a request, within `timeout` seconds or as the constants say."""
        limit = self._limit if timeout == FOREVER else timeout
        self._send(request)
        try:
            return self._checked(request, self._message(_deadline(limit)))
        except TimeoutError:
            raise _unresponsive("Guest agent not available for now") from None
        except OSError:
            raise _unresponsive("Guest agent disappeared while executing command") from None

    def order(self, request: "dict[str, Any]", done: "Callable[[], bool]") -> None:
        """Send a command that is not answered when it succeeds, and wait until `done`."""
        deadline = time.monotonic() + GOING
        self._send(request)
        while not done():
            try:
                self._checked(request, self._message(time.monotonic() + self._host.pause))
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise _unresponsive("Guest agent not available for now") from None
            except OSError:
                return  # gone with its guest

    def _send(self, request: "dict[str, Any]") -> None:
        try:
            self._stream.settimeout(SYNC)
            self._stream.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            raise _unresponsive("QEMU guest agent is not connected") from None

    def _checked(self, request: "dict[str, Any]", answer: "dict[str, Any]") -> "dict[str, Any]":
        if "error" not in answer:
            return answer
        error = answer["error"]
        said = error.get("desc") or error.get("class") or "unknown QEMU command error"
        text = f"unable to execute QEMU agent command '{request.get('execute')}': {said}"
        kind = Unsupported if error.get("class") in ("CommandNotFound", "CommandDisabled") else errors.VirtError
        full = errors.text(errors.INTERNAL_ERROR, text)
        raise kind(errors.INTERNAL_ERROR, full, domain=errors.FROM_QEMU)

    def _message(self, deadline: "float | None") -> "dict[str, Any]":
        """The next answer. Raises TimeoutError, OSError."""
        while True:
            while b"\n" not in self._buffer:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._stream.settimeout(left)
                more = self._stream.recv(1 << 16)
                if not more:
                    raise ConnectionResetError
                self._buffer += more
                if len(self._buffer) > LARGEST:
                    raise fail(errors.INTERNAL_ERROR, "the guest's agent sends too much")
            line, _, self._buffer = self._buffer.partition(b"\n")
            try:
                message = json.loads(line.rpartition(_DELIMITER)[2])
            except ValueError:
                continue  # the rest of what somebody else asked for
            if isinstance(message, dict):
                return message

    def close(self) -> None:
        """Let others have the agent."""
        self._stream.close()
        self._turn.release()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.close()


def _deadline(limit: int) -> "float | None":
    if limit == FOREVER:
        return None
    return time.monotonic() + (SYNC if limit == USUAL else limit)


def _unresponsive(text: str) -> errors.VirtError:
    return fail(errors.AGENT_UNRESPONSIVE, text)


def _port(driver: "QemuDriver", guest: "Guest") -> str:
    """The socket of a running guest's agent.

    Raises VirtError where there is no such port, or nobody has opened it in the guest.
    """
    from .. import definitions
    from ..lifecycle import monitor_of

    model = definitions.read_live(driver.store, guest.uuid)
    channels = [channel for channel in model.devices.channels if channel.name == _PORT]
    if not channels or channels[0].source.type != "unix":
        raise fail(errors.ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured")
    with monitor_of(driver, guest) as monitor:
        there = {entry["label"]: entry["frontend-open"] for entry in monitor.execute("query-chardev")}
    if not there.get(f"char{channels[0].info.alias}"):
        raise _unresponsive("QEMU guest agent is not connected")
    return str(channels[0].source.socket)
