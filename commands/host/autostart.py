"""`autostart-all`: what is to start with the machine, for boot scripts."""

from ..declare import command
from ..errors import CommandError, failing
from ..results import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..context import Context


@command("autostart-all", group="host")
def autostart_all(ctx: "Context") -> "Iterator[Table]":
    """Start the storage pools and domains that are marked to start with the machine.

    For boot scripts on hosts without a libvirt daemon, where nobody else would. It is done once after each start of the
    machine; the first command that may change something does it too, unless this one came before. It fails when
    something could not be started, and has started all others then.
    """
    with failing("Failed to start what starts with the machine"):
        done = ctx.connection.autostart()
    rows = [[kind, name, f"failed: {error}" if error else "started"] for kind, name, error in done]
    records = [{"type": kind.replace(" ", "_"), "name": name, "error": error} for kind, name, error in done]
    yield Table(["Type", "Name", "Result"], rows, records)
    failed = sum(error is not None for _, _, error in done)
    if failed:
        raise CommandError(f"{failed} of {len(done)} could not be started")
