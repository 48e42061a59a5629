"""Documents with one wrong value each, against libvirt's own test driver: the same bytes, or the same error."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from vsh.backends.errors import VirtError
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.domain import Domain

from .oracle import define_all, documents, virsh_missing
from .test_oracle import _unnamed

pytestmark = pytest.mark.skipif(virsh_missing(), reason="virsh is not installed")

VALUES = ("", "foo", "0", "1.5", "0x1f", "99999999999999999999")
#: Elements in which virsh 9.0.0 crashes, fails without a reason or says something at random, and what damages names.
ODD = {"domain", "name", "uuid", "seclabel", "cache", "size", "line", "vcpu", "cachetune", "memorytune", "memnode"}
ODD |= {"monitor", "parameters", "maxpagesize"}
#: Attributes of <source>, and of an <address> there, of which the same is true.
ODD_SOURCES = {"name", "evdev", "mode", "connectionid", "bus"}
SHARE = 400


def _damaged() -> Iterator[str]:
    """Every right document of the corpus with every attribute replaced in turn."""
    for text in documents().values():
        try:
            Domain.parse(text, TestConfig())
        except VirtError:
            continue  # which of two faults is told is of no interest
        tree = etree.fromstring(text.encode())
        for element in tree.iter():
            if not isinstance(element.tag, str) or element.tag in ODD or "<vcpupin" in text:
                continue
            source = "source" in (element.tag, getattr(element.getparent(), "tag", ""))
            for name in element.attrib:
                if source and name in ODD_SOURCES:
                    continue
                old = element.attrib[name]
                for value in VALUES:
                    element.attrib[name] = value
                    yield etree.tostring(tree).decode()
                element.attrib[name] = old


def _sample() -> dict[str, str]:
    chosen = random.Random(9).sample(list(_damaged()), SHARE)
    return {f"d{n}": re.sub("<name>.*?</name>", f"<name>d{n}</name>", text, count=1) for n, text in enumerate(chosen)}


def _plain(xml: str) -> str:
    return re.sub(r"<mac address='52:54:00:[^']*'", "<mac", xml)


def test_one_wrong_value(tmp_path: Path) -> None:
    texts = _sample()
    theirs = define_all(texts, tmp_path, ["dumpxml NAME --security-info"])
    wrong = {}
    for name, text in texts.items():
        try:
            ours = Domain.parse(text, TestConfig()).format(secure=True)
        except VirtError as error:
            ours = str(error)
        expected = _unnamed(theirs[name][0]) if theirs[name] else "nothing"
        if _plain(ours) != _plain(expected):
            wrong[text] = (expected, ours)
    assert not wrong
