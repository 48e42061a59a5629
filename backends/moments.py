"""Trees of snapshots or checkpoints, as libvirt's virDomainMomentObjList keeps them."""

from . import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: VIR_DOMAIN_{SNAPSHOT,CHECKPOINT}_LIST_ROOTS or _DESCENDANTS, which are one bit; leaves, and what is none.
DEEP, LEAVES, NO_LEAVES = 1, 4, 8


def _fail(code: int, detail: str) -> errors.VirtError:
    return errors.virt_error(code, detail, domain=errors.FROM_DOMAIN)


class Moment:
    """One of them: `model` is its XML model, `children` are newest first, `parent` is None for a root."""

    def __init__(self, model: "Any"):
        self.model = model
        self.parent: Moment | None = None
        self.children: list[Moment] = []

    @property
    def name(self) -> str:
        return str(self.model.name)

    def descendants(self) -> "Iterator[Moment]":
        """All below, parents before children."""
        for child in self.children:
            yield child
            yield from child.descendants()


class Moments(dict[str, Moment]):
    """All of one domain, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.roots: list[Moment] = []
        self.current: Moment | None = None

    def siblings(self, moment: Moment) -> list[Moment]:
        """The list a moment stands in."""
        return moment.parent.children if moment.parent else self.roots

    def assign(self, model: "Any") -> Moment:
        """A new moment, not yet linked to its parent; raises OPERATION_FAILED when there is one of its name."""
        if model.name in self:
            raise _fail(errors.OPERATION_FAILED, f"domain moment {model.name} already exists")
        moment = self[model.name] = Moment(model)
        return moment

    def link(self, moment: Moment) -> None:
        """Let a moment be the first child of the parent its model names."""
        moment.parent = self.get(moment.model.parent or "")
        self.siblings(moment).insert(0, moment)

    def unlink(self, moment: Moment) -> None:
        """Take a moment from its parent, and leave it its children."""
        self.siblings(moment).remove(moment)
        moment.parent = None

    def refuse_cycle(self, model: "Any") -> None:
        """Refuse a parent that is not there or that descends from the moment; raises INVALID_ARG."""
        if not model.parent:
            return
        detail = ""
        if model.parent == model.name:
            detail = f"cannot set moment {model.name} as its own parent"
        elif model.parent not in self:
            detail = f"parent {model.parent} for moment {model.name} not found"
        above = self.get(model.parent)
        while above and not detail:
            if above.model.parent == model.name:
                detail = f"parent {above.name} would create cycle to {model.name}"
            above = self.get(above.model.parent or "")
        if detail:
            raise _fail(errors.INVALID_ARG, detail)

    def listed(self, start: "Moment | None", flags: int) -> list[Moment]:
        """The children of `start`, or everything below it with DEEP; without `start`, everything, or roots with DEEP.

        LEAVES leaves out what has children, NO_LEAVES what has none. Parents stand before children.
        """
        if start:
            found = list(start.descendants() if flags & DEEP else start.children)
        elif flags & DEEP:
            found = list(self.roots)
        else:
            found = [moment for root in self.roots for moment in (root, *root.descendants())]
        return [
            moment
            for moment in found
            if not (flags & LEAVES and moment.children) and not (flags & NO_LEAVES and not moment.children)
        ]

    def drop(self, moment: Moment, below: bool, itself: bool) -> None:
        """Remove what is `below` a moment (else give it to its parent), and the moment `itself`.

        What was current passes on to the moment, or to its parent.
        """
        if below:
            for gone in list(moment.descendants()):
                if gone is self.current:
                    self.current = moment
                del self[gone.name]
            moment.children.clear()
        elif moment.children:
            for child in moment.children:
                child.model.parent, child.parent = moment.parent and moment.parent.name, moment.parent
            self.siblings(moment)[:0] = moment.children
            moment.children = []
        if itself:
            self.unlink(moment)
            if moment is self.current:
                self.current = self.get(moment.model.parent or "")
            del self[moment.name]
