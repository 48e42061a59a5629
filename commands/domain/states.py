"""States of domains and the reasons for them, in virsh's words (virDomainState and its reasons)."""

from vsh.backends.errors import NO_SUPPORT, VirtError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.api import Connection
    from vsh.backends.records import DomainRef

SHUTOFF = 5
#: By virDomainState: the state, and its reasons by number.
STATES = (
    ("no state", ("unknown",)),
    (
        "running",
        (
            "unknown",
            "booted",
            "migrated",
            "restored",
            "from snapshot",
            "unpaused",
            "migration canceled",
            "save canceled",
            "event wakeup",
            "crashed",
            "post-copy",
            "post-copy failed",
        ),
    ),
    ("idle", ("unknown",)),
    (
        "paused",
        (
            "unknown",
            "user",
            "migrating",
            "saving",
            "dumping",
            "I/O error",
            "watchdog",
            "from snapshot",
            "shutting down",
            "creating snapshot",
            "crashed",
            "starting up",
            "post-copy",
            "post-copy failed",
            "API error",
        ),
    ),
    ("in shutdown", ("unknown", "user")),
    (
        "shut off",
        (
            "unknown",
            "shutdown",
            "destroyed",
            "crashed",
            "migrated",
            "saved",
            "failed",
            "from snapshot",
            "daemon",
        ),
    ),
    ("crashed", ("unknown", "panicked")),
    ("pmsuspended", ("unknown",)),
)


def state_name(state: int) -> str:
    """`running`, `shut off` ...; `no state` for what is not known."""
    return STATES[state][0] if 0 <= state < len(STATES) else "no state"


def reason_name(state: int, reason: int) -> str:
    """Why a domain is in `state`; `unknown` for what is not known."""
    reasons = STATES[state][1] if 0 <= state < len(STATES) else ()
    return reasons[reason] if 0 <= reason < len(reasons) else "unknown"


def snake(words: str) -> str:
    """A name for machines: `shut off` gives `shut_off`, `I/O error` gives `io_error`."""
    return words.lower().replace("/", "").replace("-", "_").replace(" ", "_")


def get_state(connection: "Connection", ref: "DomainRef") -> "tuple[int, int]":
    """State and reason of a domain; -1 as reason from drivers that only have virDomainGetInfo.

    Raises VirtError.
    """
    try:
        state, reason = connection.domain_get_state(ref, 0)
    except VirtError as error:
        if error.code != NO_SUPPORT:
            raise
        return connection.domain_get_info(ref).state, -1
    return state, reason
