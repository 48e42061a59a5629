"""What the user may set about the agent."""

from ..backends.saved import read

#: Seconds after which a connection that nobody uses is closed.
IDLE = 600.0


def agent_idle() -> float:
    """`agent_idle` of the user's file, in seconds; a broken file is told to whoever asks for connections by name."""
    try:
        return float(read().get("agent_idle", IDLE))
    except ValueError:
        return IDLE
