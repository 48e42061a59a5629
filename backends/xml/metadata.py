"""The metadata that applications keep in a domain: elements of namespaces of their own below <metadata>."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ..errors import FROM_DOMAIN, INTERNAL_ERROR, virt_error
from .parse import read_tree
from .verbatim import metadata_text


def _root(text: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True, strip_cdata=False)
    return etree.fromstring(text or "<metadata/>", parser)


def extract(text: str, uri: str) -> str | None:
    """The element of namespace `uri` in a <metadata> text, without that namespace; None when there is none."""
    mark = f"{{{uri}}}"
    for child in _root(text):
        if isinstance(child.tag, str) and child.tag.startswith(mark):
            for element in child.iter():
                if isinstance(element.tag, str) and element.tag.startswith(mark):
                    element.tag = element.tag[len(mark) :]
            child.tail = None
            holder = etree.Element("metadata")
            holder.append(child)
            etree.cleanup_namespaces(holder)
            return etree.tostring(child, pretty_print=True, encoding="unicode").rstrip("\n")
    return None


def replace(text: str, xml: str | None, key: str, uri: str) -> str:
    """A <metadata> text in which the element of namespace `uri` is `xml`, under the prefix `key`; gone for None.

    Raises INTERNAL_ERROR for a `key` that is no prefix, XML_DETAIL for broken XML.
    """

    root, mark = _root(text), f"{{{uri}}}"
    given = None
    if xml is not None:
        given = read_tree(xml, "(metadata_xml)", FROM_DOMAIN)
        if not key.isidentifier() and not key.replace("-", "_").replace(".", "_").isidentifier():
            raise virt_error(INTERNAL_ERROR, "failed to validate prefix for a new XML namespace")
    for child in list(root):
        if isinstance(child.tag, str) and child.tag.startswith(mark):
            root.remove(child)
    if given is not None:
        namespaces: Any = dict(given.nsmap) | {key: uri}
        _adopt(root, given, mark, namespaces)
    return metadata_text(root)


def _adopt(parent: etree._Element, element: etree._Element, mark: str, namespaces: Any) -> None:
    """Append a copy of `element` in which what had no namespace has the one of `mark`.

    A copy, because lxml invents prefixes when it renames elements.
    """
    if not isinstance(element.tag, str):
        return
    tag = element.tag if element.tag.startswith("{") else mark + element.tag
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    copy = etree.SubElement(parent, tag, attributes, nsmap=namespaces)
    copy.text, copy.tail = element.text, element.tail
    for child in element:
        _adopt(copy, child, mark, child.nsmap)
