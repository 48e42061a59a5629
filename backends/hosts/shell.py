"""A POSIX shell over there that runs one script after another: a round trip each, and no new process of the SSH server.

It reads lines and evaluates them. Each line runs a script in a subshell with its arguments and, on its input, bytes of
ours; what it writes comes as it is, then a word that nothing else contains, the exit status, a newline, what it had to
complain about, and that word again.
"""

import _thread
import os
import select

from . import Finished
from .answers import await_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ssh import AnyLink

#: What it does until its input ends. Descriptor 3 is the output; 4 to 9 are for locks.
_LOOP = 'LC_ALL=C; export LC_ALL; umask 077; exec 3>&1; nl="\n"; while IFS= read -r line; do eval "$line"; done'
ARGV = ("sh", "-c", _LOOP)
#: Tries to take the lock file $1 as descriptor %d: status 0, 1 while somebody has it, 2 when it cannot be opened.
_TAKE = (
    'set -- %s; if err=$( { : >>"$1"; } 2>&1 ); then exec %d>>"$1"; if flock -n %d; then s=0; '
    '[ "$(stat -L -c %%d:%%i /proc/self/fd/%d)" = "$(stat -L -c %%d:%%i "$1" 2>/dev/null)" ] || s=1; else s=$?; '
    '[ $s = 1 ] || err="flock(1) is missing"; fi; '
    "[ $s = 0 ] || exec %d>&-; else s=2; fi"
)


class Shell:
    """One such shell, for any number of threads; once it is not `alive` any more, it must be replaced."""

    #: bytes of input and arguments that are better not sent here, since a shell reads its input byte by byte
    limit = 1 << 14

    def __init__(self, link: "AnyLink"):
        self.alive = True
        self._mark = os.urandom(16).hex()
        self._program = link.start(ARGV)
        self._stream = self._program.socket
        self._lock = _thread.allocate_lock()
        self._received = bytearray()
        self._asked = self._heard = 0
        self._kept: dict[int, Finished] = {}  # answers that came before somebody wanted them
        self._wanted: set[int] = set()
        self._free = [9, 8, 7, 6, 5, 4]

    def run(self, script: str, args: "Sequence[str]", stdin: bytes, deadline: "float | None") -> Finished:
        """Run a script to its end.

        Raises TimeoutError, after which it goes on over there; ConnectionResetError when the shell is gone.
        """
        return self.hear(self.say(script, args, stdin, deadline), deadline)

    def say(self, script: str, args: "Sequence[str]", stdin: bytes, deadline: "float | None") -> int:
        """Have a script run; the number under which `hear` waits for its end. Raises as `run`."""
        feed, source = (f"printf %s {_word(stdin)} |", "") if stdin else ("", "</dev/null")
        given = " ".join(_word(os.fsencode(arg)) for arg in args)
        return self._say(f"err=$( {feed} ( set -- {given}; {script} ) 2>&1 >&3 3>&- {source} ); s=$?", deadline)

    def descriptor(self) -> int:
        """One over there that a lock may be taken with; 0 when there is none left."""
        with self._lock:
            return self._free.pop() if self._free else 0

    def take(self, path: str, number: int, deadline: float) -> Finished:
        """Try to take the lock of a file: status 0, 1 while somebody else has it, 2 when the file cannot be had."""
        return self._ask(_TAKE % (_word(os.fsencode(path)), number, number, number, number), deadline)

    def drop(self, number: int, deadline: float) -> None:
        """Give up what that descriptor holds."""
        self._ask(f"exec {number}>&-; s=0; err=", deadline)
        with self._lock:
            self._free.append(number)

    def close(self) -> None:
        """End it, and give up what it holds."""
        self.alive = False
        self._program.abandon()

    def _ask(self, line: str, deadline: "float | None") -> Finished:
        return self.hear(self._say(line, deadline), deadline)

    def _say(self, line: str, deadline: "float | None") -> int:
        mark = self._mark
        line += f"; printf '{mark}%d\\n%s{mark}' $s \"$err\"\n"
        with self._lock:
            try:
                self._send(memoryview(os.fsencode(line)), deadline)
            except TimeoutError:
                raise
            except OSError as error:
                raise self._gone(error) from None
            self._asked += 1
            self._wanted.add(self._asked)
            return self._asked

    def hear(self, number: int, deadline: "float | None") -> Finished:
        """The end of what was said under a number. Raises as `run`."""
        with self._lock:
            try:
                while number not in self._kept:
                    answer = self._answer(deadline)
                    self._heard += 1
                    if self._heard in self._wanted:
                        self._kept[self._heard] = answer
                return self._kept.pop(number)
            except TimeoutError:
                raise
            except OSError as error:
                raise self._gone(error) from None
            finally:
                self._wanted.discard(number)

    def forget(self, number: int) -> None:
        """Nobody will want to hear the end of that."""
        with self._lock:
            self._wanted.discard(number)
            self._kept.pop(number, None)

    def _gone(self, error: OSError) -> ConnectionResetError:
        self.alive = False
        return ConnectionResetError(104, str(error) or "the shell over there ended")

    def _send(self, left: memoryview, deadline: "float | None") -> None:
        begun = False
        try:
            while left:
                try:
                    left = left[self._stream.send(left) :]
                    begun = True
                except BlockingIOError:
                    await_stream(self._stream, select.POLLOUT, deadline)
        except BaseException:
            self.alive = self.alive and not begun  # with half a line it can do nothing
            raise

    def _answer(self, deadline: "float | None") -> Finished:
        mark = self._mark.encode()
        at = 0
        ends: list[int] = []
        while len(ends) < 2:
            found = self._received.find(mark, at)
            if found >= 0:
                ends.append(found)
                at = found + len(mark)
                continue
            at = max(at, len(self._received) - len(mark) + 1)
            await_stream(self._stream, select.POLLIN, deadline)
            try:
                piece = self._stream.recv(1 << 18)
            except BlockingIOError:
                continue
            if not piece:
                raise ConnectionResetError(104, "the shell over there ended")
            self._received += piece
        out = bytes(self._received[: ends[0]])
        status, _, said = bytes(self._received[ends[0] + len(mark) : ends[1]]).partition(b"\n")
        del self._received[: ends[1] + len(mark)]
        return Finished((int(status), out, said))


def _word(data: bytes) -> str:
    """Bytes, none of them NUL, as one word of a line that a shell evaluates."""
    text = os.fsdecode(data).replace("'", "'\\''").replace("\n", "'\"$nl\"'")
    return f"'{text}'"
