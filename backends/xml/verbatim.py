"""Elements that are kept as they came: metadata, and other namespaces below <domain>."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from .engine import Context, Field, Model, View
from .node import Node
from .serialize import Out

if TYPE_CHECKING:
    from lxml.etree import _Element


#: Namespaces of libvirt's drivers begin so; what is in that of another driver is no fault.
DRIVERS = "http://libvirt.org/schemas/domain/"


class Metadata(Field[str]):
    """<metadata>, as text with libvirt's indentation one level deep; "" where there is none.

    Each child must have a namespace, and of those with the same only the first is kept.
    """

    def read(self, model: Model, node: Node, context: Context) -> None:
        found = node.find(self.path)
        if found is not None:
            found.accept_elements()
            model.__dict__[self.name] = metadata_text(found.element)

    def emit(self, model: Model, out: Out, view: View) -> None:
        text = getattr(model, self.name)
        if text:
            out.raw(text)


def metadata_text(element: _Element) -> str:
    from lxml import etree

    copy = deepcopy(element)
    copy.tail = copy.text = None  # there is no text among what applications keep
    seen: set[str] = set()
    for child in list(copy):
        # A prefix that was not declared stands in the tag as it is.
        uri = child.tag[1:].partition("}")[0] if isinstance(child.tag, str) and child.tag.startswith("{") else ""
        if not uri or uri in seen:
            copy.remove(child)
        else:
            seen.add(uri)
            child.tail = None
    holder = etree.Element("domain")
    holder.append(copy)
    lines = etree.tostring(holder, pretty_print=True, encoding="unicode").split("\n")
    return "\n".join(lines[1:-2]) + "\n"


class Namespace(Field[tuple[str, ...]]):
    """(prefix, URI) of the namespace that `Foreign` found in use."""

    def read(self, model: Model, node: Node, context: Context) -> None:
        pass

    def emit(self, model: Model, out: Out, view: View) -> None:
        if getattr(model, self.name):
            prefix, uri = getattr(model, self.name)
            out.set(f"xmlns:{prefix}", uri)


class Foreign(Field[str]):
    """What stands in the driver's own namespace below <domain>, if the driver keeps it, written as libvirt
    writes it.
    """

    def read(self, model: Model, node: Node, context: Context) -> None:
        for child in node.element:
            if isinstance(child.tag, str) and child.tag.startswith(f"{{{DRIVERS}"):
                node.tolerate(child.tag)
        namespace = context.config.namespace
        if namespace is None:
            return
        prefix, uri = namespace
        found = [child for child in node.element if isinstance(child.tag, str) and child.tag.startswith(f"{{{uri}}}")]
        for child in found:
            for wrapped in node.findall(str(child.tag)):
                wrapped.accept()
        if found and context.config.keep_namespace:
            text = "".join(_reshape(child, prefix, uri).render(1) for child in found)
            model.__dict__[self.name] = text
            model.__dict__["namespace"] = namespace

    def emit(self, model: Model, out: Out, view: View) -> None:
        text = getattr(model, self.name)
        if text:
            out.raw(text)


def _reshape(element: _Element, prefix: str, uri: str) -> Out:
    out = Out(str(element.tag).replace(f"{{{uri}}}", f"{prefix}:"))
    for name, value in element.attrib.items():
        out.set(str(name), str(value))
    for child in element:
        if isinstance(child.tag, str):
            out.children.append(_reshape(child, prefix, uri))
    if len(element) == 0:
        out.text = element.text or None
    return out
