"""Names that descend from one another, drawn as a tree."""

from .results import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


class Tree(Result):
    """Pairs of a name and its parent's, None for a root, in the order in which siblings are drawn.

    What names a parent that is not among them is not drawn.
    """

    def __init__(self, nodes: "Sequence[tuple[str, str | None]]"):
        self.nodes = nodes

    def data(self) -> "Any":
        return [{"name": name, "parent": parent} for name, parent in self.nodes]

    def plain(self, quiet: bool) -> str:
        children: dict[str | None, list[str]] = {}
        for name, parent in self.nodes:
            children.setdefault(parent, []).append(name)
        return "".join(f"{line}\n" for root in children.get(None, ()) for line in _draw(root, children))


def _draw(root: str, children: "dict[str | None, list[str]]") -> "Iterator[str]":
    """A line for each name below `root`, one before children, and one after a last child that has none.

    A stack and no recursion: a chain of snapshots can be long.
    """
    waiting = [(root, "", "", True)]
    while waiting:
        name, indent, branch, last = waiting.pop()
        yield f"{indent}{branch}{name}"
        if branch:
            indent += "  " if last else "| "
        below = children.get(name, [])
        if below:
            yield f"{indent}  |"
        elif last:
            yield indent
        waiting += [(child, f"{indent}  ", "+- ", child is below[-1]) for child in reversed(below)]
