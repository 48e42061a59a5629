"""Migration: the calls that move a domain between two connections.

The client leads the daemons through five steps (libvirt's migration protocol 3 with parameters,
https://libvirt.org/migration.html): begin on the source, prepare on the destination, perform on the source, finish on
the destination, confirm on the source. Each step hands a cookie to the next. With VIR_MIGRATE_PEER2PEER or a direct
migration there is one call, and the source does the rest.
"""

from . import errors
from .constants import domain as constants
from .params import STRING, TypedParams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .api import Connection
    from .records import DomainRef

#: What a driver may be able to do (libvirt's virDrvFeature).
P2P, DIRECT, CHANGE_PROTECTION, OFFLINE, PARAMETERS = 4, 5, 7, 12, 13
#: Parameters of the protocol itself (VIR_MIGRATE_PARAM_*).
URI, DEST_NAME, DEST_XML, BANDWIDTH = "migrate_uri", "destination_name", "destination_xml", "bandwidth"
#: Flags that the destination has nothing to do with.
SOURCE_ONLY = constants.MIGRATE_ABORT_ON_ERROR | constants.MIGRATE_AUTO_CONVERGE


def migrate(
    source: "Connection", domain: "DomainRef", destination: "Connection", params: TypedParams, flags: int = 0
) -> "DomainRef":
    """Move a domain to the host of another connection; its reference there (virDomainMigrate3).

    Whatever fails, the domain runs on where it was unless it runs on the destination. Raises VirtError.
    """
    if source.readonly or destination.readonly:
        raise errors.read_only("virDomainMigrate3")
    _check_flags(flags)
    if source.session.migration != destination.session.migration:
        raise _unsupported("domains cannot migrate between a libvirt daemon and QEMU without one")
    if flags & constants.MIGRATE_PEER2PEER:
        raise errors.VirtError(errors.INVALID_ARG, "use virDomainMigrateToURI3 for peer-to-peer migration")
    if flags & constants.MIGRATE_TUNNELLED:
        text = "cannot perform tunnelled migration without using peer2peer flag"
        raise errors.VirtError(errors.INVALID_ARG, text)
    if flags & constants.MIGRATE_OFFLINE:
        for connection, which in ((source, "source"), (destination, "destination")):
            if not _can(connection, OFFLINE):
                raise _unsupported(f"offline migration is not supported by the {which} host")
    protection = constants.MIGRATE_CHANGE_PROTECTION if _can(source, CHANGE_PROTECTION) else 0
    if flags & constants.MIGRATE_CHANGE_PROTECTION and not protection:
        raise _unsupported("cannot enforce change protection")
    if not (_can(source, PARAMETERS) and _can(destination, PARAMETERS)):
        if any(name not in (URI, DEST_NAME, DEST_XML, BANDWIDTH) for name in params):
            raise _unsupported(
                "Migration APIs with extensible parameters are not supported but extended parameters were passed"
            )
        raise _too_old("virDomainMigrate3")
    # The source alone enforces it, and an old destination might not know the flag.
    flags &= ~constants.MIGRATE_CHANGE_PROTECTION
    return _lead(source, domain, destination, params, flags, protection)


def migrate_to_uri(source: "Connection", domain: "DomainRef", uri: str, params: TypedParams, flags: int = 0) -> None:
    """Have the source move a domain by itself (virDomainMigrateToURI3).

    `uri` is that of the destination's daemon with VIR_MIGRATE_PEER2PEER, else one that the hypervisor understands.
    Raises VirtError.
    """
    if source.readonly:
        raise errors.read_only("virDomainMigrateToURI3")
    _check_flags(flags)
    if flags & constants.MIGRATE_TUNNELLED and flags & constants.MIGRATE_PARALLEL:
        raise _exclusive("TUNNELLED", "PARALLEL")
    if flags & constants.MIGRATE_OFFLINE and not _can(source, OFFLINE):
        raise _unsupported("offline migration is not supported by the source host")
    peer = bool(flags & constants.MIGRATE_PEER2PEER)
    if not _can(source, P2P if peer else DIRECT):
        raise _unsupported(f"{'p2p' if peer else 'direct'} migration is not supported by the source host")
    if peer:
        from .uri import Uri

        there = Uri(uri)
        # A socket of its own may well lead to another host.
        proxied = there.transport == "unix" and "socket" in there.params
        if not proxied and (not there.host or there.host.startswith("localhost")):
            raise errors.VirtError(errors.INVALID_ARG, "Attempt to migrate guest to the same host")
    if not _can(source, PARAMETERS):
        raise _too_old("virDomainMigrateToURI3")
    source.domain_migrate_perform3_params(domain, uri if peer else None, params, b"", flags)


def _lead(
    source: "Connection",
    domain: "DomainRef",
    destination: "Connection",
    params: TypedParams,
    flags: int,
    protection: int,
) -> "DomainRef":
    """The five steps. `protection` is the flag that keeps others from changing the domain meanwhile, or 0."""
    cookie, xml = source.domain_migrate_begin3_params(domain, params, flags | protection)
    # What broke after its switch to post-copy is paused here, and runs there.
    resume = flags & constants.MIGRATE_POSTCOPY_RESUME
    if not resume and source.domain_get_state(domain, 0).state == constants.DOMAIN_PAUSED:
        flags |= constants.MIGRATE_PAUSED
    there = flags & ~SOURCE_ONLY
    params = _with(params, DEST_XML, xml)
    try:
        cookie, uri = destination.domain_migrate_prepare3_params(params, cookie, there)
    except errors.VirtError:
        if protection:  # Beginning has started a job on the source, which only this ends.
            _confirm(source, domain, params, b"", 1, flags | protection)
        raise
    failure: errors.VirtError | None = None
    # Who could not perform has cleaned up already.
    unaware = True
    if uri is not None:
        params = _with(params, URI, uri)
    elif URI not in params:
        failure = errors.virt_error(errors.INTERNAL_ERROR, "domainMigratePrepare3 did not set uri")
    if failure is None and not flags & constants.MIGRATE_OFFLINE:
        try:
            cookie = source.domain_migrate_perform3_params(domain, None, params, cookie, flags | protection)
        except errors.VirtError as error:
            failure, cookie, unaware = error, b"", False
    elif failure is None:
        cookie = b""
    if not params.get(DEST_NAME):
        params = _with(params, DEST_NAME, domain.name)
    moved: DomainRef | None = None
    try:
        moved, cookie = destination.domain_migrate_finish3_params(params, cookie, int(failure is not None), there)
    except errors.VirtError as error:
        cookie = b""
        if failure is None or _tells_more(error, failure):
            failure = error
    if unaware:
        _confirm(source, domain, params, cookie, int(moved is None), flags | protection)
    if moved is None:
        assert failure is not None
        raise failure
    return moved


def _confirm(
    source: "Connection", domain: "DomainRef", params: TypedParams, cookie: bytes, cancelled: int, flags: int
) -> None:
    """Let the source give up the domain, or resume it if the migration was `cancelled`.

    If that fails the domain may stay paused there, and nothing can be done about it from here.
    """
    try:
        source.domain_migrate_confirm3_params(domain, params, cookie, cancelled, flags)
    except errors.VirtError:
        pass


def _tells_more(finishing: errors.VirtError, performing: errors.VirtError) -> bool:
    """Whether the destination knows better why the domain could not be moved: QEMU died there, say."""
    return (
        performing.domain == finishing.domain == errors.FROM_QEMU
        and performing.code == errors.OPERATION_FAILED
        and finishing.code != errors.MIGRATE_FINISH_OK
    )


def _with(params: TypedParams, name: str, value: str) -> TypedParams:
    """The parameters with the text `value` for `name`."""
    return TypedParams(item for item in params.items if item[0] != name).add(name, STRING, value)


def _can(connection: "Connection", feature: int) -> bool:
    try:
        return connection.connect_supports_feature(feature) > 0
    except errors.VirtError as error:
        if error.code != errors.NO_SUPPORT:
            raise
        return False


def _check_flags(flags: int) -> None:
    """Refuse flags that exclude or need each other, with the words of libvirt's public functions."""
    disk, increment = constants.MIGRATE_NON_SHARED_DISK, constants.MIGRATE_NON_SHARED_INC
    if flags & disk and flags & increment:
        raise _exclusive("NON_SHARED_DISK", "NON_SHARED_INC")
    if flags & constants.MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES and not flags & (disk | increment):
        needed, by = "VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_NON_SHARED_INC", "NON_SHARED_SYNCHRONOUS_WRITES"
        raise errors.VirtError(errors.INVALID_ARG, f"Flag '{needed}' is required by flag 'VIR_MIGRATE_{by}'")


def _exclusive(one: str, other: str) -> errors.VirtError:
    text = f"Flags 'VIR_MIGRATE_{one}' and 'VIR_MIGRATE_{other}' are mutually exclusive"
    return errors.VirtError(errors.INVALID_ARG, text)


def _too_old(api: str) -> errors.VirtError:
    hint = "it does not offer migration with parameters, as libvirt's drivers that migrate do since 1.1.0"
    return errors.virt_error(errors.NO_SUPPORT, api, hint=hint)


def _unsupported(text: str) -> errors.VirtError:
    return errors.virt_error(errors.ARGUMENT_UNSUPPORTED, text)
