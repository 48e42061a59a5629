"""The domain that a command is about: virsh's ids, UUIDs and names."""

from vsh.backends.errors import VirtError

from ..declare import Data
from ..errors import CommandError
from ..named import facts as facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context
    from ..declare import Completer

    Call = tuple[str, tuple[Any, ...]]

#: Which domains completion offers (virConnectListAllDomainsFlags).
ACTIVE, INACTIVE, PERSISTENT, RUNNING, PAUSED = 1, 2, 4, 16, 32


def find_domain(ctx: "Context", text: str, by: "Sequence[str]" = ("id", "uuid", "name")) -> "DomainRef":
    """The domain `text` stands for: the best match in the order id, UUID, name, all asked for in one round trip.

    Raises CommandError when there is none.
    """
    if not text:
        raise CommandError("Failed to get option 'domain': Option argument is empty")
    return find_domains(ctx, [text], by)[0]


def find_domains(
    ctx: "Context", texts: "Sequence[str]", by: "Sequence[str]" = ("id", "uuid", "name")
) -> "list[DomainRef]":
    """The domains that several words stand for, in one round trip.

    Raises CommandError for the first that stands for none.
    """
    candidates = [_candidates(text, by) for text in texts]
    answers = iter(ctx.connection.batch([call for calls in candidates for call in calls]))
    found: list[DomainRef] = []
    for text, calls in zip(texts, candidates, strict=True):
        matches = [answer for answer in [next(answers) for _ in calls] if not isinstance(answer, VirtError)]
        if not matches:
            raise CommandError(f"failed to get domain '{text}'", hint="'list --all' shows the domains")
        found.append(matches[0])
    return found


def _candidates(text: str, by: "Sequence[str]") -> "list[Call]":
    from vsh.backends.xml.values import c_int, parse_uuid

    calls: list[Call] = []
    try:
        if "id" in by:
            calls.append(("domain_lookup_by_id", (c_int(text, low=0, high=2**31 - 1),)))
    except ValueError:
        pass
    try:
        if "uuid" in by and len(text) == 36:
            calls.append(("domain_lookup_by_uuid", (parse_uuid(text),)))
    except ValueError:
        pass
    if "name" in by:
        calls.append(("domain_lookup_by_name", (text,)))
    return calls


def find_named(ctx: "Context", text: str) -> "tuple[str, DomainRef]":
    """`text` itself and the domain it stands for, for commands that repeat the user's words.

    Raises CommandError.
    """
    return text, find_domain(ctx, text)


def find_startable(ctx: "Context", text: str) -> "DomainRef":
    """The domain with this UUID or name: one that can be started has no id.

    Raises CommandError.
    """
    return find_domain(ctx, text, ("uuid", "name"))


def domain_names(among: int = 0) -> "Completer":
    """For completion: what names the domains that match `among` (virConnectListAllDomainsFlags; 0 for all)."""

    def names(ctx: "Context", given: "dict[str, str]") -> "list[str]":
        return [ref.name for ref in ctx.connection.connect_list_all_domains(among)]

    return names


class Domain(Data):
    """The option `<domain>`; completion offers the domains that match `among`."""

    def __init__(
        self,
        among: int = 0,
        resolve: "Callable[[Context, str], Any] | None" = find_domain,
        help: str = "the domain's name, id or UUID",
    ):
        super().__init__("domain", help, empty=True, resolve=resolve, complete=domain_names(among))


DOMAIN = Domain()
