"""Writing XML as libvirt prints it: two spaces a level, single quotes, an empty element as `<tag/>`."""

from __future__ import annotations

_ESCAPES = {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;", ord('"'): "&quot;", ord("'"): "&apos;"}
# What cannot stand in XML 1.0; libvirt drops these characters as well.
_ESCAPES.update({code: "" for code in range(0x20) if code not in (0x09, 0x0A, 0x0D)})


def escape(text: str) -> str:
    """`text` as libvirt writes it into attributes and elements: both quotes are escaped everywhere."""
    return text.translate(_ESCAPES)


class Out:
    """An element being written.

    `at()` hands out children that join their parent only when something is written into them, so an element
    without content does not appear, and the order of elements is the order of first writes.
    """

    __slots__ = ("_parent", "_slots", "attributes", "children", "joined", "spread", "tag", "text")

    def __init__(self, tag: str, parent: Out | None = None) -> None:
        self.tag = tag
        self.text: str | None = None
        self.attributes: dict[str, str] = {}
        self.children: list[Out | str] = []
        self.spread = False  #: print an opening and a closing line even without children
        self.joined = parent is None
        self._parent = parent
        self._slots: dict[str, Out] = {}

    def at(self, path: str) -> Out:
        """The one descendant at `path` ("a/b"; "" is this element), made on the first call."""
        out = self
        for tag in path.split("/") if path else ():
            if tag not in out._slots:
                out._slots[tag] = Out(tag, out)
            out = out._slots[tag]
        return out

    def add(self, tag: str) -> Out:
        """One more child, present even when nothing is written into it."""
        return Out(tag, self).join()

    def join(self) -> Out:
        """Take this element's place among its siblings now."""
        if not self.joined and self._parent is not None:
            self.joined = True
            self._parent.join().children.append(self)
        return self

    def set(self, name: str, value: str) -> None:
        self.join().attributes[name] = value

    def write(self, text: str) -> None:
        self.join().text = text

    def raw(self, xml: str) -> None:
        """Put `xml`, which is already indented and escaped, among the children."""
        self.join().children.append(xml)

    def deepen(self) -> None:
        """Indent what was put in by `raw` one level more, for a document that became an element of another."""
        for position, child in enumerate(self.children):
            if isinstance(child, str):
                lines = child.splitlines(keepends=True)
                self.children[position] = "".join(f"  {line}" for line in lines)
            else:
                child.deepen()

    def render(self, depth: int = 0) -> str:
        """This element and all below it, each line ending in a newline."""
        lines: list[str] = []
        self._render(lines, "  " * depth)
        return "".join(lines)

    def _render(self, lines: list[str], indent: str) -> None:
        head = f"{indent}<{self.tag}" + "".join(f" {name}='{escape(value)}'" for name, value in self.attributes.items())
        if self.children or self.spread:
            lines.append(head + ">\n")
            for child in self.children:
                if isinstance(child, str):
                    lines.append(child)
                else:
                    child._render(lines, indent + "  ")
            lines.append(f"{indent}</{self.tag}>\n")
        elif self.text is not None:
            lines.append(f"{head}>{escape(self.text)}</{self.tag}>\n")
        else:
            lines.append(head + "/>\n")
