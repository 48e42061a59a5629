"""`uri` and `version`: what this connection leads to."""

from vsh.backends.errors import VirtError
from vsh.backends.version import LIBVIRT_VERSION

from ..declare import Flag, command
from ..errors import CommandError, failing
from ..results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..context import Context


@command("uri", group="host")
def uri(ctx: "Context") -> Text:
    """Show the hypervisor's canonical URI."""
    with failing("failed to get URI"):
        text = ctx.connection.connect_get_uri()
    return Text(text + "\n", data={"uri": text})


@command("version", group="host", options=[Flag("daemon", "show also the version of the daemon at the other end")])
def version(ctx: "Context", daemon: bool = False) -> "Iterator[Text]":
    """Show versions.

    Those of the libvirt interface that is spoken here and of the hypervisor.
    """
    with failing("failed to get hypervisor type"):
        kind = ctx.connection.connect_get_type()
    library = dotted(LIBVIRT_VERSION)
    lines = [
        f"Compiled against library: libvirt {library}\n",
        f"Using library: libvirt {library}\n",
        f"Using API: {kind} {library}\n",
    ]
    data: dict[str, str | None] = {"library": library, "hypervisor_type": kind, "hypervisor": None}
    hypervisor, *rest = ctx.connection.batch(
        [("connect_get_version", ()), *([("connect_get_lib_version", ())] if daemon else [])]
    )
    if isinstance(hypervisor, VirtError):
        yield Text("".join(lines), data)
        raise CommandError("failed to get the hypervisor version", hypervisor)
    if hypervisor:
        data["hypervisor"] = dotted(hypervisor)
        lines.append(f"Running hypervisor: {kind} {dotted(hypervisor)}\n")
    else:
        lines.append(f"Cannot extract running {kind} hypervisor version\n")
    for answer in rest:
        data["daemon"] = None if isinstance(answer, VirtError) else dotted(answer)
        if not isinstance(answer, VirtError):
            lines.append(f"Running against daemon: {dotted(answer)}\n")
    yield Text("".join(lines), data)
    if daemon and data["daemon"] is None:
        ctx.warn("failed to get the daemon version")


def dotted(number: int) -> str:
    """A version in libvirt's form (major * 1,000,000 + minor * 1,000 + release) as people write it."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
