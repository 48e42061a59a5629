"""Read access to a parsed element; the only shape of XML the model sees."""

from __future__ import annotations

from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lxml.etree import _Element


class Node:
    """One element. Names are plain for elements without a namespace and `{uri}name` otherwise.

    What was asked for is remembered: `faults()` then names what nobody understood, or somebody doubted. `source` is the
    whole document, of its root.
    """

    __slots__ = ("_asked", "_children", "_doubts", "_many", "_tolerated", "element", "line", "source", "tag")

    def __init__(self, element: _Element) -> None:
        self.element = element
        self.tag = str(element.tag)
        self.line: int = getattr(element, "sourceline", None) or 0
        self.source = ""
        self._asked: set[str] = set()
        self._many: set[str] = set()  #: of those, elements that may stand more than once
        self._tolerated: set[str] = set()
        self._doubts: list[tuple[str, str, list[str]]] = []
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
        self._many.add(tag)
        return self._named(tag)

    def _named(self, tag: str) -> list[Node]:
        self._asked.add(tag)
        return self._by_name().get(tag, [])

    def find(self, path: str) -> Node | None:
        """The first element at `path`, "a/b" style; "" is this one."""
        node = self
        for tag in path.split("/") if path else ():
            found = node._named(tag)
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
        self._asked.update(("*", "@", "."))

    def accept_elements(self) -> None:
        """The same for the elements in here, but not for attributes and text."""
        self._asked.add("*")

    def tolerate(self, path: str) -> None:
        """What stands at `path`, "a/b" or "a/@b", is known, though it means nothing here."""
        name, _, rest = (path, "", "") if path.startswith("{") else path.partition("/")
        self._tolerated.add(name)
        if rest:
            for child in self._by_name().get(name, []):
                child.tolerate(rest)

    def doubt(self, what: str, attribute: str = "", expected: str = "") -> None:
        """`what` is no fault to the parser, but to libvirt's schema."""
        of = f" of attribute '{attribute}'" if attribute else ""
        self._doubts.append((f"{what}{of} in element '{self.tag}'", attribute, [expected] if expected else []))

    def faults(self) -> Iterator[tuple[Node, str, str, list[str]]]:
        """What nobody asked for, and what was doubted: the element, what is wrong, the attribute if it is one, and what
        could stand there.
        """
        for what, attribute, expected in self._doubts:
            yield self, what, attribute, expected
        for name in () if "@" in self._asked else map(str, self.element.attrib):
            if f"@{name}" not in self._asked | self._tolerated:
                known = sorted(asked[1:] for asked in self._asked if asked[0] == "@")
                yield self, f"unknown attribute '{name}' in element '{self.tag}'", name, known
        known = sorted(asked for asked in self._asked if asked[0] not in "@.*")
        if "." not in self._asked | self._tolerated and self._words():
            yield self, f"text in element '{self.tag}'", "", known
        for tag, children in () if "*" in self._asked else self._by_name().items():
            for place, child in enumerate(children):
                if tag not in self._asked and tag in self._tolerated:
                    if child._tolerated:
                        yield from child.faults()
                elif tag not in self._asked:
                    yield child, f"unknown element '{tag}' in element '{self.tag}'", "", known
                elif place and tag not in self._many:
                    yield child, f"another element '{tag}' in element '{self.tag}'", "", []
                else:
                    yield from child.faults()

    def _words(self) -> str:
        return "".join([self.element.text or "", *(child.tail or "" for child in self.element)]).strip()
