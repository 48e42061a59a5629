"""Elements as libxml2 writes them when virsh hands on a part of a document: in double quotes, blank text kept."""

from __future__ import annotations

import re

from lxml import etree

_VALUE = re.compile(r'="[^"<]*"')


def dump(element: etree._Element) -> str:
    """`element`, without the namespaces that are declared around it, which lxml would repeat.

    An element in which no text stands is indented.
    """
    text = etree.tostring(element, encoding="unicode", pretty_print=True, with_tail=False).rstrip("\n")
    parent = element.getparent()
    head, end, rest = text.partition(">")
    for prefix, uri in (parent.nsmap if parent is not None else {}).items():
        declared = f"xmlns:{prefix}" if prefix else "xmlns"
        head = head.replace(f' {declared}="{uri}"', "", 1)
    return _VALUE.sub(lambda value: numbered(value[0]), head + end + rest)


def numbered(text: str) -> str:
    """`text` with what is not ASCII as character references, as in attributes of documents that name no encoding."""
    return text if text.isascii() else "".join(c if c.isascii() else f"&#x{ord(c):X};" for c in text)
