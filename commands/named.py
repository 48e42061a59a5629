"""Objects that have a UUID and a name: networks, storage pools and their like."""

from vsh.backends.errors import INVALID_ARG, VirtError

from .declare import Data
from .errors import CommandError, failing
from .results import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from .context import Context
    from .declare import Completer


class Kind:
    """A kind of such objects: `word` names it and its option in virsh's lines, `call` begins its calls, `api` its
    public functions, `listing` is the call that lists it and `hint` the command that does."""

    def __init__(self, word: str, call: str, api: str, listing: str, hint: str):
        self.word = word
        self.call = call
        self.api = api
        self.listing = listing
        self.hint = hint

    def find(
        self, ctx: "Context", text: str, by: "Sequence[str]" = ("uuid", "name"), option: "str | None" = None
    ) -> "Any":
        """The object `text` stands for, first as a UUID, then as a name, both asked for in one round trip.

        `option` is where the text came from. Raises CommandError when there is none.
        """
        if not text:
            raise CommandError(f"Failed to get option '{option or self.word}': Option argument is empty")
        cause = None
        for answer in self._answers(ctx, text, by):
            if not isinstance(answer, VirtError):
                return answer
            cause = answer
        raise CommandError(f"failed to get {self.word} '{text}'", cause, hint=f"'{self.hint}' shows the {self.word}s")

    def _answers(self, ctx: "Context", text: str, by: "Sequence[str]") -> "Iterable[Any]":
        from vsh.backends.xml.values import parse_uuid

        calls: list[tuple[str, tuple[Any, ...]]] = []
        answers: list[Any] = []
        if "uuid" in by and len(text) == 36:
            try:
                calls.append((f"{self.call}_lookup_by_uuid", (parse_uuid(text),)))
            except ValueError:
                function = f"{self.api}LookupByUUIDString"
                answers.append(VirtError(INVALID_ARG, f"uuidstr in {function} must be a valid UUID"))
        if "name" in by:
            calls.append((f"{self.call}_lookup_by_name", (text,)))
        return answers + (ctx.connection.batch(calls) if calls else [])

    def change(self, ctx: "Context", text: str, verb: str, done: str, call: "Callable[[Any], object]") -> Message:
        """Do `call` with the object `text` stands for: `verb` says what may fail, `done` what was done, as virsh does.

        Raises CommandError.
        """
        ref = self.find(ctx, text)
        with failing(f"Failed to {verb} {self.word} {text}"):
            call(ref)
        return Message(f"{self.word.capitalize()} {text} {done}", **{self.word: facts(ref)})

    def autostart(self, ctx: "Context", text: str, disable: bool) -> Message:
        """Have the object `text` stands for start with the host, or not.

        Raises CommandError.
        """
        ref = self.find(ctx, text)
        mark = "unmark" if disable else "mark"
        with failing(f"failed to {mark} {self.word} {text} as autostarted"):
            getattr(ctx.connection, f"{self.call}_set_autostart")(ref, int(not disable))
        told = f"{self.word.capitalize()} {text} {mark}ed as autostarted"
        return Message(told, **{self.word: facts(ref)}, autostart=not disable)

    def names(self, among: int = 0) -> "Completer":
        """For completion: the names of those that match `among`, flags of the listing call; 0 for all."""

        def names(ctx: "Context", given: "dict[str, str]") -> "list[str]":
            return [ref.name for ref in getattr(ctx.connection, self.listing)(among)]

        return names

    def uuids(self, ctx: "Context", given: "dict[str, str]") -> "list[str]":
        """For completion: the UUIDs of all."""
        return [facts(ref)["uuid"] for ref in getattr(ctx.connection, self.listing)(0)]

    def option(self, among: int = 0, by: "Sequence[str]" = ("uuid", "name"), resolve: bool = True) -> Data:
        """The word that names one; the command gets its reference, or the text itself unless `resolve`."""
        find: Callable[[Context, str], Any] | None = (lambda ctx, text: self.find(ctx, text, by)) if resolve else None
        complete = self.names(among) if "name" in by else self.uuids
        what = f"the {self.word}'s " + " or ".join({"uuid": "UUID", "name": "name"}[way] for way in reversed(by))
        return Data(self.word, what, empty=True, resolve=find, complete=complete)


NETWORK = Kind("network", "network", "virNetwork", "connect_list_all_networks", "net-list --all")
POOL = Kind("pool", "storage_pool", "virStoragePool", "connect_list_all_storage_pools", "pool-list --all")


def facts(ref: "Any") -> "dict[str, str]":
    """An object for machines: its name and UUID."""
    from vsh.backends.common import uuid_text

    return {"name": ref.name, "uuid": uuid_text(ref.uuid)}


def by_name(ref: "Any") -> bytes:
    """What sorts references by name, upper and lower case alike."""
    name: str = ref.name
    return name.encode("utf-8", "surrogateescape").lower()
