"""A guest's event journal: what QEMU itself writes about it, whoever looks on.

QEMU keeps a second monitor whose output is a plain file: its greeting, the answer to the one command that opened it,
then one JSON object a line for each event. Nobody has to watch: whoever wants to know where a guest stands, or why it
stopped, reads the file. It lies in run/ for a while after the guest's end, so that readers miss nothing.
"""

from ..constants import domain as const

#: What is added to a journal's name: the monitor's input and its output.
INPUT, OUTPUT = ".in", ".out"
#: So long after its last line a journal is kept whose guest has ended: ns.
KEPT = 60 * 10**9
#: How an event's line names it. Quotes inside of JSON strings are escaped, so nothing a guest says looks like it.
_MARK = b'"event": "'


def opening(name: str, uuid: bytes, id: int) -> bytes:
    """The monitor's input: the command without which there would be no events. Its answer says whose they are."""
    import json

    told = {"name": name, "uuid": uuid.hex(), "id": id}
    return json.dumps({"execute": "qmp_capabilities", "id": told}).encode() + b"\n"


def events(text: bytes) -> "list[tuple[str, bytes]]":
    """(name, line) of each event, complete lines only."""
    found = []
    for line in text.split(b"\n")[:-1]:
        _, mark, rest = line.partition(_MARK)
        if mark:
            found.append((rest.partition(b'"')[0].decode("ascii", "replace"), line))
    return found


def standing(text: bytes, begun: int) -> "tuple[int, int]":
    """State and reason (virDomainState) of a guest whose process runs; `begun` is the reason why it ran first."""
    reverted = begun == const.DOMAIN_RUNNING_FROM_SNAPSHOT
    state = (const.DOMAIN_PAUSED, const.DOMAIN_PAUSED_FROM_SNAPSHOT if reverted else const.DOMAIN_PAUSED_USER)
    reason = begun
    cause = const.DOMAIN_PAUSED_USER
    for name, line in events(text):
        if name == "RESUME":
            state, cause = (const.DOMAIN_RUNNING, reason), const.DOMAIN_PAUSED_USER
            reason = const.DOMAIN_RUNNING_UNPAUSED
        elif name == "STOP" and state[0] == const.DOMAIN_RUNNING:
            state = (const.DOMAIN_PAUSED, cause)
        elif name == "BLOCK_IO_ERROR" and b'"action": "stop"' in line:
            cause = const.DOMAIN_PAUSED_IOERROR
        elif name == "WATCHDOG" and b'"action": "pause"' in line:
            cause = const.DOMAIN_PAUSED_WATCHDOG
        elif name == "GUEST_PANICKED" and b'"action": "pause"' in line:
            state = (const.DOMAIN_CRASHED, const.DOMAIN_CRASHED_PANICKED)
        elif name == "SUSPEND":
            state = (const.DOMAIN_PMSUSPENDED, 0)
        elif name == "WAKEUP":
            state = (const.DOMAIN_RUNNING, const.DOMAIN_RUNNING_WAKEUP)
        elif name == "SHUTDOWN":
            state = (const.DOMAIN_SHUTDOWN, const.DOMAIN_SHUTDOWN_USER)
    return state


def ending(text: bytes) -> int:
    """Why a guest is shut off whose process has ended by itself (virDomainShutoffReason)."""
    panicked = False
    for name, line in events(text):
        if name == "GUEST_PANICKED":
            panicked = True
        elif name == "SHUTDOWN":
            by_guest = b'"guest": true' in line
            if panicked:
                return const.DOMAIN_SHUTOFF_CRASHED
            return const.DOMAIN_SHUTOFF_SHUTDOWN if by_guest else const.DOMAIN_SHUTOFF_DESTROYED
    return const.DOMAIN_SHUTOFF_CRASHED
