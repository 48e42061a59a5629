"""What people and programs note down in a definition: a description, a title, elements in namespaces of their own."""

from vsh.backends.errors import VirtError

from .editing import Edit
from .errors import CommandError, failing
from .results import Message, Notice, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .context import Context
    from .results import Result


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

    def text(self, what: str, type: int, old: "str | None", new: "list[str] | None", edit: bool) -> "Result":
        """Show or change the title or the description, `what`: `old` is the present one, `new` the words of another.

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

        if not edit and new is None:
            if not old:
                return Notice(f"No {what} for {self.kind}: {self.facts['name']}", data={what: None})
            return Text(old, data={what: old})
        text = old or "" if new is None else " ".join(new)
        changed = self.ctx.edit(text, accept) if edit else store(text)
        data = {self.kind: self.facts, "changed": bool(changed)}
        if not changed:
            return Message(f"{self.kind.capitalize()} {what} not changed", **data)
        return Notice(f"{self.kind.capitalize()} {what} updated successfully", data=data)

    def element(
        self, type: int, uri: str, key: "str | None", xml: "str | None", remove: bool, edit: bool
    ) -> "Result":
        """Show or change the element of the namespace `uri`: `xml` is a new one, `key` its prefix."""
        if (xml is not None or edit) and key is None:
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
        if xml is not None or remove:
            store(xml)
        if edit or xml is not None or remove:
            return Message(f"Metadata {'removed' if remove else 'modified'}", **data)
        found = self.get(type, uri)
        return Text(f"{found}\n", data={"uri": uri, "xml": found})
