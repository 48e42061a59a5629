"""The `vsh` program.

A plain one-shot (`vsh list --all`) takes a shortcut past click, whose import costs more than the command; everything
else (help, the prompt, shell completion) goes through `vsh.cli`. VSH_NO_SHORTCUT=1 switches the shortcut off: nothing
changes but time.
"""

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

#: Objects after which the interpreter looks for garbage; its own 700 come with every few imports.
GARBAGE = 50_000


def run() -> "NoReturn":
    """The process: `main`, and its end at once, since taking the interpreter apart takes as long as a command."""
    gc.set_threshold(GARBAGE)
    status = main()
    try:
        sys.stderr.flush()
    finally:
        os._exit(status)


def main() -> int:
    """Run the program on sys.argv; the exit status."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started us: nothing else may get its number
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # as hypervisors; names may hold any bytes
    try:
        status = None if os.environ.get("VSH_NO_SHORTCUT") else shortcut(sys.argv[1:])
        if status is None:
            from .cli import app

            status = app.main(sys.argv[1:], program_name(), standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output is gone: nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.write(2, f"error: cannot write the output: {error.strerror}\n".encode())
        return 1


def shortcut(argv: list[str]) -> int | None:
    """Run a plain one-shot or batch; None when `argv` asks for anything else."""
    from . import options
    from .commands.errors import CommandError

    try:
        chosen = options.parse(argv)
    except CommandError:
        return None
    if not chosen.rest or chosen.help or chosen.version:
        return None
    from .session import Session

    return Session(chosen, program_name()).one_shot()


def program_name() -> str:
    """The name the program was started under, without its folder."""
    return sys.argv[0].rpartition("/")[2] or "vsh"
