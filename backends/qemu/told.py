"""The events that vsh itself brings about, in a file that any number of processes append to and read along.

A line is the time in µs, the kind (events.KINDS) and the values of its record, each with a letter for its type. When
the file has grown it becomes `events.old`, in place of an older one; who reads along goes by the file, not by its name.
"""

from .. import records
from . import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .driver import QemuDriver

    #: microseconds since 1970, kind, the object, further fields
    Told = tuple[int, str, Any, tuple[object, ...]]

#: The files in run/.
NAME, OLD = "events", "events.old"
#: Bytes from which on a new file is begun.
LIMIT = 1 << 20


def tell(driver: "QemuDriver", kind: str, ref: "tuple[Any, ...]", *fields: object) -> None:
    """Write an event down for whoever watches."""
    import time

    path = f"{driver.places.run}/{NAME}"
    row = [str(time.time_ns() // 1000), kind, str(len(ref)), *map(_pack, (*ref, *fields))]
    if driver.host.append(path, lines.dump([row])) > LIMIT:
        _begin_anew(driver, path)


def _begin_anew(driver: "QemuDriver", path: str) -> None:
    try:
        lock = driver.host.lock(f"{path}.lock", 0)
    except TimeoutError:
        return  # somebody is at it
    with lock:
        stat = driver.host.stat(path)
        if stat is not None and stat.size > LIMIT:
            driver.host.rename(path, f"{driver.places.run}/{OLD}")


def read(line: bytes) -> "list[Told]":
    """What a line tells; [] for one that a killed writer left unfinished."""
    try:
        when, kind, length, *packed = lines.load(line)[0]
        values = [_unpack(text) for text in packed]
        ref = records.of_struct(kind.partition("_event_")[0])(*values[: int(length)])
        return [(int(when), kind, ref, tuple(values[int(length) :]))]
    except (ValueError, IndexError, KeyError, TypeError):
        return []


def _pack(value: object) -> str:
    if isinstance(value, bytes):
        return f"x{value.hex()}"
    return f"i{int(value)}" if isinstance(value, int) else f"s{value}"


def _unpack(text: str) -> "Any":
    if text[0] == "x":
        return bytes.fromhex(text[1:])
    return int(text[1:]) if text[0] == "i" else text[1:]
