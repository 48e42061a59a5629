"""Processes that cannot outlive their test.

A `Nursery` is a small supervisor process with a private directory under /tmp. Whatever it spawns is killed,
with all descendants and daemons among them, and the directory removed, when the nursery is closed or when its
owner dies in any way (also by SIGKILL): the supervisor reads orders from a pipe and ends at its end of file,
and as a "child subreaper" (prctl(2)) it inherits what daemonises itself.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Self

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
NOBODY = 65534


def unprivileged() -> list[str]:
    """The command prefix that makes a program run without privileges: root's as nobody, others' as it is."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]


class Nursery:
    """A supervisor with its private `directory`; a context manager."""

    def __init__(self, *, shared: bool = False) -> None:
        """Start it. `shared` gives the directory to the user of `unprivileged()`; everybody may read it."""
        # Not $TMPDIR: paths of unix sockets below must stay under 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="vsh-", dir="/tmp"))
        self.directory.chmod(0o755)
        if shared and os.geteuid() == 0:
            os.chown(self.directory, NOBODY, NOBODY)
        # A session of its own keeps Ctrl-C on the terminal from killing the supervisor before its wards.
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", __file__, str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def spawn(self, argv: list[str], env: dict[str, str], log: Path) -> int:
        """Start `argv` in the nursery, output appended to `log`, and return its pid. Raises OSError."""
        orders, answers = self._supervisor.stdin, self._supervisor.stdout
        assert orders and answers
        orders.write(json.dumps({"argv": argv, "env": env, "log": str(log)}) + "\n")
        orders.flush()
        answer = json.loads(answers.readline())
        if isinstance(answer, str):
            raise OSError(f"{argv[0]}: {answer}")
        return int(answer)

    def close(self) -> None:
        """Kill everything spawned and remove the directory. Idempotent."""
        self._supervisor.communicate(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _supervise(directory: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, _reap)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(_spawn(**order)), flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # The children of a killed child become ours, so this ends when the last descendant is gone.
    while True:
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    shutil.rmtree(directory, ignore_errors=True)


def _spawn(argv: list[str], env: dict[str, str], log: str) -> int | str:
    program = shutil.which(argv[0], path=env.get("PATH"))
    if program is None:
        return "not found"
    output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return os.posix_spawn(
            program,
            argv,
            env,
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, output, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
    except OSError as error:
        return error.strerror or str(error)


def _reap(signum: int, frame: FrameType | None) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _children() -> list[int]:
    """Direct children, by the fourth field of /proc/PID/stat (proc(5)); the second may hold any character."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.append(int(entry))
    return found


if __name__ == "__main__":
    _supervise(sys.argv[1])
