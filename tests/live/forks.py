"""vsh as forks of one process that has imported it, which takes a tenth of the time of a start.

From `main` on a fork does what `bin/vsh` does, with arguments, environment, folder, standard streams and exit status of
its own. What differs is that all modules are there already, and are not taken down at the end.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

LIMIT = 60_000  # bytes that a pipe and a datagram hold for certain


class Forks:
    """The process that forks, `pid`; it ends with the one that made this."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Start it, in the environment `env`."""
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            argv = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(argv, env=env, cwd="/", pass_fds=[theirs.fileno()])
        self.pid = self._process.pid

    def run(
        self, argv: Sequence[str], stdin: bytes, env: Mapping[str, str], cwd: str, timeout: float
    ) -> "subprocess.CompletedProcess[bytes] | None":
        """Run vsh with `argv`, the program first, as `subprocess.run` does; None where that is too much to send."""
        order = json.dumps([list(argv), dict(env), cwd]).encode()
        if max(len(order), len(stdin)) > LIMIT:
            return None
        (source, give), *results = [os.pipe() for _ in range(4)]  # of stdout, stderr, and its pid and status
        os.write(give, stdin)
        os.close(give)
        theirs = [source, *(end for _, end in results)]
        socket.send_fds(self._orders, [order], theirs)
        for end in theirs:
            os.close(end)
        said = {result: b"" for result, _ in results}
        output, errors, told = said
        deadline = time.monotonic() + timeout
        try:
            with selectors.DefaultSelector() as selector:
                for result in said:
                    selector.register(result, selectors.EVENT_READ)
                while selector.get_map():
                    ready = selector.select(max(0.0, deadline - time.monotonic()))
                    if not ready:
                        os.kill(int(said[told].split()[0]), signal.SIGKILL)
                        raise subprocess.TimeoutExpired(list(argv), timeout, said[output], said[errors])
                    for key, _ in ready:
                        data = os.read(key.fd, LIMIT)
                        said[key.fd] += data
                        if not data:
                            selector.unregister(key.fd)
        finally:
            for result in said:
                os.close(result)
        return subprocess.CompletedProcess(list(argv), int(said[told].split()[1]), said[output], said[errors])


def _serve(orders: socket.socket) -> None:
    """Fork as ordered, until nobody can order any more; returns in forks alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, fds, _, _ = socket.recv_fds(orders, 2 * LIMIT, 4)
        if not order:
            sys.exit()
        if not os.fork():
            break
        for fd in fds:
            os.close(fd)
    orders.close()
    told = fds.pop()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:  # the one that waits for it
        for fd in fds:
            os.close(fd)
        with suppress(BrokenPipeError):
            os.write(told, f"{pid} ".encode())
            os.write(told, str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
        os._exit(0)
    os.close(told)
    sys.argv, env, cwd = json.loads(order)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(cwd)
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    sys.stdin = open(0, newline="\n", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _import_all() -> None:
    import vsh.backends
    import vsh.commands

    for package in (vsh, vsh.commands, vsh.backends):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    gc.freeze()


def _main() -> int:
    """Run `main` as the interpreter runs a program, to the end of its threads."""
    from vsh.entry import main

    status: object = 1
    try:
        status = main()
    except SystemExit as error:
        status = error.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status if isinstance(status, int) else 0 if status is None else 1


if __name__ == "__main__":
    del sys.path[0]  # this folder: no program of vsh has it
    _import_all()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(_main())
