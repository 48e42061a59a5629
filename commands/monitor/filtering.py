"""`list` on drivers without virConnectListAllDomains, its filters or virDomainGetMetadata: what it does instead."""

from vsh.backends.constants import connect as flags
from vsh.backends.errors import FROM_DOMAIN, VirtError

from ..errors import CommandError, failing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from vsh.backends.api import Connection
    from vsh.backends.records import DomainRef

BOTH = flags.CONNECT_LIST_DOMAINS_ACTIVE | flags.CONNECT_LIST_DOMAINS_INACTIVE


def _either(yes: int, no: int) -> "tuple[int, Callable[[Any], int]]":
    return yes | no, lambda answer: yes if answer else no


def _state(answer: "Any") -> int:
    known = {
        1: flags.CONNECT_LIST_DOMAINS_RUNNING,
        3: flags.CONNECT_LIST_DOMAINS_PAUSED,
        5: flags.CONNECT_LIST_DOMAINS_SHUTOFF,
    }
    return known.get(answer.state, flags.CONNECT_LIST_DOMAINS_OTHER)


STATES = (
    flags.CONNECT_LIST_DOMAINS_RUNNING
    | flags.CONNECT_LIST_DOMAINS_PAUSED
    | flags.CONNECT_LIST_DOMAINS_SHUTOFF
    | flags.CONNECT_LIST_DOMAINS_OTHER
)
#: Kinds of filters: their flags, which of them an answer stands for, the call that answers, virsh's line on failure.
KINDS = (
    (
        *_either(flags.CONNECT_LIST_DOMAINS_PERSISTENT, flags.CONNECT_LIST_DOMAINS_TRANSIENT),
        ("domain_is_persistent",),
        "Failed to get domain persistence info",
    ),
    (STATES, _state, ("domain_get_state", 0), "Failed to get domain state"),
    (
        *_either(flags.CONNECT_LIST_DOMAINS_AUTOSTART, flags.CONNECT_LIST_DOMAINS_NO_AUTOSTART),
        ("domain_get_autostart",),
        "Failed to get domain autostart state",
    ),
    (
        *_either(flags.CONNECT_LIST_DOMAINS_MANAGEDSAVE, flags.CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE),
        ("domain_has_managed_save_image", 0),
        "Failed to check for managed save image",
    ),
    (
        *_either(flags.CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, flags.CONNECT_LIST_DOMAINS_NO_SNAPSHOT),
        ("domain_snapshot_num", 0),
        "Failed to get snapshot count",
    ),
    (
        *_either(flags.CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, flags.CONNECT_LIST_DOMAINS_NO_CHECKPOINT),
        ("domain_list_all_checkpoints", 0),
        "Failed to get checkpoint count",
    ),
)


def collect(connection: "Connection", wanted: int, plain: bool) -> "list[DomainRef]":
    """The domains that match `wanted`.

    With `plain` the driver knows only ids and names, else only flags that all drivers have. Raises CommandError.
    """
    if plain:
        found = _by_lookup(connection, wanted)
    else:
        with failing("Failed to list domains"):
            found = connection.connect_list_all_domains(wanted & BOTH)
    for flags_of_kind, flag_of, (call, *rest), line in KINDS:
        if not wanted & flags_of_kind:
            continue
        answers = connection.batch([(call, (ref, *rest)) for ref in found])
        for answer in answers:
            if isinstance(answer, VirtError):
                raise CommandError(line, answer)
        found = [ref for ref, answer in zip(found, answers, strict=True) if wanted & flag_of(answer)]
    return found


def _by_lookup(connection: "Connection", wanted: int) -> "list[DomainRef]":
    calls: list[tuple[str, tuple[Any, ...]]] = []
    if wanted & flags.CONNECT_LIST_DOMAINS_ACTIVE:
        with failing("Failed to list active domains"):
            calls += [("domain_lookup_by_id", (id,)) for id in connection.connect_list_domains()]
    if wanted & flags.CONNECT_LIST_DOMAINS_INACTIVE:
        with failing("Failed to list inactive domains"):
            calls += [("domain_lookup_by_name", (name,)) for name in connection.connect_list_defined_domains()]
    return [answer for answer in connection.batch(calls) if not isinstance(answer, VirtError)]


def titles_of_xml(connection: "Connection", refs: "Iterable[DomainRef]") -> "dict[DomainRef, Any]":
    """The titles of domains as their XML tells them; a VirtError where there is no XML."""
    from vsh.backends.xml.parse import read_tree

    titles: dict[DomainRef, Any] = {}
    refs = list(refs)
    for ref, xml in zip(refs, connection.batch([("domain_get_xml_desc", (ref, 0)) for ref in refs]), strict=True):
        if isinstance(xml, VirtError):
            raise CommandError("Failed to get domain description xml", xml)
        titles[ref] = read_tree(xml, "(domain_definition)", FROM_DOMAIN).findtext("title") or ""
    return titles
