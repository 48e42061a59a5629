"""`migrate`: move a domain to another host."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import SYSTEM_ERROR, VirtError
from vsh.backends.params import INT, STRING, ULLONG, TypedParams

from ..declare import Alias, Data, Flag, Int, Opt, command
from ..errors import CommandError
from ..files import read_file
from ..results import Done
from .jobs import watch
from .lookup import Domain, facts
from .targets import disk_targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import DomainEventMigrationIteration, DomainRef

    from ..context import Context

#: Flags by option (virDomainMigrateFlags), and what they do.
FLAGS = {
    "live": (constants.MIGRATE_LIVE, "let it run while it is moved"),
    "offline": (constants.MIGRATE_OFFLINE, "move its definition alone; it must not run"),
    "p2p": (constants.MIGRATE_PEER2PEER, "the source's daemon talks to the destination's"),
    "direct": (0, "the hypervisors do it between themselves"),
    "tunnelled": (constants.MIGRATE_TUNNELLED, "send the data through the daemons' connection (with --p2p)"),
    "persistent": (constants.MIGRATE_PERSIST_DEST, "define it on the destination"),
    "undefinesource": (constants.MIGRATE_UNDEFINE_SOURCE, "undefine it on the source"),
    "suspend": (constants.MIGRATE_PAUSED, "leave it paused on the destination"),
    "copy-storage-all": (constants.MIGRATE_NON_SHARED_DISK, "copy its disks, which are not shared"),
    "copy-storage-inc": (constants.MIGRATE_NON_SHARED_INC, "copy what its disks have beyond a shared base image"),
    "copy-storage-synchronous-writes": (
        constants.MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES,
        "the guest's writes wait for the copy",
    ),
    "change-protection": (constants.MIGRATE_CHANGE_PROTECTION, "nobody may change it until it has moved"),
    "unsafe": (constants.MIGRATE_UNSAFE, "even if data could be lost"),
    "compressed": (constants.MIGRATE_COMPRESSED, "send repeated pages of memory compressed"),
    "auto-converge": (constants.MIGRATE_AUTO_CONVERGE, "slow the guest down until it can be moved"),
    "rdma-pin-all": (constants.MIGRATE_RDMA_PIN_ALL, "pin all memory before it is sent by RDMA"),
    "abort-on-error": (constants.MIGRATE_ABORT_ON_ERROR, "give up when a disk has an error meanwhile"),
    "postcopy": (constants.MIGRATE_POSTCOPY, "allow the guest to run there before all memory has come"),
    "postcopy-after-precopy": (0, "change over as soon as all memory was sent once"),
    "postcopy-resume": (constants.MIGRATE_POSTCOPY_RESUME, "go on with a post-copy migration that broke"),
    "zerocopy": (constants.MIGRATE_ZEROCOPY, "send memory without copying it first"),
    "tls": (constants.MIGRATE_TLS, "encrypt the data"),
    "parallel": (constants.MIGRATE_PARALLEL, "send memory over several connections"),
}


class Parameter(Opt):
    """An option that is a parameter of the migration (VIR_MIGRATE_PARAM_*); several with commas between if `many`."""

    def __init__(self, name: str, param: str, help: str, *, many: bool = False, **rest: "Any"):
        super().__init__(name, help, **rest)
        self.param = param
        self.many = many

    def add(self, params: TypedParams, text: str) -> None:
        """Append what was given."""
        for value in text.split(",") if self.many else [text]:
            params.add(self.param, STRING, value)


class File(Parameter):
    """The same where the value is a file with XML; it is read when the migration is about to begin."""

    def add(self, params: TypedParams, text: str) -> None:
        try:
            params.add(self.param, STRING, read_file(text))
        except CommandError as error:
            cause = VirtError(SYSTEM_ERROR, error.summary)
            raise CommandError(f"cannot read file '{text}'", cause, error.hint) from error


class Number(Int):
    """A whole number that is a parameter of the migration, of typed parameter type INT or, if `big`, ULLONG."""

    def __init__(self, name: str, param: str, help: str, *, big: bool = False, **rest: "Any"):
        limits = {"least": 0, "most": 2**64 - 1} if big else {}
        super().__init__(name, help, **limits, **rest)
        self.param = param
        self.type = ULLONG if big else INT

    def add(self, params: TypedParams, number: int) -> None:
        """Append what was given."""
        params.add(self.param, self.type, number)


def _flags(*names: str) -> "list[Flag]":
    return [Flag(name, FLAGS[name][1]) for name in names]


METHODS = ("xbzrle", "mt", "zlib", "zstd")
NEW = {"positional": False}
OPTIONS: "list[Opt]" = [
    Domain(),
    Data("desturi", "the destination: the URI of its daemon, or with --direct one for the hypervisor"),
    *_flags("live", "offline", "p2p", "direct"),
    Alias("tunneled", "tunnelled"),
    *_flags("tunnelled", "persistent", "undefinesource", "suspend"),
    *_flags("copy-storage-all", "copy-storage-inc", "copy-storage-synchronous-writes"),
    *_flags("change-protection", "unsafe"),
    Flag("verbose", "show how far it is"),
    *_flags("compressed", "auto-converge", "rdma-pin-all", "abort-on-error"),
    *_flags("postcopy", "postcopy-after-precopy", "postcopy-resume", "zerocopy"),
    Parameter("migrateuri", "migrate_uri", "where the source's hypervisor sends the data"),
    Parameter("graphicsuri", "graphics_uri", "where viewers are sent to"),
    Parameter("listen-address", "listen_address", "the address the destination listens on for the data"),
    Parameter("dname", "destination_name", "its name on the destination"),
    Int("timeout", "seconds after which a live migration is helped along (see --timeout-suspend)", least=0),
    Flag("timeout-suspend", "at the timeout pause the guest; this is the default"),
    Flag("timeout-postcopy", "at the timeout change over to post-copy"),
    File("xml", "destination_xml", "a file with its XML for the destination"),
    Parameter("migrate-disks", "migrate_disks", "the disks to copy: A,B,...", many=True, complete=disk_targets),
    Parameter(
        "migrate-disks-detect-zeroes",
        "migrate_disks_detect_zeroes",
        "those to search for zeroes",
        many=True,
        complete=disk_targets,
        **NEW,
    ),
    Number("disks-port", "disks_port", "the destination's port for disks"),
    Parameter("disks-uri", "disks_uri", "where disks are sent to"),
    Parameter(
        "comp-methods", "compression", "how to compress: A,B,...", many=True, complete=lambda ctx, given: list(METHODS)
    ),
    Number("comp-mt-level", "compression.mt.level", "level of the method mt, 0 to 9"),
    Number("comp-mt-threads", "compression.mt.threads", "threads that compress"),
    Number("comp-mt-dthreads", "compression.mt.dthreads", "threads that decompress"),
    Number("comp-xbzrle-cache", "compression.xbzrle.cache", "bytes of cache for the method xbzrle", big=True),
    Number("comp-zlib-level", "compression.zlib.level", "level of the method zlib", **NEW),
    Number("comp-zstd-level", "compression.zstd.level", "level of the method zstd", **NEW),
    Number("auto-converge-initial", "auto_converge.initial", "by how many percent to slow down at first"),
    Number("auto-converge-increment", "auto_converge.increment", "by how many percent more each time"),
    File("persistent-xml", "persistent_xml", "a file with the XML that the destination defines"),
    *_flags("tls"),
    Number("postcopy-bandwidth", "bandwidth.postcopy", "MiB/s at most once it is post-copy", big=True),
    *_flags("parallel"),
    Number("parallel-connections", "parallel.connections", "over how many connections"),
    Number("bandwidth", "bandwidth", "MiB/s at most", big=True),
    Parameter("tls-destination", "tls.destination", "the name in the destination's certificate"),
    Number(
        "available-switchover-bandwidth",
        "bandwidth.avail.switchover",
        "MiB/s to reckon with at the end",
        big=True,
        **NEW,
    ),
]


@command(
    "migrate",
    group="domain",
    options=OPTIONS,
    exclusive=[("live", "offline"), ("timeout-suspend", "timeout-postcopy")],
    requires=[
        ("postcopy-after-precopy", "postcopy"),
        ("postcopy-resume", "postcopy"),
        ("timeout-postcopy", "postcopy"),
        ("persistent-xml", "persistent"),
        ("tls-destination", "tls"),
    ],
)
def migrate(ctx: "Context", domain: "DomainRef", desturi: str, **given: "Any") -> Done:
    """Move a domain to another host.

    Disks must be on storage that both hosts share, unless they are copied. By default this program leads both daemons
    through it; with --p2p the source's daemon does. Ctrl-C abandons the migration, and the domain runs on where it was.
    """
    timeout = given.get("timeout", 0)
    if timeout and "live" not in given:
        raise CommandError("migrate: Unexpected timeout for offline migration")
    if not timeout and ("timeout_suspend" in given or "timeout_postcopy" in given):
        raise CommandError("migrate: Unexpected --timeout-* option without --timeout")
    connection = ctx.connection
    after_precopy = None
    if "postcopy_after_precopy" in given:
        after_precopy = connection.subscribe("domain_event_migration_iteration", domain, _second_pass(ctx))
    alone = "p2p" in given or "direct" in given
    destination = None if alone else ctx.connect(desturi)

    def late() -> None:
        if "timeout_postcopy" in given:
            connection.domain_migrate_start_post_copy(domain, 0)
        else:
            connection.domain_suspend(domain)

    def call() -> None:
        from vsh.backends import migration

        params, flags = _parameters(given), _flags_of(given)
        if destination is None:
            migration.migrate_to_uri(connection, domain, desturi, params, flags)
        else:
            migration.migrate(connection, domain, destination, params, flags)

    try:
        verbose = "verbose" in given
        watch(ctx, domain, "Migration", call, verbose=verbose, timeout=timeout or None, late=late)
    finally:
        if after_precopy is not None:
            after_precopy.close()
        if destination is not None:
            destination.close()
    return Done(domain=facts(domain), destination=desturi)


def _second_pass(ctx: "Context") -> "Any":
    """What changes over to post-copy when all memory was sent once."""

    def iterated(event: "DomainEventMigrationIteration") -> None:
        if event.iteration == 2:
            try:
                ctx.connection.domain_migrate_start_post_copy(event.dom, 0)
            except VirtError:
                pass  # Too late: the migration is over, or it cannot; it goes on as it was.

    return iterated


def _parameters(given: "dict[str, Any]") -> TypedParams:
    params = TypedParams()
    for option in OPTIONS:
        if isinstance(option, Parameter | Number) and option.key in given:
            option.add(params, given[option.key])
    return params


def _flags_of(given: "dict[str, Any]") -> int:
    copies = "copy_storage_all" in given or "copy_storage_inc" in given
    if "copy_storage_synchronous_writes" in given and not copies:
        needed = "'--copy-storage-all', 'copy-storage-inc'"
        raise CommandError(f"'--copy-storage-synchronous-writes' requires one of {needed}")
    return sum(flag for name, (flag, _) in FLAGS.items() if name.replace("-", "_") in given)
