"""Documents made to hurt: one clear error each, soon, without filling memory."""

from __future__ import annotations

import resource
import time

import pytest

from vsh.backends import errors
from vsh.backends.errors import VirtError
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.domain import Domain

HEAD = "<domain type='test'><name>x</name><memory>1024</memory><os><type>hvm</type></os>"


def _refused(text: str) -> VirtError:
    """The error, which must come soon and take little memory beyond the text itself."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(VirtError) as caught:
        Domain.parse(text, TestConfig())
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    return caught.value


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE domain [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>",
        "<?xml version='1.0'?>\n<!-- hides --><!DOCTYPE domain SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE domain [<!ENTITY % a SYSTEM 'http://192.0.2.1/x.dtd'>%a;]>",
    ],
)
def test_document_types(doctype: str) -> None:
    """No DOCTYPE, so no entity can grow, and no file or address is read."""
    error = _refused(f"{doctype}{HEAD}<title>&b;</title></domain>")
    assert (error.code, "DOCTYPE" in str(error)) == (errors.XML_ERROR, True)


def test_depth() -> None:
    """The complaint shows a part of a long line, and the caret is below the place."""
    assert _refused(HEAD + "<a>" * 1000 + "</a>" * 1000 + "</domain>").code == errors.XML_DETAIL
    error = _refused(HEAD + "<a>" * 100_000)
    assert error.code == errors.XML_DETAIL
    _, line, caret = str(error).splitlines()
    assert len(line) == 1000
    assert line[: len(caret) - 1].endswith("<a")


def _chain(length: int) -> str:
    images = "<backingStore type='file'><format type='raw'/><source file='/b'/>" * length + "</backingStore>" * length
    return f"{HEAD}<devices><disk><source file='/a'/>{images}<target dev='vda'/></disk></devices></domain>"


def test_backing_chains() -> None:
    """Chains of images may be long, but not as deep as to exhaust the stack."""
    domain = Domain.parse(_chain(100), TestConfig())
    assert domain.copy() == domain
    assert domain.format().count("<backingStore type='file'>") == 100
    for length in (101, 240):
        assert str(_refused(_chain(length))).endswith("a chain of more than 100 images")


def test_deep_metadata() -> None:
    """What is kept as it is may be as deep as the parser allows."""
    inner = "<a>" * 250 + "</a>" * 250
    text = Domain.parse(
        f"{HEAD}<metadata><b:b xmlns:b='urn:b'>{inner}</b:b></metadata></domain>", TestConfig()
    ).format()
    assert text.count("<a") == 250


def test_long_disk_name() -> None:
    _refused(f"{HEAD}<devices><disk><source file='/a'/><target dev='sd{'a' * 1_000_000}'/></disk></devices></domain>")


def test_size() -> None:
    for text, word in (("x" * 140_000_000, "characters"), ("<x/>" * 4_200_000, "tags")):
        error = _refused("<domain>" + text)
        assert (error.code, word in str(error)) == (errors.XML_ERROR, True)
    assert _refused("<domain>" + "x" * 100_000_000).code == errors.XML_DETAIL


def test_many_elements() -> None:
    """A megabyte of disks is read or refused, not stalled on."""
    disks = "".join(f"<disk><source file='/{n}'/><target dev='sd{n}'/></disk>" for n in range(2000))
    _refused(f"{HEAD}<devices>{disks}</devices></domain>")


def test_nul() -> None:
    error = _refused("<domain>\n<name>\0</name></domain>")
    assert str(error).endswith("NUL character in line 2")


def test_control_characters_and_lone_surrogates() -> None:
    assert _refused(f"{HEAD}<title>\x01</title></domain>").code == errors.XML_DETAIL
    assert _refused(f"{HEAD}<title>\ud800</title></domain>").code == errors.XML_DETAIL


@pytest.mark.parametrize(
    "body",
    [
        "<iothreads>4294967295</iothreads>",
        "<vcpu>4294967295</vcpu><vcpus><vcpu id='0' enabled='yes'/></vcpus>",
        "<devices><controller type='scsi' index='4294967295'/><disk><target dev='sdzzzzzz'/></disk></devices>",
        "<vcpu cpuset='0-4294967295'>1</vcpu>",
        "<vcpu>4294967295</vcpu><cpu><numa><cell cpus='0-16384' memory='1'/></numa></cpu>",
    ],
)
def test_large_numbers(body: str) -> None:
    """Counts are not turned into as many objects."""
    _refused(f"{HEAD}{body}</domain>")
