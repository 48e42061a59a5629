"""Title, description and the metadata of applications."""

from .. import errors
from ..constants import domain as const
from .base import TestBase, call, fail
from .info import EITHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lxml.etree import _Element

    from ..records import DomainRef
    from ..xml.domain import Domain

#: VIR_DOMAIN_METADATA_* that are one text: type -> field of the model.
TEXTS = {const.DOMAIN_METADATA_DESCRIPTION: "description", const.DOMAIN_METADATA_TITLE: "title"}


class MetadataCalls(TestBase):
    """Title, description and the metadata of applications."""

    @call("testDomainGetMetadata", EITHER)
    def domain_get_metadata(self, dom: "DomainRef", type: int, uri: "str | None", flags: int = 0) -> str:
        guest = self._guest(dom)
        _check(type)
        model = guest.definition(flags).model
        found = getattr(model, TEXTS[type]) if type in TEXTS else extract(model.metadata, uri or "")
        if not found:
            raise fail(errors.NO_DOMAIN_METADATA, "Requested metadata element is not present", errors.FROM_DOMAIN)
        return str(found)

    @call("testDomainSetMetadata", EITHER)
    def domain_set_metadata(
        self, dom: "DomainRef", type: int, metadata: "str | None", key: "str | None", uri: "str | None", flags: int = 0
    ) -> None:
        guest = self._guest(dom)
        for definition in guest.definitions(flags):
            if definition is not None:
                _check(type)
                _set(definition.model, type, metadata, key or "", uri or "")
        self.driver.emit("domain_event_metadata_change", guest.ref, type, uri)


def _check(type: int) -> None:
    if not 0 <= type <= const.DOMAIN_METADATA_ELEMENT:
        raise fail(errors.INVALID_ARG, f"unknown metadata type '{type}'", errors.FROM_DOMAIN)


def _set(model: "Domain", type: int, metadata: "str | None", key: str, uri: str) -> None:
    if type in TEXTS:
        setattr(model, TEXTS[type], metadata or None)
    else:
        model.metadata = replace(model.metadata, metadata, key, uri)


def _root(text: str) -> "_Element":
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    return etree.fromstring(text or "<metadata/>", parser)


def extract(text: str, uri: str) -> "str | None":
    """The element of namespace `uri` in a <metadata> text, without that namespace; None when there is none."""
    from lxml import etree

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


def replace(text: str, xml: "str | None", key: str, uri: str) -> str:
    """A <metadata> text in which the element of namespace `uri` is `xml`, under the prefix `key`; gone for None.

    Raises INTERNAL_ERROR for a `key` that is no prefix, XML_DETAIL for broken XML.
    """

    from ..xml.parse import read_tree
    from ..xml.verbatim import metadata_text

    root, mark = _root(text), f"{{{uri}}}"
    given = None
    if xml is not None:
        given = read_tree(xml, "(metadata_xml)", errors.FROM_DOMAIN)
        if not key.isidentifier() and not key.replace("-", "_").replace(".", "_").isidentifier():
            raise fail(errors.INTERNAL_ERROR, "failed to validate prefix for a new XML namespace", errors.FROM_NONE)
    for child in list(root):
        if isinstance(child.tag, str) and child.tag.startswith(mark):
            root.remove(child)
    if given is not None:
        namespaces: Any = dict(given.nsmap) | {key: uri}
        _adopt(root, given, mark, namespaces)
    return metadata_text(root)


def _adopt(parent: "_Element", element: "_Element", mark: str, namespaces: "Any") -> None:
    """Append a copy of `element` in which what had no namespace has the one of `mark`.

    A copy, because lxml invents prefixes when it renames elements.
    """
    from lxml import etree

    if not isinstance(element.tag, str):
        return
    tag = element.tag if element.tag.startswith("{") else mark + element.tag
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    copy = etree.SubElement(parent, tag, attributes, nsmap=namespaces)
    copy.text, copy.tail = element.text, element.tail
    for child in element:
        _adopt(copy, child, mark, child.nsmap)
