"""`complete`, `completion` and `man`: what users' shells and readers ask for."""

from ..declare import Argv, Data, Flag, command
from ..errors import CommandError
from ..results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

SHELLS = ("bash", "zsh", "fish")


@command(
    "complete",
    group="virsh",
    options=[
        Argv("string", "the words so far, the last of them unfinished", empty=True),
        Flag("values", "for an empty word, also the values that may stand there"),
    ],
    connects=False,
    hidden=True,
)
def complete(ctx: "Context", string: "list[str] | None" = None, values: bool = False) -> Text:
    """Tell how a command line may go on.

    One candidate a line; what completion scripts call. Never asks anything, and gives up after 0.3 seconds
    (VSH_COMPLETE_TIMEOUT).
    """
    found = ctx.complete(string or [], values) if string else []
    if not found:
        raise CommandError
    return Text("".join(f"{one}\n" for one in found), data={"candidates": list(found)})


@command(
    "completion",
    group="virsh",
    options=[Data("shell", "bash, zsh or fish", complete=lambda ctx, given: SHELLS)],
    connects=False,
)
def completion(ctx: "Context", shell: str) -> Text:
    """Print the completion script for a shell.

    For this session of bash: source <(vsh completion bash).
    """
    if shell not in SHELLS:
        raise CommandError(f"there is no completion for '{shell}': use {', '.join(SHELLS)}")
    script = ctx.document(shell)
    return Text(script, data={"shell": shell, "script": script})


@command("man", group="virsh", connects=False)
def man(ctx: "Context") -> "Text | None":
    """Show the manual page, vsh(1)."""
    page = ctx.document("man")
    return None if ctx.read(page) else Text(page, data={"page": page})
