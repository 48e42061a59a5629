"""Waiting for what another process will do soon."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], timeout: float = 20) -> None:
    """Poll `condition` until it is true, taking no more than a quarter of the time for looking.

    Raises AssertionError after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        begun = time.monotonic()
        if condition():
            return
        now = time.monotonic()
        assert now < deadline, f"not so after {timeout} s"
        time.sleep(max(0.02, 3 * (now - begun)))
