"""Picking nodes out of a document: what `virsh dumpxml --xpath` prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import deepcopy

from lxml import etree

from ..errors import FROM_XML, INTERNAL_ERROR, VirtError, virt_error
from .dump import dump, numbered
from .parse import read_tree

_FUNCTION = re.compile(r"([A-Za-z_][\w.-]*)\s*\(")
#: What may stand before a parenthesis in XPath 1.0 and is known.
_KNOWN = frozenset(
    {
        *("last", "position", "count", "id", "local-name", "namespace-uri", "name", "string", "concat", "starts-with"),
        *("contains", "substring-before", "substring-after", "substring", "string-length", "normalize-space", "not"),
        *("translate", "boolean", "true", "false", "lang", "number", "sum", "floor", "ceiling", "round", "comment"),
        *("text", "processing-instruction", "node", "and", "or", "mod", "div"),
    }
)


def select(text: str, xpath: str, wrap: bool = False, complain: Callable[[str], None] | None = None) -> str:
    """The nodes of the document `text` that `xpath` picks, one after the other, or all in one <nodes> element
    if `wrap`.

    Relative paths begin at the root element. An expression whose value is no set of nodes is an internal error,
    as in virsh. An expression that cannot be evaluated picks nothing: virsh only writes libxml2's lines to
    stderr and succeeds; `complain` gets these lines, and without it they are raised as a VirtError.
    """
    root = read_tree(text, "domain", FROM_XML)
    try:
        found = etree.XPath(xpath, regexp=False)(root)
    except etree.XPathError as error:
        lines = _complaint(xpath, error)
        if complain is None:
            raise VirtError(INTERNAL_ERROR, lines, domain=FROM_XML) from None
        complain(lines)
        found = []
    if not isinstance(found, list):
        raise virt_error(INTERNAL_ERROR, f"Incorrect xpath '{xpath}'", domain=FROM_XML)
    if xpath.strip() == "/":
        found = [root]
        if not wrap:
            return f'<?xml version="1.0" encoding="UTF-8"?>\n{_node(root)}\n\n'
    if wrap:
        return _wrapped(found)
    return "".join(_node(item) + "\n" for item in found)


def _complaint(xpath: str, error: etree.XPathError) -> str:
    """libxml2's lines: the message, and while it still reads the expression, the place."""
    lines = [f"XPath error : {error}"]
    if "Unregistered function" in lines[0]:
        unknown = next((name for name in _FUNCTION.findall(xpath) if name not in _KNOWN), "")
        lines.insert(0, f"xmlXPathCompOpEval: function {unknown} not found")
    elif isinstance(error, etree.XPathSyntaxError) and len(error.error_log):
        place = error.error_log[0].column
        if place < min(100, len(xpath.encode())):
            lines += [xpath, " " * place + "^"]
    return "\n".join(lines)


def _node(item: object) -> str:
    if isinstance(item, etree._Element):
        return dump(item)
    name = getattr(item, "attrname", None)
    escaped = str(item).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f' {name}="{numbered(escaped).replace(chr(34), "&quot;")}"' if name else escaped


def _wrapped(found: Sequence[object]) -> str:
    nodes = etree.Element("nodes")
    for item in found:
        name = getattr(item, "attrname", None)
        if isinstance(item, etree._Element):
            copy = deepcopy(item)
            copy.tail = None
            nodes.append(copy)
        elif name:
            if name in nodes.attrib:
                del nodes.attrib[name]
            nodes.set(name, str(item))
        elif len(nodes):
            nodes[-1].tail = (nodes[-1].tail or "") + str(item)
        else:
            nodes.text = (nodes.text or "") + str(item)
    return dump(nodes) + "\n"
