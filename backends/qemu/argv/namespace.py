"""What stands in QEMU's own namespace of a domain: arguments and environment, changed properties, deprecations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, XML_ERROR
from ..base import fail

if TYPE_CHECKING:
    from lxml.etree import _Element

    from ...xml.domain import Domain
    from .command import Props

URI = "http://libvirt.org/schemas/domain/qemu/1.0"
#: what QEMU does with what is deprecated -> output, input
_DEPRECATED = {"none": None, "omit": ("hide", None), "reject": ("hide", "reject"), "crash": ("hide", "crash")}


class Namespace:
    """`arguments`, `environment`; `overrides`: alias -> properties, None for one that goes; `compat` for -compat."""

    def __init__(self, domain: Domain):
        self.arguments: list[str] = []
        self.environment: dict[str, str] = {}
        self.overrides: dict[str, Props] = {}
        self.compat: Props = {}
        if domain.foreign:
            from lxml import etree

            self._read(etree.fromstring(f"<domain xmlns:qemu='{URI}'>{domain.foreign}</domain>"))

    def _read(self, root: _Element) -> None:
        self.arguments = [node.get("value") or "" for node in _all(root, "arg")]
        self.environment = {node.get("name") or "": node.get("value") or "" for node in _all(root, "env")}
        for node in _all(root, "device"):
            changed = self.overrides.setdefault(node.get("alias") or "", {})
            for told in _all(node, "property"):
                name = told.get("name") or ""
                changed[name] = _value(told.get("type") or "", told.get("value"))
        for node in _all(root, "deprecation"):
            told_ = _DEPRECATED.get(node.get("behavior") or "")
            if told_ is not None:
                self.compat = {"deprecated-output": told_[0], "deprecated-input": told_[1]}
        for node in _all(root, "capabilities"):
            if len(node):
                what = "<qemu:capabilities>: QEMU itself is asked what it can do"
                raise fail(CONFIG_UNSUPPORTED, what)


def _all(root: _Element, name: str) -> list[_Element]:
    return list(root.iter(f"{{{URI}}}{name}"))


def _value(kind: str, text: str | None) -> str | int | bool | None:
    """A property's value as JSON has it. Raises VirtError."""
    if kind == "remove":
        if text is not None:
            what = "setting 'value' attribute of 'qemu:property' doesn't make sense with 'remove' type"
            raise fail(XML_ERROR, what)
        return None
    text = text or ""
    if kind == "string":
        return text
    try:
        if kind in ("signed", "unsigned"):
            number = int(text)
            if kind == "signed" or number >= 0:
                return number
        elif kind == "bool":
            return {"true": True, "false": False}[text]
    except (ValueError, KeyError):
        pass
    raise fail(XML_ERROR, f"invalid value '{text}' of 'value' attribute of 'qemu:property'")
