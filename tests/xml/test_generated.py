"""Generated domains: what the model writes, it reads again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.sweeps import rounds
from vsh.backends.errors import VirtError
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.domain import VIRT_TYPES, Domain
from vsh.backends.xml.serialize import escape

from .oracle import documents

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="/￾￿"), min_size=1)
#: A document with nearly everything, in single quotes.
DESKTOP = Domain.parse(documents()["desktop"], TestConfig()).format(secure=True)
SIZES = st.integers(1, 1 << 40)


@st.composite
def domains(draw: st.DrawFn) -> str:
    """Documents that are right."""

    def maybe(template: str, **parts: st.SearchStrategy[Any]) -> str:
        values = {name: escape(str(draw(part))) for name, part in parts.items()}
        return template.format(**values) if draw(st.booleans()) else ""

    vcpus = draw(st.integers(1, 64))
    switch = st.sampled_from(["yes", "no"])
    disks = [f"<target dev='vd{letter}'/>" for letter in draw(st.sets(st.sampled_from("abcdefz"), max_size=4))]
    return "".join(
        [
            f"<domain type='{draw(st.sampled_from(VIRT_TYPES[1:]))}'><name>{escape(draw(NAMES))}</name>",
            f"<memory unit='{draw(st.sampled_from(['b', 'KB', 'KiB', 'M']))}'>{draw(SIZES)}</memory>",
            maybe("<title>{title}</title>", title=NAMES),
            maybe("<description>{text}</description>", text=NAMES),
            maybe("<currentMemory>{size}</currentMemory>", size=SIZES),
            maybe("<metadata><a:b xmlns:a='urn:a' c='{value}'>{text}</a:b></metadata>", value=NAMES, text=NAMES),
            maybe("<memtune><hard_limit>{size}</hard_limit></memtune>", size=SIZES),
            f"<vcpu current='{draw(st.integers(1, vcpus))}'>{vcpus}</vcpu>",
            maybe("<cputune><shares>{shares}</shares></cputune>", shares=st.integers(2, 262144)),
            "<os><type>hvm</type>",
            maybe("<kernel>/{path}</kernel><cmdline>{line}</cmdline>", path=NAMES, line=NAMES),
            maybe("<bootmenu enable='{menu}' timeout='{time}'/>", menu=switch, time=st.integers(0, 65535)),
            "</os>",
            maybe("<on_crash>{what}</on_crash>", what=st.sampled_from(["destroy", "restart", "preserve"])),
            "<devices>",
            *(f"<disk><source file='/{escape(draw(NAMES))}'/>{target}</disk>" for target in disks),
            maybe("<interface type='network'><source network='{net}'/></interface>", net=NAMES),
            maybe("<graphics type='vnc' port='{port}' passwd='{word}'/>", port=st.integers(1, 65535), word=NAMES),
            "</devices></domain>",
        ]
    )  # fmt: skip


@pytest.mark.sweep
@settings(max_examples=rounds(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(domains())
def test_round_trip(text: str) -> None:
    domain = Domain.parse(text, TestConfig(), validate=True)
    written = domain.format(secure=True)
    again = Domain.parse(written, TestConfig(), validate=True)
    assert again.format(secure=True) == written
    assert again.copy() == again
    assert (again.name, again.title, again.description) == (domain.name, domain.title, domain.description)


@pytest.mark.sweep
@settings(max_examples=rounds(1000), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_documents(data: st.DataObject) -> None:
    """Whatever is missing or doubled: a domain or a VirtError, and a domain can be written."""
    text = DESKTOP
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(len(text), begin + 40)))
        middle = data.draw(st.sampled_from(["", text[begin:end] * 2, "0", "-1", "x", "'", "<a/>", "&amp;", "é"]))
        text = text[:begin] + middle + text[end:]
    try:
        domain = Domain.parse(text, TestConfig())
    except VirtError:
        return
    domain.format()


@pytest.mark.sweep
@settings(max_examples=rounds(1000), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_foreign_values(data: st.DataObject) -> None:
    """Any attribute may have any value: understood, ignored, or refused with a VirtError."""
    pieces = DESKTOP.split("'")
    at = data.draw(st.integers(0, (len(pieces) - 2) // 2)) * 2 + 1
    pieces[at] = escape(data.draw(st.one_of(st.integers().map(str), NAMES, st.just(""), st.just("0x"), st.just("1-2"))))
    try:
        Domain.parse("'".join(pieces), TestConfig()).format()
    except VirtError:
        return
