"""`cd` and `pwd`: the directory that the shell works in."""

import os

from ..declare import Opt, command
from ..errors import CommandError
from ..results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


@command(
    "cd",
    group="virsh",
    options=[Opt("dir", "the directory; without it the home directory", empty=True)],
    connects=False,
)
def cd(ctx: "Context", dir: str = "") -> None:
    """Change the directory.

    Relative names of files on this side are then meant from there. Only at a prompt and in scripts.
    """
    if not ctx.interactive:
        raise CommandError("cd: command valid only in interactive mode")
    path = dir or _home()
    try:
        os.chdir(path)
    except OSError as error:
        raise CommandError(f"cd: {error.strerror}: {path}") from error


def _home() -> str:
    home = os.environ.get("HOME")
    if home is None:
        from pwd import getpwuid

        try:
            home = getpwuid(os.getuid()).pw_dir
        except KeyError:
            home = "/"
    return home


@command("pwd", group="virsh", connects=False)
def pwd(ctx: "Context") -> Text:
    """Print the directory that the shell works in.

    Relative names of files on this side are meant from there.
    """
    try:
        path = os.getcwd()
    except OSError as error:
        raise CommandError(f"pwd: cannot get current directory: {error.strerror}") from error
    return Text(path + "\n", data={"directory": path})
