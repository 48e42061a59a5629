"""`save`, `restore`, `managedsave` and its removal: domains put to rest in a file."""

import os

from vsh.backends.constants import domain as constants
from vsh.backends.params import INT, STRING, TypedParams

from ..declare import Data, Flag, Int, Opt, command
from ..errors import failing
from ..files import read_file
from ..results import Message, Notice
from .jobs import watch
from .lookup import ACTIVE, Domain, facts, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

    Named = tuple[str, DomainRef]

#: virDomainListFlags: domains with a managed save image.
MANAGED_SAVE = 1 << 8
CACHE = Flag("bypass-cache", "keep the file out of the host's cache")
CHANNELS = Int("parallel-channels", "over how many channels at once", positional=False)
#: Of saved states (11.2 and newer).
FORMATS = ("raw", "sparse", "gzip", "bzip2", "xz", "lzop", "zstd")
VERBOSE = Flag("verbose", "show how far it is")
XML = Opt("xml", "a file with XML that replaces the domain's own", resolve=lambda ctx, path: read_file(path))


def _params(file: str, xml: "str | None", channels: "int | None", image_format: "str | None" = None) -> TypedParams:
    """The arguments of the newest calls (VIR_DOMAIN_SAVE_PARAM_*)."""
    params = TypedParams().add("file", STRING, os.path.abspath(file))
    for name, text in (("dxml", xml), ("image_format", image_format)):
        if text is not None:
            params.add(name, STRING, text)
    return params if channels is None else params.add("parallel.channels", INT, channels)


def state_options(when: str) -> "list[Flag]":
    """The options that say whether a saved domain runs `when` it comes back."""
    return [Flag("running", f"let the domain run when it is {when}"), Flag("paused", f"leave it paused when {when}")]


def state_flags(bypass_cache: bool = False, running: bool = False, paused: bool = False) -> int:
    """virDomainSaveRestoreFlags."""
    return (
        constants.DOMAIN_SAVE_BYPASS_CACHE * bypass_cache
        | constants.DOMAIN_SAVE_RUNNING * running
        | constants.DOMAIN_SAVE_PAUSED * paused
    )


@command(
    "save",
    group="domain",
    options=[
        Domain(ACTIVE, find_named),
        Data("file", "where its state goes, a file on the host"),
        CACHE,
        XML,
        *state_options("restored"),
        VERBOSE,
        CHANNELS,
        Opt(
            "image-format",
            "the format of the file: " + ", ".join(FORMATS),
            positional=False,
            complete=lambda ctx, given: list(FORMATS),
        ),
    ],
)
def save(
    ctx: "Context",
    domain: "Named",
    file: str,
    bypass_cache: bool = False,
    xml: "str | None" = None,
    running: bool = False,
    paused: bool = False,
    verbose: bool = False,
    parallel_channels: "int | None" = None,
    image_format: "str | None" = None,
) -> Message:
    """Save the state of a running domain to a file and stop it.

    restore lets it go on from there. Ctrl-C abandons the saving, and the domain runs on.
    """
    name, ref = domain
    flags = state_flags(bypass_cache, running, paused)

    def call() -> None:
        if parallel_channels is not None or image_format is not None:
            ctx.connection.domain_save_params(ref, _params(file, xml, parallel_channels, image_format), flags)
        elif flags or xml is not None:
            ctx.connection.domain_save_flags(ref, file, xml, flags)
        else:
            ctx.connection.domain_save(ref, file)

    with failing(f"Failed to save domain '{name}' to {file}"):
        watch(ctx, ref, "Save", call, verbose=verbose)
    return Message(f"\nDomain '{name}' saved to {file}", domain=facts(ref), file=file)


@command(
    "restore",
    group="domain",
    options=[
        Data("file", "the saved state, a file on the host"),
        CACHE,
        XML,
        *state_options("restored"),
        Flag("reset-nvram", "give it fresh NVRAM"),
        CHANNELS,
    ],
)
def restore(
    ctx: "Context",
    file: str,
    bypass_cache: bool = False,
    xml: "str | None" = None,
    running: bool = False,
    paused: bool = False,
    reset_nvram: bool = False,
    parallel_channels: "int | None" = None,
) -> Message:
    """Let a domain go on from the state that save put into a file."""
    flags = state_flags(bypass_cache, running, paused) | constants.DOMAIN_SAVE_RESET_NVRAM * reset_nvram
    with failing(f"Failed to restore domain from {file}"):
        if parallel_channels is not None:
            ctx.connection.domain_restore_params(_params(file, xml, parallel_channels), flags)
        elif flags or xml is not None:
            ctx.connection.domain_restore_flags(file, xml, flags)
        else:
            ctx.connection.domain_restore(file)
    return Message(f"Domain restored from {file}", file=file)


@command(
    "managedsave",
    group="domain",
    options=[Domain(ACTIVE, find_named), CACHE, *state_options("started"), VERBOSE],
)
def managedsave(
    ctx: "Context",
    domain: "Named",
    bypass_cache: bool = False,
    running: bool = False,
    paused: bool = False,
    verbose: bool = False,
) -> Message:
    """Save the state of a running domain and stop it; its next start goes on from there.

    The hypervisor keeps the state in a file of its own. Ctrl-C abandons the saving, and the domain runs on.
    """
    name, ref = domain
    flags = state_flags(bypass_cache, running, paused)
    with failing(f"Failed to save domain '{name}' state"):
        watch(ctx, ref, "Managedsave", lambda: ctx.connection.domain_managed_save(ref, flags), verbose=verbose)
    return Message(f"\nDomain '{name}' state saved by libvirt", domain=facts(ref))


@command("managedsave-remove", group="domain", options=[Domain(MANAGED_SAVE, find_named)])
def managedsave_remove(ctx: "Context", domain: "Named") -> Notice:
    """Throw away the state that managedsave saved; the next start boots."""
    name, ref = domain
    with failing("Failed to check for domain managed save image"):
        saved = ctx.connection.domain_has_managed_save_image(ref, 0)
    if not saved:
        line = f"Domain '{name}' has no manage save image; removal skipped"
        return Notice(line, data={"domain": facts(ref), "removed": False})
    with failing(f"Failed to remove managed save image for domain '{name}'"):
        ctx.connection.domain_managed_save_remove(ref, 0)
    return Notice(f"Removed managedsave image for domain '{name}'", data={"domain": facts(ref), "removed": True})
