"""`connect`, `quit` and `exit`: the session itself."""

from ..declare import Flag, Opt, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


@command(
    "connect",
    group="virsh",
    options=[
        Opt("name", "the hypervisor's URI; without it the current one is opened again", empty=True),
        Flag("readonly", "open it for looking only"),
    ],
    connects=False,
)
def connect(ctx: "Context", name: "str | None" = None, readonly: bool = False) -> None:
    """Connect to a hypervisor.

    The new connection takes the place of the one there was.
    """
    ctx.reconnect(name, readonly)


@command("quit", group="virsh", connects=False)
def quit(ctx: "Context") -> None:
    """Leave the shell."""


@command("exit", group="virsh", connects=False)
def exit(ctx: "Context") -> None:
    """Leave the shell."""
