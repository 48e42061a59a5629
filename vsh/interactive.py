"""The shell without a command: a prompt on a terminal, or a script on standard input."""

import os
import sys

from .commands.errors import CommandError
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Options

#: Lines of history that virsh keeps, and that it can keep.
HISTORY = 500
MOST_HISTORY = 500_000


def prompt_of(session: Session) -> str:
    """Virsh's prompts, under the name vsh unless the program was started as virsh: tools match
    `virsh\\s*[\\#\\>]\\s*`."""
    name = "virsh" if session.program == "virsh" else "vsh"
    return f"{name} {'>' if session.readonly else '#'} "


def greeting(program: str) -> str:
    """What a session that is not quiet begins with."""
    return (
        f"Welcome to {program}, the virtualization interactive terminal.\n\n"
        "Type:  'help' for help with commands\n"
        "       'quit' to quit\n\n"
    )


def interactive(options: "Options", program: str) -> int:
    """Run commands until `quit` or the end of input.

    Exit status 0, unless the connection named with -c cannot be had.
    """
    session = Session(options, program, interactive=True)
    limit = history_limit(session)
    try:
        session.open_log()
        if options.several:
            raise CommandError(
                f"{'the prompt' if session.terminal else 'a script on standard input'} works on one host at a time",
                hint="name one connection with -c, or give the commands as an argument",
            )
        session.start()
    except CommandError as error:
        session.render.error(None, error)
        return 1
    try:
        if not options.quiet:
            sys.stdout.write(greeting(program))
            sys.stdout.flush()
        if session.terminal and sys.stdout.isatty():
            from .repl import repl

            repl(session, limit)
        else:
            _script(session)
    finally:
        session.close()
    return 0


def history_limit(session: Session) -> int | None:
    """How many lines of history to keep; None, which the user is told about, where VIRSH_HISTSIZE makes no sense."""
    text = os.environ.get("VIRSH_HISTSIZE")
    if text is None:
        return HISTORY
    from .backends.xml.values import signed

    try:
        limit = signed(text)
    except ValueError:
        session.warn("Bad $VIRSH_HISTSIZE value.")
        return None
    if not 0 <= limit <= MOST_HISTORY:
        session.warn(f"$VIRSH_HISTSIZE value should be between 0 and {MOST_HISTORY}")
        return None
    return limit


def _script(session: Session) -> None:
    """Run the lines of standard input, echoing each after the prompt as virsh does; a carriage return ends one too."""
    while not session.ended:
        sys.stdout.write(prompt_of(session))
        sys.stdout.flush()
        text = sys.stdin.readline()
        if not text:
            break
        first, *others = text.removesuffix("\n").split("\r")
        _echoed(session, first)
        for line in others:
            if not session.ended:
                sys.stdout.write(prompt_of(session))
                _echoed(session, line)
    sys.stdout.write("\n")


def _echoed(session: Session, line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if line:
        session.run_line(line)
