"""Reading XML safely: no document type, so no entities; no network; bounded size and depth; one error, as
libvirt words it.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from ..errors import FROM_DOMAIN, FROM_XML, XML_DETAIL, XML_ERROR, XML_INVALID_SCHEMA, VirtError, virt_error
from .node import Node

#: Documents of more characters, or of more tags, which take most of the memory, are refused unread.
LIMIT, TAGS = 128 << 20, 4 << 20
#: A broken line of no more characters is shown whole; of a longer one, WINDOW characters around the fault.
LINE = 65536
WINDOW = 1000


def parse(text: str, what: str, root: str) -> Node:
    """The root element of `text`, which must be called `root`.

    `what` is libvirt's name for the document in its complaints, "(domain_definition)".
    """
    tree = read_tree(text, what, FROM_DOMAIN)
    name = str(tree.tag).rpartition("}")[2]
    if name != root:
        detail = f"expecting root element of '{root}', not '{name}'"
        raise virt_error(XML_ERROR, detail, domain=FROM_XML)
    node = Node(tree)
    node.source = text
    return node


def read_tree(text: str, what: str, domain: int, blanks: bool = False) -> etree._Element:
    """The parsed document's root, blank text between elements removed unless `blanks`."""
    for count, what_of, most in ((len(text), "characters", LIMIT), (text.count("<"), "tags", TAGS)):
        if count > most:
            detail = f"the document has {count} {what_of}, more than the {most} allowed"
            raise virt_error(XML_ERROR, detail, domain=domain)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise virt_error(XML_ERROR, f"the document has a NUL character in line {line}", domain=domain)
    if _has_doctype(text):
        raise virt_error(XML_ERROR, "a document type (DOCTYPE) is not allowed in the document", domain=domain)
    data = text.encode("utf-8", "surrogatepass")
    parser = _parser(blanks)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        log: Any = parser.error_log  # a sequence, which the stubs do not know; the error's own has older entries too
        fatal = [entry for entry in log if entry.level == etree.ErrorLevels.FATAL]
        if not fatal and data:
            # Undeclared namespace prefixes and the like: libvirt reads on.
            return etree.fromstring(data, _parser(blanks, recover=True))
        message = fatal[0].message if fatal else "Document is empty"
        line, column = (fatal[0].line, fatal[0].column) if fatal else (1, 1)
        raise _syntax_error(data, what, message, line, column, domain) from None


def _parser(blanks: bool, recover: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_blank_text=not blanks,
        strip_cdata=False,  # metadata keeps its sections
    )


def _has_doctype(text: str) -> bool:
    """Whether a document type stands before the root element, where alone it is one."""
    at = 0
    while (at := text.find("<", at)) >= 0:
        if text.startswith("<!--", at):
            at = text.find("-->", at)
        elif text.startswith("<?", at):
            at = text.find("?>", at)
        else:
            return text.startswith("<!DOCTYPE", at)
        if at < 0:
            break
    return False


def _syntax_error(data: bytes, what: str, message: str, line: int, column: int, domain: int) -> VirtError:
    """libvirt's three lines: place and message, the offending line, a caret below the position."""
    at = max(0, column - 1)
    begin = 0
    for _ in range(line - 1):
        begin = data.find(b"\n", begin) + 1 or len(data)
    enough = begin + 4 * (at + LINE + 1)  # bytes of what is looked at
    end = data.find(b"\n", begin, enough)
    whole = data[begin : enough if end < 0 else end].decode("utf-8", "replace")
    start = whole.rfind("\r", 0, at) + 1  # which ends a line too, where only one is shown
    context, at = whole[start:].partition("\r")[0], at - start
    if not context:
        return virt_error(XML_DETAIL, f"{what}:{line}: {message}\n(null)\n^", domain=domain)
    if len(context) > LINE:
        cut = max(0, at - WINDOW // 2)
        context, at = context[cut : cut + WINDOW], at - cut
    before = context[:at].encode()  # the column counts characters, libvirt's dashes bytes
    pointer = "".join("\t" if byte == 0x09 else "-" for byte in before) + "^"
    return virt_error(XML_DETAIL, f"{what}:{line}: {message}\n{context}\n{pointer}", domain=domain)


def refuse_unknown(root: Node) -> None:
    """Refuse what the model did not ask for: `--validate`, which libvirt does with a schema."""
    for node, what, attribute, expected in root.faults():
        line, column = _position(root, node, attribute)
        where = f"line {line}, column {column}" if column else f"line {line}"
        hint = f"expected there: {', '.join(expected) or 'nothing'}"
        raise virt_error(XML_INVALID_SCHEMA, f"{what} at {where}", domain=FROM_XML, hint=hint)


def _position(root: Node, node: Node, attribute: str) -> tuple[int, int]:
    """Line and column where an element of the document begins, or its attribute; column 0 when it cannot be told."""
    from xml.parsers import expat

    data = root.source.encode("utf-8", "surrogatepass")
    wanted = next(n for n, element in enumerate(root.element.iter("*")) if element is node.element)
    parser = expat.ParserCreate("utf-8")
    begins: list[int] = []

    def started(name: str, attributes: dict[str, str]) -> None:
        if len(begins) <= wanted:
            begins.append(parser.CurrentByteIndex)

    parser.StartElementHandler = started
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        pass
    if len(begins) <= wanted:
        return node.line, 0
    at = begins[wanted]
    if attribute:
        name = re.escape(attribute.rpartition("}")[2].encode())
        found = re.compile(rb"[\s:](" + name + rb")\s*=").search(data, at)
        at = found.start(1) if found else at
    before = data[:at].decode("utf-8", "surrogatepass")
    return before.count("\n") + 1, len(before) - before.rfind("\n")
