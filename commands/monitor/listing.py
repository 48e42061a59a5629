"""`list`: which domains there are."""

from vsh.backends.constants import connect as flags
from vsh.backends.errors import INVALID_ARG, NO_DOMAIN_METADATA, NO_SUPPORT, VirtError

from ..declare import Flag, command
from ..domain.lookup import facts
from ..domain.states import SHUTOFF, snake, state_name
from ..errors import CommandError
from ..results import Table, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.api import Connection
    from vsh.backends.records import DomainRef

    from ..context import Context

#: virDomainMetadataType: the title.
TITLE = 1
FILTERS = {
    "persistent": flags.CONNECT_LIST_DOMAINS_PERSISTENT,
    "transient": flags.CONNECT_LIST_DOMAINS_TRANSIENT,
    "with_managed_save": flags.CONNECT_LIST_DOMAINS_MANAGEDSAVE,
    "without_managed_save": flags.CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE,
    "autostart": flags.CONNECT_LIST_DOMAINS_AUTOSTART,
    "no_autostart": flags.CONNECT_LIST_DOMAINS_NO_AUTOSTART,
    "with_snapshot": flags.CONNECT_LIST_DOMAINS_HAS_SNAPSHOT,
    "without_snapshot": flags.CONNECT_LIST_DOMAINS_NO_SNAPSHOT,
    "with_checkpoint": flags.CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
    "without_checkpoint": flags.CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
    "state_running": flags.CONNECT_LIST_DOMAINS_RUNNING,
    "state_paused": flags.CONNECT_LIST_DOMAINS_PAUSED,
    "state_shutoff": flags.CONNECT_LIST_DOMAINS_SHUTOFF,
    "state_other": flags.CONNECT_LIST_DOMAINS_OTHER,
}


@command(
    "list",
    group="monitor",
    options=[
        Flag("inactive", "domains that do not run, instead of those that do"),
        Flag("all", "domains that run and domains that do not"),
        Flag("transient", "only domains without a stored definition"),
        Flag("persistent", "only domains with a stored definition"),
        Flag("with-snapshot", "only domains that have snapshots"),
        Flag("without-snapshot", "only domains that have no snapshots"),
        Flag("with-checkpoint", "only domains that have checkpoints"),
        Flag("without-checkpoint", "only domains that have no checkpoints"),
        Flag("state-running", "only running domains"),
        Flag("state-paused", "only paused domains"),
        Flag("state-shutoff", "only domains that are shut off"),
        Flag("state-other", "only domains in any other state"),
        Flag("autostart", "only domains that start with the host"),
        Flag("no-autostart", "only domains that do not start with the host"),
        Flag("with-managed-save", "only domains that resume from a saved state when started"),
        Flag("without-managed-save", "only domains that boot when started"),
        Flag("uuid", "just the UUIDs"),
        Flag("name", "just the names"),
        Flag("id", "just the ids"),
        Flag("table", "a table; this is the default"),
        Flag("managed-save", "show domains with a saved state as 'saved'"),
        Flag("title", "show the titles"),
    ],
    exclusive=[("table", "name"), ("table", "uuid"), ("table", "id")],
)
def list_domains(
    ctx: "Context",
    inactive: bool = False,
    all: bool = False,
    uuid: bool = False,
    name: bool = False,
    id: bool = False,
    table: bool = False,
    managed_save: bool = False,
    title: bool = False,
    **filters: bool,
) -> "Table | Text":
    """List domains.

    Without options those that run. Filters of one kind add up, filters of different kinds all have to match.
    --uuid, --name and --id may be combined; their lines are meant for scripts and never change.
    """
    wanted = flags.CONNECT_LIST_DOMAINS_ACTIVE
    if inactive or "state_shutoff" in filters:
        wanted = flags.CONNECT_LIST_DOMAINS_INACTIVE
    if all:
        wanted = flags.CONNECT_LIST_DOMAINS_ACTIVE | flags.CONNECT_LIST_DOMAINS_INACTIVE
    for chosen in filters:
        wanted |= FILTERS[chosen]
    refs = sorted(_collect(ctx.connection, wanted), key=_order)
    if uuid or name or id:
        return _lines(refs, uuid, id, name)
    return _table(ctx.connection, refs, managed_save, title)


def _order(ref: "DomainRef") -> "tuple[bool, int, bytes]":
    """Active domains by id, then the others by name, upper and lower case alike."""
    if ref.id >= 0:
        return (False, ref.id, b"")
    return (True, 0, ref.name.encode("utf-8", "surrogateescape").lower())


def _collect(connection: "Connection", wanted: int) -> "list[DomainRef]":
    try:
        return connection.connect_list_all_domains(wanted)
    except VirtError as error:
        if error.code not in (NO_SUPPORT, INVALID_ARG):
            raise CommandError("Failed to list domains", error) from error
        from .filtering import collect

        return collect(connection, wanted, plain=error.code == NO_SUPPORT)


def _record(ref: "DomainRef") -> "dict[str, Any]":
    return {"id": None if ref.id < 0 else ref.id, **facts(ref)}


def _shown_id(ref: "DomainRef") -> str:
    return "-" if ref.id < 0 else str(ref.id)


def _lines(refs: "list[DomainRef]", uuid: bool, id: bool, name: bool) -> Text:
    lines, records = [], []
    for ref in refs:
        if ref.id < 0 and not (uuid or name):
            continue
        record = _record(ref)
        words = ((uuid, record["uuid"]), (id, _shown_id(ref)), (name, ref.name))
        lines.append(" ".join(word for asked, word in words if asked) + "\n")
        records.append(record)
    return Text("".join(lines), data=records)


def _table(connection: "Connection", refs: "list[DomainRef]", managed_save: bool, title: bool) -> Table:
    saveable = [ref for ref in refs if ref.id < 0] if managed_save else []
    titled = refs if title else []
    calls: list[tuple[str, tuple[Any, ...]]] = [("domain_get_state", (ref, 0)) for ref in refs]
    calls += [("domain_has_managed_save_image", (ref, 0)) for ref in saveable]
    calls += [("domain_get_metadata", (ref, TITLE, None, 0)) for ref in titled]
    answers = iter(connection.batch(calls))
    states = _states(connection, {ref: next(answers) for ref in refs})
    saved = {ref for ref in saveable if next(answers) in (1, True)}
    titles = _titles(connection, {ref: next(answers) for ref in titled})

    rows, records = [], []
    for ref in refs:
        if ref not in states:  # gone since it was listed
            continue
        state = state_name(states[ref])
        is_saved = ref in saved and states[ref] == SHUTOFF
        row = [_shown_id(ref), ref.name, "saved" if is_saved else state]
        record = _record(ref) | {"state": snake(state)}
        if managed_save:
            record["managed_save"] = is_saved
        if title:
            row.append(titles[ref])
            record["title"] = titles[ref]
        rows.append(row)
        records.append(record)
    return Table(["Id", "Name", "State", *(["Title"] if title else [])], rows, records)


def _states(connection: "Connection", answers: "dict[DomainRef, Any]") -> "dict[DomainRef, int]":
    """The states of the domains that still exist; drivers without virDomainGetState have virDomainGetInfo."""
    older = [ref for ref, answer in answers.items() if isinstance(answer, VirtError) and answer.code == NO_SUPPORT]
    if older:
        answers |= zip(older, connection.batch([("domain_get_info", (ref,)) for ref in older]), strict=True)
    return {ref: answer.state for ref, answer in answers.items() if not isinstance(answer, VirtError)}


def _titles(connection: "Connection", answers: "dict[DomainRef, Any]") -> "dict[DomainRef, str]":
    """The titles, "" where there is none; drivers without virDomainGetMetadata tell them in the XML."""
    older = [ref for ref, answer in answers.items() if isinstance(answer, VirtError) and answer.code == NO_SUPPORT]
    if older:
        from .filtering import titles_of_xml

        answers |= titles_of_xml(connection, older)
    for ref, answer in answers.items():
        if isinstance(answer, VirtError):
            if answer.code != NO_DOMAIN_METADATA:
                raise answer
            answers[ref] = ""
    return answers
