"""The calls made to hypervisors, told as libvirt's own log is: LIBVIRT_DEBUG, LIBVIRT_LOG_OUTPUTS, LIBVIRT_LOG_FILTERS.

Calls are of level debug, failures of level error; neither their arguments nor their results are told, which may hold
secrets.
"""

import os
import sys
import threading
import time

from .backends import procedures
from .backends.errors import VirtError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .backends.api import Connection

LEVELS = {"1": 1, "debug": 1, "2": 2, "info": 2, "3": 3, "warning": 3, "4": 4, "error": 4}
NAMES = ("", "debug", "info", "warning", "error")
DEBUG, ERROR = 1, 4
#: What filters name: the module of all that is told here.
MODULE = "libvirt"


def traced(connection: "Connection") -> "Connection":
    """The connection, its calls told if the environment asks for that."""
    environ = os.environ
    level = LEVELS.get(environ.get("LIBVIRT_DEBUG", ""), 0)
    outputs = [(one, LEVELS[one[0]]) for one in _parted(environ.get("LIBVIRT_LOG_OUTPUTS", ""))]
    for one in _parted(environ.get("LIBVIRT_LOG_FILTERS", "")):
        if one[1].strip("*") in MODULE:
            level = LEVELS[one[0]]
    if not level and not outputs:
        return connection
    files = [(least, one[2]) for one, least in outputs if one[1] == "file" and len(one) > 2]
    if not outputs or any(one[1] == "stderr" for one, _ in outputs):
        files.append((min([least for one, least in outputs if one[1] == "stderr"], default=level), ""))
    return Traced(connection, [(max(least, level), path) for least, path in files])  # type: ignore[return-value]


def _parted(text: str) -> "list[list[str]]":
    """`LEVEL:WHAT[:MORE]` of each word that has a level."""
    parted = [word.split(":", 2) for word in text.split()]
    return [parts for parts in parted if parts[0] in LEVELS and len(parts) > 1]


class Traced:
    """A connection that tells its calls; `outputs` are pairs of the least level and a path, "" for standard error."""

    def __init__(self, connection: "Connection", outputs: "list[tuple[int, str]]"):
        self._connection = connection
        self._outputs = outputs

    def __getattr__(self, name: str) -> "Any":
        value = getattr(self._connection, name)
        try:
            api = procedures.lookup(name).api
        except KeyError:
            return value

        def call(*args: object, **named: object) -> "Any":
            self._tell(DEBUG, api, "called")
            try:
                return value(*args, **named)
            except VirtError as error:
                self._tell(ERROR, api, error.message)
                raise

        return call

    def batch(self, calls: "Sequence[tuple[str, tuple[Any, ...]]]") -> "list[Any]":
        """See api.Connection.batch."""
        names = [procedures.lookup(name).api for name, _ in calls]
        for api in names:
            self._tell(DEBUG, api, "called")
        answers = self._connection.batch(calls)
        for api, answer in zip(names, answers, strict=True):
            if isinstance(answer, VirtError):
                self._tell(ERROR, api, answer.message)
        return answers

    def _tell(self, level: int, api: str, text: str) -> None:
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}+0000"
        line = f"{stamp}: {threading.get_native_id()}: {NAMES[level]} : {api} : {text}\n"
        for least, path in self._outputs:
            if level < least:
                continue
            if not path:
                sys.stderr.write(line)
                continue
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            except OSError:
                continue  # as libvirt, whose log never ends a program
            with open(descriptor, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(line)
