"""Side by side: the same command line through the real virsh and through vsh."""

import difflib
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from tests.live.forks import Forks
from tests.live.fresh import await_fresh
from tests.live.need import SYSTEM_PATH
from tests.live.nursery import Nursery, unprivileged
from tests.live.sweeps import thorough
from tests.live.terminal import Terminal

#: Seconds for a daemon to let go of the test host of the command before; a test may hold it on purpose.
HELD = 0.5
ENCODING = "C.UTF-8"  # the locale of both programs
TIMEOUT = 30  # seconds; virsh 9.0.0 hangs now and then in save, dump and migrate


class Run(NamedTuple):
    """What a person saw of one call."""

    stdout: str
    stderr: str
    status: int


# What a caller may declare to differ between two runs.
IGNORABLE: dict[str, Callable[[str], str]] = {
    "versions": lambda text: re.sub(
        r"(?m)^((?:Compiled against|Using|Running)\b.*?) \d+\.\d+\.\d+$", r"\1 VERSION", text
    ),
    "cpu-time": lambda text: re.sub(r"(?m)^(CPU time: +)[\d.]+s$", r"\1TIME", text),
    "uuid": lambda text: re.sub(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID", text),
    "edited-file": lambda text: re.sub(r"/v(?:ir)?sh\w{6,8}\.xml\b", "/FILE.xml", text),
    "counters": lambda text: re.sub(r"\b\d{3,}(?:\.\d+)?\b", "N", text),
    "times": lambda text: re.sub(
        r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b|\b1\d{9}\b", lambda m: "T" * len(m[0]), text),
    "free-space": lambda text: re.sub(r"\d+\.\d\d GiB", "SIZE", text),
    "file-times": lambda text: re.sub(r"(<[amc]time>)[\d.]+", r"\1TIME", text),
    # A daemon's refusal of data comes while more is sent, or after the last of it.
    "moment": lambda text: re.sub(r"\bcannot (?:send data to|close) volume\b", "cannot fill volume", text),
    "mac": lambda text: re.sub(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC", text),
}


class Side:
    """Runs both programs in one private environment: own HOME, C.UTF-8, nothing of the caller's. A context manager.

    env: that environment; tests may read it and pass changes as `env=` to each call.
    program: how vsh is started, for `subprocess`.
    user: the command prefix that changes the user, `unprivileged()` for `as_nobody`, else empty.
    """

    def __init__(self, *, as_nobody: bool = False, program: Sequence[str] | None = None) -> None:
        """`as_nobody` runs both without privileges; `program` is compared with virsh in place of vsh."""
        self._nursery = Nursery(shared=as_nobody)
        self.user = unprivileged() if as_nobody else []
        self.env = private_environment(self._nursery.directory)
        self.program = list(program or vsh_command())
        self._seen_without_shortcut: set[tuple[str, ...]] = set()

    def close(self) -> None:
        """Remove the private home."""
        self._nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def virsh(
        self,
        *argv: str,
        stdin: str = "",
        env: Mapping[str, str] = {},
        timeout: float = TIMEOUT,
    ) -> Run:
        """Run the real virsh with `argv`, `stdin` piped in. Raises subprocess.TimeoutExpired."""
        with _on_one_cpu():
            return self._run(["virsh", *argv], stdin, env, timeout)

    def vsh(
        self,
        *argv: str,
        stdin: str = "",
        env: Mapping[str, str] = {},
        timeout: float = TIMEOUT,
        shortcut: bool = True,
    ) -> Run:
        """Run vsh likewise; `shortcut=False` makes it parse with click whatever the command line."""
        extra = {} if shortcut else {"VSH_NO_SHORTCUT": "1"}
        return self._run([*self.program, *argv], stdin, {**env, **extra}, timeout)

    def terminal(self, program: str, *argv: str, env: Mapping[str, str] = {}, columns: int = 80) -> Terminal:
        """Start `program`, "virsh" or "vsh", on a terminal of its own."""
        command = self.program if program == "vsh" else [program]
        return Terminal([*self.user, *command, *argv], {**self.env, **env}, self.env["HOME"], columns)

    def assert_same(
        self,
        *argv: str,
        stdin: str = "",
        env: Mapping[str, str] = {},
        timeout: float = TIMEOUT,
        ignore: Sequence[str] = (),
        tries: int = 1,
    ) -> Run:
        """Assert that vsh does what virsh does; return virsh's run.

        vsh runs with its shortcut and, since both ways end in the same one-shot, without it for the first of each set
        of options. The program's name and `(Time: … ms)` always count as equal; `ignore` names more (see `IGNORABLE`).
        virsh runs first, then vsh once or twice: a script that changes a lasting host must undo what it did. Where
        virsh is known to hang it gets several `tries`, each a quarter longer than the one before; vsh never does.
        """
        uri = argv[argv.index("-c") + 1] if "-c" in argv[:-1] else ""
        await_fresh(uri, HELD)
        wanted, patience = None, timeout
        while wanted is None:
            tries -= 1
            try:
                wanted = self.virsh(*argv, stdin=stdin, env=env, timeout=patience)
            except subprocess.TimeoutExpired:
                if tries <= 0:
                    raise
                patience *= 1.25
        options = tuple(word for word in argv if word.startswith("-"))
        variants = [True] if options in self._seen_without_shortcut else [True, False]
        self._seen_without_shortcut.add(options)
        for shortcut in variants:
            await_fresh(uri, HELD)
            seen = self.vsh(*argv, stdin=stdin, env=env, timeout=max(timeout, TIMEOUT), shortcut=shortcut)
            difference = compare(wanted, seen, ignore)
            variant = "vsh" if shortcut else "vsh (VSH_NO_SHORTCUT=1)"
            assert not difference, f"{variant} differs from virsh: {' '.join(argv)}\n{difference}"
        return wanted

    def _run(self, argv: list[str], stdin: str, env: Mapping[str, str], timeout: float) -> Run:
        return run([*self.user, *argv], stdin, {**self.env, **env}, timeout, self.env["HOME"])


def run(argv: list[str], stdin: str, environ: Mapping[str, str], timeout: float, home: str = "") -> Run:
    """Run a program, at `home` (by default HOME); vsh in a fork where that will do."""
    data, home = stdin.encode(errors="surrogateescape"), home or environ["HOME"]
    done = None
    if argv[:2] == vsh_command() and may_fork(environ):
        done = forks().run(argv[1:], data, environ, home, timeout)
    if done is None:
        done = subprocess.run(
            argv, input=data, env=environ, cwd=home, capture_output=True, timeout=timeout, check=False
        )
    return Run(_text(done.stdout), _text(done.stderr), done.returncode)


def _text(data: bytes) -> str:
    """As Python reads text: each end of a line counts as the same."""
    return data.decode(errors="surrogateescape").replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def _on_one_cpu() -> Iterator[None]:
    """What is started inside runs on a single CPU.

    virsh 9.0.0 waits for ever where the thread that saves, dumps or migrates is done before it begins to wait for that
    thread, which then happens far less often.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {random.choice(tuple(allowed))})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def vsh_command() -> list[str]:
    """How tests start vsh: the checkout's program, by the interpreter that runs them."""
    return [sys.executable, str(Path(__file__).parents[2] / "bin" / "vsh")]


def may_fork(environ: Mapping[str, str]) -> bool:
    """Whether vsh in that environment may be a fork of one that has begun already.

    Not where more than the usual is tried, as in CI: there each command line begins as it does for a user.
    """
    begins_alike = environ.get("LC_ALL") == ENCODING and not any(name.startswith("PYTHON") for name in environ)
    return begins_alike and not thorough()


@cache
def forks() -> Forks:
    return Forks({"PATH": SYSTEM_PATH, "LC_ALL": ENCODING})


def private_environment(home: Path) -> dict[str, str]:
    """An environment below `home`, an empty directory, with nothing of the caller's in it."""
    return {
        "PATH": SYSTEM_PATH,
        "LC_ALL": ENCODING,
        "TERM": "dumb",
        "VSH_NO_AGENT": "1",
        "VSH_COMPLETE_TIMEOUT": "10",
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
    }


def normalise(text: str, ignore: Sequence[str] = ()) -> str:
    """`text` without what may differ: time taken, the program's name, and what `ignore` names."""
    text = re.sub(r"\(Time: \d+\.\d+ ms\)", "(Time: N ms)", text)
    text = re.sub(r"\bvirsh\b", "vsh", text)
    # virsh says so where its own threads are slower than its main one.
    text = text.replace("error: One or more references were leaked after disconnect from the hypervisor\n", "")
    # How often progress is told depends on how long the work takes: only the last of its lines counts.
    text = re.sub(r"(?m)(?:^([A-Z][A-Za-z ]+): \[ *[\d.]+ %\]\n)+(?=\1: \[)", "", text)
    for name in ignore:
        text = IGNORABLE[name](text)
    return text


def compare(wanted: Run, seen: Run, ignore: Sequence[str] = ()) -> str:
    """A diff of two runs, empty if they count as the same."""

    def lines(run: Run) -> list[str]:
        streams = (("stdout", run.stdout), ("stderr", run.stderr), ("status", str(run.status)))
        return [f"{name}: {line}" for name, text in streams for line in normalise(text, ignore).split("\n")]

    return "\n".join(difflib.unified_diff(lines(wanted), lines(seen), "virsh", "vsh", lineterm="", n=2))
