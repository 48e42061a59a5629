"""When to ask the other side whether it lives, and when to believe that it does not (libvirt's virkeepalive)."""


class Keepalive:
    """A request after `interval` seconds of silence, death after `count` of them unanswered; times are the caller's
    monotonic clock."""

    def __init__(self, interval: float, count: int, now: float):
        self.interval = interval
        self.count = count
        self.heard(now)

    def heard(self, now: float) -> None:
        """Something arrived."""
        self.due = now + self.interval
        self._left = self.count

    def tick(self, now: float) -> "bool | None":
        """None while nothing is due; True to send a request now; False when the other side is dead."""
        if now < self.due:
            return None
        if self._left == 0:
            return False
        self._left -= 1
        self.due = now + self.interval
        return True
