"""Every document of the corpus against libvirt's own test driver, which runs inside virsh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vsh.backends.errors import VirtError
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.domain import Domain

from .oracle import ask, define_all, documents, virsh_missing

pytestmark = pytest.mark.skipif(virsh_missing(), reason="virsh is not installed")

#: With these virsh prints the definition, then the running domain, then the domain's next definition.
FORMS = [
    "dumpxml NAME --security-info",
    "dumpxml NAME --migratable",
    "start NAME",
    "dumpxml NAME",
    "dumpxml NAME --inactive",
    "destroy NAME",
]


def _unnamed(xml: str) -> str:
    """Without the host ends of interfaces and the id of the domain, which the test driver gives them."""
    xml = re.sub(r"\n *<target dev='testnet\d+'/>", "", xml)
    xml = xml.replace(" dev='testnet0'", "")
    return re.sub(r"^(<domain type='\w+') id='\d+'", r"\1 id='7'", xml)


def _ours(text: str) -> list[str]:
    try:
        domain = Domain.parse(text, TestConfig())
    except VirtError as error:
        return [str(error)]
    stopped = [domain.format(secure=True), domain.format(migratable=True)]
    # What runs is the definition itself; the next one is its copy, made from the text.
    following = Domain.parse(stopped[0], TestConfig())
    domain.id = 7
    return [*stopped, domain.format(), following.format(inactive=True)]


def test_definitions(tmp_path: Path) -> None:
    """Stopped, with secrets, for migration, running, and inactive: the same bytes, or the same error."""
    texts = documents()
    theirs = define_all(texts, tmp_path, FORMS)
    wrong = {}
    for name, text in texts.items():
        ours = _ours(text)
        expected = [_unnamed(xml) for xml in theirs[name]]
        if ours != expected:
            pairs = [pair for pair in zip(expected, ours, strict=False) if pair[0] != pair[1]]
            wrong[name] = pairs or (expected, ours)
    assert not wrong


BROKEN = {
    "tags": "<domain>\n  <name>x</nam>\n</domain>",
    "early end": "<domain><name>x</name>",
    "tab and two bytes": "<domain>\n\t<a>é</b></domain>",
    "empty": "",
    "no xml": "garbage",
    "quote": "<domain type=test/>",
    "entity": "<domain>&foo;</domain>",
    "twice": "<domain><a b='1' b='2'/></domain>",
    "after the end": "<domain/><x/>",
    "element name": "<domain>\n<name>x</name>\n<\n</domain>",
    "root": "<network/>",
    "prefix": "<domain type='test'><q:x/></domain>",
    "other namespace": "<domain xmlns='urn:x' type='test'><name>x</name></domain>",
    "no name": "<domain type='test'><name/></domain>",
    "no type": "<domain><name>x</name></domain>",
    "type": "<domain type='x'><name>x</name></domain>",
    "no os": "<domain type='test'><name>x</name></domain>",
    "uuid": "<domain type='test'><name>x</name><uuid>1234</uuid></domain>",
    "slash": "<domain type='test'><name>a/b</name><memory>1</memory><os><type>hvm</type></os></domain>",
    "no memory": "<domain type='test'><name>x</name><os><type>hvm</type></os></domain>",
}


def test_broken_documents(tmp_path: Path) -> None:
    """What cannot be read: libvirt's line, libxml2's message, the place."""
    for number, text in enumerate(BROKEN.values()):
        (tmp_path / f"{number}.xml").write_text(text)
    answers = ask([f"define {tmp_path / str(number)}.xml" for number in range(len(BROKEN))])
    for (name, text), answer in zip(BROKEN.items(), answers, strict=True):
        with pytest.raises(VirtError) as caught:
            Domain.parse(text, TestConfig())
        theirs = answer.strip("\n").partition("\nerror: ")[2]
        assert (name, str(caught.value)) == (name, theirs)


def test_validate_accepts_what_the_schema_accepts(tmp_path: Path) -> None:
    """The complete documents pass `define --validate` in both."""
    names = ["desktop", "container", "xen"]
    texts = documents()
    for name in names:
        (tmp_path / f"{name}.xml").write_text(texts[name])
    answers = ask([f"define --validate {tmp_path / name}.xml" for name in names])
    assert not [answer for answer in answers if "error" in answer]
    for name in names:
        Domain.parse(texts[name], TestConfig(), validate=True)


def test_names_are_generated(tmp_path: Path) -> None:
    """A UUID, a MAC address and a generation id where the document has none, of the same shape as libvirt's."""
    text = (
        "<domain type='test'><name>generated</name><genid/><memory>1</memory><os><type>hvm</type></os>"
        "<devices><interface type='user'/></devices></domain>"
    )
    theirs = define_all({"generated": text}, tmp_path, ["dumpxml NAME"])["generated"][0]
    ours = Domain.parse(text, TestConfig()).format()
    mac = r"(?<=52:54:00:)[0-9a-f:]{8}"
    shape = re.compile(rf"[0-9a-f]{{8}}-[0-9a-f]{{4}}-4[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}}|{mac}")
    assert shape.sub("*", ours) == shape.sub("*", _unnamed(theirs))
    assert len(shape.findall(ours)) == 3
