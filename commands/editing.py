"""Definitions in the user's editor: what `edit` and its kin share."""

from vsh.backends.errors import INVALID_ARG, VirtError

from .declare import Flag
from .errors import CommandError, Discarded, EditAgain
from .results import Message, Text
from .schema import explained

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any

    from .context import Context

#: An option of all commands that edit.
PRINT_DIFF = Flag("print-diff", "also show what was changed")
CHANGED = "The XML configuration was changed by another user."
ANSWERS = {
    "y": "yes, start editor again",
    "n": "no, throw away my changes",
    "i": "turn off validation and try to redefine again",
    "f": "force, try to redefine again",
}


class Edit:
    """One definition being edited.

    `fetch` reads it, `define(xml, validate)` stores it; `relaxes` says whether defining without validation differs.
    Both may raise VirtError. `always` stores even what was not changed. `diff` tells afterwards what the user changed.
    """

    def __init__(
        self,
        ctx: "Context",
        fetch: "Callable[[], str]",
        define: "Callable[[str, bool], Any]",
        relaxes: bool = False,
        always: bool = False,
    ):
        self.ctx = ctx
        self.fetch = fetch
        self.define = define
        self.relaxes = relaxes
        self.always = always
        self.validate = relaxes
        self.stored = self.edited = ""
        self.diff = ""

    def run(self) -> "Any":
        """Edit until the definition is stored; what `define` returned, None when nothing was changed.

        Raises CommandError and VirtError; what is stored is then as it was.
        """
        self.stored = self.fetch()
        return self.ctx.edit(self.stored, self._accept)

    def shown(self) -> Text:
        """The difference, for --print-diff."""
        return Text(self.diff, data={"diff": self.diff})

    def _accept(self, edited: str) -> "Any":
        if edited == self.stored and not self.always:
            return None
        self.edited = edited
        self.diff = difference(self.stored, edited)
        while True:
            stored, failure = self.fetch(), None
            if stored != self.stored:
                self.stored, said = stored, CHANGED
            else:
                try:
                    return self.define(edited, self.validate)
                except VirtError as error:
                    failure, said = error, "Failed."
            self._ask(said, failure)

    def _ask(self, said: str, failure: "VirtError | None") -> None:
        """Return when the user wants to try the same text again."""
        answers = {key: text for key, text in ANSWERS.items() if key != "i" or self.validate}
        if self.ctx.terminal and failure is not None:
            self.ctx.warn(failure.message, failure.hint or explained(failure, self.edited))
        match self.ctx.choose(f"{said} Try again?", answers):
            case "y":
                raise EditAgain
            case "n":
                raise Discarded
            case "i":
                self.validate = False
            case None:
                raise CommandError(said, failure)


def inactive(fetch: "Callable[[int], str]", flag: int) -> "Callable[[], str]":
    """Reads a definition with `flag`, which asks for the inactive one, or without where the driver does not know it."""

    def read() -> str:
        try:
            return fetch(flag)
        except VirtError as error:
            if error.code != INVALID_ARG:
                raise
            return fetch(0)

    return read


def difference(before: str, after: str) -> str:
    """What was changed, as a unified diff."""
    from difflib import unified_diff

    return "".join(unified_diff(before.splitlines(True), after.splitlines(True), "stored", "edited"))


def report(edit: Edit, print_diff: bool, what: str, changed: str = "", **facts: "Any") -> "Iterator[Text | Message]":
    """Run `edit` and tell what came of it, after the difference if that is wanted.

    `what` begins virsh's lines for it; `changed` is the whole line after a change, where virsh has another.
    """
    value = edit.run()
    if print_diff:
        yield edit.shown()
    told = f"{what} XML configuration {'not changed' if value is None else 'edited'}."
    yield Message(told if value is None else changed or told, **facts, changed=value is not None)


class updating:
    """What fails inside the block also fails, as virsh says at last, to update `name`."""

    def __init__(self, ctx: "Context", name: str):
        self.ctx = ctx
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", tb: "TracebackType | None"
    ) -> None:
        line = f"Failed to update {self.name}"
        if isinstance(error, VirtError):
            raise CommandError(line, error) from error
        if isinstance(error, CommandError):
            for said in (error.cause.message if error.cause else "", error.summary):
                if said:
                    self.ctx.warn(said)
            raise CommandError(line, hint=error.hint) from error
