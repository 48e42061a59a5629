"""`undefine`: forget a domain, and on request what belongs to it."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import INVALID_ARG, NO_SUPPORT, VirtError

from ..declare import Alias, Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Message
from .lookup import PERSISTENT, Domain, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.api import Connection
    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..results import Result


@command(
    "undefine",
    group="domain",
    options=[
        Domain(PERSISTENT, resolve=None),
        Flag("managed-save", "remove its saved state"),
        Opt("storage", "remove these of its volumes, given as targets or source paths: A,B,...", empty=True),
        Flag("remove-all-storage", "remove all of its volumes"),
        Alias("delete-snapshots", "delete-storage-volume-snapshots"),
        Flag("delete-storage-volume-snapshots", "remove snapshots inside the volumes too"),
        Flag("wipe-storage", "overwrite volumes before they are removed"),
        Flag("snapshots-metadata", "forget its snapshots (it must not run)"),
        Flag("checkpoints-metadata", "forget its checkpoints (it must not run)"),
        Flag("nvram", "remove its NVRAM file"),
        Flag("keep-nvram", "keep its NVRAM file"),
        Flag("tpm", "remove the state of its TPM"),
        Flag("keep-tpm", "keep the state of its TPM"),
    ],
    requires=[("delete-storage-volume-snapshots", "remove-all-storage")],
)
def undefine(
    ctx: "Context",
    domain: str,
    managed_save: bool = False,
    storage: str = "",
    remove_all_storage: bool = False,
    delete_storage_volume_snapshots: bool = False,
    wipe_storage: bool = False,
    snapshots_metadata: bool = False,
    checkpoints_metadata: bool = False,
    nvram: bool = False,
    keep_nvram: bool = False,
    tpm: bool = False,
    keep_tpm: bool = False,
) -> "Iterator[Result]":
    """Forget the definition of a domain.

    A running domain runs on and is gone once it stops. Disks stay unless their removal is asked for.
    """
    for what, both in (("nvram", nvram and keep_nvram), ("tpm", tpm and keep_tpm)):
        if both:
            raise CommandError(f"Options --{what} and --keep-{what} are mutually exclusive")
    if wipe_storage and not (storage or remove_all_storage):
        raise CommandError("'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'")
    ref = find_domain(ctx, domain)
    left = Remains(ctx.connection, ref)
    volumes = []
    if storage or remove_all_storage:
        from .volumes import of_domain

        if left.running:
            raise CommandError("Storage volume deletion is supported only on stopped domains")
        if storage and remove_all_storage:
            raise CommandError("Specified both --storage and --remove-all-storage")
        volumes = of_domain(ctx, ref, storage)
    flags = (
        constants.DOMAIN_UNDEFINE_MANAGED_SAVE * managed_save
        | constants.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA * snapshots_metadata
        | constants.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA * checkpoints_metadata
        | constants.DOMAIN_UNDEFINE_NVRAM * nvram
        | constants.DOMAIN_UNDEFINE_KEEP_NVRAM * keep_nvram
        | constants.DOMAIN_UNDEFINE_TPM * tpm
        | constants.DOMAIN_UNDEFINE_KEEP_TPM * keep_tpm
    )
    with failing(f"Failed to undefine domain '{domain}'"):
        _undefine(ctx.connection, ref, flags, left)
    yield Message(f"Domain '{domain}' has been undefined", domain=facts(ref))
    if volumes:
        from .volumes import remove

        yield from remove(ctx, volumes, wipe_storage, delete_storage_volume_snapshots)


class Remains:
    """What an undefined domain would leave behind; nothing of it counts for one that runs.

    `modern` says that the driver is known to understand all flags of virDomainUndefineFlags, and so refuses by itself
    to strand anything.
    """

    def __init__(self, connection: "Connection", ref: "DomainRef"):
        """Ask the driver.

        Raises VirtError.
        """
        active, saved, snapshots, metadata = connection.batch(
            [
                ("domain_is_active", (ref,)),
                ("domain_has_managed_save_image", (ref, 0)),
                ("domain_snapshot_num", (ref, 0)),
                ("domain_snapshot_num", (ref, constants.DOMAIN_SNAPSHOT_LIST_METADATA)),
            ]
        )
        if isinstance(active, VirtError):
            raise active
        self.running = bool(active)
        self.saved = 0 if self.running else _unless_unsupported(saved)
        count = 0 if self.running else _unless_unsupported(snapshots)
        self.modern = bool(count) and not isinstance(metadata, VirtError)
        self.snapshots: int = metadata if self.modern else count


def _unless_unsupported(answer: "int | VirtError") -> int:
    if not isinstance(answer, VirtError):
        return answer
    if answer.code != NO_SUPPORT:
        raise answer
    return 0


def _undefine(connection: "Connection", ref: "DomainRef", flags: int, left: Remains) -> None:
    """Undefine with one call where that loses nothing unasked, else piece by piece, as older drivers need it."""
    save = flags & constants.DOMAIN_UNDEFINE_MANAGED_SAVE
    metadata = flags & constants.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    nvram = flags & constants.DOMAIN_UNDEFINE_NVRAM
    if nvram or left.modern or ((save or not left.saved) and (metadata or not left.snapshots)):
        # An older driver would refuse flags that it does not know, so those without an object are left out.
        needless = (0 if left.saved else save) | (0 if left.snapshots else metadata)
        try:
            return connection.domain_undefine_flags(ref, flags & ~needless)
        except VirtError as error:
            if nvram or error.code not in (NO_SUPPORT, INVALID_ARG):
                raise
    if left.saved:
        if not save:
            raise CommandError("Refusing to undefine while domain managed save image exists")
        with failing(""):
            connection.domain_managed_save_remove(ref, 0)
    if left.snapshots:
        if metadata:
            raise CommandError(f"Unable to remove metadata of {left.snapshots} snapshots")
        raise CommandError(f"Refusing to undefine while {left.snapshots} snapshots exist")
    return connection.domain_undefine(ref)
