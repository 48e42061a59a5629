"""What people and programs note down in a definition: a description, a title, elements in namespaces of their own."""

from vsh.backends.errors import VirtError

from .declare import Argv, Data, Flag, Opt
from .editing import Edit
from .errors import CommandError, failing
from .results import Message, Notice, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .context import Context
    from .results import Result


EDIT = Flag("edit", "change it in an editor")
#: The options of commands for a description or title, and of those for an element, some of which exclude each other.
TEXT = (
    Flag("title", "the title, one short line, instead of the description"),
    EDIT,
    Argv("new-desc", "the new text; without it the present one is shown"),
)
ELEMENT = (
    EDIT,
    Opt("key", "the prefix of the namespace, for a new element"),
    Opt("set", "the new element, as XML"),
    Flag("remove", "take it away"),
)
ELEMENT_EXCLUSIVE = (("edit", "set"), ("remove", "set"), ("remove", "edit"))
URI = Data("uri", "the namespace of the element")


class Notes:
    """The notes on one object: `kind` is virsh's word for what it is, `facts` are its own for machines.

    `get(type, uri)` and `set(type, text, key, uri)` are the calls for them, of which both raise VirtError.
    """

    def __init__(
        self,
        ctx: "Context",
        kind: str,
        facts: "dict[str, Any]",
        get: "Callable[[int, str | None], str]",
        set: "Callable[[int, str | None, str | None, str | None], None]",
    ):
        self.ctx = ctx
        self.kind = kind
        self.facts = facts
        self.get = get
        self.set = set

    def text(
        self, what: str, type: int, old: "str | None", *, edit: bool = False, new_desc: "list[str] | None" = None
    ) -> "Result":
        """Show or change the title or the description, `what`: `old` is the present one, `new_desc` another's words.

        An edited text that is as `old` was is not stored.
        """

        def store(text: str) -> bool:
            with failing(f"Failed to set new {self.kind} {what}"):
                self.set(type, text, None, None)
            return True

        def accept(edited: str) -> bool:
            # Editors end the last line, and a title has no line end.
            edited = edited.removesuffix("\n") if what == "title" else edited
            return edited != old and store(edited)

        if not edit and new_desc is None:
            if not old:
                return Notice(f"No {what} for {self.kind}: {self.facts['name']}", data={what: None})
            return Text(old, data={what: old})
        text = old or "" if new_desc is None else " ".join(new_desc)
        changed = self.ctx.edit(text, accept) if edit else store(text)
        data = {self.kind: self.facts, "changed": bool(changed)}
        if not changed:
            return Message(f"{self.kind.capitalize()} {what} not changed", **data)
        return Notice(f"{self.kind.capitalize()} {what} updated successfully", data=data)

    def element(
        self,
        type: int,
        uri: str,
        *,
        edit: bool = False,
        key: "str | None" = None,
        set: "str | None" = None,
        remove: bool = False,
    ) -> "Result":
        """Show or change the element of the namespace `uri`: `set` is a new one, `key` its prefix."""
        if (set is not None or edit) and key is None:
            raise CommandError("namespace key is required when modifying metadata")

        def store(xml: "str | None", validate: bool = False) -> bool:
            self.set(type, xml, key, uri)
            return True

        def fetch() -> str:
            try:
                return self.get(type, uri)
            except VirtError:
                return "\n"

        data = {self.kind: self.facts, "uri": uri, "changed": True}
        if edit and not Edit(self.ctx, fetch, store).run():
            return Notice("Metadata not changed", data=data | {"changed": False})
        if set is not None or remove:
            store(set)
        if edit or set is not None or remove:
            return Message(f"Metadata {'removed' if remove else 'modified'}", **data)
        found = self.get(type, uri)
        return Text(f"{found}\n", data={"uri": uri, "xml": found})
