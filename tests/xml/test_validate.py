"""`define --validate`: what the model does not know is refused, with its name and line."""

from __future__ import annotations

import pytest

from vsh.backends import errors
from vsh.backends.errors import VirtError
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.domain import Domain

HEAD = "<domain type='test'>\n<name>x</name><memory>1024</memory><os><type>hvm</type></os>"


@pytest.mark.parametrize(
    ("body", "unknown"),
    [
        ("\n<bogus/>", "unknown element 'bogus' in element 'domain' at line 3"),
        ("<os2><x/></os2>", "unknown element 'os2' in element 'domain' at line 2"),
        ("<vcpu current='1' x='y'>2</vcpu>", "unknown attribute 'x' in element 'vcpu' at line 2"),
        (
            "<devices>\n\n<disk foo='1'><source file='/a'/><target dev='vda'/></disk></devices>",
            "unknown attribute 'foo' in element 'disk' at line 4",
        ),
        (
            "<devices><disk><source file='/a'/><target dev='vda'/><serial2/></disk></devices>",
            "unknown element 'serial2' in element 'disk' at line 2",
        ),
        ("<x:y xmlns:x='urn:x'/>", "unknown element '{urn:x}y' in element 'domain' at line 2"),
    ],
)
def test_unknown(body: str, unknown: str) -> None:
    text = f"{HEAD}{body}</domain>"
    with pytest.raises(VirtError) as caught:
        Domain.parse(text, TestConfig(), validate=True)
    assert caught.value.code == errors.XML_INVALID_SCHEMA
    assert str(caught.value) == f"XML document failed to validate against schema: {unknown}"
    Domain.parse(text, TestConfig())


@pytest.mark.parametrize(
    "body",
    [
        "<metadata><x:y xmlns:x='urn:x'><z a='b'/></x:y></metadata>",
        "<!-- comment --><?instruction?>",
        "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>1</test:runstate>",
    ],
)
def test_known(body: str) -> None:
    Domain.parse(f"{HEAD}{body}</domain>", TestConfig(), validate=True)
