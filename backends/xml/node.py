"""Read access to a parsed element; the only shape of XML the model sees."""

from __future__ import annotations

from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lxml.etree import _Element


class Node:
    """One element. Names are plain for elements without a namespace and `{uri}name` otherwise.

    What was asked for is remembered: `unasked()` then names what nobody understood.
    """

    __slots__ = ("_asked", "_children", "element", "line", "tag")

    def __init__(self, element: _Element) -> None:
        self.element = element
        self.tag = str(element.tag)
        self.line: int = getattr(element, "sourceline", None) or 0
        self._asked: set[str] = set()
        self._children: dict[str, list[Node]] | None = None

    def _by_name(self) -> dict[str, list[Node]]:
        if self._children is None:
            self._children = {}
            for element in self.element:
                if isinstance(element.tag, str):  # not a comment or processing instruction
                    self._children.setdefault(element.tag, []).append(Node(element))
        return self._children

    def get(self, name: str) -> str | None:
        """An attribute's value."""
        self._asked.add("@" + name)
        return self.element.get(name)

    def findall(self, tag: str) -> list[Node]:
        self._asked.add(tag)
        return self._by_name().get(tag, [])

    def find(self, path: str) -> Node | None:
        """The first element at `path`, "a/b" style; "" is this one."""
        node = self
        for tag in path.split("/") if path else ():
            found = node.findall(tag)
            if not found:
                return None
            node = found[0]
        return node

    def elements(self) -> list[Node]:
        """All child elements in document order, whatever they are called; the caller judges their names."""
        self._asked.update(self._by_name())
        order = {id(element): position for position, element in enumerate(self.element)}
        return sorted((n for group in self._by_name().values() for n in group), key=lambda n: order[id(n.element)])

    def text(self) -> str:
        """The text in this element, with that of the elements below it."""
        self._asked.add(".")
        if len(self.element) == 0:
            return self.element.text or ""
        return str(self.element.xpath("string()"))

    def join(self, tags: tuple[str, ...]) -> None:
        """Read repeated children of these names as one, as XPath sees them; call it before anything is asked for."""
        for tag in tags:
            found = self.element.findall(tag)
            for other in found[1:]:
                first = found[0]
                first.attrib.update({name: value for name, value in other.attrib.items() if name not in first.attrib})
                first.extend(other)
                self.element.remove(other)

    def accept(self) -> None:
        """Everything below is understood or deliberately kept as it is."""
        self._asked.add("*")

    def unasked(self) -> Iterator[tuple[Node, str, list[str]]]:
        """(element, name of an attribute as "@name", or of a child element, names that could stand there) of everything
        nobody asked for."""
        if "*" in self._asked:
            return
        for name in map(str, self.element.attrib):
            if f"@{name}" not in self._asked:
                yield self, f"@{name}", sorted(asked for asked in self._asked if asked[0] == "@")
        for tag, children in self._by_name().items():
            for child in children:
                if tag not in self._asked:
                    yield child, tag, sorted(asked for asked in self._asked if asked[0] not in "@.*")
                else:
                    yield from child.unasked()
