"""`dump`: the memory of a domain in a file, for analysis."""

from vsh.backends.constants import domain as constants

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Message
from .jobs import watch
from .lookup import ACTIVE, Domain, facts, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

#: virDomainCoreDumpFormat, by virsh's words.
FORMATS = {
    "elf": constants.DOMAIN_CORE_DUMP_FORMAT_RAW,
    "kdump-zlib": constants.DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB,
    "kdump-lzo": constants.DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO,
    "kdump-snappy": constants.DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY,
    "win-dmp": constants.DOMAIN_CORE_DUMP_FORMAT_WIN_DMP,
}


@command(
    "dump",
    group="domain",
    options=[
        Domain(ACTIVE, find_named),
        Data("file", "where the memory goes, a file on the host"),
        Flag("live", "let the domain run meanwhile"),
        Flag("crash", "leave the domain in the state crashed"),
        Flag("bypass-cache", "keep the file out of the host's cache"),
        Flag("reset", "reset the domain afterwards"),
        Flag("verbose", "show how far it is"),
        Flag("memory-only", "memory and registers in a form that debuggers read"),
        Opt(
            "format",
            "with --memory-only: " + ", ".join(FORMATS),
            empty=True,
            complete=lambda ctx, given: list(FORMATS),
        ),
    ],
)
def dump(
    ctx: "Context",
    domain: "tuple[str, DomainRef]",
    file: str,
    live: bool = False,
    crash: bool = False,
    bypass_cache: bool = False,
    reset: bool = False,
    verbose: bool = False,
    memory_only: bool = False,
    format: "str | None" = None,
) -> Message:
    """Write the memory of a running domain to a file.

    The domain is paused meanwhile and runs on afterwards, unless options say otherwise. Ctrl-C abandons the dump.
    """
    name, ref = domain
    if format is not None and not memory_only:
        raise CommandError("--format only works with --memory-only")
    if format and format not in FORMATS:
        known = "'kdump-zlib', 'kdump-lzo', 'kdump-snappy', 'win-dmp' or 'elf'"
        raise CommandError(f"format '{format}' is not supported, expecting {known}")
    number = FORMATS[format or "elf"]
    flags = (
        constants.DUMP_LIVE * live
        | constants.DUMP_CRASH * crash
        | constants.DUMP_BYPASS_CACHE * bypass_cache
        | constants.DUMP_RESET * reset
        | constants.DUMP_MEMORY_ONLY * memory_only
    )

    def call() -> None:
        if number:
            ctx.connection.domain_core_dump_with_format(ref, file, number, flags)
        else:
            ctx.connection.domain_core_dump(ref, file, flags)

    with failing(f"Failed to core dump domain '{name}' to {file}"):
        watch(ctx, ref, "Dump", call, verbose=verbose)
    return Message(f"\nDomain '{name}' dumped to {file}", domain=facts(ref), file=file)
