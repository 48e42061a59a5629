"""The whole corpus through the model: nothing is lost, no field is idle."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from vsh.backends import xml
from vsh.backends.errors import VirtError
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.domain import Domain
from vsh.backends.xml.engine import Context, Field, Model
from vsh.backends.xml.parse import parse
from vsh.backends.xml.resources.network import Network
from vsh.backends.xml.storage import Encryption

from .oracle import documents, newer


class _Able(TestConfig):
    """A driver that can do what libvirt's test driver cannot."""

    namespace = ("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")
    keep_namespace = True
    disk_fds = True


#: What only other drivers, or other objects than domains, accept.
ELSEWHERE = (
    "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>x</name><memory>1</memory>"
    "<os><type>hvm</type></os><devices><disk><source file='/a' fdgroup='images'/><target dev='vda'/></disk></devices>"
    "<qemu:commandline><qemu:arg value='-foo'/><qemu:env name='A' value='b'/></qemu:commandline></domain>"
)
VOLUME = (
    "<encryption format='luks'><secret type='passphrase' usage='x'/>"
    "<cipher name='aes' size='256' mode='cbc' hash='sha256'/><ivgen name='plain64' hash='sha256'/></encryption>"
)


@cache
def parsed() -> dict[str, Domain]:
    """The documents that describe a domain, most of the corpus; running ones too, for what only those say."""
    texts = documents() | newer()
    found = {}
    for inactive in (True, False):
        for name, text in texts.items():
            try:
                found[f"{name} {inactive}"] = Domain.parse(text, TestConfig(), inactive=inactive)
            except VirtError:
                continue  # compared with libvirt's refusal in test_oracle
    return found


def test_round_trip() -> None:
    """What is written reads as the same text again, and from then on as the same domain.

    Only then: what the first document said in vain is not written. Nor need the disks stay in their order, as
    libvirt puts each before the last with a greater target name.
    """
    wrong = []
    for name, domain in parsed().items():
        if not name.endswith("True"):
            continue
        text = domain.format(secure=True)
        again = Domain.parse(text, TestConfig())
        new = again.format(secure=True)
        third = Domain.parse(new, TestConfig())
        if sorted(new.splitlines()) != sorted(text.splitlines()) or third != again or third.copy() != third:
            wrong.append(name)
    assert wrong == []


def _models() -> Iterator[type[Model]]:
    """All classes of the domain model; those of other documents live elsewhere."""
    for module in iter_modules(xml.__path__, f"{xml.__name__}."):
        import_module(module.name)
    todo = [Model]
    while todo:
        model = todo.pop()
        todo += model.__subclasses__()
        if model.__module__.startswith(xml.__name__) and not model.__module__.startswith(f"{xml.__name__}.resources"):
            yield model


def _used(value: object, seen: set[Field[Any]]) -> None:
    """Adds to `seen` the fields of `value`, and below it, that hold something."""
    if isinstance(value, list):
        for item in value:
            _used(item, seen)
    if not isinstance(value, Model):
        return
    for field in value.fields:
        held = value.__dict__.get(field.name)
        if held is not None and held != []:
            seen.add(field)
            _used(held, seen)


def test_every_field_is_exercised() -> None:
    """Each declared field is read somewhere in the corpus."""
    seen: set[Field[Any]] = set()
    for domain in parsed().values():
        _used(domain, seen)
    _used(Domain.parse(ELSEWHERE, _Able()), seen)
    _used(Encryption.from_node(parse(VOLUME, "", "encryption"), Context(_Able(), True)), seen)
    idle = {
        f"{model.__module__.rpartition('.')[2]}.{model.__name__}.{field.name}"
        for model in _models()
        for field in model.fields
        if field not in seen
    }
    assert idle == set()


def test_newer_libvirt() -> None:
    """What libvirt has learned since 9.0.0 is kept, as it writes it, passes --validate, and is known to be newer."""
    for snippet, text in newer().items():
        domain = Domain.parse(text, TestConfig(), validate=True)
        assert snippet in domain.format(secure=True)
        assert list(domain.newest()) or "passt" in text  # which the drivers here know
    assert not [name for name, text in documents().items() if _newest(text)]


NETWORK = """\
<network>
  <name>n</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e0000</uuid>
  <title>t</title>
  <description>d</description>
  <forward mode='hostdev' managed='yes'>
    <driver name='xen' model='m'/>
    <pf dev='eth0'/>
  </forward>
  <domain name='d' localOnly='yes' register='yes'/>
</network>
"""


def test_newer_networks() -> None:
    network = Network.parse(NETWORK, validate=True)
    assert network.format() == NETWORK
    assert [place for _, place in network.newest()] == [
        "title", "description", "driver/@name='xen'", "driver/@model", "domain/@register",
    ]  # fmt: skip


def _newest(text: str) -> bool:
    try:
        return bool(list(Domain.parse(text, TestConfig()).newest()))
    except VirtError:
        return False


def test_foreign_namespace() -> None:
    """A driver's own elements come back as libvirt writes them, at the end; other drivers lose them."""
    text = Domain.parse(ELSEWHERE, _Able()).format()
    assert text.startswith("<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n")
    assert text.endswith(
        "  <qemu:commandline>\n    <qemu:arg value='-foo'/>\n    <qemu:env name='A' value='b'/>\n"
        "  </qemu:commandline>\n</domain>\n"
    )
    assert "qemu:" not in Domain.parse(ELSEWHERE.replace(" fdgroup='images'", ""), TestConfig()).format()
