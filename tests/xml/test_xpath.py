"""`dumpxml --xpath` against virsh's."""

from __future__ import annotations

import pytest

from vsh.backends.errors import VirtError
from vsh.backends.xml.xpath import select

from .oracle import ask, virsh_missing

EXPRESSIONS = [
    "//disk", "//@type", "/domain/name/text()", "count(//disk)", "string(/domain/name)", "//[", "foo(", "//zzz", ".",
    "//devices/*", "//x:y", "name", "1 div", "bogus()", "//name/text()|//@id", "//@*", "not(", "/domain/a[", "$v",
    "//clock", "/", "//name | //vcpu/text()",
]  # fmt: skip


@pytest.mark.skipif(virsh_missing(), reason="virsh is not installed")
def test_xpath() -> None:
    """The same nodes, and for what is no expression the same lines on stderr."""
    cases = [(xpath, wrap) for xpath in EXPRESSIONS for wrap in ("", " --wrap") if (xpath, wrap) != ("/", " --wrap")]
    text, *theirs = ask(["dumpxml test", *(f"dumpxml test --xpath '{xpath}'{wrap}" for xpath, wrap in cases)])
    wrong = []
    for (xpath, wrap), expected in zip(cases, theirs, strict=True):
        lines: list[str] = []
        try:
            printed = select(text, xpath, bool(wrap), lines.append)
        except VirtError as error:
            printed, lines = "", [f"error: {error}"]
        ours = "".join(f"{line}\n" for line in lines) + printed
        if ours.strip() != expected.strip():
            wrong.append((xpath, wrap, expected, ours))
    assert wrong == []


def test_wrong_expressions_without_listener() -> None:
    with pytest.raises(VirtError, match=r"^XPath error : Invalid expression\n//\[\n  \^$"):
        select("<domain/>", "//[")


def test_entities_and_namespaces() -> None:
    text = "<domain xmlns:a='urn:a'><title>&lt;&amp;&quot;</title><a:b c='&quot;&lt;'/></domain>"
    assert select(text, "/domain/title/text()") == '&lt;&amp;"\n'
    assert select(text, "//@c") == ' c="&quot;&lt;"\n'
    assert select(text, "/domain/*[2]") == '<a:b c="&quot;&lt;"/>\n'
