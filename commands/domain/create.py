"""`create`: run a domain from a file."""

from vsh.backends.constants import domain as constants

from ..declare import Flag, Opt, command
from ..errors import failing
from ..files import VALIDATE, read_file, xml_file
from ..results import Message
from .lookup import facts
from .start import descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..context import Context
    from ..results import Result


@command(
    "create",
    group="domain",
    options=[
        xml_file("domain"),
        Flag("console", "join its console at once"),
        Flag("paused", "leave it paused once it is created"),
        Flag("autodestroy", "destroy it when this connection ends"),
        Opt("pass-fds", "hand these open file descriptors N,N,... to the guest", empty=True),
        VALIDATE,
        Flag("reset-nvram", "give it fresh NVRAM"),
    ],
)
def create(
    ctx: "Context",
    file: str,
    console: bool = False,
    paused: bool = False,
    autodestroy: bool = False,
    pass_fds: str = "",
    validate: bool = False,
    reset_nvram: bool = False,
) -> "Iterator[Result]":
    """Run a domain from a file without defining it.

    It is gone once it stops. A domain that is defined already runs, until it stops, as the file says.
    """
    xml = read_file(file)
    files = descriptors(ctx, pass_fds)
    flags = (
        constants.DOMAIN_START_PAUSED * paused
        | constants.DOMAIN_START_AUTODESTROY * autodestroy
        | constants.DOMAIN_START_VALIDATE * validate
        | constants.DOMAIN_START_RESET_NVRAM * reset_nvram
    )
    with failing(f"Failed to create domain from {file}"):
        if files:
            ref = ctx.connection.domain_create_xml_with_files(xml, files, flags)
        else:
            ref = ctx.connection.domain_create_xml(xml, flags)
    yield Message(f"Domain '{ref.name}' created from {file}", domain=facts(ref), file=file)
    if console:
        from .console import join

        yield from join(ctx, ref)
