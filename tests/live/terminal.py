"""A program on a terminal of its own, as a person at a keyboard meets it."""

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping
from typing import Self


class Terminal:
    """Runs `argv` on a new controlling terminal of 24 lines. A context manager that kills it."""

    def __init__(self, argv: list[str], env: Mapping[str, str], cwd: str = "/", columns: int = 80) -> None:
        self._terminal, program_end = pty.openpty()
        termios.tcsetwinsize(program_end, (24, columns))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *argv],
            env=env,
            cwd=cwd,
            stdin=program_end,
            stdout=program_end,
            stderr=program_end,
        )
        os.close(program_end)
        self._unread = ""

    def send(self, text: str) -> None:
        """Type `text`: `\\r` is the Return key, `\\x03` Ctrl-C, `\\x1d` Ctrl-]."""
        os.write(self._terminal, text.encode())

    def resize(self, columns: int) -> None:
        """Give the terminal another width; the program is told with SIGWINCH."""
        termios.tcsetwinsize(self._terminal, (24, columns))

    def expect(self, text: str, timeout: float = 20) -> str:
        """Wait until `text` is shown and return all up to its end since the last call.

        Raises AssertionError after `timeout` seconds or when the program ends without it.
        """
        deadline = time.monotonic() + timeout
        while text not in self._unread:
            more = self._read(deadline - time.monotonic())
            assert more, f"{text!r} did not appear in {self._unread!r}"
            self._unread += more
        seen, _, self._unread = self._unread.partition(text)
        return seen + text

    def finish(self, timeout: float = 20) -> tuple[str, int]:
        """Wait for the program's end; return what it showed since the last `expect`, and its exit status."""
        deadline = time.monotonic() + timeout
        while more := self._read(deadline - time.monotonic()):
            self._unread += more
        return self._unread, self.process.wait(max(0.1, deadline - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)

    def _read(self, timeout: float) -> str:
        """What is shown next; empty at the end of the program or when time is up."""
        if not select.select([self._terminal], [], [], max(0.0, timeout))[0]:
            return ""
        try:
            shown = os.read(self._terminal, 1 << 16).decode(errors="replace")
        except OSError:  # EIO: the other end was closed
            return ""
        if "\x1b[6n" in shown:  # where is the cursor?
            self.send("\x1b[1;1R")
        return shown
